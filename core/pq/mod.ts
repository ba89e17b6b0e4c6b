// Post-quantum and hybrid primitives behind one interface, with a native and a portable implementation.
// Not here: protocols. FIPS 203, FIPS 204, RFC 5869, RFC 7748, RFC 8032, RFC 8439.
export { PqError, type PqErrorCode } from "./errors.ts";
export {
  equalBytes,
  HASH_BYTES,
  type HashName,
  hashOf,
  hashParts,
  hkdfExpand,
  hkdfExtract,
  hmac,
} from "./kdf.ts";
export { encapsulateWith, nobleBackend } from "./noble.ts";
export {
  DEFAULT_PASSPHRASE_COST,
  MAX_PASSPHRASE_COST,
  type PassphraseCost,
  type PassphraseKdf,
  passphraseKdf,
  portablePassphraseKdf,
} from "./passphrase.ts";
export { selectBackend, type Selection } from "./select.ts";
export {
  KEM_SEED_BYTES,
  type KemName,
  KEMS,
  SHARED_SECRET_BYTES,
  type SignatureName,
  SIGNATURES,
  type Suite,
  SUITES,
} from "./suite.ts";
export type { AgreementKeyPair, Backend, Bytes, KemKeyPair, Signer } from "./types.ts";
export { webcryptoBackend } from "./webcrypto.ts";
