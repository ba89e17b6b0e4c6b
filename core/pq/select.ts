import type { Random } from "../ports/mod.ts";
import { nobleBackend } from "./noble.ts";
import type { Backend } from "./types.ts";
import { webcryptoBackend } from "./webcrypto.ts";

/** The backend in use, and why. The daemon logs and reports it. */
export interface Selection {
  readonly backend: Backend;
  /** One sentence. */
  readonly reason: string;
}

/**
 * The native backend where every primitive works, else the portable one; never a weaker algorithm.
 *
 * @param subtle the runtime's WebCrypto, or `null` where there is none.
 */
export async function selectBackend(
  subtle: SubtleCrypto | null,
  random: Random,
): Promise<Selection> {
  const portable = nobleBackend((length) => random.bytes(length));
  if (subtle === null) return { backend: portable, reason: "the runtime has no WebCrypto" };
  const native = webcryptoBackend(subtle);
  try {
    await probe(native, random);
    return { backend: native, reason: "WebCrypto has ML-KEM and ML-DSA" };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { backend: portable, reason: `WebCrypto lacks a primitive: ${why}` };
  }
}

/** Uses each primitive once and checks the result. @throws when one is missing or wrong. */
async function probe(backend: Backend, random: Random): Promise<void> {
  const pair = await backend.kemKeyPair("ML-KEM-768", random.bytes(64));
  const sent = await backend.encapsulate("ML-KEM-768", pair.encapsulationKey);
  const got = await pair.decapsulate(sent.ciphertext);
  if (!sent.sharedSecret.every((octet, i) => octet === got[i])) throw new Error("ML-KEM disagrees");
  const message = random.bytes(8);
  for (const algorithm of ["ML-DSA-65", "Ed25519"] as const) {
    const signer = await backend.signer(algorithm, random.bytes(32));
    const signature = await signer.sign(message);
    if (!await backend.verify(algorithm, signer.publicKey, message, signature)) {
      throw new Error(`${algorithm} does not verify its own signature`);
    }
  }
  const [a, b] = [
    await backend.agreementKeyPair(random.bytes(32)),
    await backend.agreementKeyPair(random.bytes(32)),
  ];
  const [ab, ba] = [await a.agree(b.publicKey), await b.agree(a.publicKey)];
  if (!ab.every((octet, i) => octet === ba[i])) throw new Error("X25519 disagrees");
  const key = random.bytes(32);
  const sealed = await backend.seal(key, new Uint8Array(12), message, message);
  const opened = await backend.open(key, new Uint8Array(12), message, sealed);
  if (opened === null) throw new Error("ChaCha20-Poly1305 does not open what it sealed");
}
