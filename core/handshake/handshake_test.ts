import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { type Backend, nobleBackend, webcryptoBackend } from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";
import { Initiator } from "./initiator.ts";
import type { Outcome, Party } from "./party.ts";
import { Responder } from "./responder.ts";
import { countingRandom, testParty, type TestPartyOptions } from "./testing.ts";

const native = webcryptoBackend(crypto.subtle);
const portable = nobleBackend((length) => countingRandom(9).bytes(length));
const FIRST = { wantFull: true, deliveredTo: null } as const;

/** Changes messages on their way; `null` drops. */
type Wire = (name: "m1" | "m2" | "m3" | "m4", bytes: Uint8Array) => Uint8Array;

interface Ends {
  readonly initiator: Outcome;
  readonly responder: Outcome;
}

async function run(
  a: Party,
  b: Party,
  wire: Wire = (_, bytes) => bytes,
  options = FIRST as ConstructorParameters<typeof Initiator>[1],
): Promise<Ends> {
  const initiator = new Initiator(a, options);
  const responder = new Responder(b);
  const m2 = await responder.receiveM1(wire("m1", await initiator.begin()));
  const m3 = await initiator.receiveM2(wire("m2", m2));
  const answer = await responder.receiveM3(wire("m3", m3));
  const m4 = await answer.confirm();
  const { outcome } = answer;
  return { initiator: await initiator.receiveM4(wire("m4", m4)), responder: outcome };
}

const flip = (bytes: Uint8Array, bit: number) =>
  Uint8Array.from(bytes).with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)));

Deno.test("handshake gives both ends the same secrets and each other's identity", async (t) => {
  const mixes: { name: string; backends: [Backend, Backend]; suite: "category3" | "category5" }[] =
    [
      { name: "native", backends: [native, native], suite: "category3" },
      { name: "native and portable", backends: [native, portable], suite: "category3" },
      { name: "category 5", backends: [native, native], suite: "category5" },
    ];
  for (const { name, backends, suite } of mixes) {
    await t.step(name, async () => {
      const [a, b] = [
        await testParty(backends[0], 1, { suite }),
        await testParty(backends[1], 2, { suite }),
      ];
      const { initiator, responder } = await run(a, b);
      assertEquals(initiator.psk, responder.psk);
      assertEquals(initiator.peer.nodeId, b.credential.nodeId);
      assertEquals(responder.peer.nodeId, a.credential.nodeId);
      assertEquals(initiator.exportKey("fabric", 64), responder.exportKey("fabric", 64));
      assertNotEquals(initiator.exportKey("fabric", 32), initiator.exportKey("other", 32));
      const again = await run(a, b);
      assertNotEquals(again.initiator.psk, initiator.psk);
    });
  }
});

Deno.test("handshake sends hashes once credentials are cached, and refuses an unknown hash", async () => {
  const [a, b] = [await testParty(native, 1), await testParty(native, 2)];
  const sizes: Record<string, number> = {};
  const measured: Wire = (name, bytes) => {
    sizes[name] = bytes.length;
    return bytes;
  };
  const first = await run(a, b, measured);
  const full = { ...sizes };
  const cached = { wantFull: false, deliveredTo: first.initiator.peerCacheEpoch };
  const second = await run(a, b, measured, cached);
  assertEquals(second.initiator.psk, second.responder.psk);
  assert((sizes.m2 ?? 0) < (full.m2 ?? 0) - 5000 && (sizes.m3 ?? 0) < (full.m3 ?? 0) - 5000);
  // The responder restarted: another epoch, so the initiator sends all again by itself.
  const { credential, credentialBytes } = b;
  const restarted = { ...await testParty(native, 2, { seed: 77 }), credential, credentialBytes };
  const third = await run(a, restarted, measured, cached);
  assertEquals(third.responder.peer.nodeId, a.credential.nodeId);
  // The initiator restarted and wrongly asks for a hash: it fails, closed.
  const forgetful = await testParty(native, 1, { seed: 78 });
  const error = await assertRejects(() => run(forgetful, b, measured, cached), HandshakeError);
  assertEquals(error.code, "unknown-credential");
});

Deno.test("handshake fails closed, each with its own code", async (t) => {
  const rows: { name: string; code: string; a?: TestPartyOptions; b?: TestPartyOptions }[] = [
    { name: "another mesh secret", code: "wrong-mac", a: { meshPsk: 8 } },
    { name: "another suite", code: "malformed", a: { suite: "category5" } },
    { name: "peer of another authority", code: "refused-credential", b: { authority: 40 } },
    { name: "peer of another mesh", code: "refused-credential", b: { trustDomain: "x.mesh" } },
    { name: "expired peer", code: "refused-credential", b: { notAfterMs: 1_700_000_000_001 } },
    { name: "clock in 1970", code: "refused-credential", a: { nowMs: 0 } },
  ];
  for (const { name, code, a, b } of rows) {
    await t.step(name, async () => {
      const parties = [await testParty(native, 1, a), await testParty(native, 2, b)] as const;
      const error = await assertRejects(() => run(...parties), HandshakeError);
      assertEquals(error.code, code);
    });
  }
  await t.step("revoked peer", async () => {
    const b = await testParty(native, 2);
    const a = await testParty(native, 1, { revoked: [b.credential.nodeId] });
    assertEquals((await assertRejects(() => run(a, b), HandshakeError)).code, "refused-credential");
  });
  await t.step("own identity reflected", async () => {
    const [a, twin] = [await testParty(native, 1), await testParty(native, 1, { seed: 5 })];
    assertEquals((await assertRejects(() => run(a, twin), HandshakeError)).code, "reflected");
  });
});

