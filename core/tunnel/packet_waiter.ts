// Packets whose tunnel is not up yet: read from the link they are routed to, held, sent on in order once
// the tunnel is up, or answered with "address unreachable".
import { TokenBuckets } from "../handshake/mod.ts";
import type { Clock, PacketLink, PacketSender } from "../ports/mod.ts";
import { ICMP_PER_S, MAX_HOLD_MS } from "./limits.ts";
import type { Overlay } from "./overlay.ts";
import { destinationOf, unreachable } from "./packet.ts";
import { WaitingRoom } from "./waiting_room.ts";

/** What became of packets, since the start. */
export interface WaitingFigures {
  /** Waiting now. */
  readonly held: number;
  readonly released: number;
  /** Waited too long, or their peer went away. */
  readonly expired: number;
  /** Came when there was no room. */
  readonly overflowed: number;
  /** Came for no node of the mesh. */
  readonly foreign: number;
  /** Could not be handed over to the tunnel. */
  readonly lost: number;
  /** ICMPv6 errors sent. */
  readonly unreachable: number;
}

/** What is to be done with a packet: let it wait, send it on (its tunnel is up), or refuse it. */
export type Wanted = "wait" | "go" | "refuse";

/** What the waiter runs on. */
export interface WaiterPorts {
  readonly clock: Clock;
  readonly overlay: Overlay;
  readonly link: PacketLink;
  readonly sender: PacketSender;
  /** A packet came for this node. */
  wanted(nodeId: string): Wanted;
}

/** See the module's header. */
export class PacketWaiter {
  readonly #ports: WaiterPorts;
  readonly #room = new WaitingRoom();
  readonly #errors = new TokenBuckets(ICMP_PER_S, ICMP_PER_S);
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>[];
  readonly #figures = {
    released: 0,
    expired: 0,
    overflowed: 0,
    foreign: 0,
    lost: 0,
    unreachable: 0,
  };
  /** One release of a peer's packets after the other, so that order stays. */
  readonly #releasing = new Map<string, Promise<void>>();
  #watching = false;

  constructor(ports: WaiterPorts) {
    this.#ports = ports;
    this.#running = [this.#read()];
  }

  get figures(): WaitingFigures {
    return { held: this.#room.size, ...this.#figures };
  }

  /** Whether packets wait for this node. */
  has(nodeId: string): boolean {
    return this.#room.has(nodeId);
  }

  /** Sends on what waits for a node whose tunnel is up. */
  release(nodeId: string): Promise<void> {
    const before = this.#releasing.get(nodeId) ?? Promise.resolve();
    const done = before.then(() => this.#release(nodeId));
    this.#releasing.set(nodeId, done);
    return done.finally(() => {
      if (this.#releasing.get(nodeId) === done) this.#releasing.delete(nodeId);
    });
  }

  /** Nothing that waits for this node will be sent. */
  refuse(nodeId: string): void {
    for (const packet of this.#room.drop(nodeId)) this.#refuse(packet);
  }

  /** Ends; whatever waits is lost, and the link goes. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#ports.link.close();
    await Promise.all(this.#running);
    this.#ports.sender.close();
  }

  async #read(): Promise<void> {
    for (;;) {
      const packet = await this.#ports.link.read();
      if (packet === null) return;
      this.#take(packet);
    }
  }

  #take(packet: Uint8Array): void {
    const { overlay, clock, wanted } = this.#ports;
    const destination = destinationOf(packet);
    const nodeId = destination === null ? null : overlay.nodeOf(destination);
    if (nodeId === null || nodeId === overlay.nodeId) {
      this.#figures.foreign++;
      return;
    }
    if (!this.#room.hold(nodeId, packet, clock.monotonicMs())) {
      this.#figures.overflowed++;
      return;
    }
    const answer = wanted(nodeId);
    if (answer === "refuse") return this.refuse(nodeId);
    this.#watch();
    // It was on its way here when the route turned.
    if (answer === "go") void this.release(nodeId);
  }

  async #release(nodeId: string): Promise<void> {
    for (;;) {
      const packet = this.#room.next(nodeId);
      if (packet === null) return;
      try {
        await this.#ports.sender.send(packet);
        this.#figures.released++;
      } catch {
        // The link went, or takes nothing: as on any link, what was on its way is lost.
        this.#figures.lost++;
      }
    }
  }

  /** Looks after what waits for as long as anything does. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#running.push(this.#expire());
  }

  async #expire(): Promise<void> {
    const { clock } = this.#ports;
    const { signal } = this.#stop;
    while (this.#room.size > 0 && !signal.aborted) {
      await clock.sleep(MAX_HOLD_MS / 10, signal);
      for (const packet of this.#room.expired(clock.monotonicMs())) this.#refuse(packet);
    }
    this.#watching = false;
    // Only the reader and the last watch are waited for.
    this.#running.splice(1, this.#running.length - 1);
  }

  #refuse(packet: Uint8Array): void {
    const { clock, overlay, link } = this.#ports;
    this.#figures.expired++;
    const answer = unreachable(packet, overlay.addressOctets);
    if (answer === null || !this.#errors.take("", clock.monotonicMs())) return;
    this.#figures.unreachable++;
    link.write(answer);
  }
}
