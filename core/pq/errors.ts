import { CodedError } from "../base/mod.ts";

/** Why a cryptographic operation was refused. Messages name lengths and algorithms, never key material. */
export type PqErrorCode =
  | "invalid-key" // wrong length, or a check of FIPS 203 §7.2 failed
  | "invalid-ciphertext" // wrong length: FIPS 203 §7.3
  | "invalid-share" // an X25519 share that leads to the all-zero secret (RFC 7748 §6.1)
  | "invalid-seed" // a private seed of wrong length
  | "wiped"; // the key was wiped by its owner

/** What `core/pq` throws. A wrong signature or tag is an answer, not an error. */
export class PqError extends CodedError<PqErrorCode> {}
