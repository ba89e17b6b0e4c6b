// Input checks that the standards demand of the caller, shared by both backends.
import { PqError, type PqErrorCode } from "./errors.ts";
import { KEM_SEED_BYTES, type KemName, KEMS, type SignatureName, SIGNATURES } from "./suite.ts";

/** q of FIPS 203 §2.4. */
const ML_KEM_Q = 3329;

/** @throws {PqError} unless `bytes` has `length` octets. */
export function requireLength(
  bytes: Uint8Array,
  length: number,
  what: string,
  code: PqErrorCode,
): void {
  if (bytes.length !== length) {
    throw new PqError(code, `Cannot use ${what}: it has ${bytes.length} octets, not ${length}`);
  }
}

/**
 * FIPS 203 §7.2: type check (length) and modulus check (every 12-bit coefficient is below q).
 * WebCrypto's import does not do the second.
 *
 * @throws {PqError} "invalid-key"
 */
export function requireEncapsulationKey(kem: KemName, key: Uint8Array): void {
  const { encapsulationKeyBytes, k } = KEMS[kem];
  requireLength(key, encapsulationKeyBytes, `${kem} encapsulation key`, "invalid-key");
  for (let i = 0; i < 384 * k; i += 3) {
    const [a = 0, b = 0, c = 0] = key.subarray(i, i + 3);
    if ((a | ((b & 0x0f) << 8)) >= ML_KEM_Q || ((b >> 4) | (c << 4)) >= ML_KEM_Q) {
      throw new PqError(
        "invalid-key",
        `Cannot use ${kem} encapsulation key: a coefficient is not below ${ML_KEM_Q}`,
      );
    }
  }
}

/** @throws {PqError} "invalid-seed" */
export function requireKemSeed(seed: Uint8Array): void {
  requireLength(seed, KEM_SEED_BYTES, "ML-KEM seed", "invalid-seed");
}

/** @throws {PqError} "invalid-seed" */
export function requireSignatureSeed(algorithm: SignatureName, seed: Uint8Array): void {
  requireLength(seed, SIGNATURES[algorithm].seedBytes, `${algorithm} seed`, "invalid-seed");
}

/** Whether key and signature have the only lengths that can verify. */
export function verifiable(
  algorithm: SignatureName,
  publicKey: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { publicKeyBytes, signatureBytes } = SIGNATURES[algorithm];
  return publicKey.length === publicKeyBytes && signature.length === signatureBytes;
}

/**
 * RFC 7748 §6.1: an all-zero result means that the peer sent a point of small order.
 *
 * @throws {PqError} "invalid-share"
 */
export function requireContributory(shared: Uint8Array): void {
  let any = 0;
  for (const octet of shared) any |= octet;
  if (any === 0) {
    throw new PqError("invalid-share", "Cannot use X25519 share: the shared secret is all zero");
  }
}
