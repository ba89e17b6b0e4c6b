import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { hostFiles } from "../host/mod.ts";
import { FileError, type Files } from "../ports/mod.ts";
import { fill, inTemporary } from "../../tests/fixtures/audit.ts";
import { AuditError } from "./errors.ts";
import { verdictInWords } from "./export.ts";
import { MAX_DETAIL_BYTES, MAX_HEAD_LINKS, MAX_SUBJECT_BYTES, USUAL_HEAD_LINKS } from "./limits.ts";
import { type AuditEntry, hashOfEntry } from "./chain.ts";
import { AuditLog } from "./log.ts";
import { flipped, MemoryAuditTable } from "./testing.ts";

const files = hostFiles();

function forged(entry: AuditEntry, change: Partial<AuditEntry>, rehash: boolean): AuditEntry {
  const next = { ...entry, ...change };
  return rehash ? { ...next, hash: hashOfEntry(next) } : next;
}

Deno.test("`AuditLog` keeps entries in order, each following the one before", () =>
  inTemporary(async ({ clock, open }) => {
    const log = await open();
    assertEquals(verdictInWords(await log.verify()), "The audit log is sound; it is empty.");
    const first = await log.append("mesh.created", "local", "mesh test.mesh", { keys: 3 });
    await clock.advance(5);
    const second = await log.append("invite.made", "local", "0011223344556677");
    assertEquals([first.index, second.index], [1, 2]);
    assertEquals(second.previous, first.hash);
    assertEquals(second.atMs - first.atMs, 5);
    assertEquals(JSON.parse(first.detail), { keys: 3 });
    assertEquals(log.head(), { count: 2, hash: second.hash });
    assertEquals(await log.verify(), { sound: true, head: log.head() });
    assertEquals(log.list(10).map(({ kind }) => kind), ["invite.made", "mesh.created"]);
    assertEquals(log.list(1).map(({ index }) => index), [2]);
    assertEquals(log.list(1, 2).map(({ index }) => index), [1]);
    assertEquals(log.list(10, 1), []);
    assertEquals(
      verdictInWords(await log.verify()).slice(0, 35),
      "The audit log is sound: 2 entries, ",
    );
  }));

Deno.test("`AuditLog` appends made at once all end in the chain, and the file keeps the last", () =>
  inTemporary(async ({ table, path, open }) => {
    const log = await open();
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => log.append("invite.made", "local", `${i}`)),
    );
    assertEquals(table.rows.map(({ index }) => index), Array.from({ length: 40 }, (_, i) => i + 1));
    const { count, hash } = log.head();
    assertEquals(await Deno.readTextFile(path), `${count} ${hash.toHex()}\n`);
    assert((await (await open()).verify()).sound);
  }));

Deno.test("`AuditLog.append()` bounds what it is given, in octets", () =>
  inTemporary(async ({ open }) => {
    const log = await open();
    const long = "ä".repeat(MAX_SUBJECT_BYTES / 2);
    await log.append("node.refused", long, long);
    const rows: readonly [string, string, Record<string, string>][] = [
      [`${long}a`, "", {}],
      ["", `${long}a`, {}],
      ["", "", { text: "a".repeat(MAX_DETAIL_BYTES) }],
    ];
    for (const [actor, subject, detail] of rows) {
      const error = await assertRejects(
        () => log.append("node.refused", actor, subject, detail),
        AuditError,
      );
      assertEquals(error.code, "too-long");
    }
    assertEquals(log.head().count, 1);
  }));

/** One way to falsify a log, and where the check finds it. */
interface Forgery {
  readonly name: string;
  readonly at: number;
  readonly why: RegExp;
  readonly change: (rows: AuditEntry[]) => AuditEntry[];
}

const row = (rows: readonly AuditEntry[], index: number): AuditEntry => {
  const found = rows.find((entry) => entry.index === index);
  assert(found !== undefined);
  return found;
};

