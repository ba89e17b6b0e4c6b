import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ManualClock, settled } from "../../tests/fixtures/clock.ts";
import { webcryptoBackend } from "../pq/mod.ts";
import type { ByteStream } from "../ports/mod.ts";
import { admission, CredentialCache } from "./credential_cache.ts";
import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import { encodeFrame, FrameReader } from "./frames.ts";
import { Initiator } from "./initiator.ts";
import { MAX_HALF_OPEN, MAX_WAITING, SOURCE_BURST } from "./limits.ts";
import type { Outcome, Party } from "./party.ts";
import { Sessions } from "./session.ts";
import { countingRandom, streamPair, testParty, type TestPartyOptions } from "./testing.ts";
import { encodeCredential, issueCredential, verifyCredential } from "../identity/mod.ts";
import { testAuthority } from "../identity/testing.ts";

const native = webcryptoBackend(crypto.subtle);

async function node(index: number, clock: ManualClock, options: TestPartyOptions = {}) {
  const base = await testParty(native, index, options);
  const { set } = await testAuthority(native, { label: options.authority ?? 1 });
  const cache = new CredentialCache(countingRandom(index + 50));
  const revoked = new Set<string>();
  const trust = {
    backend: native,
    sets: () => [set],
    wallMs: () => 1_750_000_000_000,
    revoked: ({ nodeId }: { readonly nodeId: string }) => revoked.has(nodeId),
  };
  const party = (): Party => ({
    ...base,
    cacheEpoch: cache.epoch,
    admit: admission(trust, cache),
  });
  return {
    nodeId: base.credential.nodeId,
    cache,
    revoked,
    party,
    sessions: new Sessions({ clock, party, cache }),
  };
}

const two = async () => {
  const clock = new ManualClock();
  return { clock, a: await node(1, clock), b: await node(2, clock) };
};

type Node = Awaited<ReturnType<typeof node>>;

async function connect(a: Node, b: Node, take = true) {
  const [near, far] = streamPair();
  const answered = b.sessions.answer(far, "fe80::1%bat0", () => Promise.resolve(take));
  const dialled = await a.sessions.dial(near, b.nodeId, () => true);
  return { dialled, answered: await answered, near, far };
}

const codeOf = async (promise: Promise<unknown>): Promise<HandshakeErrorCode> =>
  (await assertRejects(() => promise, HandshakeError)).code;

/** Counts what the other end wrote until it closed. */
async function heard(stream: ByteStream): Promise<number> {
  let octets = 0;
  for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) {
    octets += chunk.length;
  }
  return octets;
}

Deno.test("Sessions: both ends agree, and the stream goes on after the handshake", async () => {
  const { a, b } = await two();
  const { dialled, answered } = await connect(a, b);
  assert(answered !== null);
  assertEquals(dialled.outcome.psk, answered.outcome.psk);
  await dialled.stream.write(Uint8Array.of(1, 2, 3));
  assertEquals(await answered.stream.read(), Uint8Array.of(1, 2, 3));
  dialled.stream.close();
  assertEquals(a.sessions.figures.dialled, 1);
  assertEquals(b.sessions.figures.answered, 1);
  assertEquals(b.sessions.figures.halfOpen, 0);
});

Deno.test("Sessions: credentials are sent once, and again after a peer forgot", async () => {
  const { a, b } = await two();
  await connect(a, b);
  assert(a.cache.knows(b.nodeId) && b.cache.knows(a.nodeId));
  await connect(a, b);
  // The responder's cache lost the initiator's credential but keeps its epoch: one failure, then all is sent.
  b.cache.forget(a.nodeId);
  assertEquals(await codeOf(connect(a, b)), "closed");
  assertEquals(b.sessions.figures.failures["unknown-credential"], 1);
  await connect(a, b);
  // An epoch that changed is noticed without a failure.
  b.cache.clear();
  await connect(a, b);
});

Deno.test("Sessions: a revoked peer is refused though its credential is cached", async () => {
  const { a, b } = await two();
  await connect(a, b);
  b.revoked.add(a.nodeId);
  assertEquals(await codeOf(connect(a, b)), "closed");
  assertEquals(b.sessions.figures.failures["refused-credential"], 1);
});

