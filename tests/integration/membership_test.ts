import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { IdentityError } from "../../core/identity/mod.ts";
import { ManualClock } from "../fixtures/clock.ts";
import { type TestMesh, testMesh, type TestNode } from "./membership_nodes.ts";

const DAY_MS = 24 * 3600 * 1000;
const PLAIN = { suite: "category3", keys: 1, threshold: 1, passphrase: null } as const;

async function founded(mesh: TestMesh, options: object = {}): Promise<TestNode> {
  const node = await mesh.node("founder");
  await node.membership.create({ mesh: "test.mesh", ...PLAIN, ...options });
  return node;
}

async function joined(mesh: TestMesh, founder: TestNode, name: string): Promise<TestNode> {
  const { text } = await founder.membership.invite({ autoApprove: true });
  const node = await mesh.node(name);
  assertEquals((await node.membership.join(text)).state, "joined");
  return node;
}

const codeOf = async (promise: Promise<unknown>) =>
  (await assertRejects(() => promise, IdentityError)).code;

const memberOf = async ({ membership }: TestNode) => {
  const { member } = await membership.status();
  assert(member !== null);
  return member;
};

/** Lets a request that waits be asked for again. */
async function until(mesh: TestMesh, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 300 && !holds(); tries++) {
    await mesh.clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert(holds());
}

Deno.test("Membership.create() makes this node the first member, once", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const member = await memberOf(founder);
  assertEquals([member.mesh, member.roles, member.authority.version], [
    "test.mesh",
    ["admin", "node"],
    1,
  ]);
  assertMatch(member.spiffeId, /^spiffe:\/\/test\.mesh\/node\/[a-z2-7]{16}$/);
  assertMatch(member.overlayAddress, /^fd/);
  const again = founder.membership.create({ mesh: "other.mesh", ...PLAIN });
  assertEquals(await codeOf(again), "enrolled");
});

Deno.test("Membership.join() enters with an invite that approves by itself", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const node = await joined(mesh, founder, "second");
  const [a, b] = [await memberOf(founder), await memberOf(node)];
  assertEquals([b.mesh, b.roles, b.overlayPrefix], [a.mesh, ["node"], a.overlayPrefix]);
  assert(a.nodeId !== b.nodeId);
  const kinds = founder.membership.context.audit.list(10).map(({ kind }) => kind);
  assertEquals(kinds, ["node.enrolled", "node.requested", "invite.made", "mesh.created"]);
  assert((await founder.membership.context.audit.verify()).sound);
  assertEquals(founder.membership.invites()[0]?.nodeId, b.nodeId);
});

Deno.test("Membership.join() with an invite that served another node is refused", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const { text } = await founder.membership.invite({ autoApprove: true });
  const first = await mesh.node("first");
  await first.membership.join(text);
  const thief = await mesh.node("thief");
  assertEquals(await codeOf(thief.membership.join(text)), "token-used");
  assertEquals((await thief.membership.status()).member, null);
});

Deno.test("Membership.join() refuses what is no invite, an expired one, one of nobody", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const node = await mesh.node("second");
  const { text, record } = await founder.membership.invite({ lifetimeMs: 60_000 });
  assertEquals(await codeOf(node.membership.join("hello")), "malformed");
  assertEquals(await codeOf(node.membership.join(`${text.slice(0, -3)}aaa`)), "checksum");
  await founder.membership.cancelInvite(record.id);
  assertEquals(await codeOf(node.membership.join(text)), "token-used");
  const late = (await founder.membership.invite({ lifetimeMs: 60_000 })).text;
  await mesh.clock.advance(61_000);
  assertEquals(await codeOf(node.membership.join(late)), "token-expired");
  const nobody = (await founder.membership.invite({ addresses: ["gone:1"] })).text;
  const error = await assertRejects(() => node.membership.join(nobody), IdentityError);
  assertEquals([error.code, error.message], [
    "no-answer",
    'Cannot reach a member of "test.mesh": gone:1: connection refused',
  ]);
});

Deno.test("Membership.join() does not trust a member of another mesh of the same name", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const impostor = await mesh.node("impostor");
  await impostor.membership.create({ mesh: "test.mesh", ...PLAIN });
  const { text } = await founder.membership.invite({
    autoApprove: true,
    addresses: [impostor.address],
  });
  const node = await mesh.node("second");
  const error = await assertRejects(() => node.membership.join(text), IdentityError);
  assertEquals(error.code, "no-answer");
  assertMatch(error.message, /impostor:6470: it closed the connection/);
  assertEquals((await node.membership.status()).member, null);
});

Deno.test("a request waits for a person, who approves it, also over a restart", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const { text } = await founder.membership.invite({ roles: ["gateway"] });
  let node = await mesh.node("second");
  const outcome = await node.membership.join(text);
  assert(outcome.state === "waiting");
  assertEquals((await node.membership.status()).join?.state, "waiting");
  await node.close();
  node = await mesh.node("second");
  const [request] = founder.membership.requests();
  assertEquals([request?.id, request?.name, request?.state], [
    outcome.requestId,
    "second",
    "pending",
  ]);
  assertEquals((await founder.membership.approve(outcome.requestId, null)).state, "granted");
  await until(mesh, () => node.membership.member !== null);
  assertEquals((await memberOf(node)).roles, ["gateway"]);
  assertEquals((await node.membership.status()).join, null);
  assertEquals(founder.membership.requests()[0]?.state, "delivered");
});

