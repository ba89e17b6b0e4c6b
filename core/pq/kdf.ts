// HKDF and HMAC over SHA-384 (SHA-256 for the vectors), synchronous. RFC 5869, FIPS 198-1.
// The combiner of a hybrid is this extract step over both secrets, never XOR.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Bytes } from "./types.ts";

/** Hash functions a KDF can run on. */
export type HashName = "sha384" | "sha256";

/** Octets of the default hash. */
export const HASH_BYTES = 48;

const LENGTH: Readonly<Record<HashName, number>> = { sha384: 48, sha256: 32 };

const own = (bytes: Uint8Array): Bytes => new Uint8Array(bytes);

/** Hash of the parts, each preceded by its length as u32 (big endian), so that no two splits collide. */
export function hashParts(...parts: readonly Uint8Array[]): Bytes {
  const hash = createHash("sha384");
  const length = new Uint8Array(4);
  for (const part of parts) {
    new DataView(length.buffer).setUint32(0, part.length);
    hash.update(length);
    hash.update(part);
  }
  return own(hash.digest());
}

/** Plain hash of one message. */
export function hashOf(message: Uint8Array, name: HashName = "sha384"): Bytes {
  return own(createHash(name).update(message).digest());
}

/** HMAC. */
export function hmac(key: Uint8Array, message: Uint8Array, name: HashName = "sha384"): Bytes {
  return own(createHmac(name, key).update(message).digest());
}

/** RFC 5869 §2.2. */
export function hkdfExtract(
  salt: Uint8Array,
  inputKey: Uint8Array,
  name: HashName = "sha384",
): Bytes {
  return hmac(salt.length === 0 ? new Uint8Array(LENGTH[name]) : salt, inputKey, name);
}

/**
 * RFC 5869 §2.3.
 *
 * @throws {RangeError} for more than 255 blocks.
 */
export function hkdfExpand(
  key: Uint8Array,
  info: Uint8Array,
  length: number,
  name: HashName = "sha384",
): Bytes {
  const block = LENGTH[name];
  if (length > 255 * block) throw new RangeError(`Cannot expand to ${length} octets: too long`);
  const out = new Uint8Array(length);
  let previous: Uint8Array = new Uint8Array(0);
  for (let at = 0, counter = 1; at < length; at += block, counter++) {
    const mac = createHmac(name, key);
    mac.update(previous);
    mac.update(info);
    mac.update(Uint8Array.of(counter));
    previous = mac.digest();
    out.set(previous.subarray(0, Math.min(block, length - at)), at);
  }
  return out;
}

/** Whether two octet strings are equal, in time that depends on their length alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