Deno.test("Sessions: a refusal tells the initiator, and nobody else, that nothing was installed", async () => {
  const { a, b } = await two();
  assertEquals(await codeOf(connect(a, b, false)), "busy");
  assert(a.cache.knows(b.nodeId), "a refusal is no reason to forget");
});

Deno.test("Sessions.answer() drops an M1 that was answered before, before any costly work", async () => {
  const { a, b } = await two();
  const m1 = await new Initiator(a.party(), { wantFull: true, deliveredTo: null }).begin();
  const offer = async () => {
    const [near, far] = streamPair();
    const answered = b.sessions.answer(far, "x", () => Promise.resolve(true));
    await near.write(encodeFrame(m1));
    return { near, answered };
  };
  const first = await offer();
  assertEquals((await new FrameReader(first.near).read(70_000))[1], 2);
  const again = await offer();
  assertEquals(await heard(again.near), 0);
  assertEquals(b.sessions.figures.failures, { replayed: 1 });
  assertEquals(b.sessions.order, 1);
  first.near.close();
  await Promise.all([first.answered, again.answered]);
});

Deno.test("Sessions: a peer revoked after its credential was judged gets no secret", async (t) => {
  await t.step("responder", async () => {
    const { a, b } = await two();
    const party = b.party();
    // Revoked while its signatures are checked.
    const revoking = {
      ...native,
      verify: (...given: Parameters<typeof native.verify>) => {
        b.revoked.add(a.nodeId);
        return native.verify(...given);
      },
    };
    const slow = { ...party, backend: revoking };
    const sessions = new Sessions({ clock: new ManualClock(), party: () => slow, cache: b.cache });
    const [near, far] = streamPair();
    let taken = false;
    const answered = sessions.answer(far, "x", () => {
      taken = true;
      return Promise.resolve(true);
    });
    assertEquals(await codeOf(a.sessions.dial(near, b.nodeId, () => true)), "closed");
    assertEquals([await answered, taken], [null, false]);
    assertEquals(sessions.figures.failures, { "refused-credential": 1 });
  });
  await t.step("initiator, waiting for M4", async () => {
    const { a, b } = await two();
    const [near, far] = streamPair();
    const answered = b.sessions.answer(far, "x", () => {
      a.revoked.add(b.nodeId);
      return Promise.resolve(true);
    });
    assertEquals(await codeOf(a.sessions.dial(near, b.nodeId, () => true)), "refused-credential");
    (await answered)?.outcome.wipe();
  });
});

Deno.test("Sessions: a credential shown by another than its node is not remembered", async () => {
  const { clock, a, b } = await two();
  const c = await node(3, clock);
  const insider: Party = {
    ...c.party(),
    credential: a.party().credential,
    credentialBytes: a.party().credentialBytes,
  };
  const sessions = new Sessions({ clock, party: () => insider, cache: c.cache });
  const [near, far] = streamPair();
  const answered = b.sessions.answer(far, "x", () => Promise.resolve(true));
  assertEquals(await codeOf(sessions.dial(near, b.nodeId, () => true)), "closed");
  assertEquals(await answered, null);
  assertEquals(b.sessions.figures.failures, { "wrong-signature": 1 });
  assert(!b.cache.knows(a.nodeId));
});

Deno.test("Sessions: a node that showed a newer credential can't go back to an older one", async () => {
  const { a, b } = await two();
  const { set, keys } = await testAuthority(native, { label: 1 });
  const old = a.party();
  const claims = { ...old.credential.claims, serial: old.credential.claims.serial + 1 };
  const credential = await verifyCredential(
    native,
    [set],
    await issueCredential(set, keys, claims),
    null,
  );
  const renewed: Party = { ...old, credential, credentialBytes: encodeCredential(credential) };
  const clock = new ManualClock();
  const after = new Sessions({ clock, party: () => renewed, cache: a.cache });
  await connect({ ...a, sessions: after }, b);
  // The older one's hash isn't cached any more; shown whole it is refused.
  assertEquals(await codeOf(connect(a, b)), "closed");
  assertEquals(b.sessions.figures.failures, { "unknown-credential": 1 });
  assertEquals(await codeOf(connect(a, b)), "closed");
  assertEquals(b.sessions.figures.failures["refused-credential"], 1);
  await connect({ ...a, sessions: after }, b);
});

