// Sessions that remember where each handshake took place, so that its outcome can be joined with an
// underlay address. Only what a handshake has authenticated gets this far.
import {
  type Arrival,
  type Completed,
  HandshakeError,
  type Outcome,
  type SessionPorts,
  Sessions,
} from "../handshake/mod.ts";
import type { ByteStream, SocketAddress } from "../ports/mod.ts";

/** Where an outcome comes from. */
export interface Whereabouts {
  /** The peer's address, with its link if it is link-local; never a name. */
  readonly host: string;
  /** The port of its handshakes when we dialled, else `null`. */
  readonly port: number | null;
  readonly dialled: boolean;
}

/** A connection as it was looked for, and as it was found. */
export interface Lead {
  /** As the address book has it; may be a name. */
  readonly asked: SocketAddress;
  readonly found: SocketAddress;
}

/** What the witness asks of its owner. */
export interface WitnessPorts {
  /** Whether a peer whose M3 holds may be taken now. */
  mayTake(arrival: Arrival): boolean | Promise<boolean>;
  /** A dialled address was the peer's, or wasn't. */
  dialled(nodeId: string, address: SocketAddress, good: boolean): void;
}

/** See the module's header. */
export class WitnessSessions extends Sessions {
  readonly #witness: WitnessPorts;
  readonly #streams = new WeakMap<ByteStream, Lead>();
  readonly #outcomes = new WeakMap<Outcome, Whereabouts>();

  constructor(ports: SessionPorts, witness: WitnessPorts) {
    super(ports);
    this.#witness = witness;
  }

  /** Says where a stream leads before it is given to {@link dial}. */
  leadsTo(stream: ByteStream, lead: Lead): void {
    this.#streams.set(stream, lead);
  }

  /** Where this handshake took place. */
  whereabouts(outcome: Outcome): Whereabouts | null {
    return this.#outcomes.get(outcome) ?? null;
  }

  override async dial(
    stream: ByteStream,
    nodeId: string,
    mayProve: () => boolean,
    signal?: AbortSignal,
  ): Promise<Completed> {
    const lead = this.#streams.get(stream);
    try {
      const completed = await super.dial(stream, nodeId, mayProve, signal);
      if (lead !== undefined) {
        this.#outcomes.set(completed.outcome, { ...lead.found, dialled: true });
        this.#witness.dialled(nodeId, lead.asked, true);
      }
      return completed;
    } catch (error) {
      // "busy" comes from the peer itself, under the handshake's keys.
      const blameless = signal?.aborted === true ||
        (error instanceof HandshakeError && (error.code === "busy" || error.code === "aborted"));
      if (lead !== undefined && !blameless) this.#witness.dialled(nodeId, lead.asked, false);
      throw error;
    }
  }

  override answer(
    stream: ByteStream,
    source: string,
    take: (arrival: Arrival) => Promise<boolean>,
  ): Promise<Completed | null> {
    return super.answer(stream, source, async (arrival) => {
      if (!await this.#witness.mayTake(arrival)) {
        arrival.outcome.wipe();
        return false;
      }
      this.#outcomes.set(arrival.outcome, { host: source, port: null, dialled: false });
      return await take(arrival);
    });
  }
}
