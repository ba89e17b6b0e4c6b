// The mac of M1 with its key kept between messages: a flood costs one HMAC each.
import { type Bytes, equalBytes } from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";
import { earlySecret, mac1Key, mac1Under } from "./key_schedule.ts";
import { splitM1 } from "./messages.ts";
import type { Party } from "./party.ts";

/** {@link Responder.gate} for one mesh secret at a time. */
export class CachedGate {
  #for: Pick<Party, "suite" | "meshPsk"> | null = null;
  #key: Bytes = new Uint8Array(0);

  /** Whether the mac of an M1 holds; a message of wrong length has none. */
  holds(party: Pick<Party, "suite" | "meshPsk">, bytes: Uint8Array): boolean {
    if (this.#for?.suite !== party.suite || this.#for.meshPsk !== party.meshPsk) {
      const early = earlySecret(party.suite, party.meshPsk);
      this.#key.fill(0);
      this.#key = mac1Key(early);
      early.fill(0);
      this.#for = { suite: party.suite, meshPsk: party.meshPsk };
    }
    try {
      const { body, mac } = splitM1(bytes, party.suite);
      return equalBytes(mac1Under(this.#key, body), mac);
    } catch (error) {
      if (error instanceof HandshakeError) return false;
      throw error;
    }
  }
}
