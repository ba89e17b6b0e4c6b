import { assert, assertEquals, assertRejects } from "@std/assert";
import { ManualClock } from "../../tests/fixtures/clock.ts";
import {
  admission,
  CredentialCache,
  HandshakeError,
  MODE,
  type Mode,
  Sessions,
} from "../handshake/mod.ts";
import { countingRandom, streamPair, testParty } from "../handshake/testing.ts";
import { testAuthority } from "../identity/testing.ts";
import { webcryptoBackend } from "../pq/mod.ts";

const native = webcryptoBackend(crypto.subtle);

async function sessions(index: number, mode: Mode) {
  const base = await testParty(native, index);
  const { set } = await testAuthority(native);
  const cache = new CredentialCache(countingRandom(index + 70));
  const wallMs = () => 1_750_000_000_000;
  const trust = { backend: native, sets: () => [set], wallMs, revoked: () => false };
  const party = () => ({ ...base, cacheEpoch: cache.epoch, admit: admission(trust, cache) });
  return {
    nodeId: base.credential.nodeId,
    sessions: new Sessions({ clock: new ManualClock(), party, cache, mode }),
  };
}

for (const [dialled, answered] of [[MODE.mesh, MODE.fabric], [MODE.fabric, MODE.mesh]] as const) {
  Deno.test(`Sessions: a handshake of mode ${dialled} is none of mode ${answered}`, async () => {
    const [a, b] = [await sessions(1, dialled), await sessions(2, answered)];
    const [near, far] = streamPair();
    let asked = false;
    const answer = b.sessions.answer(far, "fe80::1%bat0", () => {
      asked = true;
      return Promise.resolve(true);
    });
    const error = await assertRejects(
      () => a.sessions.dial(near, b.nodeId, () => true),
      HandshakeError,
    );
    assertEquals(error.code, "closed");
    assertEquals([await answer, asked], [null, false]);
  });
}

Deno.test("Sessions: both ends of mode fabric agree on exported keys", async () => {
  const [a, b] = [await sessions(1, MODE.fabric), await sessions(2, MODE.fabric)];
  const [near, far] = streamPair();
  const answer = b.sessions.answer(far, "fe80::1%bat0", () => Promise.resolve(true));
  const dialled = await a.sessions.dial(near, b.nodeId, () => true);
  const answered = await answer;
  assert(answered !== null);
  const label = "fabric initiator to responder";
  assertEquals(dialled.outcome.exportKey(label, 32), answered.outcome.exportKey(label, 32));
});
