import { assert, assertEquals, assertRejects } from "@std/assert";
import { ManualClock } from "../../tests/fixtures/clock.ts";
import { testMember } from "../tunnel/testing.ts";
import { encodeCredential, IdentityError } from "../identity/mod.ts";
import { webcryptoBackend } from "../pq/mod.ts";
import { MemberParty } from "./member_party.ts";
import { countingRandom } from "./testing.ts";

const native = webcryptoBackend(crypto.subtle);

async function world(startMs?: number, state: { complete: boolean } = { complete: true }) {
  const member = await testMember(native, 1);
  const clock = new ManualClock(startMs);
  const membership = new MemberParty({
    clock,
    random: countingRandom(1),
    backend: native,
    keys: member.keys,
    state: {
      ...member.state,
      requireComplete() {
        if (!state.complete) throw new IdentityError("rollback", "restored from an old backup");
      },
    },
  });
  return { member, membership };
}

const present = async (index: number, options = {}) => {
  const { state } = await testMember(native, index, options);
  return { credential: state.credential, full: encodeCredential(state.credential) };
};

const codeOf = async (promise: Promise<unknown>) =>
  (await assertRejects(() => promise, IdentityError)).code;

Deno.test("MemberParty: members are believed until they are cut, revoked or out of time", async () => {
  const { member, membership } = await world();
  const { credential, full } = await present(2);
  const admitted = await membership.party().admit({ full });
  assertEquals(admitted.nodeId, credential.nodeId);
  assert(membership.believes(admitted));
  member.revoked.add(admitted.nodeId);
  assert(!membership.believes(admitted));
  assertEquals(await codeOf(membership.party().admit({ full })), "revoked");
  member.revoked.clear();
  membership.cut(admitted.nodeId);
  assert(!membership.believes(admitted));
  assertEquals(await codeOf(membership.party().admit({ full })), "revoked");
  const late = await present(3, { notAfterMs: 1_780_000_000_000 });
  assertEquals(await codeOf(membership.party().admit({ full: late.full })), "expired");
  const foreign = await present(4, { authority: 2 });
  assertEquals(await codeOf(membership.party().admit({ full: foreign.full })), "untrusted");
});

Deno.test("MemberParty: a node whose state was rolled back believes nobody", async () => {
  const state = { complete: true };
  const { membership } = await world(undefined, state);
  const { full } = await present(2);
  const admitted = await membership.party().admit({ full });
  state.complete = false;
  assert(!membership.believes(admitted));
  assertEquals(await codeOf(membership.party().admit({ full })), "rollback");
});

Deno.test("MemberParty: a clock in 1970 judges no times, and all else", async () => {
  const { membership } = await world(0);
  const late = await present(3, { notAfterMs: 1_780_000_000_000 });
  assert(membership.believes(await membership.party().admit({ full: late.full })));
  const foreign = await present(4, { authority: 2 });
  assertEquals(await codeOf(membership.party().admit({ full: foreign.full })), "untrusted");
});

Deno.test("MemberParty.changed() begins the cache anew", async () => {
  const { membership } = await world();
  const { credential, full } = await present(2);
  // What is admitted is kept once it is proved, which is the session's part.
  membership.cache.put(await membership.party().admit({ full }));
  const { epoch } = membership.cache;
  assert(membership.cache.knows(credential.nodeId));
  membership.changed();
  assert(!membership.cache.knows(credential.nodeId));
  assert(membership.cache.epoch.toHex() !== epoch.toHex());
  assertEquals(membership.party().cacheEpoch, membership.cache.epoch);
});
