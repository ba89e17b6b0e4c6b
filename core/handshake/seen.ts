// Macs of the M1 that were answered, so that one recorded from the wire costs no KEM and no signature when
// it is sent again. Not what replay safety rests on: that is the fresh share in every M2.
import { MAX_SEEN_M1 } from "./limits.ts";
import { MAC1_BYTES } from "./messages.ts";

/** Remembers at least the last `max` / 2 and at most the last `max`. */
export class SeenM1 {
  readonly #max: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(max: number = MAX_SEEN_M1) {
    this.#max = max;
  }

  /** Remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Whether this M1, whose mac holds, comes for the first time; it is remembered. */
  first(m1: Uint8Array): boolean {
    const mac = m1.subarray(-MAC1_BYTES).toHex();
    if (this.#young.has(mac) || this.#old.has(mac)) return false;
    if (this.#young.size >= this.#max / 2) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(mac);
    return true;
  }
}
