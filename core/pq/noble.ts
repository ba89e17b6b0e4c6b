// The portable backend: @noble's implementations, in JavaScript. Slower than the native one and used
// only where WebCrypto lacks an algorithm. Its secrets are octets of ours, so they can be overwritten.
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { ml_dsa65, ml_dsa87 } from "@noble/post-quantum/ml-dsa.js";
import { ml_kem1024, ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import {
  requireContributory,
  requireEncapsulationKey,
  requireKemSeed,
  requireLength,
  requireSignatureSeed,
  verifiable,
} from "./checks.ts";
import { PqError } from "./errors.ts";
import { type KemName, KEMS, type SignatureName } from "./suite.ts";
import type { Backend, Bytes } from "./types.ts";

const KEM = { "ML-KEM-768": ml_kem768, "ML-KEM-1024": ml_kem1024 } as const;
const DSA = { "ML-DSA-65": ml_dsa65, "ML-DSA-87": ml_dsa87 } as const;

const own = (bytes: Uint8Array): Bytes => new Uint8Array(bytes);

/** Octets of ours in place of the library's, which are wiped. */
function moved(bytes: Uint8Array): Bytes {
  const out = own(bytes);
  bytes.fill(0);
  return out;
}

/** A secret that its owner can overwrite. */
class Secret {
  readonly #bytes: Bytes;
  #wiped = false;

  /** @param bytes are the secret's own from now on. */
  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get bytes(): Bytes {
    if (this.#wiped) throw new PqError("wiped", "Cannot use key: it was wiped");
    return this.#bytes;
  }

  wipe(): void {
    this.#wiped = true;
    this.#bytes.fill(0);
  }
}

/**
 * FIPS 203 §6.2 with chosen randomness `m` (32 octets). For vectors and the deterministic simulator;
 * everything else calls {@link Backend.encapsulate}.
 */
export function encapsulateWith(
  kem: KemName,
  encapsulationKey: Uint8Array,
  m: Uint8Array,
): { readonly ciphertext: Bytes; readonly sharedSecret: Bytes } {
  requireEncapsulationKey(kem, encapsulationKey);
  const { cipherText, sharedSecret } = KEM[kem].encapsulate(encapsulationKey, m);
  return { ciphertext: own(cipherText), sharedSecret: moved(sharedSecret) };
}

function verifySync(
  algorithm: SignatureName,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!verifiable(algorithm, publicKey, signature)) return false;
  try {
    return algorithm === "Ed25519"
      ? ed25519.verify(signature, message, publicKey, { zip215: false })
      : DSA[algorithm].verify(signature, message, publicKey);
  } catch {
    // A public key that is no point, or hints out of order: it does not verify.
    return false;
  }
}

/**
 * The backend over @noble.
 *
 * @param random its only source of randomness: for encapsulations, and to hedge ML-DSA. So a source
 *   that repeats itself repeats every octet, which is what frozen transcripts rest on.
 */
export function nobleBackend(random: (length: number) => Uint8Array): Backend {
  return {
    name: "noble",
    // deno-lint-ignore require-await
    async kemKeyPair(kem, seed) {
      requireKemSeed(seed);
      const pair = KEM[kem].keygen(seed);
      const secret = new Secret(moved(pair.secretKey));
      return {
        encapsulationKey: own(pair.publicKey),
        // deno-lint-ignore require-await
        async decapsulate(ciphertext) {
          const { ciphertextBytes } = KEMS[kem];
          requireLength(ciphertext, ciphertextBytes, `${kem} ciphertext`, "invalid-ciphertext");
          return moved(KEM[kem].decapsulate(ciphertext, secret.bytes));
        },
        wipe: () => secret.wipe(),
      };
    },
    // deno-lint-ignore require-await
    async encapsulate(kem, encapsulationKey) {
      const m = random(32);
      try {
        return encapsulateWith(kem, encapsulationKey, m);
      } finally {
        m.fill(0);
      }
    },
    // deno-lint-ignore require-await
    async signer(algorithm, seed) {
      requireSignatureSeed(algorithm, seed);
      const pair = algorithm === "Ed25519"
        ? { secretKey: own(seed), publicKey: ed25519.getPublicKey(seed) }
        : DSA[algorithm].keygen(seed);
      const secret = new Secret(moved(pair.secretKey));
      return {
        algorithm,
        publicKey: own(pair.publicKey),
        // deno-lint-ignore require-await
        async sign(message) {
          if (algorithm === "Ed25519") return own(ed25519.sign(message, secret.bytes));
          // FIPS 204 §3.4: hedged, with the 32 octets of ours.
          const extraEntropy = random(32);
          try {
            return own(DSA[algorithm].sign(message, secret.bytes, { extraEntropy }));
          } finally {
            extraEntropy.fill(0);
          }
        },
        wipe: () => secret.wipe(),
      };
    },
    // deno-lint-ignore require-await
    async verify(algorithm, publicKey, message, signature) {
      return verifySync(algorithm, publicKey, message, signature);
    },
    // deno-lint-ignore require-await
    async agreementKeyPair(given) {
      requireLength(given, 32, "X25519 secret", "invalid-seed");
      const secret = new Secret(own(given));
      return {
        publicKey: own(x25519.getPublicKey(given)),
        // deno-lint-ignore require-await
        async agree(peer) {
          requireLength(peer, 32, "X25519 public key", "invalid-key");
          const key = secret.bytes;
          let shared: Bytes;
          try {
            shared = moved(x25519.getSharedSecret(key, peer));
          } catch (cause) {
            // @noble itself refuses points of small order.
            throw new PqError("invalid-share", "Cannot use X25519 share: small order", { cause });
          }
          requireContributory(shared);
          return shared;
        },
        wipe: () => secret.wipe(),
      };
    },
    // deno-lint-ignore require-await
    async seal(key, nonce, aad, plaintext) {
      return own(chacha20poly1305(key, nonce, aad).encrypt(plaintext));
    },
    // deno-lint-ignore require-await
    async open(key, nonce, aad, sealed) {
      try {
        return own(chacha20poly1305(key, nonce, aad).decrypt(sealed));
      } catch {
        return null;
      }
    },
  };
}
