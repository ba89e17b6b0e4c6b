// Virtual time: a discrete-event scheduler that is a Clock. Nothing here reads the real time; pacing
// against it is done by Simulation.startRealTime with a Clock passed in.
import { invariant } from "../base/mod.ts";
import type { Clock } from "../ports/mod.ts";
import { SETTLE_TURNS, TIMERS_MAX } from "./limits.ts";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
  cancelled: boolean;
}

/** Something that moves with time but keeps its own, cheaper agenda than timers. */
export interface Process {
  /** Does everything due up to and including `toMs`. */
  advance(toMs: number): void;
}

function before(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** A clock that moves when told. Timers due at one moment fire in the order they were set. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  readonly #heap: Timer[] = [];
  readonly #processes: Process[] = [];

  /** @param wallMs what `wallMs()` says at the start; 0 is a router that booted in 1970. */
  constructor(wallMs = 1_767_225_600_000) {
    this.#wallOffsetMs = wallMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  /** Steps the wall clock, as NTP would; monotonic time is untouched. */
  setWallMs(wallMs: number): void {
    this.#wallOffsetMs = wallMs - this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const onAbort = () => {
        cancel();
        resolve();
      };
      const cancel = this.schedule(this.#nowMs + Math.max(0, ms), () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Calls `fire` at `atMs` (at once when that is past) as time is run; returns a cancel function. */
  schedule(atMs: number, fire: () => void): () => void {
    invariant(this.#heap.length < TIMERS_MAX, "Cannot set a timer: too many are waiting");
    const timer = {
      atMs: Math.max(atMs, this.#nowMs),
      order: this.#order++,
      fire,
      cancelled: false,
    };
    this.#push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  /** Adds a process that is advanced before any timer of a later moment fires. */
  attach(process: Process): void {
    this.#processes.push(process);
  }

  /**
   * Runs time up to `untilMs`. Code awakened by a timer gets {@link SETTLE_TURNS} turns of the
   * microtask queue before the next timer fires.
   */
  async run(untilMs: number): Promise<void> {
    await settle();
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#pop();
      if (next.cancelled) continue;
      this.#advance(next.atMs);
      next.fire();
      await settle();
    }
    this.#advance(Math.max(untilMs, this.#nowMs));
    await settle();
  }

  #advance(toMs: number): void {
    for (const process of this.#processes) process.advance(toMs);
    this.#nowMs = Math.max(this.#nowMs, toMs);
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !before(timer, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = heap[childIndex];
      const right = heap[childIndex + 1];
      if (child !== undefined && right !== undefined && before(right, child)) {
        child = right;
        childIndex++;
      }
      if (child === undefined || !before(child, last)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await null;
}