const replaced = (rows: readonly AuditEntry[], entry: AuditEntry) =>
  rows.map((old) => old.index === entry.index ? entry : old);

const FORGERIES: readonly Forgery[] = [
  ...(["atMs", "kind", "actor", "subject", "detail"] as const).map((field) => ({
    name: `another ${field}`,
    at: 4,
    why: /entry 4 was changed/,
    change: (rows: AuditEntry[]) =>
      replaced(
        rows,
        forged(row(rows, 4), field === "atMs" ? { atMs: 1 } : { [field]: "node.refused" }, false),
      ),
  })),
  {
    name: "another subject, hashed anew",
    at: 5,
    why: /entry 5 does not follow/,
    change: (rows) => replaced(rows, forged(row(rows, 4), { subject: "nobody" }, true)),
  },
  {
    name: "another hash",
    at: 4,
    why: /entry 4 was changed/,
    change: (rows) => replaced(rows, { ...row(rows, 4), hash: flipped(row(rows, 4).hash) }),
  },
  {
    name: "one removed",
    at: 4,
    why: /entry 4 is missing/,
    change: (rows) => rows.filter(({ index }) => index !== 4),
  },
  {
    name: "the first removed",
    at: 1,
    why: /entry 1 is missing/,
    change: (rows) => rows.filter(({ index }) => index !== 1),
  },
  {
    name: "one removed, the later ones renumbered",
    at: 4,
    why: /entry 4 does not follow/,
    change: (rows) =>
      rows.filter(({ index }) => index !== 4)
        .map((entry) => entry.index > 4 ? { ...entry, index: entry.index - 1 } : entry),
  },
  {
    name: "one put in between",
    at: 5,
    why: /entry 5 was changed/,
    change: (rows) => {
      const later = rows.map((entry) =>
        entry.index > 4 ? { ...entry, index: entry.index + 1 } : entry
      );
      const added = forged(row(rows, 4), { index: 5, previous: row(rows, 4).hash }, false);
      return [...later, added];
    },
  },
  {
    name: "two exchanged",
    at: 4,
    why: /entry 4 does not follow/,
    change: (rows) =>
      rows.map((entry) =>
        entry.index === 4
          ? { ...entry, index: 5 }
          : entry.index === 5
          ? { ...entry, index: 4 }
          : entry
      ),
  },
  {
    name: "the end cut off",
    at: 8,
    why: /the database has 7 audit entries of 10/,
    change: (rows) => rows.slice(0, 7),
  },
  {
    name: "everything cut off",
    at: 1,
    why: /the database has 0 audit entries of 10/,
    change: () => [],
  },
  {
    name: "all rewritten from the middle on",
    at: 11,
    why: /audit entry 10 is not the one that was written/,
    change: (rows) => {
      const out = rows.slice(0, 4);
      for (const entry of rows.slice(4)) {
        const previous = out.at(-1)?.hash ?? new Uint8Array(48);
        out.push(forged(entry, { previous, actor: "somebody else" }, true));
      }
      return out;
    },
  },
];

for (const { name, at, why, change } of FORGERIES) {
  Deno.test(`\`AuditLog.verify()\` finds ${name}, at once and after a restart`, () =>
    inTemporary(async ({ table, open }) => {
      const log = await open();
      await fill(log, 10);
      table.rows = change(table.rows);
      for (const one of [log, await open()]) {
        const verdict = await one.verify();
        assert(!verdict.sound);
        assertEquals(verdict.brokenAt, at);
        assert(why.test(verdict.why), verdict.why);
        assert(verdictInWords(verdict).includes(`from entry ${at} on`));
      }
    }));
}

