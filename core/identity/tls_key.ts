// The node's own P-256 key for TLS, in the two forms that TLS stacks and credentials need. Post-quantum
// secrecy does not come from it: docs/protocol/identity.md.
// SEC 1 §C.4, RFC 5915 §3, RFC 5958 §2, RFC 5480 §2.
import { p256 } from "@noble/curves/nist.js";
import type { Bytes } from "../pq/mod.ts";
import { IdentityError } from "./errors.ts";

/** Octets of a P-256 secret. */
export const TLS_SECRET_BYTES = 32;

const PKCS8_HEAD = Uint8Array.fromHex(
  "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420",
);
const PKCS8_MIDDLE = Uint8Array.fromHex("a144034200");
const SPKI_HEAD = Uint8Array.fromHex("3059301306072a8648ce3d020106082a8648ce3d030107034200");

/** Private key as PKCS #8 and public key as SubjectPublicKeyInfo, both DER. */
export interface TlsKey {
  readonly pkcs8: Bytes;
  readonly spki: Bytes;
}

/** A key from octets; `null` for the rare ones that are no secret (zero or above the order). */
export function tlsKeyFrom(secret: Uint8Array): TlsKey | null {
  if (!p256.utils.isValidSecretKey(secret)) return null;
  const publicKey = p256.getPublicKey(secret, false);
  return {
    pkcs8: Uint8Array.from([...PKCS8_HEAD, ...secret, ...PKCS8_MIDDLE, ...publicKey]),
    spki: Uint8Array.from([...SPKI_HEAD, ...publicKey]),
  };
}

/** The key in PKCS #8 of exactly the form that {@link tlsKeyFrom} makes. @throws {IdentityError} "malformed" */
export function tlsKeyOf(pkcs8: Uint8Array): TlsKey {
  const at = PKCS8_HEAD.length;
  const key = tlsKeyFrom(pkcs8.slice(at, at + TLS_SECRET_BYTES));
  if (key === null || key.pkcs8.toHex() !== pkcs8.toHex()) {
    throw new IdentityError("malformed", "Cannot use the TLS key: it is no P-256 key in PKCS #8");
  }
  return key;
}
