// Cryptographic randomness as the Random port.
import type { Random } from "../ports/mod.ts";

/** getRandomValues fills at most this many octets a call. WebCrypto §10.1.1 */
const MAX_CALL_BYTES = 65_536;

/** The machine's cryptographic random generator. */
export function hostRandom(): Random {
  return {
    bytes(length) {
      const out = new Uint8Array(length);
      for (let at = 0; at < length; at += MAX_CALL_BYTES) {
        crypto.getRandomValues(out.subarray(at, at + MAX_CALL_BYTES));
      }
      return out;
    },
    unit() {
      const [word = 0] = crypto.getRandomValues(new Uint32Array(1));
      return word / 2 ** 32;
    },
  };
}
