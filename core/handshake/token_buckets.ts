// How often a source may begin. Bounded: a source that was forgotten begins with a full bucket, which
// is why the caps on connections stand behind it.
import { MAX_SOURCES, SOURCE_BURST, SOURCE_PER_S } from "./limits.ts";

interface Bucket {
  tokens: number;
  atMs: number;
}

/** One bucket a source. */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>();
  readonly #burst: number;
  readonly #perS: number;

  constructor(burst: number = SOURCE_BURST, perS: number = SOURCE_PER_S) {
    this.#burst = burst;
    this.#perS = perS;
  }

  /** Sources remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one token of `source` if there is one. @param nowMs monotonic. */
  take(source: string, nowMs: number): boolean {
    const known = this.#buckets.get(source);
    const earned = known === undefined ? 0 : (nowMs - known.atMs) / 1000 * this.#perS;
    const tokens = Math.min(this.#burst, (known?.tokens ?? this.#burst) + earned);
    const granted = tokens >= 1;
    // Deleting first keeps the map in the order of last use.
    this.#buckets.delete(source);
    this.#buckets.set(source, { tokens: granted ? tokens - 1 : tokens, atMs: nowMs });
    if (this.#buckets.size > MAX_SOURCES) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return granted;
  }
}