Deno.test("a refused request tells the joiner, who asks no longer", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const { text } = await founder.membership.invite({});
  const node = await mesh.node("second");
  const outcome = await node.membership.join(text);
  assert(outcome.state === "waiting");
  await founder.membership.refuse(outcome.requestId);
  await until(mesh, () => node.log.some((line) => line.includes("refused")));
  const { join, member } = await node.membership.status();
  assertEquals([join?.lastError, member], ["Cannot enrol: the request was refused", null]);
});

Deno.test("sealed authority keys sign with their passphrase only", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh, { passphrase: "correct horse battery" });
  const { text } = await founder.membership.invite({ autoApprove: true });
  const node = await mesh.node("second");
  const outcome = await node.membership.join(text);
  assert(outcome.state === "waiting");
  const { requestId } = outcome;
  assertEquals((await founder.membership.approve(requestId, null)).state, "pending");
  const wrong = founder.membership.approve(requestId, "wrong horse battery");
  assertEquals(await codeOf(wrong), "wrong-passphrase");
  const right = await founder.membership.approve(requestId, "correct horse battery");
  assertEquals(right.state, "granted");
  await until(mesh, () => node.membership.member !== null);
});

Deno.test("Membership.revoke() puts a node out for good", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const node = await joined(mesh, founder, "second");
  const other = await joined(mesh, founder, "third");
  const { nodeId, spiffeId } = await memberOf(node);
  assertEquals((await founder.membership.revoke(spiffeId, null)).state, "granted");
  assertEquals(await codeOf(founder.membership.revoke(nodeId, null)), "revoked");
  const { documents } = founder.membership;
  assert(await other.membership.acceptRevocations(documents.revocations));
  assert(!await other.membership.acceptRevocations(documents.revocations));
  assertEquals((await memberOf(other)).revocations, { version: 1, count: 1 });
  assert(await node.membership.acceptRevocations(documents.revocations));
  assert((await memberOf(node)).revoked);
  assertEquals(await codeOf(node.membership.renew()), "revoked");
  const own = founder.membership.revoke((await memberOf(founder)).nodeId, null);
  assertEquals(await codeOf(own), "refused");
});

Deno.test("Membership.rotateKeys() keeps node id and address, and replaces the rest", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const node = await joined(mesh, founder, "second");
  const before = await memberOf(node);
  const key = node.membership.member?.keys.wireguardPublic.toHex();
  assertEquals(await node.membership.rotateKeys(), "rotated");
  const after = await memberOf(node);
  assertEquals([after.nodeId, after.overlayAddress, after.keysGeneration], [
    before.nodeId,
    before.overlayAddress,
    2,
  ]);
  assert(node.membership.member?.keys.wireguardPublic.toHex() !== key);
  await node.close();
  assertEquals((await memberOf(await mesh.node("second"))).keysGeneration, 2);
});

Deno.test("Membership renews a credential past half its life by itself", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const node = await joined(mesh, founder, "second");
  const before = (await memberOf(node)).credential;
  await mesh.clock.advance(45 * DAY_MS - 1_000);
  const renewed = () =>
    (node.membership.member?.state.credential.claims.serial ?? 0) > before.serial;
  await until(mesh, renewed);
  const after = (await memberOf(node)).credential;
  assert(after.notAfterMs > before.notAfterMs + 40 * DAY_MS);
  assertEquals(after.state, "valid");
});

Deno.test("Membership.rotateAuthority() is taken by members, and old credentials count until its end", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const node = await joined(mesh, founder, "second");
  const rotate = { keys: 3, threshold: 2, passphrase: null, newPassphrase: null };
  assertEquals(await founder.membership.rotateAuthority(rotate), { version: 2 });
  const { chain } = founder.membership.documents;
  assert(await node.membership.acceptChain(chain));
  assert(!await node.membership.acceptChain(chain));
  const { authority } = await memberOf(node);
  assertEquals([authority.version, authority.keys, authority.threshold], [2, 3, 2]);
  assert(authority.lastUntilMs !== null);
  const third = await joined(mesh, founder, "third");
  assertEquals((await memberOf(third)).authority.version, 2);
  assertEquals(await node.membership.renew(), "renewed");
});

Deno.test("a state restored from an old back-up is noticed: nobody is trusted, nothing overwritten", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  let node = await joined(mesh, founder, "second");
  const victim = await joined(mesh, founder, "third");
  const path = `${node.directory}/mesh/mesh.state`;
  const old = await Deno.readTextFile(path);
  await founder.membership.revoke((await memberOf(victim)).nodeId, null);
  await node.membership.acceptRevocations(founder.membership.documents.revocations);
  await node.close();
  await Deno.writeTextFile(path, old);
  node = await mesh.node("second");
  assertEquals((await memberOf(node)).missing?.revocations, 1);
  assertEquals(await codeOf(node.membership.invite({})), "rollback");
  await node.membership.acceptRevocations(founder.membership.documents.revocations);
  assertEquals((await memberOf(node)).missing, null);
});

