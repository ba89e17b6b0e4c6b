// What one series holds in memory: some minutes of one-second values, and one open chunk a resolution.
import type { MetricPoint } from "../node/mod.ts";
import { Chunk, type Resolution, RESOLUTIONS } from "./chunk.ts";

/** A clock that goes back by no more than this is taken to stand still. */
const STAND_STILL_S = 60;

/** Where a chunk comes from when it is opened, and goes to when its span is over. */
export interface ChunkHome {
  /** A chunk begun earlier, or `null`. */
  load(buffer: SeriesBuffer, resolution: Resolution, startS: number): Chunk | null;
  sealed(buffer: SeriesBuffer, chunk: Chunk): void;
}

/** One series in memory. */
export class SeriesBuffer {
  readonly subject: string;
  readonly metric: string;
  /** Second of the last value. */
  lastS = 0;
  readonly #home: ChunkHome;
  readonly #seconds: Float64Array;
  readonly #values: Float32Array;
  readonly #open: (Chunk | null)[] = RESOLUTIONS.map(() => null);

  /** @param secondsKept how many one-second values are kept. */
  constructor(subject: string, metric: string, home: ChunkHome, secondsKept: number) {
    this.#seconds = new Float64Array(secondsKept);
    this.#values = new Float32Array(secondsKept);
    this.subject = subject;
    this.metric = metric;
    this.#home = home;
  }

  /** Adds one value at second `atS` since 1970. */
  add(atS: number, value: number): void {
    this.lastS = atS;
    const slot = atS % this.#seconds.length;
    this.#seconds[slot] = atS;
    this.#values[slot] = value;
    this.addPoint(atS, value, value, value, 1);
  }

  /** Adds a point to all resolutions but the seconds. */
  addPoint(atS: number, min: number, average: number, max: number, count: number): void {
    for (const [index, resolution] of RESOLUTIONS.entries()) {
      const chunk = this.#chunkFor(index, resolution, atS);
      chunk.add(Math.max(atS, chunk.startS), min, average, max, count);
    }
  }

  #chunkFor(index: number, resolution: Resolution, atS: number): Chunk {
    const open = this.#open[index] ?? null;
    if (open !== null && atS < open.endS && atS >= open.startS - STAND_STILL_S) return open;
    if (open !== null) this.#home.sealed(this, open);
    const startS = Chunk.startOf(resolution, atS);
    const chunk = this.#home.load(this, resolution, startS) ?? new Chunk(resolution, startS);
    this.#open[index] = chunk;
    return chunk;
  }

  /** Slots of one-second values. */
  get secondsKept(): number {
    return this.#seconds.length;
  }

  /** The open chunk of a resolution. */
  open(resolution: Resolution): Chunk | null {
    return this.#open[RESOLUTIONS.indexOf(resolution)] ?? null;
  }

  /** Open chunks, finest first. */
  openChunks(): Chunk[] {
    return this.#open.filter((chunk) => chunk !== null);
  }

  /** One-second values in a range of seconds, both inclusive. */
  seconds(fromS: number, toS: number): MetricPoint[] {
    const out: MetricPoint[] = [];
    for (const [slot, atS] of this.#seconds.entries()) {
      if (atS === 0 || atS < fromS || atS > toS) continue;
      const value = this.#values[slot] ?? 0;
      out.push({ atMs: atS * 1000, min: value, average: value, max: value, count: 1 });
    }
    return out.sort((a, b) => a.atMs - b.atMs);
  }

  /** Takes over the seconds of `other`, `deltaS` later. */
  takeSeconds(other: SeriesBuffer, deltaS: number): void {
    for (const [slot, atS] of other.#seconds.entries()) {
      if (atS === 0) continue;
      const to = (atS + deltaS) % this.#seconds.length;
      this.#seconds[to] = atS + deltaS;
      this.#values[to] = other.#values[slot] ?? 0;
    }
  }
}