Deno.test("Sessions: what was made for a handshake that broke off is wiped", async () => {
  const { a, b } = await two();
  const outcomes: Outcome[] = [];
  const [near, far] = streamPair();
  const answered = b.sessions.answer(far, "x", ({ outcome }) => {
    outcomes.push(outcome);
    near.close();
    return Promise.resolve(true);
  });
  assertEquals(await codeOf(a.sessions.dial(near, b.nodeId, () => true)), "closed");
  assertEquals(await answered, null);
  assertEquals(outcomes[0]?.psk, new Uint8Array(32));
  assertThrows(() => outcomes[0]?.exportKey("x", 32), HandshakeError);
});

Deno.test("Sessions.dial() takes nobody but the peer it was told", async () => {
  const { clock, a, b } = await two();
  const c = await node(3, clock);
  const [near, far] = streamPair();
  const answered = b.sessions.answer(far, "x", () => Promise.resolve(true));
  assertEquals(await codeOf(a.sessions.dial(near, c.nodeId, () => true)), "unexpected-peer");
  assertEquals(await answered, null);
});

Deno.test("Sessions.dial() sends no M3 that isn't wanted, and ends with its signal", async () => {
  const { a, b } = await two();
  const [near, far] = streamPair();
  const answered = b.sessions.answer(far, "x", () => Promise.resolve(true));
  assertEquals(await codeOf(a.sessions.dial(near, b.nodeId, () => false)), "aborted");
  assertEquals(await answered, null);
  const [alone] = streamPair();
  const abort = new AbortController();
  const dialled = a.sessions.dial(alone, b.nodeId, () => true, abort.signal);
  abort.abort();
  assertEquals(await codeOf(dialled), "aborted");
});

Deno.test("Sessions: silence ends at the deadline, on both sides", async () => {
  const { clock, a, b } = await two();
  const [near] = streamPair();
  const [, far] = streamPair();
  const dialled = codeOf(a.sessions.dial(near, b.nodeId, () => true));
  const answered = b.sessions.answer(far, "x", () => Promise.resolve(true));
  await settled();
  assertEquals(b.sessions.figures.waiting, 1);
  await clock.advance(5_000);
  assertEquals(await dialled, "timeout");
  assertEquals(await answered, null);
  assertEquals(b.sessions.figures.failures.timeout, 1);
  assertEquals(b.sessions.figures.waiting, 0);
});

Deno.test("Sessions.answer() says nothing to whatever isn't an M1 of its mesh", async (t) => {
  const { clock, b } = await two();
  const stranger = await node(4, clock, { meshPsk: 9 });
  const m1 = await new Initiator(stranger.party(), { wantFull: true, deliveredTo: null }).begin();
  const enrol = m1.with(2, 1);
  const rows: { name: string; sent: Uint8Array; code: HandshakeErrorCode }[] = [
    { name: "wrong mac", sent: encodeFrame(m1), code: "wrong-mac" },
    { name: "a mode that isn't served", sent: encodeFrame(enrol), code: "wrong-mac" },
    { name: "short", sent: encodeFrame(m1.subarray(1)), code: "wrong-mac" },
    { name: "long", sent: Uint8Array.of(0, 1, 0, 0), code: "malformed" },
    { name: "largest length", sent: Uint8Array.of(255, 255, 255, 255), code: "malformed" },
    { name: "empty frame", sent: Uint8Array.of(0, 0, 0, 0), code: "malformed" },
    { name: "HTTP", sent: new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), code: "malformed" },
  ];
  for (const [index, { name, sent, code }] of rows.entries()) {
    await t.step(name, async () => {
      const before = b.sessions.figures.failures[code] ?? 0;
      const [near, far] = streamPair();
      const answered = b.sessions.answer(far, `source ${index}`, () => Promise.resolve(true));
      await near.write(sent);
      assertEquals(await heard(near), 0);
      assertEquals(await answered, null);
      assertEquals(b.sessions.figures.failures[code], before + 1);
      assertEquals(b.sessions.order, 0);
    });
  }
});

