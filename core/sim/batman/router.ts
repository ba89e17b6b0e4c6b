// State of one mesh interface: what batman-adv keeps in orig_node, neigh_node and hardif_neigh_node,
// laid out as arrays of numbers so that a thousand tables of a thousand rows fit and are quick.
//
// Every originator address has a small integer, its id. Row o of a table is about the originator of id o.
//
// Originator row (router.origins), ORIGIN_WORDS words:
//   0  newest sequence number (16 bits) | slot of the next hop + 1 (8) | TTL of the newest OGM (8)
//   1  moment the newest OGM was heard, in ticks of 100 ms, + 1; 0 means there is no such row
//   2  metric of the next hop: TQ, or throughput in units of 100 kbit/s
//   3  BATMAN_V: sequence number last forwarded + 1
//
// Neighbour row (edge.table), ROW_WORDS words, what one neighbour said of an originator:
//   0  newest sequence number heard from it (16) | tick heard, modulo 2^16 (16)
//   1  BATMAN_IV: TQ of the last four sequence numbers, newest lowest; BATMAN_V: throughput;
//      0 means there is no such row
//
// Departs from the kernel: sequence numbers are compared by their low 16 bits; a TQ window is four
// sequence numbers and not five, so that a row is eight octets (a table of tables is what the time is
// spent on); and the window shifts by sequence number, where the kernel shifts it by OGMs received
// from any neighbour.
import type { Mac } from "../../base/mod.ts";
import type { MeshAlgorithm, MeshSettings } from "../../ports/mod.ts";
import type { AirLink, Port } from "../medium/mod.ts";
import { NEIGHBOURS_MAX, NODES_MAX } from "../limits.ts";
import { Announcements } from "./announcements.ts";

/** Words of one originator row and of one neighbour row. */
export const ORIGIN_WORDS = 4;
export const ROW_WORDS = 2;
/** Words of one queued OGM: originator | seq, ttl | flags | incoming port, metric, previous sender + 1. */
export const OGM_WORDS = 4;
/** OGM flags, as they lie in word 1 of a queued OGM. */
export const FLAG_NOT_BEST_NEXT_HOP = 1 << 8;
export const FLAG_DIRECT_LINK = 1 << 9;

/** A hard interface of a mesh. */
export interface HardIf {
  name: string;
  readonly index: number;
  readonly port: Port;
  hopPenalty: number;
  elpIntervalMs: number;
  throughputOverrideKbps: number;
  nextElpMs: number;
}

/** What one router knows of one neighbour over one pair of interfaces, and what that one sends it. */
export interface Edge {
  readonly from: Router;
  readonly to: Router;
  readonly fromIf: HardIf;
  readonly toIf: HardIf;
  link: AirLink;
  /** Of the ports at both ends, for the inner loop: ids (the receiver's in the upper half), and whether by air. */
  readonly outPort: number;
  readonly inPort: number;
  readonly wifi: boolean;
  /** Row of this neighbour in `to.slots`, or -1 before anything was heard. */
  slot: number;
  /** Allocated when the first OGM is heard. */
  table: Uint32Array;
  /** Link quality 0–255 that multiplies each TQ heard (echo ratio and asymmetry penalty). */
  linkTq: number;
  /** Of the neighbour's own OGMs, which of the last 64 arrived. */
  rqLow: number;
  rqHigh: number;
  rqSeq: number;
  rqCount: number;
  /** Of our own OGMs, which of the last 64 this neighbour was heard to repeat. */
  echoLow: number;
  echoHigh: number;
  echoCount: number;
  /** Monotonic ms of the last OGM or ELP directly from it; -1 before one. */
  lastDirectMs: number;
  /** BATMAN_V: smoothed link throughput in units of 100 kbit/s; 0 before an ELP. */
  throughput: number;
}

