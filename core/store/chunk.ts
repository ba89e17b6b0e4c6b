// Points of one series at one resolution over a fixed span, and their packed form. Pure.
//
// Packed: one octet version (1); then bit maps of one bit a point, "present" and "spread" (minimum and
// maximum differ from the average); then for each present point a LEB128 count, a little-endian float32
// average, and minimum and maximum where they are spread. float32 keeps 7 digits: enough for a graph.
import type { MetricPoint } from "../node/mod.ts";

const VERSION = 1;

/** Resolutions on the disk, finest first, with the points of a chunk and what bounds their age. */
export const RESOLUTIONS = Object.freeze(
  [
    { resolutionS: 10, points: 60, kept: "tenSecondsKeptS" },
    { resolutionS: 60, points: 60, kept: "minutesKeptS" },
    { resolutionS: 3_600, points: 24, kept: "hoursKeptS" },
  ] as const,
);

/** One of {@link RESOLUTIONS}. */
export type Resolution = (typeof RESOLUTIONS)[number];

/** Points of one span, open for more values. Times are whole seconds since 1970. */
export class Chunk {
  readonly resolution: Resolution;
  /** A multiple of the span. */
  readonly startS: number;
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #sum: Float64Array;
  readonly #count: Uint32Array;

  constructor(resolution: Resolution, startS: number) {
    this.resolution = resolution;
    this.startS = startS;
    this.#min = new Float64Array(resolution.points);
    this.#max = new Float64Array(resolution.points);
    this.#sum = new Float64Array(resolution.points);
    this.#count = new Uint32Array(resolution.points);
  }

  /** Start of the chunk that holds `atS`. */
  static startOf(resolution: Resolution, atS: number): number {
    const span = resolution.resolutionS * resolution.points;
    return Math.floor(atS / span) * span;
  }

  get endS(): number {
    return this.startS + this.resolution.resolutionS * this.resolution.points;
  }

  /** Adds a value, or a whole point. `atS` must lie in the span; else nothing happens. */
  add(atS: number, min: number, average: number, max: number, count: number): void {
    const slot = Math.floor((atS - this.startS) / this.resolution.resolutionS);
    if (slot < 0 || slot >= this.resolution.points || count <= 0) return;
    const had = this.#count[slot] ?? 0;
    this.#min[slot] = had === 0 ? min : Math.min(min, this.#min[slot] ?? min);
    this.#max[slot] = had === 0 ? max : Math.max(max, this.#max[slot] ?? max);
    this.#sum[slot] = (this.#sum[slot] ?? 0) + average * count;
    this.#count[slot] = had + count;
  }

  /** Takes over the points of `other` where this one has none. */
  fillFrom(other: Chunk): void {
    for (const [slot, count] of other.#count.entries()) {
      if (count === 0 || (this.#count[slot] ?? 0) > 0) continue;
      this.#min[slot] = other.#min[slot] ?? 0;
      this.#max[slot] = other.#max[slot] ?? 0;
      this.#sum[slot] = other.#sum[slot] ?? 0;
      this.#count[slot] = count;
    }
  }

  /** Points that have values, oldest first. */
  points(): MetricPoint[] {
    const out: MetricPoint[] = [];
    for (const [slot, count] of this.#count.entries()) {
      if (count === 0) continue;
      out.push({
        atMs: (this.startS + slot * this.resolution.resolutionS) * 1000,
        min: this.#min[slot] ?? 0,
        average: (this.#sum[slot] ?? 0) / count,
        max: this.#max[slot] ?? 0,
        count,
      });
    }
    return out;
  }

  /** The packed form. */
  encode(): Uint8Array<ArrayBuffer> {
    const bits = Math.ceil(this.resolution.points / 8);
    const out = new Uint8Array(1 + 2 * bits + this.resolution.points * 17);
    const view = new DataView(out.buffer);
    out[0] = VERSION;
    let at = 1 + 2 * bits;
    for (const [slot, count] of this.#count.entries()) {
      if (count === 0) continue;
      const mask = 1 << (slot % 8);
      const byte = slot >> 3;
      out[1 + byte] = (out[1 + byte] ?? 0) | mask;
      let rest = count;
      for (; rest > 0x7f; rest = Math.floor(rest / 128)) out[at++] = (rest & 0x7f) | 0x80;
      out[at++] = rest;
      const average = (this.#sum[slot] ?? 0) / count;
      view.setFloat32(at, average, true);
      at += 4;
      if (this.#min[slot] === this.#max[slot]) continue;
      out[1 + bits + byte] = (out[1 + bits + byte] ?? 0) | mask;
      view.setFloat32(at, this.#min[slot] ?? 0, true);
      view.setFloat32(at + 4, this.#max[slot] ?? 0, true);
      at += 8;
    }
    return out.slice(0, at);
  }

  /** Reads the packed form; `null` when it is damaged or of another version. */
  static decode(resolution: Resolution, startS: number, bytes: Uint8Array): Chunk | null {
    const bits = Math.ceil(resolution.points / 8);
    if (bytes.length < 1 + 2 * bits || bytes[0] !== VERSION) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const chunk = new Chunk(resolution, startS);
    let at = 1 + 2 * bits;
    for (let slot = 0; slot < resolution.points; slot++) {
      const mask = 1 << (slot % 8);
      if (((bytes[1 + (slot >> 3)] ?? 0) & mask) === 0) continue;
      let count = 0;
      let scale = 1;
      for (;;) {
        const octet = bytes[at++];
        if (octet === undefined || scale > 2 ** 28) return null;
        count += (octet & 0x7f) * scale;
        if (octet < 0x80) break;
        scale *= 128;
      }
      const spread = ((bytes[1 + bits + (slot >> 3)] ?? 0) & mask) !== 0;
      if (count === 0 || at + (spread ? 12 : 4) > bytes.length) return null;
      const average = view.getFloat32(at, true);
      const min = spread ? view.getFloat32(at + 4, true) : average;
      const max = spread ? view.getFloat32(at + 8, true) : average;
      at += spread ? 12 : 4;
      chunk.add(startS + slot * resolution.resolutionS, min, average, max, count);
    }
    return at === bytes.length ? chunk : null;
  }
}