for (
  const { name, damage, words } of [
    {
      name: "cut",
      damage: (path: string) => Deno.truncate(path, 200),
      words: /half-written|checksum|damaged|Cannot use/,
    },
    {
      name: "open to others",
      damage: (path: string) => Deno.chmod(path, 0o644),
      words: /chmod 600/,
    },
    {
      name: "gone",
      damage: (path: string) => Deno.remove(path),
      words: /missing|no such file/,
    },
  ]
) {
  Deno.test(`a key file that is ${name} stops membership with a clear word, and stays as it is`, async () => {
    await using mesh = await testMesh();
    const founder = await founded(mesh);
    await founder.close();
    const path = `${founder.directory}/mesh/keys/node-1.keys`;
    await damage(path);
    const before = await Deno.readTextFile(path).catch(() => null);
    const again = await mesh.node("founder");
    const { member, problem } = await again.membership.status();
    assertEquals(member, null);
    assertMatch(problem ?? "", words);
    const create = again.membership.create({ mesh: "new.mesh", ...PLAIN });
    assertEquals(await codeOf(create), "enrolled");
    assertEquals(await Deno.readTextFile(path).catch(() => null), before);
  });
}

Deno.test("a clock in 1970: nothing can be dated, but a node can join and judges no times", async () => {
  await using mesh = await testMesh();
  const early = new ManualClock(1_000);
  const lost = await mesh.node("lost", early);
  assertEquals(await codeOf(lost.membership.create({ mesh: "x.mesh", ...PLAIN })), "not-yet-valid");
  const founder = await founded(mesh);
  const { text } = await founder.membership.invite({ autoApprove: true });
  assertEquals((await lost.membership.join(text)).state, "joined");
  assertEquals((await memberOf(lost)).credential.state, null);
});

Deno.test("an authority of 2 of 2 keys signs a request that is carried to where a key is kept", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh, { keys: 2, threshold: 2 });
  const away = `${founder.directory}/away.key`;
  await Deno.rename(`${founder.directory}/mesh/authority/authority-v1-2.key`, away);
  const { text } = await founder.membership.invite({});
  const node = await mesh.node("second");
  const outcome = await node.membership.join(text);
  assert(outcome.state === "waiting");
  const { requestId } = outcome;
  const half = await founder.membership.approve(requestId, null);
  assertEquals([half.state, half.signatures], ["pending", 1]);
  const carried = founder.membership.exportRequest(requestId);
  const signed = await founder.membership.signCarried(carried, "request", away, null);
  const whole = await founder.membership.importSignatures(signed, "request");
  assertEquals([whole.state, whole.signatures], ["granted", 2]);
  await until(mesh, () => node.membership.member !== null);
});

Deno.test("Membership.backUp() and restore() bring a lost authority back on another node", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const node = await joined(mesh, founder, "second");
  const backup = await founder.membership.backUp("a long passphrase", null);
  await founder.close();
  const rescue = await mesh.node("rescue");
  const wrong = rescue.membership.restore(backup, "backup", "another passphrase");
  assertEquals(await codeOf(wrong), "wrong-passphrase");
  await rescue.membership.restore(backup, "backup", "a long passphrase");
  const member = await memberOf(rescue);
  assertEquals([member.mesh, member.authority.here.open], ["test.mesh", 1]);
  assert(member.nodeId !== (await memberOf(node)).nodeId);
  const third = await joined(mesh, rescue, "third");
  assertEquals((await memberOf(third)).overlayPrefix, member.overlayPrefix);
});

Deno.test("a member without authority keys has its joiners' requests signed by another", async () => {
  await using mesh = await testMesh();
  const founder = await founded(mesh);
  const second = await joined(mesh, founder, "second");
  const { text } = await second.membership.invite({ autoApprove: true });
  const third = await mesh.node("third");
  assertEquals((await third.membership.join(text)).state, "waiting");
  const [waiting] = second.membership.waiting();
  assert(waiting !== undefined);
  assertEquals(await founder.membership.takeCarried(waiting.text), waiting.text);
  const carried = founder.membership.requests().find(({ id }) => id === waiting.id);
  assertEquals([carried?.state, carried?.approved], ["pending", false]);
  assertEquals((await founder.membership.approve(waiting.id, null)).state, "granted");
  const signed = await founder.membership.takeCarried(waiting.text);
  const done = await second.membership.importSignatures(signed, "the answer");
  assertEquals(done.state, "granted");
  assertEquals(second.membership.waiting(), []);
  await until(mesh, () => third.membership.member !== null);
  const foreign = await mesh.node("foreign");
  await foreign.membership.create({ mesh: "test.mesh", ...PLAIN });
  assertEquals(await codeOf(foreign.membership.takeCarried(waiting.text)), "wrong-mesh");
});
