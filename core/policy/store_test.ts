import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { hostFiles } from "../host/mod.ts";
import { testAuthority } from "../identity/testing.ts";
import { FileError, type Files } from "../ports/mod.ts";
import { webcryptoBackend } from "../pq/mod.ts";
import { MESH } from "./_arbitrary.ts";
import { PolicyError } from "./errors.ts";
import type { Policy } from "./policy.ts";
import type { PolicyVersions } from "./ports.ts";
import { comparePolicies, readPolicyFile, type SignedPolicy, writePolicyFile } from "./signed.ts";
import { PolicyStore, type PolicyStoreOptions } from "./store.ts";

const backend = webcryptoBackend(crypto.subtle);
const files = hostFiles();
const NOW = 1_790_000_000_000;

/** Versions in memory; core/store's table is their twin, see core/store/audit_test.ts. */
class Versions implements PolicyVersions {
  seen = new Map<string, number>();

  read(mesh: string): number | null {
    return this.seen.get(mesh) ?? null;
  }

  raise(mesh: string, version: number): void {
    this.seen.set(mesh, Math.max(version, this.read(mesh) ?? 0));
  }
}

const authority = await testAuthority(backend, { n: 3, threshold: 2 });
const { set, keys } = authority;

interface Bench {
  readonly path: string;
  readonly versions: Versions;
  readonly changed: Policy[];
  readonly open: (more?: Partial<PolicyStoreOptions>) => Promise<PolicyStore>;
}

