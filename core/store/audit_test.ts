// The tables of the audit log and of policy, against the ones in memory that other tests use, and against
// whoever can write to the database.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AuditLog, type AuditTable, type HeadTable } from "../audit/mod.ts";
import { MemoryAuditTable, MemoryHeadTable } from "../audit/testing.ts";
import { hostFiles } from "../host/mod.ts";
import { Database } from "./db.ts";
import type { Store } from "./store.ts";
import { ManualClock, openStore } from "./testing.ts";

const files = hostFiles();

async function withStore(
  run: (store: Store, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const store = await openStore(directory, files, new ManualClock());
  try {
    await run(store, directory);
  } finally {
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
}

const hash = (fill: number) => new Uint8Array(48).fill(fill);

function auditSteps(table: AuditTable): unknown {
  const entry = (index: number) => ({
    index,
    atMs: index * 10,
    kind: "node.enrolled" as const,
    actor: "local",
    subject: `näme ${index}`,
    detail: "{}",
    previous: hash(index - 1),
    hash: hash(index),
  });
  const out: unknown[] = [table.last(), table.from(1, 10)];
  assertThrows(() => table.append(entry(2)));
  for (const index of [1, 2, 3]) table.append(entry(index));
  assertThrows(() => table.append(entry(3)));
  assertThrows(() => table.append(entry(5)));
  out.push(table.last(), table.from(2, 1), table.from(2, 9), table.from(4, 9));
  return out;
}

function headSteps(table: HeadTable): unknown {
  const out: unknown[] = [table.get("a"), table.count(), table.list(5)];
  const record = (node: string, seenMs: number) => ({
    node,
    head: hash(seenMs),
    seenMs,
    conflict: null,
  });
  table.put(record("b", 2));
  table.put(record("a", 2));
  table.put(record("c", 1));
  table.put({ ...record("b", 3), conflict: hash(9) });
  out.push(table.get("b"), table.count(), table.list(5), table.list(2));
  table.remove("a");
  table.remove("a");
  out.push(table.get("a"), table.count());
  return out;
}

Deno.test("`Store.audit` and `Store.auditHeads` do what the tables in memory do", () =>
  withStore((store) => {
    assertEquals(auditSteps(store.audit), auditSteps(new MemoryAuditTable()));
    assertEquals(headSteps(store.auditHeads), headSteps(new MemoryHeadTable()));
    return Promise.resolve();
  }));

Deno.test("`Store.policyVersions` only ever rises, a mesh for itself, over a restart", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const store = await openStore(directory, files, new ManualClock());
    assertEquals(store.policyVersions.read("a"), null);
    for (const version of [1, 3, 2]) store.policyVersions.raise("a", version);
    store.policyVersions.raise("b", 1);
    await store.close();
    const again = await openStore(directory, files, new ManualClock());
    assertEquals([again.policyVersions.read("a"), again.policyVersions.read("b")], [3, 1]);
    await again.close();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

const TAMPERING: readonly { readonly sql: string; readonly why: RegExp }[] = [
  { sql: "UPDATE audit_log SET actor = 'mallory' WHERE id = 3", why: /entry 3 was changed/ },
  { sql: "UPDATE audit_log SET at_ms = at_ms + 1 WHERE id = 3", why: /entry 3 was changed/ },
  { sql: "UPDATE audit_log SET hash = zeroblob(48) WHERE id = 3", why: /entry 3 was changed/ },
  { sql: "DELETE FROM audit_log WHERE id = 3", why: /entry 3 is missing/ },
  { sql: "DELETE FROM audit_log WHERE id > 3", why: /has 3 audit entries of 5/ },
  { sql: "DELETE FROM audit_log", why: /has 0 audit entries of 5/ },
  {
    sql: "INSERT INTO audit_log SELECT 6, at_ms, kind, actor, subject, detail, previous, hash " +
      "FROM audit_log WHERE id = 5",
    why: /entry 6 does not follow/,
  },
];

for (const { sql, why } of TAMPERING) {
  Deno.test(`\`AuditLog.verify()\` over SQLite finds: ${sql.slice(0, 50)}`, () =>
    withStore(async (store, directory) => {
      const log = await AuditLog.open(store.audit, files, new ManualClock(), `${directory}/head`);
      for (let i = 0; i < 5; i++) await log.append("node.enrolled", "local", `n${i}`);
      assert((await log.verify()).sound);
      const intruder = Database.open(`${directory}/node.db`, { mode: "read-write" });
      intruder.exec(sql);
      intruder.close();
      const verdict = await log.verify();
      assert(!verdict.sound);
      assert(why.test(verdict.why), verdict.why);
    }));
}
