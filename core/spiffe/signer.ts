// Who signs certificates: a P-256 key or an ML-DSA key, behind one interface. Not here: what is signed.
// RFC 5758 §3.2 (ecdsa-with-SHA256), RFC 9881 §3 (ML-DSA), RFC 5480 §2 (SubjectPublicKeyInfo).
import { p256 } from "@noble/curves/nist.js";
import { TLS_SECRET_BYTES, type TlsKey, tlsKeyFrom, tlsKeyOf } from "../identity/mod.ts";
import type { Random } from "../ports/mod.ts";
import { type Bytes, type SignatureName, type Signer } from "../pq/mod.ts";
import { bitString, sequence } from "./der.ts";
import { SpiffeError } from "./errors.ts";

/** Signs certificates. */
export interface CertificateSigner {
  readonly algorithm: "P-256" | "ML-DSA-65" | "ML-DSA-87";
  readonly spki: Bytes;
  /** Over the octets as they are. P-256 signatures are in DER. */
  sign(octets: Uint8Array): Promise<Bytes>;
}

/** id-ml-dsa-65 and id-ml-dsa-87, joint-iso-itu-t(2) country(16) us(840) … nistAlgorithms(4) sigAlgs(3) 18, 19. */
const ML_DSA_IDENTIFIERS: Partial<Record<SignatureName, string>> = {
  "ML-DSA-65": "300b0609608648016503040312",
  "ML-DSA-87": "300b0609608648016503040313",
};

/** SubjectPublicKeyInfo of an ML-DSA key (RFC 9881 §4): no parameters, the key as it is. */
export function mlDsaSpki(algorithm: SignatureName, publicKey: Uint8Array): Bytes {
  const identifier = ML_DSA_IDENTIFIERS[algorithm];
  if (identifier === undefined) {
    throw new SpiffeError("malformed", `Cannot put a key of ${algorithm} into a certificate`);
  }
  return sequence(Uint8Array.fromHex(identifier), bitString(publicKey));
}

/** An ML-DSA key as a signer of certificates. @throws {SpiffeError} "malformed" for an Ed25519 key. */
export function mlDsaSigner(signer: Signer): CertificateSigner {
  const { algorithm } = signer;
  if (algorithm !== "ML-DSA-65" && algorithm !== "ML-DSA-87") {
    throw new SpiffeError("malformed", `Cannot sign a certificate with ${algorithm}`);
  }
  return {
    algorithm,
    spki: mlDsaSpki(algorithm, signer.publicKey),
    sign: (octets) => signer.sign(octets),
  };
}

/** Offset of the secret in the PKCS #8 that `tlsKeyFrom` makes. */
const SECRET_AT = 36;

/**
 * A P-256 key as a signer of certificates. Its signatures are deterministic (RFC 6979), so that a node's
 * intermediate is the same certificate after each restart.
 *
 * @param pkcs8 of the form `tlsKeyFrom` makes; read with each signature, so that wiping it ends the signer.
 */
export function p256Signer(pkcs8: Uint8Array): CertificateSigner {
  const { spki } = tlsKeyOf(pkcs8);
  return {
    algorithm: "P-256",
    spki,
    sign: (octets) => Promise.resolve(p256Sign(pkcs8, octets, "der")),
  };
}

/** ECDSA over P-256 with SHA-256. @param format "der" in certificates, "compact" (r ‖ s) in tokens. */
export function p256Sign(
  pkcs8: Uint8Array,
  octets: Uint8Array,
  format: "der" | "compact",
): Bytes {
  const secret = pkcs8.slice(SECRET_AT, SECRET_AT + TLS_SECRET_BYTES);
  try {
    return new Uint8Array(p256.sign(octets, secret, { format, lowS: false }));
  } finally {
    secret.fill(0);
  }
}

/** A fresh P-256 key. */
export function newP256Key(random: Random): TlsKey {
  for (;;) {
    const secret = random.bytes(TLS_SECRET_BYTES);
    const key = tlsKeyFrom(secret);
    secret.fill(0);
    // One in 2^32 octet strings is no P-256 secret.
    if (key !== null) return key;
  }
}