Deno.test("Sessions.answer() hands other modes to their service after its gate", async () => {
  const clock = new ManualClock();
  const base = await node(2, clock);
  const heardModes: number[] = [];
  const service = {
    m1Bytes: 5_000,
    gate: (m1: Uint8Array) => m1.at(-1) === 7,
    async answer({ m1, read, write }: {
      m1: Uint8Array;
      read(max: number): Promise<Uint8Array>;
      write(message: Uint8Array): Promise<void>;
    }) {
      heardModes.push(m1[2] ?? -1);
      await write(await read(10));
    },
  };
  const sessions = new Sessions({ ...base, clock, modes: new Map([[1 as const, service]]) });
  const [near, far] = streamPair();
  const answered = sessions.answer(far, "x", () => Promise.resolve(true));
  await near.write(encodeFrame(Uint8Array.of(1, 1, 1, 7)));
  await near.write(encodeFrame(Uint8Array.of(4, 2)));
  assertEquals(await new FrameReader(near).read(10), Uint8Array.of(4, 2));
  assertEquals(await answered, null);
  assertEquals(heardModes, [1]);
  const [other, otherFar] = streamPair();
  const refused = sessions.answer(otherFar, "x", () => Promise.resolve(true));
  await other.write(encodeFrame(Uint8Array.of(1, 1, 1, 8)));
  assertEquals(await heard(other), 0);
  await refused;
  assertEquals(sessions.figures.failures, { "wrong-mac": 1 });
});

Deno.test("Sessions bounds connections by source, those without M1, and those half open", async () => {
  const { clock, a, b } = await two();
  const take = () => Promise.resolve(true);
  const silent = Array.from({ length: SOURCE_BURST }, () => streamPair());
  const open = silent.map(([, far]) => b.sessions.answer(far, "one", take));
  const [, refused] = streamPair();
  assertEquals(await b.sessions.answer(refused, "one", take), null);
  assertEquals(b.sessions.figures.failures, { limited: 1 });
  const more = Array.from({ length: MAX_WAITING }, (_, index) => {
    const [, far] = streamPair();
    return b.sessions.answer(far, `source ${index}`, take);
  });
  await settled();
  assertEquals(b.sessions.figures.waiting, MAX_WAITING);
  assertEquals(b.sessions.figures.failures.limited, 1 + SOURCE_BURST, "the oldest gave way");
  // Waiting connections keep nobody out who speaks.
  await connect(a, b);
  const party = a.party();
  for (let index = 0; index < MAX_HALF_OPEN; index++) {
    const [near, far] = streamPair();
    more.push(b.sessions.answer(far, `member ${index}`, take));
    const options = { wantFull: false, deliveredTo: null };
    await near.write(encodeFrame(await new Initiator(party, options).begin()));
    await new FrameReader(near).read(10_000);
  }
  assertEquals(b.sessions.figures.halfOpen, MAX_HALF_OPEN);
  // Those that stay half open keep nobody out either: the oldest gives way.
  await connect(a, b);
  assertEquals(b.sessions.figures.failures.limited, 3 + SOURCE_BURST);
  await clock.advance(5_000);
  await Promise.all([...open, ...more]);
  assertEquals([b.sessions.figures.halfOpen, b.sessions.figures.waiting], [0, 0]);
  await connect(a, b);
});

const RUNS = Number(Deno.env.get("X0_FUZZ_RUNS") ?? 200);

Deno.test("Sessions.answer() survives anything, at any message", async () => {
  const { a, b } = await two();
  const clock = new ManualClock();
  let source = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("m1", "m3", "stream"),
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(),
      async (where, octets, place) => {
        const [near, far] = streamPair();
        const answered = b.sessions.answer(far, `${source++}`, () => Promise.resolve(true));
        if (where === "stream") {
          await near.write(octets);
        } else {
          const initiator = new Initiator(a.party(), { wantFull: true, deliveredTo: null });
          const m1 = await initiator.begin();
          if (where === "m1") {
            m1.set(octets.subarray(0, m1.length), place % Math.max(1, m1.length - octets.length));
            // A run that changes nothing is no run.
            m1[0] = (m1[0] ?? 0) ^ 64;
            await near.write(encodeFrame(m1));
          } else {
            await near.write(encodeFrame(m1));
            await new FrameReader(near).read(70_000);
            await near.write(encodeFrame(octets.length === 0 ? Uint8Array.of(1) : octets));
          }
        }
        near.close();
        assertEquals(await answered, null);
      },
    ),
    { numRuns: RUNS },
  );
  assertEquals([b.sessions.figures.answered, b.sessions.figures.halfOpen], [0, 0]);
  assertEquals(clock.waiting, 0);
});
