// Tables of policy and of other nodes' audit logs: the policy version seen, the heads seen.
import type { HeadRecord, HeadTable } from "../audit/mod.ts";
import type { PolicyVersions } from "../policy/mod.ts";
import type { Row } from "./db.ts";
import { number, octets, text, WrittenThrough } from "./written_through.ts";

/** Highest policy version seen, a mesh a row. */
export class PolicyVersionRows extends WrittenThrough implements PolicyVersions {
  read(mesh: string): number | null {
    const row = this.db.get("SELECT version FROM policy_versions WHERE mesh = ?", mesh);
    return row === null ? null : number(row, "version");
  }

  raise(mesh: string, version: number): void {
    this.write((db) =>
      db.run(
        `INSERT INTO policy_versions (mesh, version) VALUES (?, ?)
         ON CONFLICT (mesh) DO UPDATE SET version = max(version, excluded.version)`,
        mesh,
        version,
      )
    );
  }
}

/** Heads of other nodes' audit logs. */
export class HeadRows extends WrittenThrough implements HeadTable {
  get(node: string): HeadRecord | null {
    const row = this.db.get("SELECT * FROM audit_heads WHERE node = ?", node);
    return row === null ? null : headOf(row);
  }

  put({ node, head, seenMs, conflict }: HeadRecord): void {
    this.write((db) =>
      db.run(
        "INSERT OR REPLACE INTO audit_heads (node, head, seen_ms, conflict) VALUES (?, ?, ?, ?)",
        node,
        head,
        seenMs,
        conflict,
      )
    );
  }

  remove(node: string): void {
    this.write((db) => db.run("DELETE FROM audit_heads WHERE node = ?", node));
  }

  list(limit: number): readonly HeadRecord[] {
    return this.db.all("SELECT * FROM audit_heads ORDER BY seen_ms, node LIMIT ?", limit)
      .map(headOf);
  }

  count(): number {
    return this.db.number("SELECT count(*) FROM audit_heads");
  }
}

function headOf(row: Row): HeadRecord {
  return {
    node: text(row, "node"),
    head: octets(row, "head"),
    seenMs: number(row, "seen_ms"),
    conflict: row["conflict"] === null ? null : octets(row, "conflict"),
  };
}