async function inTemporary(run: (bench: Bench) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const [path, versions, changed] = [`${directory}/policy`, new Versions(), [] as Policy[]];
  const open = (more: Partial<PolicyStoreOptions> = {}) =>
    PolicyStore.open({
      files,
      backend,
      versions,
      path,
      trustDomain: MESH,
      mesh: "00ff",
      sets: () => [set],
      allSets: () => [set],
      unsigned: "starting",
      changed: (policy) => changed.push(policy),
      ...more,
    });
  try {
    await run({ path, versions, changed, open });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const text = (port: number) =>
  `[[rules]]\nname = "r"\neffect = "allow"\nfrom = ["role:a"]\nto = ["role:b"]\nservices = ["tcp/${port}"]\n`;

async function signed(
  store: PolicyStore,
  port: number,
  by = keys.slice(0, 2),
): Promise<SignedPolicy> {
  const draft = store.draft(text(port), NOW);
  assert(draft.ok);
  return await store.sign(draft.document, set, by);
}

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  (await assertRejects(() => promise, PolicyError)).code;

const reaches = (store: PolicyStore, port: number): boolean =>
  store.policy.allows({
    from: { spiffeId: `spiffe://${MESH}/node/x`, roles: ["a", "node"] },
    to: { spiffeId: `spiffe://${MESH}/node/y`, roles: ["b", "node"] },
    asked: { transport: "tcp", port },
  });

Deno.test("`PolicyStore` from draft to force, over a restart", () =>
  inTemporary(async ({ path, versions, changed, open }) => {
    const store = await open();
    assert(reaches(store, 9), "the starting policy");
    assertEquals(store.current().document.version, 0);
    const draft = store.draft(text(22), NOW);
    assert(draft.ok);
    assertEquals(draft.document.version, 1);
    assertEquals(draft.changes, [
      'Rule "nodes" is gone: allow role:node → role:node: network',
      'Rule "r" is new: allow role:a → role:b: tcp/22',
    ]);
    const first = await store.sign(draft.document, set, keys.slice(0, 1));
    assertEquals(await codeOf(store.accept(first)), "untrusted");
    assertEquals(changed.length, 0);
    // The second key is elsewhere: the file is carried there and back.
    const carried = readPolicyFile(writePolicyFile(first), "carried");
    const both = await store.sign(draft.document, set, keys.slice(1, 2), carried);
    assertEquals(await store.accept(both), true);
    assertEquals(await store.accept(both), false);
    assertEquals([changed.length, versions.read("00ff")], [1, 1]);
    assertEquals([reaches(store, 22), reaches(store, 9)], [true, false]);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    const again = await open();
    assertEquals([again.problem, again.version], [null, 1]);
    assertEquals([reaches(again, 22), reaches(again, 9)], [true, false]);
    assertEquals(again.current(), both);
    assertEquals(again.draft("[[rule]]", NOW).ok, false);
    const value = again.draft({ value: { rules: [] } }, NOW);
    assert(value.ok);
    assertEquals(value.document.version, 2);
  }));

Deno.test("`PolicyStore` before any policy is open or closed, as told", () =>
  inTemporary(async ({ open }) => {
    assert(reaches(await open({ unsigned: "starting" }), 9));
    assert(!reaches(await open({ unsigned: "closed" }), 9));
  }));

Deno.test("`PolicyStore.accept()` never goes back", () =>
  inTemporary(async ({ open }) => {
    const store = await open();
    const one = await signed(store, 22);
    const other = await signed(store, 23);
    await store.accept(one);
    const two = await signed(store, 24);
    await store.accept(two);
    assertEquals(await codeOf(store.accept(one)), "rollback");
    assertEquals(await codeOf(store.accept(other)), "rollback");
    assert(reaches(store, 24));
  }));

Deno.test("`PolicyStore` of two policies of one version ends with the same in any order", () =>
  inTemporary(async ({ open }) => {
    const store = await open();
    const pair = [await signed(store, 22), await signed(store, 23)] as const;
    const [low, high] = comparePolicies(pair[0].document, pair[1].document) < 0
      ? pair
      : [pair[1], pair[0]];
    // Both at once: the answers differ, what is in force does not.
    const results = await Promise.allSettled([store.accept(low), store.accept(high)]);
    assertEquals(results.map(({ status }) => status), ["fulfilled", "fulfilled"]);
    assertEquals(store.current(), high);
    assertEquals(await codeOf(store.accept(low)), "rollback");
  }));

/** How the file or the database may be wrong at a start. */
const DAMAGE: readonly {
  readonly name: string;
  readonly why: string;
  readonly harm: (bench: Bench, old: string) => Promise<void> | void;
}[] = [
  {
    name: "removed",
    why: "it is gone, and policy 2 was in force",
    harm: ({ path }) => Deno.remove(path),
  },
  {
    name: "half written",
    why: "its end is missing",
    harm: async ({ path }) => await Deno.truncate(path, 200),
  },
  {
    name: "restored from an old back-up",
    why: "it is policy 1, restored from an old back-up: policy 2 was seen",
    harm: ({ path }, old) => Deno.writeTextFile(path, old),
  },
  {
    name: "a directory",
    why: "Cannot",
    harm: async ({ path }) => {
      await Deno.remove(path);
      await Deno.mkdir(path);
    },
  },
];

for (const { name, why, harm } of DAMAGE) {
  Deno.test(`\`PolicyStore.open()\` of a file that was ${name} allows nothing until the policy is back`, () =>
    inTemporary(async (bench) => {
      const store = await bench.open();
      const one = await signed(store, 22);
      await store.accept(one);
      const old = await Deno.readTextFile(bench.path);
      const two = await signed(store, 23);
      await store.accept(two);
      await harm(bench, old);
      const again = await bench.open();
      assertStringIncludes(again.problem ?? "", why);
      assertEquals(again.version, 2);
      assertEquals([22, 23, 9].map((port) => reaches(again, port)), [false, false, false]);
      assertEquals(again.current().document.version, 0);
      assertEquals(await codeOf(again.accept(one)), "rollback");
      if (name === "a directory") await Deno.remove(bench.path);
      assertEquals(await again.accept(two), true);
      assertEquals([again.problem, reaches(again, 23)], [null, true]);
      assertEquals((await bench.open()).problem, null);
    }));
}

Deno.test("`PolicyStore.open()` of what nobody signed, or another mesh's, allows nothing", () =>
  inTemporary(async ({ path, open }) => {
    const store = await open();
    const one = await signed(store, 22);
    await Deno.writeTextFile(path, writePolicyFile({ ...one, signatures: [] }));
    const unsigned = await open();
    assertStringIncludes(unsigned.problem ?? "", "the authority did not sign it");
    assert(!reaches(unsigned, 22) && !reaches(unsigned, 9));
    await Deno.writeTextFile(path, writePolicyFile(one));
    const foreign = await open({ trustDomain: "other.mesh" });
    assertStringIncludes(foreign.problem ?? "", "it is of another mesh");
    assertEquals((await open()).problem, null);
  }));

Deno.test("`PolicyStore.open()` mends a database that is behind the file", () =>
  inTemporary(async ({ versions, open }) => {
    const store = await open();
    await store.accept(await signed(store, 22));
    versions.seen.clear();
    await open();
    assertEquals(versions.read("00ff"), 1);
  }));

Deno.test("`PolicyStore.accept()` keeps the old policy when the new one cannot be kept", () =>
  inTemporary(async ({ versions, changed, open }) => {
    const full: Files = {
      ...files,
      writeAtomic: () => Promise.reject(new FileError("no-space", "Cannot write: no space")),
    };
    const store = await open({ files: full });
    const one = await signed(store, 22);
    await assertRejects(() => store.accept(one), FileError);
    assertEquals([versions.read("00ff"), changed.length, store.version], [null, 0, 0]);
    assert(reaches(store, 9));
  }));

Deno.test("`PolicyStore` over a rotation of the authority", () =>
  inTemporary(async ({ open }) => {
    const next = await testAuthority(backend, { version: 2, label: 9 });
    const store = await open();
    await store.accept(await signed(store, 22));
    const after = { sets: () => [next.set], allSets: () => [set, next.set] };
    const later = await open(after);
    assertEquals([later.problem, reaches(later, 22)], [null, true]);
    // Old keys sign nothing new, and the new ones sign the same again for who joins later.
    assertEquals(await codeOf(later.accept(await signed(later, 23))), "untrusted");
    const renewed = later.renewed(NOW);
    assert(renewed !== null);
    assertEquals(await later.accept(await later.sign(renewed, next.set, next.keys)), true);
    assertEquals([later.version, reaches(later, 22)], [2, true]);
    assertEquals((await open({ ...after, allSets: () => [next.set] })).problem, null);
    assertEquals((await open({ path: "/nonexistent/p", mesh: "other" })).renewed(NOW), null);
  }));
