// Our own vectors of the handshake: whole runs with keys and randomness that repeat themselves, so that a
// change of a single octet of the protocol is seen. Running this file writes them anew; that is a new
// version of the protocol, and PROTOCOL_VERSION or a suite's name must say so.
//
//   deno run -A tests/vectors/handshake_frozen.ts
import { createHash } from "node:crypto";
import { EnrolInitiator, EnrolResponder, Initiator, MODE, Responder } from "../../core/handshake/mod.ts";
import { countingRandom, testEnrolment, testParty } from "../../core/handshake/testing.ts";
import type { SuiteName } from "../../core/identity/mod.ts";
import { nobleBackend } from "../../core/pq/mod.ts";

/** Where they are kept. */
export const FROZEN_PATH = new URL("./handshake.json", import.meta.url).pathname;

/** One message: how long, its SHA-384, and the octets where they are few. */
export interface FrozenMessage {
  readonly octets: number;
  readonly sha384: string;
  readonly hex?: string;
}

/** One run. */
export interface FrozenRun {
  readonly name: string;
  readonly suite: string;
  readonly messages: Readonly<Record<string, FrozenMessage>>;
  /** What the run gives to both ends, in hexadecimal. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Messages up to this length are kept whole. */
const WHOLE_OCTETS = 2_000;

function message(bytes: Uint8Array): FrozenMessage {
  const sha384 = createHash("sha384").update(bytes).digest("hex");
  return bytes.length <= WHOLE_OCTETS
    ? { octets: bytes.length, sha384, hex: bytes.toHex() }
    : { octets: bytes.length, sha384 };
}

/** The portable backend draws from nothing but its source, so a counting source fixes every octet. */
function backend(seed: number) {
  const random = countingRandom(seed);
  return nobleBackend((length) => random.bytes(length));
}

function agreed(a: Uint8Array, b: Uint8Array): string {
  if (a.toHex() !== b.toHex()) throw new Error("Cannot freeze a run: its ends don't agree");
  return a.toHex();
}

async function meshRun(
  name: string,
  suite: SuiteName,
  options: { readonly mode?: 0 | 2; readonly cached?: boolean; readonly refused?: boolean } = {},
): Promise<FrozenRun> {
  const { mode = MODE.mesh, cached = false, refused = false } = options;
  const a = await testParty(backend(101), 1, { suite });
  const b = await testParty(backend(102), 2, { suite });
  if (cached) {
    a.cache.set(b.credential.hash.toHex(), b.credential);
    b.cache.set(a.credential.hash.toHex(), a.credential);
  }
  const deliveredTo = cached ? b.cacheEpoch : null;
  const initiator = new Initiator(a, { wantFull: !cached, deliveredTo, mode });
  const responder = new Responder(b, mode);
  const m1 = await initiator.begin();
  const m2 = await responder.receiveM1(m1);
  const m3 = await initiator.receiveM2(m2);
  const answer = await responder.receiveM3(m3);
  const m4 = refused ? await answer.refuse() : await answer.confirm();
  const messages = { m1: message(m1), m2: message(m2), m3: message(m3), m4: message(m4) };
  if (refused) return { name, suite: a.suite.id, messages, secrets: {} };
  const outcome = await initiator.receiveM4(m4);
  return {
    name,
    suite: a.suite.id,
    messages,
    secrets: {
      psk: agreed(outcome.psk, answer.outcome.psk),
      'export "fabric" 32': agreed(
        outcome.exportKey("fabric", 32),
        answer.outcome.exportKey("fabric", 32),
      ),
    },
  };
}

async function enrolRun(
  name: string,
  suite: SuiteName,
  token: "token" | "mesh secret",
): Promise<FrozenRun> {
  const { joiner, member } = await testEnrolment([backend(103), backend(104)], {
    suite,
    ...(token === "token" ? {} : { tokenId: null, tokenSecret: new Uint8Array(32).fill(7) }),
  });
  const initiator = new EnrolInitiator(joiner);
  const responder = new EnrolResponder(member);
  const m1 = await initiator.begin();
  const m2 = await responder.receiveM1(m1);
  const m3 = await initiator.receiveM2(m2);
  const { m4, session } = await responder.receiveM3(m3);
  const { session: joined } = await initiator.receiveM4(m4);
  return {
    name,
    suite: joiner.suite.id,
    messages: { m1: message(m1), m2: message(m2), m3: message(m3), m4: message(m4) },
    secrets: {
      'export "enrol" 32': agreed(session.exportKey("enrol", 32), joined.exportKey("enrol", 32)),
    },
  };
}

/** All runs, made anew. */
export async function frozenRuns(): Promise<readonly FrozenRun[]> {
  return [
    await meshRun("mesh, whole credentials", "category3"),
    await meshRun("mesh, credentials by hash", "category3", { cached: true }),
    await meshRun("mesh, refused", "category3", { cached: true, refused: true }),
    await meshRun("mesh, whole credentials", "category5"),
    await meshRun("mesh, credentials by hash", "category5", { cached: true }),
    await meshRun("fabric, credentials by hash", "category3", { mode: MODE.fabric, cached: true }),
    await enrolRun("enrol, token", "category3", "token"),
    await enrolRun("enrol, mesh secret", "category3", "mesh secret"),
    await enrolRun("enrol, token", "category5", "token"),
  ];
}

if (import.meta.main) {
  await Deno.writeTextFile(FROZEN_PATH, `${JSON.stringify(await frozenRuns(), null, 1)}\n`);
}
