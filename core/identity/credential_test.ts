import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { webcryptoBackend } from "../pq/mod.ts";
import {
  acceptRotation,
  type AuthoritySignature,
  decodeAuthority,
  encodeAuthority,
  signRotation,
} from "./authority.ts";
import {
  type Credential,
  decodeCredential,
  encodeCredential,
  issueCredential,
  verifyCredential,
} from "./credential.ts";
import { IdentityError } from "./errors.ts";
import { testAuthority, testClaims, testNodeKeys } from "./testing.ts";

const backend = webcryptoBackend(crypto.subtle);
const NOW = 1_750_000_000_000;

Deno.test("verifyCredential() accepts what the authority signed, through encoding", async () => {
  for (const suite of ["category3", "category5"] as const) {
    const { set, keys } = await testAuthority(backend, { suite });
    const node = await testNodeKeys(backend, 0, suite);
    const issued = await issueCredential(set, keys, testClaims(node, 0, { roles: ["b", "a"] }));
    const bytes = encodeCredential(issued);
    const verified = await verifyCredential(backend, [set], decodeCredential(bytes), NOW);
    assertEquals(verified.claims.roles, ["a", "b"]);
    assertEquals(verified.spiffeId, `spiffe://test.mesh/node/${verified.nodeId}`);
  }
});

Deno.test("verifyCredential() refuses, each with its own code", async (t) => {
  const { set, keys } = await testAuthority(backend, { n: 3, threshold: 2 });
  const other = await testAuthority(backend, { label: 50 });
  const node = await testNodeKeys(backend, 0);
  const claims = testClaims(node, 0);
  const good = await issueCredential(set, keys.slice(0, 2), claims);
  const [first, second] = good.signatures as [AuthoritySignature, AuthoritySignature];
  const flip = (bytes: Uint8Array<ArrayBuffer>) => bytes.with(0, (bytes[0] ?? 0) ^ 1);
  const rows: { name: string; code: string; credential: Credential; now?: number | null }[] = [
    {
      name: "another mesh",
      code: "wrong-mesh",
      credential: { ...good, claims: { ...claims, trustDomain: "other.mesh" } },
    },
    {
      name: "one signature of two",
      code: "untrusted",
      credential: { claims, signatures: [first] },
    },
    {
      name: "the same key twice",
      code: "untrusted",
      credential: { claims, signatures: [first, first] },
    },
    {
      name: "the same signature under another index",
      code: "untrusted",
      credential: { claims, signatures: [first, { ...first, key: 1 }] },
    },
    {
      name: "false post-quantum half",
      code: "untrusted",
      credential: {
        claims,
        signatures: [first, { ...second, postQuantum: flip(second.postQuantum) }],
      },
    },
    {
      name: "false classical half",
      code: "untrusted",
      credential: { claims, signatures: [first, { ...second, ed25519: flip(second.ed25519) }] },
    },
    {
      name: "a role added",
      code: "untrusted",
      credential: { ...good, claims: { ...claims, roles: ["admin", "node"] } },
    },
    {
      name: "another authority of the same name",
      code: "untrusted",
      credential: await issueCredential(other.set, other.keys, claims),
    },
    { name: "expired", code: "expired", credential: good, now: claims.notAfterMs + 3_600_000 },
    { name: "clock in 1970", code: "not-yet-valid", credential: good, now: 0 },
  ];
  for (const { name, code, credential, now = NOW } of rows) {
    await t.step(name, async () => {
      const error = await assertRejects(
        () => verifyCredential(backend, [set], credential, now),
        IdentityError,
      );
      assertEquals(error.code, code);
    });
  }
  await t.step("and accepts the good one, also where time is not judged", async () => {
    await verifyCredential(backend, [set], good, NOW);
    await verifyCredential(backend, [set], good, null);
  });
});

Deno.test("decodeCredential() refuses every truncation and leftover", async () => {
  const { set, keys } = await testAuthority(backend);
  const bytes = encodeCredential(
    await issueCredential(set, keys, testClaims(await testNodeKeys(backend, 0), 0)),
  );
  for (let length = 0; length < bytes.length; length += 1) {
    assertThrows(() => decodeCredential(bytes.subarray(0, length)), IdentityError);
  }
  assertThrows(() => decodeCredential(Uint8Array.from([...bytes, 0])), IdentityError);
});

Deno.test("decodeAuthority() reads back, and refuses unsound sets", async () => {
  const { set } = await testAuthority(backend, { n: 3, threshold: 2 });
  assertEquals(decodeAuthority(encodeAuthority(set)), set);
  const first = set.keys[0];
  assert(first !== undefined);
  for (
    const unsound of [
      { ...set, threshold: 4 },
      { ...set, threshold: 0 },
      { ...set, keys: [first, first] },
      { ...set, version: 0 },
      { ...set, trustDomain: "Bad Name" },
    ]
  ) assertThrows(() => decodeAuthority(encodeAuthority(unsound)), IdentityError);
});

/** Until when the old set counts. */
const END = 1_760_000_000_000;

Deno.test("acceptRotation() takes one step that both thresholds signed, and no other", async (t) => {
  const old = await testAuthority(backend, { n: 2, threshold: 2 });
  const young = await testAuthority(backend, { n: 2, threshold: 1, version: 2, label: 60 });
  const by = async (who: typeof old, count: number, next = young.set) =>
    await Promise.all(
      who.keys.slice(0, count).map((key) => signRotation(who.set, key, old.set, next, END)),
    );
  const good = {
    next: young.set,
    previousUntilMs: END,
    byCurrent: await by(old, 2),
    byNext: await by(young, 1),
  };
  assertEquals(await acceptRotation(backend, old.set, good), young.set);
  const leap = { ...young.set, version: 3 };
  const rows = [
    { name: "current threshold missed", rotation: { ...good, byCurrent: await by(old, 1) } },
    { name: "next threshold missed", rotation: { ...good, byNext: [] } },
    { name: "signatures swapped", rotation: { ...good, byCurrent: good.byNext } },
    { name: "its end moved", rotation: { ...good, previousUntilMs: END + 1 } },
    { name: "two steps at once", rotation: { ...good, next: leap } },
    { name: "another mesh", rotation: { ...good, next: { ...young.set, trustDomain: "x.mesh" } } },
  ];
  for (const { name, rotation } of rows) {
    await t.step(name, async () => {
      await assertRejects(() => acceptRotation(backend, old.set, rotation), IdentityError);
    });
  }
});
