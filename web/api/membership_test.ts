// Membership over HTTP, with real memberships of two nodes behind it.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type z } from "zod";
import { AFAR, type FixtureApp, fixtureApp } from "../../tests/fixtures/app.ts";
import { testMesh, type TestNode } from "../../tests/integration/membership_nodes.ts";
import * as schemas from "./schemas/membership.ts";
import { listOf } from "./schemas/common.ts";

const NOTHING = { tunnels: null, fabric: null, denied: null, checks: [], simulated: true };
const BASE = "/api/v1/membership";

async function appOf({ membership }: TestNode): Promise<FixtureApp> {
  return await fixtureApp({
    security: {
      membership,
      policy: null,
      auditHeads: () => [],
      spiffe: null,
      status: () => Promise.resolve(NOTHING),
    },
  });
}

async function answered<Schema extends z.ZodType>(
  schema: Schema,
  response: Response | Promise<Response>,
): Promise<z.output<Schema>> {
  const answer = await response;
  const text = await answer.text();
  assertEquals(answer.status, 200, text);
  return schema.parse(JSON.parse(text));
}

async function refused(response: Promise<Response>): Promise<readonly [number, string]> {
  const answer = await response;
  return [answer.status, (await answer.json()).code];
}

Deno.test("a mesh is made, joined, left out of and rotated over HTTP", async () => {
  await using mesh = await testMesh();
  const [a, b] = [await mesh.node("a"), await mesh.node("b")];
  const [founder, joiner] = [await appOf(a), await appOf(b)];
  const { membershipStatus, requestView, madeInvite, joinOutcome, inviteRecord } = schemas;
  const before = await answered(membershipStatus, founder.ask(BASE));
  assertEquals(before, { member: null, join: null, problem: null });
  assertEquals(await refused(founder.post(`${BASE}/invites`, {})), [409, "not-enrolled"]);

  const made = await answered(
    membershipStatus,
    founder.post(`${BASE}/create`, { mesh: "test.mesh" }),
  );
  assertEquals(made.member?.mesh, "test.mesh");
  assertEquals(await refused(founder.post(`${BASE}/create`, { mesh: "b.mesh" })), [
    409,
    "enrolled",
  ]);

  const invite = await answered(madeInvite, founder.post(`${BASE}/invites`, { roles: ["sensor"] }));
  assertMatch(invite.text, /^x0t1:[a-z2-7]+$/);
  assertMatch(invite.qrSvg, /^<svg /);
  const asked = await answered(
    joinOutcome,
    joiner.post(`${BASE}/join`, { invite: invite.text }),
  );
  assertEquals(asked.state, "waiting");
  const id = asked.requestId ?? "";
  const exported = await answered(schemas.document, founder.ask(`${BASE}/requests/${id}/export`));
  assertMatch(exported.text, /signing request/);
  const approved = await answered(
    requestView,
    founder.post(`${BASE}/requests/${id}/approve`, {}),
  );
  assertEquals(approved.state, "granted");
  for (let tries = 0; tries < 300 && b.membership.member === null; tries++) {
    await mesh.clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { member } = await answered(membershipStatus, joiner.ask(BASE));
  assert(member !== null);
  assertEquals(member.roles, ["sensor"]);

  const invites = await answered(
    listOf("I", inviteRecord),
    founder.ask(`${BASE}/invites`),
  );
  assertEquals(invites.items.map(({ nodeId }) => nodeId), [member.nodeId]);
  assertEquals(
    await refused(founder.post(`${BASE}/invites/${invite.record.id}/cancel`, {})),
    [410, "token-used"],
  );
  const revoked = await answered(
    requestView,
    founder.post(`${BASE}/revoke`, { node: member.nodeId }),
  );
  assertEquals(revoked.state, "granted");
  const list = await answered(
    listOf("R", schemas.revocation),
    founder.ask(`${BASE}/revocations`),
  );
  assertEquals(list.items.map(({ spiffeId }) => spiffeId), [member.spiffeId]);
  assertEquals((await founder.post(`${BASE}/rotate/keys`, {})).status, 200);
  assertEquals((await founder.post(`${BASE}/renew`, {})).status, 200);
  const rotated = await founder.post(`${BASE}/rotate/authority`, { keys: 2, threshold: 1 });
  assertEquals(await rotated.json(), { version: 2 });
  assertEquals([...founder.unexpected, ...joiner.unexpected], []);
});

Deno.test("membership over HTTP refuses what is wrong with a clear word, and changes from afar", async () => {
  await using mesh = await testMesh();
  const node = await mesh.node("a");
  const app = await appOf(node);
  assertEquals(await refused(app.post(`${BASE}/join`, { invite: "x0t1:nonsense" })), [
    400,
    "checksum",
  ]);
  assertEquals(await refused(app.post(`${BASE}/join`, { invite: "hello" })), [400, "malformed"]);
  const odd = app.post(`${BASE}/create`, { mesh: "Not A Name" });
  assertEquals(await refused(odd), [400, "malformed"]);
  const afar = app.post(`${BASE}/create`, { mesh: "a.mesh" }, AFAR);
  assertEquals(await refused(afar), [403, "local-only"]);
  assertEquals(await refused(app.post(`${BASE}/requests/0123456789abcdef/approve`, {})), [
    409,
    "not-enrolled",
  ]);
  await app.post(`${BASE}/create`, { mesh: "a.mesh" });
  assertEquals(await refused(app.post(`${BASE}/requests/0123456789abcdef/approve`, {})), [
    404,
    "missing",
  ]);
  assertEquals(await refused(app.post(`${BASE}/revoke`, { node: "nobody" })), [400, "malformed"]);
});

Deno.test("an authority is backed up and restored over HTTP", async () => {
  await using mesh = await testMesh();
  const [founder, rescue] = [await appOf(await mesh.node("a")), await appOf(await mesh.node("b"))];
  await founder.post(`${BASE}/create`, { mesh: "a.mesh" });
  const passphrase = "a long passphrase";
  const backup = await answered(
    schemas.document,
    founder.post(`${BASE}/backup`, { passphrase }),
  );
  const wrong = rescue.post(`${BASE}/restore`, { ...backup, passphrase: "another one" });
  assertEquals(await refused(wrong), [403, "wrong-passphrase"]);
  const restored = await answered(
    schemas.membershipStatus,
    rescue.post(`${BASE}/restore`, { ...backup, passphrase }),
  );
  assertEquals(restored.member?.authority.here, { open: 1, sealed: 0 });
});
