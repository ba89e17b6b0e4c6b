// Those who are no members in good standing, and those who hold an invite they shouldn't: refused by both
// roles, closed. attack_test.ts has what is done to the messages of those who are.
import { assertEquals, assertRejects } from "@std/assert";
import { native, node, type NodeOptions, through } from "../../tests/fixtures/handshake.ts";
import { encodeCredential } from "../identity/mod.ts";
import { testNodeKeys } from "../identity/testing.ts";
import { hashOf } from "../pq/mod.ts";
import { EnrolInitiator } from "./enrol_initiator.ts";
import { EnrolResponder } from "./enrol_responder.ts";
import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import type { Party } from "./party.ts";
import { testEnrolment, type TestEnrolmentOptions, testParty } from "./testing.ts";

const codeOf = async (action: () => Promise<unknown>) =>
  (await assertRejects(action, HandshakeError)).code;

Deno.test("attack: whoever is no member in good standing", async (t) => {
  const forge = (party: Party): Party => {
    const claims = { ...party.credential.claims, roles: ["admin", "node"] };
    const credential = { ...party.credential, claims };
    const credentialBytes = encodeCredential(credential);
    return {
      ...party,
      credential: { ...credential, hash: hashOf(credentialBytes) },
      credentialBytes,
    };
  };
  const revokedId = (await node(1)).nodeId;
  const rows: {
    name: string;
    code: HandshakeErrorCode;
    a?: NodeOptions;
    b?: NodeOptions;
  }[] = [
    { name: "another mesh's secret", code: "wrong-mac", a: { meshPsk: 8 } },
    { name: "another authority", code: "refused-credential", a: { authority: 40 } },
    { name: "another mesh's name", code: "refused-credential", a: { trustDomain: "x.mesh" } },
    { name: "expired", code: "refused-credential", a: { notAfterMs: 1_700_000_000_001 } },
    { name: "revoked", code: "refused-credential", b: { revoked: [revokedId] } },
    { name: "a role it was not given", code: "refused-credential", a: { change: forge } },
    { name: "a clock in 1970 that nobody noticed", code: "refused-credential", b: { wallMs: 0 } },
  ];
  for (const { name, code, a: left = {}, b: right = {} } of rows) {
    await t.step(`${name}: refused by the responder`, async () => {
      // The initiator believes everybody, so that it comes to M3.
      const b = await node(2, right);
      const trusting = b.party().credential;
      const { change = (party: Party) => party } = left;
      const a = await node(1, {
        ...left,
        change: (party) => change({ ...party, admit: () => Promise.resolve(trusting) }),
      });
      const { dialled, taken, code: seen } = await through(a, b);
      assertEquals([dialled, taken, seen], [null, [], "closed"]);
      assertEquals(b.sessions.figures.failures, { [code]: 1 });
    });
  }
  for (const { name, code, a: left = {}, b: right = {} } of rows) {
    if (code === "wrong-mac") continue;
    await t.step(`${name}: refused by the initiator, who says no more`, async () => {
      const [judge, judged] = [await node(2, right), await node(1, left)];
      const { dialled, taken, code: seen } = await through(judge, judged);
      assertEquals([dialled, taken, seen], [null, [], code]);
    });
  }
  await t.step(
    "a clock known to be in 1970 judges no times, and still refuses the revoked",
    async () => {
      const b = await node(2, { wallMs: null });
      const expired = await node(1, { notAfterMs: 1_700_000_000_001, wallMs: null });
      const { dialled, taken } = await through(expired, b);
      assertEquals(taken, [dialled ?? "none"]);
      const strict = await node(2, { wallMs: null, revoked: [revokedId] });
      assertEquals((await through(await node(1), strict)).dialled, null);
    },
  );
});

Deno.test("attack: stolen and wrong invites", async (t) => {
  const rows: {
    name: string;
    at: "m1" | "m2" | "m3";
    code: string;
    change: TestEnrolmentOptions;
  }[] = [
    {
      name: "a token that was never made",
      at: "m1",
      code: "wrong-mac",
      change: { tokenId: new Uint8Array(8).fill(9) },
    },
    {
      name: "a token's id without its secret",
      at: "m1",
      code: "wrong-mac",
      change: { tokenSecret: new Uint8Array(20).fill(9) },
    },
    {
      name: "a token in the place of the mesh's secret",
      at: "m1",
      code: "wrong-mac",
      change: { tokenId: null },
    },
    {
      name: "a member of another authority than the invite pins",
      at: "m2",
      code: "refused-credential",
      change: { pinned: 40 },
    },
    {
      name: "an expired member",
      at: "m2",
      code: "refused-credential",
      change: { notAfterMs: 1_700_000_000_001 },
    },
    {
      name: "a request that names somebody else's keys",
      at: "m3",
      code: "wrong-signature",
      change: { signer: 9 },
    },
  ];
  for (const { name, at, code, change } of rows) {
    await t.step(name, async () => {
      const { joiner, member } = await testEnrolment([native, native], change);
      const initiator = new EnrolInitiator(joiner);
      const responder = new EnrolResponder(member);
      const m1 = await initiator.begin();
      const first = () => responder.receiveM1(m1);
      if (at === "m1") return assertEquals(await codeOf(first), code);
      const m2 = await first();
      const second = () => initiator.receiveM2(m2);
      if (at === "m2") return assertEquals(await codeOf(second), code);
      const m3 = await second();
      assertEquals(await codeOf(() => responder.receiveM3(m3)), code);
    });
  }
  await t.step(
    "whoever holds the invite poses as the member: the joiner's request stays sealed",
    async () => {
      const { joiner, member } = await testEnrolment([native, native]);
      const thief = await testParty(native, 7, { authority: 40 });
      const posing = new EnrolResponder({ ...thief, token: (id) => member.token(id) });
      const initiator = new EnrolInitiator(joiner);
      const m2 = await posing.receiveM1(await initiator.begin());
      assertEquals(await codeOf(() => initiator.receiveM2(m2)), "refused-credential");
    },
  );
  await t.step("a member's credential with another's keys", async () => {
    const { joiner, member } = await testEnrolment([native, native]);
    const { postQuantum, ed25519 } = await testNodeKeys(native, 9);
    const posing = new EnrolResponder({ ...member, postQuantum, ed25519 });
    const initiator = new EnrolInitiator(joiner);
    const m2 = await posing.receiveM1(await initiator.begin());
    assertEquals(await codeOf(() => initiator.receiveM2(m2)), "wrong-signature");
  });
  await t.step("old M3 of an enrolment in another", async () => {
    const { joiner, member } = await testEnrolment([native, native]);
    const first = new EnrolInitiator(joiner);
    const m3 = await first.receiveM2(
      await new EnrolResponder(member).receiveM1(await first.begin()),
    );
    const responder = new EnrolResponder(member);
    await responder.receiveM1(await new EnrolInitiator(joiner).begin());
    assertEquals(await codeOf(() => responder.receiveM3(m3)), "wrong-tag");
  });
});