Deno.test("`AuditLog` after an old database was restored: noticed, recorded, gone on from", () =>
  inTemporary(async ({ table, open }) => {
    await fill(await open(), 3);
    const old = new MemoryAuditTable(table.rows);
    await fill(await open(), 2);
    const restored = await open(old);
    assertEquals(restored.rollback, "the database has 3 audit entries of 5");
    await restored.acknowledgeRollback("local");
    assertEquals(restored.rollback, null);
    assertEquals(restored.list(1)[0]?.kind, "state.rollback");
    assertEquals(JSON.parse(restored.list(1)[0]?.detail ?? ""), {
      found: "the database has 3 audit entries of 5",
      lost: 5,
    });
    assert((await restored.verify()).sound);
    assertEquals((await open(old)).rollback, null);
  }));

Deno.test("`AuditLog` that is cut while it runs notices before it writes over the evidence", () =>
  inTemporary(async ({ table, path, clock, open }) => {
    for (const keep of [2, 0]) {
      const log = await open();
      await fill(log, 5);
      const named = await Deno.readTextFile(path);
      const { length } = table.rows;
      table.rows = table.rows.slice(0, keep);
      await clock.advance(1);
      await fill(log, 4);
      assertEquals(log.rollback, `the database has ${keep} audit entries of ${length}`);
      assertEquals(await Deno.readTextFile(path), named);
      assert(!(await log.verify()).sound);
      await log.acknowledgeRollback("local");
      assert((await log.verify()).sound);
    }
  }));

Deno.test("`AuditLog` does not forget a rollback by going on, nor by a restart", () =>
  inTemporary(async ({ table, path, clock, open }) => {
    await fill(await open(), 3);
    const old = new MemoryAuditTable(table.rows);
    await fill(await open(), 2);
    const named = await Deno.readTextFile(path);
    await clock.advance(1);
    await fill(await open(old), 9);
    assertEquals(await Deno.readTextFile(path), named);
    const later = await open(old);
    assertEquals(later.rollback, "audit entry 5 is not the one that was written");
    const { append } = old;
    old.append = () => {
      throw new Error("disk full");
    };
    await assertRejects(() => later.acknowledgeRollback("local"), Error, "disk full");
    assertEquals(later.rollback, "audit entry 5 is not the one that was written");
    old.append = append;
    await later.acknowledgeRollback("local");
    assertEquals((await open(old)).rollback, null);
    await later.acknowledgeRollback("local");
    assertEquals(later.head().count, 13);
  }));

Deno.test("`AuditLog` tells an old back-up that has grown since by the entry, not by the number", () =>
  inTemporary(async ({ table, clock, path, open }) => {
    await fill(await open(), 3);
    const old = new MemoryAuditTable(table.rows);
    await fill(await open(), 2);
    const head = await Deno.readTextFile(path);
    await clock.advance(1);
    await fill(await open(old), 4);
    await Deno.writeTextFile(path, head);
    assertEquals((await open(old)).rollback, "audit entry 5 is not the one that was written");
  }));

Deno.test("`AuditLog` notices a missing or damaged head file, but not a crash before it was written", () =>
  inTemporary(async ({ path, table, open }) => {
    await fill(await open(), 1);
    await Deno.remove(path);
    assertEquals((await open()).rollback, null);
    await fill(await open(), 3);
    const good = await Deno.readTextFile(path);
    // The table is written first: the file may be one entry behind.
    const before = table.rows[2];
    await Deno.writeTextFile(path, `3 ${before?.hash.toHex()}\n`);
    assertEquals((await open()).rollback, null);
    for (const text of ["", good.slice(0, -2), `${good}x`, good.replace(" ", "  "), "4 zz\n"]) {
      await Deno.writeTextFile(path, text);
      assertEquals((await open()).rollback, `the file "${path}" is damaged`);
    }
    await Deno.remove(path);
    assert((await open()).rollback?.includes("is gone"));
  }));

Deno.test("`AuditLog` keeps the entry when the head file cannot be written", () =>
  inTemporary(async ({ table, clock, path }) => {
    const full: Files = {
      ...files,
      readText: (at) => files.readText(at),
      writeAtomic: () => Promise.reject(new FileError("no-space", "Cannot write: no space")),
    };
    const log = await AuditLog.open(table, full, clock, path);
    await fill(log, 2);
    assertEquals(log.head().count, 2);
  }));