/** One mesh interface of one node. */
export class Router {
  /** A copy of the setting, for the inner loop. */
  hopPenalty = 0;
  #settings: MeshSettings;
  /** Id of the originator address; -1 without a hard interface. */
  id = -1;
  running = false;
  hardIfs: HardIf[] = [];
  origins: Uint32Array;
  slots: (Edge | null)[] = [];
  /** Originator id of the neighbour in each slot: a copy, for the inner loop. */
  readonly slotIds = new Int32Array(NEIGHBOURS_MAX + 1).fill(-1);
  outgoing: Edge[] = [];
  /** In the order in which the neighbours send after us. */
  incoming: Edge[] = [];
  /** Of each incoming edge, side by side: the sender's index, the chance of a frame, counts since then. */
  inFrom = new Int32Array(0);
  inChance = new Float32Array(0);
  inFrames = new Uint32Array(0);
  inOgms = new Uint32Array(0);
  /** OGMs for our next frames. */
  queue = new Uint32Array(64 * OGM_WORDS);
  queued = 0;
  /** One bit an id that is queued, its place in the queue, and the places of further OGMs of one id. */
  readonly #queuedIds = new Int32Array(NODES_MAX / 32);
  readonly #places = new Uint16Array(NODES_MAX);
  readonly #second: number[] = [];
  /** OGMs of our last frames, which neighbours take in at their turn. */
  sent = new Uint32Array(64 * OGM_WORDS);
  /** Our last turn. */
  turnMs = -1;
  /** Full sequence number of our next OGM. */
  seq: number;
  nextOgmMs = 0;
  nextPurgeMs = 0;
  /** When within each aggregation window this router sends. */
  readonly phaseMs: number;
  readonly announcements = new Announcements();
  /** Originator id → tick of the last accepted sequence number reset. */
  readonly resets = new Map<number, number>();
  /** Originator id of the selected gateway, -1 for none. */
  gateway = -1;
  sentFrames = 0;
  sentOgms = 0;
  droppedOgms = 0;

  constructor(
    /** Place in the engine's arrays. */
    readonly index: number,
    readonly node: number,
    readonly mesh: string,
    readonly algorithm: MeshAlgorithm,
    readonly mac: Mac,
    settings: MeshSettings,
    options: { readonly capacity: number; readonly seq: number; readonly phaseMs: number },
  ) {
    this.#settings = settings;
    this.settings = settings;
    this.origins = new Uint32Array(options.capacity * ORIGIN_WORDS);
    this.seq = options.seq;
    this.phaseMs = options.phaseMs;
  }

  get settings(): MeshSettings {
    return this.#settings;
  }

  set settings(settings: MeshSettings) {
    this.#settings = settings;
    this.hopPenalty = settings.hopPenalty;
  }

  /** Slot of the next hop towards an originator, or -1. */
  nextHopSlot(id: number): number {
    return (((this.origins[id * ORIGIN_WORDS] ?? 0) >>> 16) & 0xff) - 1;
  }

  /** The neighbour to send to for an originator, or `null`. */
  nextHop(id: number): Edge | null {
    const slot = this.nextHopSlot(id);
    return slot < 0 ? null : this.slots[slot] ?? null;
  }

  /** Newest sequence number heard of an originator, or `null`. */
  newestSeq(id: number): number | null {
    if ((this.origins[id * ORIGIN_WORDS + 1] ?? 0) === 0) return null;
    return (this.origins[id * ORIGIN_WORDS] ?? 0) & 0xffff;
  }

  /**
   * Moves the queue into `sent`, in the order of originator ids: what a frame is about then lies side
   * by side in the receivers' tables. Returns how many OGMs there are.
   */
  takeQueue(): number {
    const count = this.queued;
    if (this.sent.length < count * OGM_WORDS) this.sent = new Uint32Array(this.queue.length);
    const { queue, sent } = this;
    const ids = this.#queuedIds;
    let to = 0;
    const copy = (place: number) => {
      const from = place * OGM_WORDS;
      sent[to] = queue[from] as number;
      sent[to + 1] = queue[from + 1] as number;
      sent[to + 2] = queue[from + 2] as number;
      sent[to + 3] = queue[from + 3] as number;
      to += OGM_WORDS;
    };
    for (let word = 0; word < ids.length; word++) {
      let bits = ids[word] as number;
      if (bits === 0) continue;
      ids[word] = 0;
      while (bits !== 0) {
        copy(this.#places[(word << 5) + 31 - Math.clz32(bits & -bits)] as number);
        bits &= bits - 1;
      }
    }
    for (const place of this.#second) copy(place);
    this.#second.length = 0;
    this.queued = 0;
    return count;
  }

  /** Queues an OGM for the next frame; the queue is bounded by twice the originators. */
  enqueue(head: number, flags: number, metric: number, previous: number): void {
    const words = this.queued * OGM_WORDS;
    if (words === this.queue.length) {
      if (this.queued >= (this.origins.length / ORIGIN_WORDS) * 2) {
        this.droppedOgms++;
        return;
      }
      const larger = new Uint32Array(words * 2);
      larger.set(this.queue);
      this.queue = larger;
    }
    const id = head & 0xffff;
    const bit = 1 << (id & 31);
    const word = id >>> 5;
    if (((this.#queuedIds[word] as number) & bit) === 0) {
      this.#queuedIds[word] = (this.#queuedIds[word] as number) | bit;
      this.#places[id] = this.queued;
    } else {
      this.#second.push(this.queued);
    }
    const queue = this.queue;
    queue[words] = head;
    queue[words + 1] = flags;
    queue[words + 2] = metric;
    queue[words + 3] = previous;
    this.queued++;
  }
}
