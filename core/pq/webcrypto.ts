// The native backend: WebCrypto with the algorithms of "Modern Algorithms in the Web Cryptography API".
// Keys are opaque to us, so wiping drops the handle; what the runtime then does with the memory is its own.
// ChaCha20-Poly1305 is the same runtime's, but called in place: WebCrypto's goes through another thread, which
// costs four times what the few kilobytes of a message do.
import { createCipheriv, createDecipheriv } from "node:crypto";
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

const AEAD = "chacha20-poly1305";
const TAG_BYTES = 16;

/** Octets in one piece of memory of their own. */
function joined(...parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
    part.fill(0);
  }
  return out;
}

/** PKCS #8 in front of a 32-octet secret: RFC 8410 §7, for X25519 (2b656e) and Ed25519 (2b6570). */
const PKCS8_HEAD: Readonly<Record<"X25519" | "Ed25519", string>> = Object.freeze({
  X25519: "302e020100300506032b656e04220420",
  Ed25519: "302e020100300506032b657004220420",
});

/** The caller wipes it. */
function pkcs8(algorithm: "X25519" | "Ed25519", secret: Uint8Array): Bytes {
  const out = new Uint8Array(48);
  out.set(Uint8Array.fromHex(PKCS8_HEAD[algorithm]));
  out.set(secret, 16);
  return out;
}

/** WebCrypto copies what it is given, so no copy is made here that would have to be wiped. */
const given = (bytes: Uint8Array): Bytes => bytes as Bytes;

const own = (bytes: ArrayBuffer): Bytes => new Uint8Array(bytes);

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

  /** A private key in PKCS #8, whose octets are wiped once it is imported. */
  const pkcs8Key = async (
    algorithm: "X25519" | "Ed25519",
    secret: Uint8Array,
    usages: readonly string[],
  ): Promise<CryptoKey> => {
    const octets = pkcs8(algorithm, secret);
    try {
      return await modern.importKey("pkcs8", octets, { name: algorithm }, false, usages);
    } finally {
      octets.fill(0);
    }
  };

  const signingKey = (algorithm: SignatureName, seed: Uint8Array): Promise<CryptoKey> =>
    algorithm === "Ed25519"
      ? pkcs8Key(algorithm, seed, ["sign"])
      : modern.importKey("raw-seed", given(seed), { name: algorithm }, false, ["sign"]);

  return {
    name: "webcrypto",
    async kemKeyPair(kem, seed) {
      requireKemSeed(seed);
      const algorithm = { name: kem };
      const key = await modern.importKey("raw-seed", given(seed), algorithm, false, [
        "decapsulateBits",
      ]);
      const handle = new Handle(key);
      return {
        encapsulationKey: await publicKeyOf(key, ["encapsulateBits"], "raw-public"),
        async decapsulate(ciphertext) {
          const { ciphertextBytes } = KEMS[kem];
          requireLength(ciphertext, ciphertextBytes, `${kem} ciphertext`, "invalid-ciphertext");
          return own(await modern.decapsulateBits(algorithm, handle.key, given(ciphertext)));
        },
        wipe: () => handle.wipe(),
      };
    },
    async encapsulate(kem, encapsulationKey) {
      requireEncapsulationKey(kem, encapsulationKey);
      const algorithm = { name: kem };
      const key = await modern.importKey("raw-public", given(encapsulationKey), algorithm, false, [
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
          return own(await subtle.sign({ name: algorithm }, handle.key, given(message)));
        },
        wipe: () => handle.wipe(),
      };
    },
    async verify(algorithm, publicKey, message, signature) {
      if (!verifiable(algorithm, publicKey, signature)) return false;
      try {
        const format = algorithm === "Ed25519" ? "raw" : "raw-public";
        const key = await modern.importKey(format, given(publicKey), { name: algorithm }, false, [
          "verify",
        ]);
        return await subtle.verify({ name: algorithm }, key, given(signature), given(message));
      } catch {
        // A public key the runtime refuses does not verify anything.
        return false;
      }
    },
    async agreementKeyPair(secret) {
      requireLength(secret, 32, "X25519 secret", "invalid-seed");
      const algorithm = { name: "X25519" };
      const key = await pkcs8Key("X25519", secret, ["deriveBits"]);
      const handle = new Handle(key);
      return {
        publicKey: await publicKeyOf(key, [], "raw"),
        async agree(peer) {
          requireLength(peer, 32, "X25519 public key", "invalid-key");
          const mine = handle.key;
          const theirs = await modern.importKey("raw", given(peer), algorithm, false, []);
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
    // deno-lint-ignore require-await
    async seal(key, nonce, aad, plaintext) {
      const cipher = createCipheriv(AEAD, key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(aad, { plaintextLength: plaintext.length });
      const body = cipher.update(plaintext);
      const rest = cipher.final();
      return joined(body, rest, cipher.getAuthTag());
    },
    // deno-lint-ignore require-await
    async open(key, nonce, aad, sealed) {
      const length = sealed.length - TAG_BYTES;
      if (length < 0) return null;
      try {
        const cipher = createDecipheriv(AEAD, key, nonce, { authTagLength: TAG_BYTES });
        cipher.setAAD(aad, { plaintextLength: length });
        cipher.setAuthTag(sealed.subarray(length));
        const body = cipher.update(sealed.subarray(0, length));
        return joined(body, cipher.final());
      } catch {
        return null;
      }
    },
  };
}