Deno.test("`AuditLog.append()` of what the table refuses leaves the chain as it was", () =>
  inTemporary(async ({ table, open }) => {
    const log = await open();
    await fill(log, 2);
    const { append } = table;
    table.append = () => {
      throw new Error("disk full");
    };
    await assertRejects(() => log.append("invite.made", "local", "x"), Error, "disk full");
    table.append = append;
    await fill(log, 1);
    assertEquals(await log.verify(), { sound: true, head: log.head() });
    assertEquals(log.head().count, 3);
  }));

Deno.test("`AuditLog.stretch()` gives hashes that lead from one head to another", () =>
  inTemporary(async ({ table, open }) => {
    const log = await open();
    await fill(log, 6);
    assertEquals(log.stretch(2).links.length, 4);
    assertEquals(log.stretch(2).base, { count: 2, hash: row(table.rows, 2).hash });
    assertEquals(log.stretch(2, 3).links.length, 3);
    assertEquals(log.stretch(9), { base: log.head(), links: [] });
    assertEquals(log.stretch(-4).base.count, 0);
    assertEquals(log.headAt(7), null);
    table.rows = table.rows.filter(({ index }) => index !== 2);
    assertThrows(() => log.stretch(2), AuditError);
    await fill(log, MAX_HEAD_LINKS);
    assertEquals(log.stretch(6, 10_000).links.length, MAX_HEAD_LINKS);
    const { base, links } = log.recent();
    assertEquals([base.count + links.length, links.length], [log.head().count, USUAL_HEAD_LINKS]);
  }));

Deno.test("`AuditLog.confront()` with what others saw is the last witness", () =>
  inTemporary(async ({ table, path, clock, open }) => {
    const log = await open();
    await fill(log, 3);
    const backup = [new MemoryAuditTable(table.rows), await Deno.readTextFile(path)] as const;
    await fill(log, 2);
    const signed = log.head();
    assertEquals(log.confront(signed), null);
    // Database and file restored together: nothing on this node shows it.
    const [old, head] = backup;
    await Deno.writeTextFile(path, head);
    const restored = await open(old);
    assert((await restored.verify()).sound);
    assertEquals(
      restored.confront(signed),
      "this log has 3 entries; 5 were signed by this node and seen by others",
    );
    assert(!(await restored.verify()).sound);
    await clock.advance(1);
    await fill(restored, 5);
    assertEquals(
      (await open(old)).confront(signed),
      "audit entry 5 is not the one that this node signed and others saw",
    );
    await restored.acknowledgeRollback("local");
    // What others remember from before is no news now, also after a restart; what they saw beyond is.
    for (const one of [restored, await open(old)]) {
      assertEquals([one.confront(signed), one.rollback], [null, null]);
    }
    assert((await restored.verify()).sound);
    assert(restored.confront({ ...signed, count: 99 })?.startsWith("this log has 9 entries; 99"));
  }));

Deno.test("`AuditLog.verify()` holds for what was appended and for nothing that differs from it", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ actor: fc.string({ maxLength: 30 }), subject: fc.string() }), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.nat(),
      fc.constantFrom("actor", "subject", "detail"),
      (entries, at, field) =>
        inTemporary(async ({ table, open }) => {
          const log = await open();
          for (const { actor, subject } of entries) {
            await log.append("node.renewed", actor, subject);
          }
          assert((await log.verify()).sound);
          const index = (at % entries.length) + 1;
          const entry = row(table.rows, index);
          const changed = { ...entry, [field]: `${entry[field as "actor"]}.` };
          table.rows = replaced(table.rows, changed);
          const verdict = await log.verify();
          assert(!verdict.sound);
          assertEquals(verdict.brokenAt, index);
        }),
    ),
    { numRuns: Number(Deno.env.get("AUDIT_RUNS") ?? 60) },
  ));
