// Handshakes over streams: frames, deadline, caps, counters. Who is dialled and whether an M3 is taken is
// the caller's (machine.ts); what a stream is, too. A failure closes the connection and says nothing.
import type { ByteStream, Clock } from "../ports/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { CachedGate } from "./gate.ts";
import type { CredentialCache } from "./credential_cache.ts";
import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import { inTime } from "./deadline.ts";
import { closedOn, encodeFrame, FrameReader } from "./frames.ts";
import { Initiator } from "./initiator.ts";
import {
  MAX_EXCHANGES,
  MAX_FRAME_BYTES,
  MAX_HALF_OPEN,
  MAX_M4_BYTES,
  MAX_WAITING,
} from "./limits.ts";
import { m1Bytes, MODE, type Mode, MODE_AT } from "./messages.ts";
import { expecting, type Outcome, type Party } from "./party.ts";
import { limited, Places } from "./places.ts";
import { Responder } from "./responder.ts";
import { SeenM1 } from "./seen.ts";
import { admitted } from "./steps.ts";
import { TIMING } from "./timing.ts";
import { TokenBuckets } from "./token_buckets.ts";

/** A completed handshake. The stream is open, at the octet after the last message; the caller closes it. */
export interface Completed {
  readonly outcome: Outcome;
  readonly stream: ByteStream;
}

/** A peer whose M3 holds. */
export interface Arrival {
  readonly outcome: Outcome;
  readonly source: string;
  /** {@link Sessions.order} and monotonic time as of its M1. */
  readonly order: number;
  readonly begunMs: number;
}

/** An exchange whose M1 has passed the gate of its mode. */
export interface Exchange {
  readonly m1: Bytes;
  readonly source: string;
  /** The next message. @throws {HandshakeError} "malformed", "closed" */
  read(maxBytes: number): Promise<Bytes>;
  write(message: Uint8Array): Promise<void>;
}

/** Serves M1 of a mode other than MODE.mesh. */
export interface ModeService {
  /** Octets of this mode's M1 with its mac. */
  readonly m1Bytes: number;
  /** How long an exchange may last from its M1 on; as long as a handshake when left out. */
  readonly deadlineMs?: number;
  /** The cheap check of its mac: no state, no KEM, no signature. */
  gate(m1: Bytes): boolean;
  /** Everything after the gate; the connection is closed when it ends. @throws {HandshakeError} */
  answer(exchange: Exchange): Promise<void>;
}

/** What sessions run on. */
export interface SessionPorts {
  readonly clock: Clock;
  /** This node as of now: its credential may be renewed between handshakes. */
  party(): Party;
  /** The cache behind the party's `admit`. */
  readonly cache: CredentialCache;
  /** What these handshakes are for; MODE.mesh when left out. */
  readonly mode?: Mode;
  /** Who answers M1 of other modes; a mode that isn't here is refused. */
  readonly modes?: ReadonlyMap<Mode, ModeService>;
}

/** Counters since the start, and what is open now. */
export interface SessionFigures {
  readonly dialled: number;
  readonly answered: number;
  /** By why they ended; codes that never came are left out. */
  readonly failures: Readonly<Partial<Record<HandshakeErrorCode, number>>>;
  /** Connections whose M1 hasn't come. */
  readonly waiting: number;
  /** Those whose M1 was answered and whose M3 hasn't come. */
  readonly halfOpen: number;
  readonly cachedCredentials: number;
}

const asError = (thrown: unknown): HandshakeError | null =>
  thrown instanceof HandshakeError ? thrown : null;

/** All handshakes of a node. */
export class Sessions {
  readonly #ports: SessionPorts;
  readonly #buckets = new TokenBuckets();
  readonly #gate = new CachedGate();
  readonly #failures: Partial<Record<HandshakeErrorCode, number>> = {};
  readonly #waiting = new Places(MAX_WAITING);
  readonly #halfOpen = new Places(MAX_HALF_OPEN);
  readonly #seen = new SeenM1();
  #exchanges = 0;
  #dialled = 0;
  #answered = 0;
  #order = 0;

