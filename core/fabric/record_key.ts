// One direction's key of the record layer: which key and which nonce the next record has. Pure.
//
//   key 0    exported from the handshake, another for each direction
//   key n+1  = Expand(key n, "x0tta6bl4 v1 fabric next")        after RECORDS_PER_KEY records, without a message
//   nonce    = 0^4 ‖ number of the record under this key, 64 bits, big endian
//
// A number is never used twice under a key, and an old key is wiped: whoever takes a node's memory can't read
// what was sent under the keys before.
import type { Outcome } from "../handshake/mod.ts";
import { type Bytes, hkdfExpand } from "../pq/mod.ts";
import { RECORDS_PER_KEY } from "./limits.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const NEXT = new TextEncoder().encode("x0tta6bl4 v1 fabric next");

/** Which end of the handshake this node was. */
export type Role = "initiator" | "responder";

/** The first keys of both directions. */
export interface RecordKeys {
  readonly send: Bytes;
  readonly receive: Bytes;
}

/** Derives the first keys; the outcome may be wiped afterwards. */
export function recordKeys({ exportKey }: Pick<Outcome, "exportKey">, role: Role): RecordKeys {
  const forth = exportKey("fabric initiator to responder", KEY_BYTES);
  const back = exportKey("fabric responder to initiator", KEY_BYTES);
  return role === "initiator" ? { send: forth, receive: back } : { send: back, receive: forth };
}

/** The keys of one direction, one after the other. */
export class RecordKey {
  #key: Bytes;
  #number = 0;
  readonly #perKey: number;

  /** @param key owned from now on. */
  constructor(key: Bytes, perKey: number = RECORDS_PER_KEY) {
    this.#key = key;
    this.#perKey = perKey;
  }

  /** Valid until {@link advance} passes the end of this key. */
  get key(): Bytes {
    return this.#key;
  }

  /** Records that this key still has numbers for; at least one. */
  get left(): number {
    return this.#perKey - this.#number;
  }

  /** Nonce of the record that comes `ahead` records after the last one that was counted. */
  nonce(ahead: number): Bytes {
    const nonce = new Uint8Array(NONCE_BYTES);
    new DataView(nonce.buffer).setBigUint64(4, BigInt(this.#number + ahead));
    return nonce;
  }

  /** Counts records that were sealed or opened, {@link left} at most; after the last one the key is the next. */
  advance(records: number): void {
    this.#number += records;
    if (this.#number < this.#perKey) return;
    const next = hkdfExpand(this.#key, NEXT, KEY_BYTES);
    this.#key.fill(0);
    this.#key = next;
    this.#number = 0;
  }

  /** Overwrites the key. */
  wipe(): void {
    this.#key.fill(0);
  }
}