Deno.test("handshake refuses replays and splices", async (t) => {
  const [a, b] = [await testParty(native, 1), await testParty(native, 2)];
  const old: Record<string, Uint8Array> = {};
  await run(a, b, (name, bytes) => (old[name] = bytes));
  for (const replayed of ["m2", "m3", "m4"] as const) {
    await t.step(`old ${replayed} in a new handshake`, async () => {
      await assertRejects(
        () => run(a, b, (name, bytes) => name === replayed ? old[name] ?? bytes : bytes),
        HandshakeError,
      );
    });
  }
  await t.step("old M1: the responder answers, but nobody can go on", async () => {
    const responder = new Responder(b);
    await responder.receiveM1(old.m1 ?? new Uint8Array());
    await assertRejects(() => responder.receiveM3(old.m3 ?? new Uint8Array()), HandshakeError);
  });
  await t.step("M3 of a handshake with somebody else (unknown key share)", async () => {
    const c = await testParty(native, 3);
    const [toB, toC] = [new Initiator(a, FIRST), new Initiator(a, FIRST)];
    const [rb, rc] = [new Responder(b), new Responder(c)];
    const m2b = await rb.receiveM1(await toB.begin());
    const m2c = await rc.receiveM1(await toC.begin());
    await toB.receiveM2(m2b);
    const m3c = await toC.receiveM2(m2c);
    await assertRejects(() => rb.receiveM3(m3c), HandshakeError);
  });
  await t.step("the initiator's own M1 sent back as if it were another's", async () => {
    const responder = new Responder(a);
    const initiator = new Initiator(a, FIRST);
    const m2 = await responder.receiveM1(await initiator.begin());
    const error = await assertRejects(() => initiator.receiveM2(m2), HandshakeError);
    assertEquals(error.code, "reflected");
  });
  await t.step("each step once", async () => {
    const initiator = new Initiator(a, FIRST);
    const responder = new Responder(b);
    const m1 = await initiator.begin();
    await assertRejects(() => initiator.begin(), HandshakeError);
    const m2 = await responder.receiveM1(m1);
    await assertRejects(() => responder.receiveM1(m1), HandshakeError);
    const m3 = await initiator.receiveM2(m2);
    await assertRejects(() => initiator.receiveM2(m2), HandshakeError);
    await responder.receiveM3(m3);
    await assertRejects(() => responder.receiveM3(m3), HandshakeError);
  });
});

// One bit in 31 under CI, in 509 otherwise: primes, so that all positions in an octet come up.
const STRIDE = Deno.env.get("CI") === "true" ? 31 : 509;

Deno.test("handshake: a flipped bit in any message ends it without a secret", async (t) => {
  const [a, b] = [await testParty(native, 1), await testParty(native, 2)];
  const first = await run(a, b);
  const cached = { wantFull: false, deliveredTo: first.initiator.peerCacheEpoch };
  for (const target of ["m1", "m2", "m3", "m4"] as const) {
    await t.step(target, async () => {
      let length = 0;
      await run(a, b, (name, bytes) => {
        if (name === target) length = bytes.length;
        return bytes;
      }, cached);
      for (let bit = 0; bit < length * 8; bit += STRIDE) {
        await assertRejects(
          () => run(a, b, (name, bytes) => name === target ? flip(bytes, bit) : bytes, cached),
          HandshakeError,
          undefined,
          `bit ${bit} of ${target}`,
        );
      }
    });
  }
});

Deno.test("handshake: every truncation of every message is refused", async () => {
  const [a, b] = [await testParty(native, 1), await testParty(native, 2)];
  for (const target of ["m1", "m2", "m3", "m4"] as const) {
    for (const length of [0, 1, 2, 3, 4, 33, 67, 68, 100, 1000, 1183, 4000]) {
      await assertRejects(
        () =>
          run(
            a,
            b,
            (name, bytes) =>
              name === target && length < bytes.length
                ? bytes.subarray(0, length)
                : name === target
                ? bytes.subarray(1)
                : bytes,
          ),
        HandshakeError,
      );
    }
  }
});

Deno.test("Responder.gate() is the cheap check alone", async () => {
  const [a, b] = [await testParty(native, 1), await testParty(native, 2)];
  const m1 = await new Initiator(a, FIRST).begin();
  assert(Responder.gate(b, m1));
  assert(!Responder.gate(b, flip(m1, 100)));
  assert(!Responder.gate(b, m1.subarray(1)));
  assert(!Responder.gate(b, new Uint8Array()));
});
