// Asks who is at an address that was given without a name, by beginning a handshake and going no further
// than the answer: this node says nothing of itself. The answer is a hint only: its credential is real, but
// whether the answerer holds the keys to it shows when it is dialled by name.
import { type ByteStream, type Clock, type Network, type SocketAddress } from "../ports/mod.ts";
import { HandshakeError, type MemberParty, type Party, Sessions } from "../handshake/mod.ts";
import type { VerifiedCredential } from "../identity/mod.ts";
import { MAX_UNNAMED_ADDRESSES, PROBE_EVERY_MS } from "./limits.ts";

/** No node has this id: whoever answers is "unexpected". */
const NOBODY = "";

/** What the prober runs on. */
export interface ProberPorts {
  readonly clock: Clock;
  readonly network: Network;
  readonly membership: MemberParty;
  /** Somebody of the mesh seems to be there. */
  found(nodeId: string, address: SocketAddress): void;
}

/** See the module's header. */
export class Prober {
  readonly #ports: ProberPorts;
  readonly #addresses = new Map<string, SocketAddress>();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  readonly #running: Promise<void>;

  constructor(ports: ProberPorts) {
    this.#ports = ports;
    this.#running = this.#run();
  }

  /** Asks there from now on until somebody answers. `false` when there are too many such addresses. */
  add(address: SocketAddress): boolean {
    if (this.#addresses.size >= MAX_UNNAMED_ADDRESSES) return false;
    this.#addresses.set(`${address.host} ${address.port}`, address);
    this.#wake.abort();
    return true;
  }

  /** Addresses where nobody has answered yet. */
  get open(): number {
    return this.#addresses.size;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      for (const [key, address] of [...this.#addresses]) {
        if (signal.aborted) return;
        if (await this.#ask(address)) this.#addresses.delete(key);
      }
      await this.#ports.clock.sleep(
        PROBE_EVERY_MS,
        AbortSignal.any([signal, this.#wake.signal]),
      );
    }
  }

  async #ask(address: SocketAddress): Promise<boolean> {
    const { network, clock, membership, found } = this.#ports;
    const { signal } = this.#stop;
    let stream: ByteStream;
    try {
      stream = await network.dial(address, signal);
    } catch {
      // Nobody there yet; asked again later.
      return false;
    }
    let seen: VerifiedCredential | null = null;
    const party = (): Party => membership.party((credential) => seen = credential);
    const sessions = new Sessions({ clock, party, cache: membership.cache });
    try {
      const { outcome, stream: rest } = await sessions.dial(stream, NOBODY, () => false, signal);
      outcome.wipe();
      rest.close();
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error;
    }
    const credential = seen as VerifiedCredential | null;
    if (credential === null) return false;
    found(credential.nodeId, address);
    return true;
  }
}
