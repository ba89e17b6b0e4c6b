// Keys from passphrases: Argon2id (RFC 9106), native where WebCrypto has it, else @noble's. Both give the
// same octets.
import { argon2idAsync } from "@noble/hashes/argon2.js";
import type { Bytes } from "./types.ts";

/** What a guess costs. Kept beside what it protects. */
export interface PassphraseCost {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
}

/** RFC 9106 §4, second recommended option: 64 MiB, three passes, four lanes. */
export const DEFAULT_PASSPHRASE_COST: PassphraseCost = Object.freeze({
  memoryKiB: 65_536,
  passes: 3,
  lanes: 4,
});

/** Bounds of what a file may ask for, so that a made-up one cannot take all memory or all day. */
export const MAX_PASSPHRASE_COST: PassphraseCost = Object.freeze({
  memoryKiB: 1_048_576,
  passes: 64,
  lanes: 16,
});

/** Derives 32 octets from a passphrase and a salt of at least 16. */
export type PassphraseKdf = (
  passphrase: string,
  salt: Uint8Array,
  cost: PassphraseCost,
) => Promise<Bytes>;

/** The same passphrase typed on two systems may differ in how it composes characters: NFKC evens it out. */
const octetsOf = (passphrase: string): Bytes =>
  new TextEncoder().encode(passphrase.normalize("NFKC"));

/** Argon2id in JavaScript: about six times slower than the native one. */
export async function portablePassphraseKdf(
  passphrase: string,
  salt: Uint8Array,
  cost: PassphraseCost,
): Promise<Bytes> {
  const { memoryKiB: m, passes: t, lanes: p } = cost;
  return new Uint8Array(
    await argon2idAsync(octetsOf(passphrase), salt, { m, t, p, dkLen: 32 }),
  );
}

/** What the type library does not know of WebCrypto's Argon2id. */
interface ArgonSubtle {
  importKey(
    format: "raw-secret",
    data: Bytes,
    algorithm: { name: string },
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  deriveBits(
    algorithm: {
      name: string;
      nonce: Bytes;
      memory: number;
      passes: number;
      parallelism: number;
    },
    key: CryptoKey,
    bits: number,
  ): Promise<ArrayBuffer>;
}

/** Argon2id of the runtime, or the portable one where it has none. @param subtle `null` for none. */
export function passphraseKdf(subtle: SubtleCrypto | null): PassphraseKdf {
  if (subtle === null) return portablePassphraseKdf;
  const modern = subtle as unknown as ArgonSubtle;
  const algorithm = { name: "Argon2id" };
  return async (passphrase, salt, cost) => {
    const octets = octetsOf(passphrase);
    try {
      const key = await modern.importKey("raw-secret", octets, algorithm, false, ["deriveBits"]);
      const { memoryKiB: memory, passes, lanes: parallelism } = cost;
      const nonce = new Uint8Array(salt);
      return new Uint8Array(
        await modern.deriveBits({ ...algorithm, nonce, memory, passes, parallelism }, key, 256),
      );
    } catch (thrown) {
      if (!(thrown instanceof DOMException) || thrown.name !== "NotSupportedError") throw thrown;
      return await portablePassphraseKdf(passphrase, salt, cost);
    } finally {
      octets.fill(0);
    }
  };
}
