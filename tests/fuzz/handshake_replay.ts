// Handshakes of which one step runs again and again: the primitives that led to it are remembered, so that
// tens of thousands of damaged messages can be given to fresh parties that are in the same state.
import type { Random } from "../../core/ports/mod.ts";
import { type Backend, type Bytes, nobleBackend } from "../../core/pq/mod.ts";
import {
  EnrolInitiator,
  EnrolResponder,
  HandshakeError,
  Initiator,
  Responder,
} from "../../core/handshake/mod.ts";
import {
  countingRandom,
  testEnrolment,
  type TestEnrolmentOptions,
  testParty,
  type TestPartyOptions,
} from "../../core/handshake/testing.ts";

/** Answers of a primitive by its input; a few are enough, damaged inputs come once. */
class Memo<T> {
  readonly #known = new Map<string, T>();

  async get(key: Uint8Array, make: () => Promise<T>): Promise<T> {
    const name = key.toHex();
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const made = await make();
    if (this.#known.size >= 8) this.#known.delete([...this.#known.keys()][0] ?? "");
    this.#known.set(name, made);
    return made;
  }
}

/** The same backend, which remembers what it did last. Its keys can't be wiped: for damage tests alone. */
export function rememberingBackend(real: Backend): Backend {
  const [kems, agreements] = [new Memo<unknown>(), new Memo<unknown>()];
  const sent = new Memo<{ ciphertext: Bytes; sharedSecret: Bytes }>();
  const sealed = new Memo<Bytes>();
  // Opens in place, where the native one goes through a thread: most of what damage tests do.
  const { open } = nobleBackend((length) => crypto.getRandomValues(new Uint8Array(length)));
  return {
    ...real,
    open,
    seal: (key, nonce, aad, plaintext) =>
      sealed.get(key, () => real.seal(key, nonce, aad, plaintext)),
    kemKeyPair: (kem, seed) =>
      kems.get(seed, async () => {
        const pair = await real.kemKeyPair(kem, seed);
        const known = new Memo<Bytes>();
        return {
          encapsulationKey: pair.encapsulationKey,
          decapsulate: async (ciphertext: Uint8Array) =>
            (await known.get(ciphertext, () => pair.decapsulate(ciphertext))).slice(),
          wipe() {},
        };
      }) as ReturnType<Backend["kemKeyPair"]>,
    async encapsulate(kem, key) {
      const { ciphertext, sharedSecret } = await sent.get(key, () => real.encapsulate(kem, key));
      return { ciphertext, sharedSecret: sharedSecret.slice() };
    },
    agreementKeyPair: (secret) =>
      agreements.get(secret, async () => {
        const pair = await real.agreementKeyPair(secret);
        const known = new Memo<Bytes>();
        return {
          publicKey: pair.publicKey,
          agree: async (peer: Uint8Array) =>
            (await known.get(peer, () => pair.agree(peer))).slice(),
          wipe() {},
        };
      }) as ReturnType<Backend["agreementKeyPair"]>,
  };
}

/** A signer that remembers, so that a party in the same state signs the same. */
function rememberingSigner<T extends { sign(message: Uint8Array): Promise<Bytes> }>(real: T): T {
  const known = new Memo<Bytes>();
  return {
    ...real,
    sign: (message: Uint8Array) => known.get(message, () => real.sign(message)),
  };
}

/** Names of the messages. */
export type MessageName = "m1" | "m2" | "m3" | "m4";

/** A handshake whose every step can be taken again, each time by a party that never saw the last try. */
export interface Replay {
  readonly good: Readonly<Record<MessageName, Uint8Array>>;
  /** Gives a message to a party that waits for it, and after it the good one. */
  receive(name: MessageName, bytes: Uint8Array): Promise<"taken" | "refused">;
}

interface Step {
  begin(): Promise<Uint8Array>;
  receiveM2(bytes: Uint8Array): Promise<Uint8Array>;
  receiveM4(bytes: Uint8Array): Promise<unknown>;
}

interface Answering {
  receiveM1(bytes: Uint8Array): Promise<Uint8Array>;
  receiveM3(bytes: Uint8Array): Promise<unknown>;
}

/** Runs `attempt`; whatever but a HandshakeError is thrown goes on up: it is a crash. */
async function refusal(attempt: () => Promise<unknown>): Promise<HandshakeError | null> {
  try {
    await attempt();
    return null;
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
}

async function replayOf(
  initiator: () => Step,
  responder: () => Answering,
  m4Of: (answer: unknown) => Promise<Uint8Array>,
): Promise<Replay> {
  const [a, b] = [initiator(), responder()];
  const m1 = await a.begin();
  const m2 = await b.receiveM1(m1);
  const m3 = await a.receiveM2(m2);
  const m4 = await m4Of(await b.receiveM3(m3));
  await a.receiveM4(m4);
  const good = { m1, m2, m3, m4 };
  const waiting = async (name: MessageName): Promise<(bytes: Uint8Array) => Promise<unknown>> => {
    if (name === "m1" || name === "m3") {
      const party = responder();
      if (name === "m1") return (bytes) => party.receiveM1(bytes);
      await party.receiveM1(m1);
      return (bytes) => party.receiveM3(bytes);
    }
    const party = initiator();
    await party.begin();
    if (name === "m2") return (bytes) => party.receiveM2(bytes);
    await party.receiveM2(m2);
    return (bytes) => party.receiveM4(bytes);
  };
  return {
    good,
    async receive(name, bytes) {
      const step = await waiting(name);
      if (await refusal(() => step(bytes)) === null) return "taken";
      const after = await refusal(() => step(good[name]));
      if (after?.code !== "used") throw new Error(`${name} was taken after a damaged one`);
      return "refused";
    },
  };
}

/** Starts the same octets again for every party. */
const again = (seed: number): Random => countingRandom(seed);

/** A handshake in mesh mode. @param cached whether credentials go by hash. */
export async function replayMesh(
  real: Backend,
  cached: boolean,
  options: TestPartyOptions = {},
): Promise<Replay> {
  const backend = rememberingBackend(real);
  const parties = [await testParty(real, 1, options), await testParty(real, 2, options)] as const;
  const [a, b] = parties.map((party) => ({
    ...party,
    backend,
    postQuantum: rememberingSigner(party.postQuantum),
    ed25519: rememberingSigner(party.ed25519),
  })) as unknown as typeof parties;
  if (cached) {
    a.cache.set(b.credential.hash.toHex(), b.credential);
    b.cache.set(a.credential.hash.toHex(), a.credential);
  }
  const deliveredTo = cached ? b.cacheEpoch : null;
  return await replayOf(
    () => new Initiator({ ...a, random: again(31) }, { wantFull: !cached, deliveredTo }),
    () => new Responder({ ...b, random: again(32) }),
    (answer) => (answer as Awaited<ReturnType<Responder["receiveM3"]>>).confirm(),
  );
}

/** A handshake in enrolment mode. */
export async function replayEnrol(
  real: Backend,
  options: TestEnrolmentOptions = {},
): Promise<Replay> {
  const backend = rememberingBackend(real);
  const { joiner, member } = await testEnrolment([real, real], options);
  const signing = <T extends typeof joiner | typeof member>(party: T): T => ({
    ...party,
    backend,
    postQuantum: rememberingSigner(party.postQuantum),
    ed25519: rememberingSigner(party.ed25519),
  });
  const [a, b] = [signing(joiner), signing(member)];
  return await replayOf(
    () => new EnrolInitiator({ ...a, random: again(33) }),
    () => new EnrolResponder({ ...b, random: again(34) }),
    (answer) => Promise.resolve((answer as Awaited<ReturnType<EnrolResponder["receiveM3"]>>).m4),
  );
}