  constructor(ports: SessionPorts) {
    this.#ports = ports;
  }

  /** Number of the last handshake that was begun with this node. */
  get order(): number {
    return this.#order;
  }

  get figures(): SessionFigures {
    return {
      dialled: this.#dialled,
      answered: this.#answered,
      failures: { ...this.#failures },
      waiting: this.#waiting.size,
      halfOpen: this.#halfOpen.size,
      cachedCredentials: this.#ports.cache.size,
    };
  }

  /**
   * Runs a handshake over a new connection, which is closed when it fails.
   *
   * @param nodeId whom it must be.
   * @param mayProve asked once, when M2 holds and M3 could go.
   * @throws {HandshakeError}
   */
  async dial(
    stream: ByteStream,
    nodeId: string,
    mayProve: () => boolean,
    signal?: AbortSignal,
  ): Promise<Completed> {
    const { cache, clock } = this.#ports;
    const abort = () => stream.close();
    const initiator = new Initiator(expecting(this.#ports.party(), nodeId), {
      wantFull: !cache.knows(nodeId),
      deliveredTo: cache.deliveredTo(nodeId),
      mode: this.#ports.mode ?? MODE.mesh,
    });
    const progress = { proved: false };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const wanted = () => signal?.aborted !== true && mayProve();
      const completed = await inTime(
        clock,
        stream,
        TIMING.deadlineMs,
        () => this.#initiate(stream, initiator, wanted, progress),
      );
      cache.delivered(nodeId, completed.outcome.peerCacheEpoch);
      this.#dialled++;
      return completed;
    } catch (thrown) {
      stream.close();
      const error = signal?.aborted === true ? unwanted() : thrown;
      // A peer that forgot our credential can't say so: after an unexplained end all is sent again.
      const code = asError(error)?.code;
      if ((progress.proved && code !== "busy") || code === "unknown-credential") {
        cache.forget(nodeId);
      }
      this.#count(error);
      throw error;
    } finally {
      initiator.wipe();
      signal?.removeEventListener("abort", abort);
    }
  }

