import type { KemName, SignatureName } from "./suite.ts";

/** Octets that own their memory: what WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** An ML-KEM key pair. Ephemeral pairs are used once, then wiped. */
export interface KemKeyPair {
  readonly encapsulationKey: Bytes;
  /**
   * FIPS 203 §7.3. A ciphertext made for another key gives an unrelated secret (implicit rejection).
   *
   * @throws {PqError} "invalid-ciphertext" on a wrong length; "wiped".
   */
  decapsulate(ciphertext: Uint8Array): Promise<Bytes>;
  /** Overwrites what can be overwritten and drops the rest; the pair is useless afterwards. */
  wipe(): void;
}

/** A signing key. */
export interface Signer {
  readonly algorithm: SignatureName;
  readonly publicKey: Bytes;
  /** @throws {PqError} "wiped" */
  sign(message: Uint8Array): Promise<Bytes>;
  wipe(): void;
}

/** An X25519 key pair. */
export interface AgreementKeyPair {
  readonly publicKey: Bytes;
  /** @throws {PqError} "invalid-share" when the result is all zero; "invalid-key"; "wiped". */
  agree(peerPublicKey: Uint8Array): Promise<Bytes>;
  wipe(): void;
}

/** One implementation of all primitives. Two exist; a shared suite and the same vectors run on both. */
export interface Backend {
  readonly name: "webcrypto" | "noble";
  /** FIPS 203 §7.1 from a 64-octet seed d ‖ z. */
  kemKeyPair(kem: KemName, seed: Uint8Array): Promise<KemKeyPair>;
  /**
   * FIPS 203 §7.2, with its input checks.
   *
   * @throws {PqError} "invalid-key"
   */
  encapsulate(
    kem: KemName,
    encapsulationKey: Uint8Array,
  ): Promise<{ readonly ciphertext: Bytes; readonly sharedSecret: Bytes }>;
  /** FIPS 204 §5.1 (ξ, 32 octets) or RFC 8032 §5.1.5. */
  signer(algorithm: SignatureName, seed: Uint8Array): Promise<Signer>;
  /** Whether the signature holds. A key or signature of wrong length or form is `false`, not an error. */
  verify(
    algorithm: SignatureName,
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean>;
  /** RFC 7748 §5 from a 32-octet secret. */
  agreementKeyPair(secret: Uint8Array): Promise<AgreementKeyPair>;
  /** RFC 8439 §2.8: ciphertext ‖ 16-octet tag. Key 32 octets, nonce 12. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Promise<Bytes>;
  /** The plaintext, or `null` when the tag does not hold. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Promise<Bytes | null>;
}
