import { assert, assertEquals, assertThrows } from "@std/assert";
import { fill, inTemporary } from "../../tests/fixtures/audit.ts";
import { AuditError } from "./errors.ts";
import { exportAudit, parseAuditLine, verifyExport } from "./export.ts";

Deno.test("`exportAudit()` gives lines that verify by themselves", () =>
  inTemporary(async ({ table, open }) => {
    const log = await open();
    await fill(log, 1_203);
    const lines = [...exportAudit(log)];
    assertEquals(lines.length, 1_203);
    assertEquals(lines.map((line, i) => parseAuditLine(line, i + 1)), table.rows);
    assertEquals(verifyExport(lines), { sound: true, head: log.head() });
    assertEquals(verifyExport([]), { sound: true, head: { count: 0, hash: new Uint8Array(48) } });
    const cut = lines.toSpliced(700, 1);
    assertEquals(verifyExport(cut), { sound: false, brokenAt: 701, why: "entry 701 is missing" });
    const changed = lines.with(700, lines[700]?.replace("n700", "n7OO") ?? "");
    assertEquals(verifyExport(changed), {
      sound: false,
      brokenAt: 701,
      why: "entry 701 was changed",
    });
  }));

Deno.test("parseAuditLine() refuses whatever is no entry", () =>
  inTemporary(async ({ open }) => {
    const log = await open();
    await fill(log, 1);
    const [good = ""] = exportAudit(log);
    const fields = JSON.parse(good) as Record<string, unknown>;
    const bad: readonly string[] = [
      "",
      "[]",
      "null",
      "{}",
      good.slice(0, -1),
      ...Object.keys(fields).map((name) => JSON.stringify({ ...fields, [name]: null })),
      JSON.stringify({ ...fields, index: 1.5 }),
      JSON.stringify({ ...fields, hash: "00" }),
      JSON.stringify({ ...fields, note: "a".repeat(30_000) }),
    ];
    for (const line of bad) {
      const error = assertThrows(() => parseAuditLine(line, 7), AuditError);
      assertEquals(error.code, "malformed");
      assert(error.message.startsWith("Cannot read line 7 of the audit log"), error.message);
    }
  }));
