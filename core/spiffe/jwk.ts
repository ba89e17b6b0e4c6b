// Keys of bundle documents and tokens. RFC 7517, RFC 7518 §6, RFC 7638 (thumbprints);
// draft-ietf-cose-dilithium (kty "AKP") for ML-DSA.
import { sha256 } from "@noble/hashes/sha2.js";
import { SpiffeError } from "./errors.ts";

/** A JSON Web Key, as far as bundles use it. */
export interface Jwk {
  readonly kty: string;
  readonly use?: string;
  readonly kid?: string;
  readonly alg?: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
  /** Public key of an AKP key. */
  readonly pub?: string;
  readonly x5c?: readonly string[];
}

/** base64url without padding (RFC 7515 §2). */
export function base64url(bytes: Uint8Array | string): string {
  const octets = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  return octets.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** @throws {SpiffeError} "malformed" */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  try {
    if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new SyntaxError("not base64url");
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch (cause) {
    throw new SpiffeError("malformed", "Cannot decode base64url", { cause });
  }
}

/** SHA-256 over the required members in their order (RFC 7638 §3). */
function thumbprint(members: Readonly<Record<string, string>>): string {
  return base64url(sha256(new TextEncoder().encode(JSON.stringify(members))));
}

/** A P-256 public key (SubjectPublicKeyInfo with an uncompressed point) as a JWK named by its thumbprint. */
export function p256Jwk(spki: Uint8Array): Jwk {
  const point = spki.subarray(spki.length - 65);
  if (spki.length !== 91 || point[0] !== 4) {
    throw new SpiffeError("malformed", "Cannot use a key: it is no P-256 key");
  }
  const x = base64url(point.subarray(1, 33));
  const y = base64url(point.subarray(33));
  const kid = thumbprint({ crv: "P-256", kty: "EC", x, y });
  return { kty: "EC", crv: "P-256", x, y, kid };
}

/** An ML-DSA public key as a JWK named by its thumbprint. */
export function akpJwk(algorithm: "ML-DSA-65" | "ML-DSA-87", publicKey: Uint8Array): Jwk {
  const pub = base64url(publicKey);
  return {
    kty: "AKP",
    alg: algorithm,
    pub,
    kid: thumbprint({ alg: algorithm, kty: "AKP", pub }),
  };
}
