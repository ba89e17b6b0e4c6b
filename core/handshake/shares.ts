// The ephemeral halves of a handshake: fresh keys, used once, and one secret from both of them. Whatever
// fails, what was made on the way is wiped here.
import type { Random } from "../ports/mod.ts";
import {
  type AgreementKeyPair,
  type Backend,
  type Bytes,
  KEM_SEED_BYTES,
  type KemKeyPair,
  PqError,
  type Suite,
} from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";
import { handshakeSecret } from "./key_schedule.ts";
import { encodeM2Clear, type M1, type M2, NONCE_BYTES } from "./messages.ts";

/** What ephemeral keys are made with. */
export interface ShareMaker {
  readonly backend: Backend;
  readonly random: Random;
  readonly suite: Suite;
}

/** Octets of an X25519 scalar. */
const SCALAR_BYTES = 32;

/** Runs `use` on fresh random octets, which are wiped. */
async function withRandom<T>(
  random: Random,
  length: number,
  use: (octets: Bytes) => Promise<T>,
): Promise<T> {
  const octets = random.bytes(length);
  try {
    return await use(octets);
  } finally {
    octets.fill(0);
  }
}

/** One secret from both; a refusal of either by the primitives is one of the handshake. */
async function combined(
  early: Uint8Array,
  kem: Promise<Bytes>,
  x25519: Promise<Bytes>,
): Promise<Bytes> {
  const [first, second] = await Promise.allSettled([kem, x25519]);
  try {
    if (first.status === "rejected") throw first.reason;
    if (second.status === "rejected") throw second.reason;
    return handshakeSecret(early, first.value, second.value);
  } catch (cause) {
    if (!(cause instanceof PqError)) throw cause;
    throw new HandshakeError("invalid-share", cause.message, { cause });
  } finally {
    for (const one of [first, second]) if (one.status === "fulfilled") one.value.fill(0);
  }
}

/** The initiator's ephemeral keys, from M1 to M2. */
export class InitiatorShares {
  readonly #kem: KemKeyPair;
  readonly #x25519: AgreementKeyPair;

  private constructor(kem: KemKeyPair, x25519: AgreementKeyPair) {
    this.#kem = kem;
    this.#x25519 = x25519;
  }

  static async make({ backend, random, suite }: ShareMaker): Promise<InitiatorShares> {
    const [kem, x25519] = await Promise.all([
      withRandom(random, KEM_SEED_BYTES, (seed) => backend.kemKeyPair(suite.kem, seed)),
      withRandom(random, SCALAR_BYTES, (scalar) => backend.agreementKeyPair(scalar)),
    ]);
    return new InitiatorShares(kem, x25519);
  }

  /** What M1 says of them. */
  get publics(): Pick<M1, "x25519" | "encapsulationKey"> {
    return {
      x25519: this.#x25519.publicKey,
      encapsulationKey: this.#kem.encapsulationKey,
    };
  }

  /** The secret that M2 leads to. @throws {HandshakeError} "invalid-share" */
  secret(early: Uint8Array, m2: Pick<M2, "ciphertext" | "x25519">): Promise<Bytes> {
    return combined(
      early,
      this.#kem.decapsulate(m2.ciphertext),
      this.#x25519.agree(m2.x25519),
    );
  }

  wipe(): void {
    this.#kem.wipe();
    this.#x25519.wipe();
  }
}

/**
 * The responder's side of the same: the clear part of M2 and the secret, which the caller wipes.
 *
 * @throws {HandshakeError} "invalid-share"
 */
export async function answerShares(
  { backend, random, suite }: ShareMaker,
  early: Uint8Array,
  m1: Pick<M1, "x25519" | "encapsulationKey">,
): Promise<{ readonly clear: Bytes; readonly secret: Bytes }> {
  const own = await withRandom(
    random,
    SCALAR_BYTES,
    (scalar) => backend.agreementKeyPair(scalar),
  );
  try {
    const sent = backend.encapsulate(suite.kem, m1.encapsulationKey);
    const secret = await combined(
      early,
      sent.then(({ sharedSecret }) => sharedSecret),
      own.agree(m1.x25519),
    );
    const { ciphertext } = await sent;
    const nonce = random.bytes(NONCE_BYTES);
    return { clear: encodeM2Clear({ nonce, x25519: own.publicKey, ciphertext }), secret };
  } finally {
    own.wipe();
  }
}
