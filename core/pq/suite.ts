// Parameter sets and suites. Sizes in octets.
// FIPS 203 §8 table 2 (ML-KEM), FIPS 204 §4 table 1 (ML-DSA), RFC 7748 (X25519), RFC 8032 (Ed25519).

/** Key encapsulation mechanisms. */
export const KEMS = Object.freeze({
  /** Category 3. k = 3. */
  "ML-KEM-768": Object.freeze({ encapsulationKeyBytes: 1184, ciphertextBytes: 1088, k: 3 }),
  /** Category 5. k = 4. */
  "ML-KEM-1024": Object.freeze({ encapsulationKeyBytes: 1568, ciphertextBytes: 1568, k: 4 }),
});

/** Signature algorithms. All sign messages as they are: ML-DSA with an empty context, pure Ed25519. */
export const SIGNATURES = Object.freeze({
  "ML-DSA-65": Object.freeze({ publicKeyBytes: 1952, signatureBytes: 3309, seedBytes: 32 }),
  "ML-DSA-87": Object.freeze({ publicKeyBytes: 2592, signatureBytes: 4627, seedBytes: 32 }),
  "Ed25519": Object.freeze({ publicKeyBytes: 32, signatureBytes: 64, seedBytes: 32 }),
});

/** Name of a key encapsulation mechanism. */
export type KemName = keyof typeof KEMS;

/** Name of a signature algorithm. */
export type SignatureName = keyof typeof SIGNATURES;

/** Seed (d ‖ z) of an ML-KEM key pair, FIPS 203 §7.1. */
export const KEM_SEED_BYTES = 64;

/** Shared secret of ML-KEM and of X25519. */
export const SHARED_SECRET_BYTES = 32;

/** A hybrid suite: both halves must hold for the whole to break. */
export interface Suite {
  /** Goes into the transcript, so that no party can be talked into another suite. */
  readonly id: string;
  readonly kem: KemName;
  readonly postQuantumSignature: "ML-DSA-65" | "ML-DSA-87";
}

/** The suites, strongest default first in use: a mesh uses exactly one. */
export const SUITES = Object.freeze({
  /** Category 3: the default. */
  category3: Object.freeze<Suite>({
    id: "x0tta6bl4 v1 X25519+ML-KEM-768 Ed25519+ML-DSA-65 SHA-384 ChaCha20-Poly1305",
    kem: "ML-KEM-768",
    postQuantumSignature: "ML-DSA-65",
  }),
  /** Category 5: the parameter sets CNSA 2.0 asks for. */
  category5: Object.freeze<Suite>({
    id: "x0tta6bl4 v1 X25519+ML-KEM-1024 Ed25519+ML-DSA-87 SHA-384 ChaCha20-Poly1305",
    kem: "ML-KEM-1024",
    postQuantumSignature: "ML-DSA-87",
  }),
});
