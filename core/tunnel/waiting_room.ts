// Packets that wait for their peer's tunnel, in the order in which they came. Pure and bounded: for a peer,
// for all of them together, and in time.
import { MAX_HELD, MAX_HELD_PEERS, MAX_HELD_PER_PEER, MAX_HOLD_MS } from "./limits.ts";

interface Held {
  readonly packet: Uint8Array;
  readonly atMs: number;
}

/** Bounds; the product's when left out. */
export interface WaitingBounds {
  readonly perPeer: number;
  readonly total: number;
  readonly peers: number;
  readonly holdMs: number;
}

const BOUNDS: WaitingBounds = {
  perPeer: MAX_HELD_PER_PEER,
  total: MAX_HELD,
  peers: MAX_HELD_PEERS,
  holdMs: MAX_HOLD_MS,
};

/** Packets by node id. */
export class WaitingRoom {
  readonly #bounds: WaitingBounds;
  readonly #byPeer = new Map<string, Held[]>();
  #total = 0;

  constructor(bounds: WaitingBounds = BOUNDS) {
    this.#bounds = bounds;
  }

  /** Packets that wait. */
  get size(): number {
    return this.#total;
  }

  /** Peers that are waited for. */
  get peers(): number {
    return this.#byPeer.size;
  }

  /** Whether anything waits for this peer. */
  has(nodeId: string): boolean {
    return this.#byPeer.has(nodeId);
  }

  /** `false` when there is no room: the newest is the one that is lost, so that order stays. */
  hold(nodeId: string, packet: Uint8Array, nowMs: number): boolean {
    const held = this.#byPeer.get(nodeId);
    const { perPeer, total, peers } = this.#bounds;
    if (this.#total >= total || (held?.length ?? 0) >= perPeer) return false;
    if (held === undefined && this.#byPeer.size >= peers) return false;
    if (held === undefined) this.#byPeer.set(nodeId, [{ packet, atMs: nowMs }]);
    else held.push({ packet, atMs: nowMs });
    this.#total++;
    return true;
  }

  /** Takes the oldest packet for a peer out. */
  next(nodeId: string): Uint8Array | null {
    const held = this.#byPeer.get(nodeId);
    const first = held?.shift();
    if (first === undefined) return null;
    this.#total--;
    if (held?.length === 0) this.#byPeer.delete(nodeId);
    return first.packet;
  }

  /** Takes all packets for a peer out. */
  drop(nodeId: string): readonly Uint8Array[] {
    const held = this.#byPeer.get(nodeId) ?? [];
    this.#byPeer.delete(nodeId);
    this.#total -= held.length;
    return held.map(({ packet }) => packet);
  }

  /** Takes out what has waited too long. */
  expired(nowMs: number): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    for (const [nodeId, held] of this.#byPeer) {
      while (held[0] !== undefined && nowMs - held[0].atMs >= this.#bounds.holdMs) {
        const packet = this.next(nodeId);
        if (packet !== null) out.push(packet);
      }
    }
    return out;
  }
}
