// The native backend: WebCrypto with the algorithms of "Modern Algorithms in the Web Cryptography API".
// Keys are opaque to us, so wiping drops the handle; what the runtime then does with the memory is its own.
import {
  requireContributory,
  requireEncapsulationKey,
  requireKemSeed,
  requireLength,
  requireSignatureSeed,
  verifiable,
} from "./checks.ts";
import { PqError } from "./errors.ts";
import { KEMS, type SignatureName } from "./suite.ts";
import type { Backend, Bytes } from "./types.ts";

const AEAD = "ChaCha20-Poly1305";

/** PKCS #8 around a 32-octet secret: RFC 8410 §7, for X25519 (2b656e) and Ed25519 (2b6570). */
function pkcs8(oid: 0x6e | 0x70, secret: Uint8Array): Bytes {
  const head = [
    0x30,
    0x2e,
    0x02,
    0x01,
    0x00,
    0x30,
    0x05,
    0x06,
    0x03,
    0x2b,
    0x65,
    oid,
    0x04,
    0x22,
    0x04,
    0x20,
  ];
  return Uint8Array.from([...head, ...secret]);
}

const own = (bytes: Uint8Array | ArrayBuffer): Bytes => new Uint8Array(bytes);

/** The methods that the type library does not know yet. */
interface ModernSubtle {
  encapsulateBits(
    algorithm: { name: string },
    key: CryptoKey,
  ): Promise<{ ciphertext: ArrayBuffer; sharedKey: ArrayBuffer }>;
  decapsulateBits(
    algorithm: { name: string },
    key: CryptoKey,
    ciphertext: Bytes,
  ): Promise<ArrayBuffer>;
  getPublicKey(key: CryptoKey, usages: readonly string[]): Promise<CryptoKey>;
  importKey(
    format: string,
    data: Bytes,
    algorithm: { name: string },
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  exportKey(format: string, key: CryptoKey): Promise<ArrayBuffer>;
}

/** A handle that its owner can drop. */
class Handle {
  #key: CryptoKey | null;

  constructor(key: CryptoKey) {
    this.#key = key;
  }

  get key(): CryptoKey {
    if (this.#key === null) throw new PqError("wiped", "Cannot use key: it was wiped");
    return this.#key;
  }

  wipe(): void {
    this.#key = null;
  }
}

/** The backend over `subtle`. */
export function webcryptoBackend(subtle: SubtleCrypto): Backend {
  const modern = subtle as unknown as ModernSubtle;

  const publicKeyOf = async (key: CryptoKey, usages: readonly string[], format: string) =>
    own(await modern.exportKey(format, await modern.getPublicKey(key, usages)));

  const signingKey = (algorithm: SignatureName, seed: Uint8Array): Promise<CryptoKey> =>
    algorithm === "Ed25519"
      ? modern.importKey("pkcs8", pkcs8(0x70, seed), { name: algorithm }, true, ["sign"])
      : modern.importKey("raw-seed", own(seed), { name: algorithm }, true, ["sign"]);

  return {
    name: "webcrypto",
    async kemKeyPair(kem, seed) {
      requireKemSeed(seed);
      const algorithm = { name: kem };
      const key = await modern.importKey("raw-seed", own(seed), algorithm, true, [
        "decapsulateBits",
      ]);
      const handle = new Handle(key);
      return {
        encapsulationKey: await publicKeyOf(key, ["encapsulateBits"], "raw-public"),
        async decapsulate(ciphertext) {
          const { ciphertextBytes } = KEMS[kem];
          requireLength(ciphertext, ciphertextBytes, `${kem} ciphertext`, "invalid-ciphertext");
          return own(await modern.decapsulateBits(algorithm, handle.key, own(ciphertext)));
        },
        wipe: () => handle.wipe(),
      };
    },
    async encapsulate(kem, encapsulationKey) {
      requireEncapsulationKey(kem, encapsulationKey);
      const algorithm = { name: kem };
      const key = await modern.importKey("raw-public", own(encapsulationKey), algorithm, false, [
        "encapsulateBits",
      ]);
      const { ciphertext, sharedKey } = await modern.encapsulateBits(algorithm, key);
      return { ciphertext: own(ciphertext), sharedSecret: own(sharedKey) };
    },
    async signer(algorithm, seed) {
      requireSignatureSeed(algorithm, seed);
      const key = await signingKey(algorithm, seed);
      const handle = new Handle(key);
      return {
        algorithm,
        publicKey: await publicKeyOf(
          key,
          ["verify"],
          algorithm === "Ed25519" ? "raw" : "raw-public",
        ),
        async sign(message) {
          return own(await subtle.sign({ name: algorithm }, handle.key, own(message)));
        },
        wipe: () => handle.wipe(),
      };
    },
    async verify(algorithm, publicKey, message, signature) {
      if (!verifiable(algorithm, publicKey, signature)) return false;
      try {
        const format = algorithm === "Ed25519" ? "raw" : "raw-public";
        const key = await modern.importKey(format, own(publicKey), { name: algorithm }, false, [
          "verify",
        ]);
        return await subtle.verify({ name: algorithm }, key, own(signature), own(message));
      } catch {
        // A public key the runtime refuses does not verify anything.
        return false;
      }
    },
    async agreementKeyPair(secret) {
      requireLength(secret, 32, "X25519 secret", "invalid-seed");
      const algorithm = { name: "X25519" };
      const key = await modern.importKey("pkcs8", pkcs8(0x6e, secret), algorithm, true, [
        "deriveBits",
      ]);
      const handle = new Handle(key);
      return {
        publicKey: await publicKeyOf(key, [], "raw"),
        async agree(peer) {
          requireLength(peer, 32, "X25519 public key", "invalid-key");
          const mine = handle.key;
          const theirs = await modern.importKey("raw", own(peer), algorithm, false, []);
          let shared: Bytes;
          try {
            shared = own(await subtle.deriveBits({ name: "X25519", public: theirs }, mine, 256));
          } catch (cause) {
            throw new PqError("invalid-share", "Cannot use X25519 share: small order", { cause });
          }
          requireContributory(shared);
          return shared;
        },
        wipe: () => handle.wipe(),
      };
    },
    async seal(key, nonce, aad, plaintext) {
      const handle = await modern.importKey("raw-secret", own(key), { name: AEAD }, false, [
        "encrypt",
      ]);
      const parameters = { name: AEAD, iv: own(nonce), additionalData: own(aad) };
      return own(await subtle.encrypt(parameters, handle, own(plaintext)));
    },
    async open(key, nonce, aad, sealed) {
      const handle = await modern.importKey("raw-secret", own(key), { name: AEAD }, false, [
        "decrypt",
      ]);
      const parameters = { name: AEAD, iv: own(nonce), additionalData: own(aad) };
      try {
        return own(await subtle.decrypt(parameters, handle, own(sealed)));
      } catch {
        return null;
      }
    },
  };
}
