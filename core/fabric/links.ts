// Who is connected: one link a node, at most. Decides on the spot what happens when two nodes dial each other
// and who is not let in. Pure: it closes what it is told to close through what it was given.
import { MAX_CONNECTIONS, MAX_SHUNNED } from "./limits.ts";
import type { SocketAddress } from "../ports/mod.ts";

/** One sealed connection. */
export interface Link {
  readonly nodeId: string;
  readonly direction: "inbound" | "outbound";
  readonly remote: SocketAddress;
  /** Monotonic. */
  readonly sinceMs: number;
  readonly roles: readonly string[];
  /** Ends it at once. */
  close(): void;
}

/** The links of a node. */
export class Links {
  readonly #own: string;
  readonly #nowMs: () => number;
  readonly #max: number;
  readonly #open = new Map<string, Link>();
  readonly #dialling = new Map<string, AbortController>();
  /** Arrivals that were let in and whose connection isn't complete. */
  readonly #entering = new Set<string>();
  readonly #shunned = new Map<string, number>();
  #stopped = false;

  /** @param own this node's id. @param nowMs monotonic time. */
  constructor(own: string, nowMs: () => number, max: number = MAX_CONNECTIONS) {
    this.#own = own;
    this.#nowMs = nowMs;
    this.#max = max;
  }

  /** By node. */
  get open(): ReadonlyMap<string, Link> {
    return this.#open;
  }

  /** Dials under way. */
  get dialling(): number {
    return this.#dialling.size;
  }

  /** Whether a node is connected, being dialled, or being let in. */
  busy(nodeId: string): boolean {
    return this.#open.has(nodeId) || this.#dialling.has(nodeId) || this.#entering.has(nodeId);
  }

  /** Leaves a node alone for a while, both ways, and ends its link. */
  shun(nodeId: string, forMs: number): void {
    this.#shunned.delete(nodeId);
    this.#shunned.set(nodeId, this.#nowMs() + forMs);
    if (this.#shunned.size > MAX_SHUNNED) {
      const [oldest] = this.#shunned.keys();
      if (oldest !== undefined) this.#shunned.delete(oldest);
    }
    this.drop(nodeId);
  }

  /** Whether a node is left alone now. */
  shuns(nodeId: string): boolean {
    const untilMs = this.#shunned.get(nodeId);
    if (untilMs === undefined) return false;
    if (this.#nowMs() < untilMs) return true;
    this.#shunned.delete(nodeId);
    return false;
  }

  /** Begins a dial; `null` when it may not be: then a link is there, under way, or unwanted. */
  beginDial(nodeId: string): AbortSignal | null {
    if (this.#stopped || nodeId === this.#own || this.busy(nodeId) || this.shuns(nodeId)) {
      return null;
    }
    if (this.#open.size + this.#entering.size >= this.#max) return null;
    const controller = new AbortController();
    this.#dialling.set(nodeId, controller);
    return controller.signal;
  }

  /** A dial is over, however it ended. */
  endDial(nodeId: string): void {
    this.#dialling.delete(nodeId);
  }

  /**
   * Whether an authenticated arrival is let in. When both dial each other the lower node id's dial counts. A
   * node that is connected already has lost its end of the old link: the new one takes its place.
   */
  admit(nodeId: string): boolean {
    if (this.#stopped || this.#entering.has(nodeId) || this.shuns(nodeId)) return false;
    const own = this.#dialling.get(nodeId);
    if (own !== undefined && this.#own < nodeId) return false;
    const replaced = this.#open.get(nodeId);
    if (replaced === undefined && this.#open.size + this.#entering.size >= this.#max) return false;
    own?.abort();
    this.#dialling.delete(nodeId);
    replaced?.close();
    this.#open.delete(nodeId);
    this.#entering.add(nodeId);
    return true;
  }

  /** An arrival that was let in is complete, or isn't going to be. */
  endAdmission(nodeId: string): void {
    this.#entering.delete(nodeId);
  }

  /** A link is complete. @returns whether it may stay. */
  opened(link: Link): boolean {
    if (this.#stopped || this.shuns(link.nodeId)) return false;
    this.#open.get(link.nodeId)?.close();
    this.#open.set(link.nodeId, link);
    return true;
  }

  /** A link has ended; another one of the same node stays. */
  closed(link: Link): void {
    if (this.#open.get(link.nodeId) === link) this.#open.delete(link.nodeId);
  }

  /** Ends what there is with a node. */
  drop(nodeId: string): void {
    this.#dialling.get(nodeId)?.abort();
    const link = this.#open.get(nodeId);
    this.#open.delete(nodeId);
    link?.close();
  }

  /** Ends everything, for good. */
  stop(): void {
    this.#stopped = true;
    for (const nodeId of [...this.#dialling.keys(), ...this.#open.keys()]) this.drop(nodeId);
  }
}
