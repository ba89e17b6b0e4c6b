import { assertEquals, assertThrows } from "@std/assert";
import { Entries } from "./entries.ts";
import { SpiffeError, type SpiffeErrorCode } from "./errors.ts";
import type { EntryTable, RegistrationEntry } from "./ports.ts";

/** The table in memory; the database's is tested with all of SPIFFE in tests/integration. */
function table(): EntryTable {
  const rows = new Map<string, RegistrationEntry>();
  return {
    get: (id) => rows.get(id) ?? null,
    put: (entry) => void rows.set(entry.id, entry),
    remove: (id) => void rows.delete(id),
    list: (limit) => [...rows.values()].slice(0, limit),
  };
}

function entries(changed = () => {}) {
  let count = 0;
  const random = {
    bytes: (length: number) => new Uint8Array(length).fill(++count),
    unit: () => 0,
  };
  return new Entries(table(), random, { trustDomain: "test.mesh", nodeId: "abc" }, changed);
}

const codeOf = (run: () => unknown): SpiffeErrorCode => assertThrows(run, SpiffeError).code;

Deno.test("Entries.of() gives those whose selectors are all true", () => {
  const all = entries();
  all.create({ path: "/uid", selectors: ["unix:uid:1000"] }, 1);
  all.create({ path: "/both", selectors: ["unix:path:/usr/bin/x", "unix:uid:1000"] }, 2);
  all.create({ path: "/gid", selectors: ["unix:gid:1000"] }, 3);
  const of = (uid: number, gid: number, path: string | null) =>
    all.of({ pid: 9, uid, gid, path }).map((entry) => entry.path);
  assertEquals(of(1000, 5, "/usr/bin/x"), ["/uid", "/both"]);
  assertEquals(of(1000, 5, "/usr/bin/x2"), ["/uid"]);
  assertEquals(of(1000, 5, null), ["/uid"]);
  assertEquals(of(0, 1000, "/usr/bin/x"), ["/gid"]);
  assertEquals(of(100, 100, null), []);
});

for (
  const [name, draft] of [
    ["no selector", { path: "/x", selectors: [] }],
    ["a selector of another kind", { path: "/x", selectors: ["k8s:ns:a"] }],
    ["a user by name", { path: "/x", selectors: ["unix:uid:root"] }],
    ["a number with a zero in front", { path: "/x", selectors: ["unix:uid:00"] }],
    ["a relative executable", { path: "/x", selectors: ["unix:path:bin/x"] }],
    ["a line break", { path: "/x", selectors: ["unix:path:/a\nunix:uid:1"] }],
    ["no path", { path: "", selectors: ["unix:uid:1"] }],
    ["a path that leads up", { path: "/a/../b", selectors: ["unix:uid:1"] }],
    ["another node's path", { path: "/node/def/x", selectors: ["unix:uid:1"] }],
    ["the node's own path", { path: "/node/abc", selectors: ["unix:uid:1"] }],
    ["all nodes' path", { path: "/node", selectors: ["unix:uid:1"] }],
    ["a life too long", { path: "/x", selectors: ["unix:uid:1"], x509LifetimeS: 3601 }],
    ["a token's life too long", { path: "/x", selectors: ["unix:uid:1"], jwtLifetimeS: 301 }],
    ["a trust domain that is none", {
      path: "/x",
      selectors: ["unix:uid:1"],
      federatesWith: ["A b"],
    }],
  ] as const
) {
  Deno.test(`Entries.create() refuses ${name}`, () => {
    assertEquals(codeOf(() => entries().create(draft, 1)), "malformed");
  });
}

Deno.test("Entries: created, changed, removed; twice the same and what is not there are errors", () => {
  let changes = 0;
  const all = entries(() => void changes++);
  const selectors = ["unix:uid:1", "unix:gid:1", "unix:uid:1"];
  const entry = all.create({ path: "/node/abc/web", selectors, hint: "h" }, 5);
  assertEquals(entry.selectors, ["unix:gid:1", "unix:uid:1"]);
  assertEquals([entry.x509LifetimeS, entry.jwtLifetimeS, entry.createdMs], [3600, 300, 5]);
  assertEquals(codeOf(() => all.create({ path: "/node/abc/web", selectors }, 6)), "exists");
  all.create({ path: "/web", selectors }, 7);
  assertEquals(codeOf(() => all.update(entry.id, { path: "/web", selectors })), "exists");
  assertEquals(all.update(entry.id, { path: "/db", selectors }).createdMs, 5);
  assertEquals(codeOf(() => all.update("f", { path: "/x", selectors })), "missing");
  all.remove(entry.id);
  assertEquals(codeOf(() => all.remove(entry.id)), "missing");
  assertEquals([all.list().length, changes], [1, 4]);
});