  async #initiate(
    stream: ByteStream,
    initiator: Initiator,
    wanted: () => boolean,
    progress: { proved: boolean },
  ): Promise<Completed> {
    const frames = new FrameReader(stream);
    await send(stream, await initiator.begin());
    const m3 = await initiator.receiveM2(await frames.read(MAX_FRAME_BYTES));
    if (initiator.peer !== null) this.#ports.cache.put(initiator.peer);
    if (!wanted()) throw unwanted();
    progress.proved = true;
    await send(stream, m3);
    const outcome = await initiator.receiveM4(await frames.read(MAX_M4_BYTES));
    await this.#stillAdmitted(outcome);
    return { outcome, stream: frames.rest() };
  }

  /**
   * Between the judgement of a credential and the end of its handshake its node may have been revoked.
   * A cached credential is judged without waiting for anything, so nothing comes between this and the
   * use of the outcome.
   */
  async #stillAdmitted(outcome: Outcome): Promise<void> {
    try {
      await admitted(this.#ports.party(), { hash: outcome.peer.hash });
    } catch (error) {
      outcome.wipe();
      throw error;
    }
  }

  /**
   * Answers a new connection. Whatever is wrong with it, it is closed without a word and counted.
   *
   * @param source the peer's address, for rates; link-local ones with their interface.
   * @param take decides on a peer whose M3 holds, and installs before it resolves to `true`.
   *   Wiping what it doesn't take is its part; an outcome it took is wiped when M4 can't be sent.
   * @returns `null` for everything but a completed handshake of {@link SessionPorts.mode}.
   */
  async answer(
    stream: ByteStream,
    source: string,
    take: (arrival: Arrival) => Promise<boolean>,
  ): Promise<Completed | null> {
    try {
      if (!this.#buckets.take(source, this.#ports.clock.monotonicMs())) throw limited(source);
      return await inTime(
        this.#ports.clock,
        stream,
        TIMING.deadlineMs,
        (extend) => this.#answer({ stream, source, extend }, take),
      );
    } catch (error) {
      stream.close();
      this.#count(error);
      return null;
    }
  }

  async #answer(
    { stream, source, extend }: {
      readonly stream: ByteStream;
      readonly source: string;
      readonly extend: (ms: number) => void;
    },
    take: (arrival: Arrival) => Promise<boolean>,
  ): Promise<Completed | null> {
    const party = this.#ports.party();
    const frames = new FrameReader(stream);
    const maxBytes = Math.max(
      m1Bytes(party.suite),
      ...[...this.#ports.modes?.values() ?? []].map((service) => service.m1Bytes),
    );
    const m1 = await this.#waiting.hold(stream, source, () => frames.read(maxBytes));
    const service = this.#ports.modes?.get(m1[MODE_AT] as Mode);
    const known = service === undefined ? this.#gate.holds(party, m1) : service.gate(m1);
    if (!known) throw new HandshakeError("wrong-mac", "Cannot accept M1: its mac does not hold");
    if (!this.#seen.first(m1)) {
      throw new HandshakeError("replayed", "Cannot accept M1: it was answered before");
    }
    // A mode that nobody serves fails as a mesh mode's M1 does.
    if (service === undefined) {
      return await this.#respond({ stream, frames, source, m1 }, take);
    }
    if (service.deadlineMs !== undefined) extend(service.deadlineMs);
    await this.#exchange(service, { stream, frames, source, m1 });
    return null;
  }

  async #exchange(service: ModeService, { stream, frames, source, m1 }: Begun): Promise<void> {
    if (this.#exchanges >= MAX_EXCHANGES) throw limited(source);
    this.#exchanges++;
    try {
      await service.answer({
        m1,
        source,
        read: (maxBytes) => frames.read(maxBytes),
        write: (message) => send(stream, message),
      });
      stream.close();
    } finally {
      this.#exchanges--;
    }
  }

  async #respond(
    { stream, frames, source, m1 }: Begun,
    take: (arrival: Arrival) => Promise<boolean>,
  ): Promise<Completed> {
    const order = ++this.#order;
    const begunMs = this.#ports.clock.monotonicMs();
    const responder = new Responder(this.#ports.party(), this.#ports.mode ?? MODE.mesh);
    try {
      const m3 = await this.#halfOpen.hold(stream, source, async () => {
        await send(stream, await responder.receiveM1(m1));
        return await frames.read(MAX_FRAME_BYTES);
      });
      const answer = await responder.receiveM3(m3);
      const { outcome } = answer;
      try {
        this.#ports.cache.put(outcome.peer);
        await this.#stillAdmitted(outcome);
        if (!await take({ outcome, source, order, begunMs })) {
          await send(stream, await answer.refuse());
          throw new HandshakeError("busy", "Cannot accept handshake: one of our own is under way");
        }
        this.#answered++;
        await send(stream, await answer.confirm());
        return { outcome, stream: frames.rest() };
      } catch (error) {
        outcome.wipe();
        throw error;
      } finally {
        answer.wipe();
      }
    } finally {
      responder.wipe();
    }
  }

  /** Counts a failure; what isn't one goes on up. */
  #count(thrown: unknown): void {
    const error = asError(thrown);
    if (error === null) throw thrown;
    this.#failures[error.code] = (this.#failures[error.code] ?? 0) + 1;
  }
}

/** A connection whose M1 passed the gate. */
interface Begun {
  readonly stream: ByteStream;
  readonly frames: FrameReader;
  readonly source: string;
  readonly m1: Bytes;
}

const unwanted = () =>
  new HandshakeError("aborted", "Cannot go on with handshake: it isn't wanted");

const send = (stream: ByteStream, message: Uint8Array) =>
  closedOn(() => stream.write(encodeFrame(message)));
