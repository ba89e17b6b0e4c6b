// Tables in memory, for tests. Their twins are core/store's; core/store/audit_test.ts runs both through
// the same steps.
import type { Bytes } from "../pq/mod.ts";
import type { AuditEntry } from "./chain.ts";
import type { AuditTable, HeadRecord, HeadTable } from "./ports.ts";

/** Entries in an array, which a test may tamper with. */
export class MemoryAuditTable implements AuditTable {
  rows: AuditEntry[];

  constructor(rows: readonly AuditEntry[] = []) {
    this.rows = [...rows];
  }

  append(entry: AuditEntry): void {
    if (entry.index !== (this.last()?.index ?? 0) + 1) {
      throw new RangeError(`Cannot append audit entry ${entry.index}`);
    }
    this.rows.push(entry);
  }

  last(): AuditEntry | null {
    return this.rows.toSorted((a, b) => a.index - b.index).at(-1) ?? null;
  }

  from(index: number, limit: number): readonly AuditEntry[] {
    return this.rows.filter((row) => row.index >= index).toSorted((a, b) => a.index - b.index)
      .slice(0, limit);
  }
}

/** Heads in a map. */
export class MemoryHeadTable implements HeadTable {
  readonly #rows = new Map<string, HeadRecord>();

  get(node: string): HeadRecord | null {
    return this.#rows.get(node) ?? null;
  }

  put(record: HeadRecord): void {
    this.#rows.set(record.node, record);
  }

  remove(node: string): void {
    this.#rows.delete(node);
  }

  list(limit: number): readonly HeadRecord[] {
    return [...this.#rows.values()]
      .toSorted((a, b) => a.seenMs - b.seenMs || (a.node < b.node ? -1 : 1)).slice(0, limit);
  }

  count(): number {
    return this.#rows.size;
  }
}

/** The same octets with one bit turned. */
export function flipped(bytes: Uint8Array, at = 0): Bytes {
  return new Uint8Array(bytes).with(at, (bytes[at] ?? 0) ^ 1);
}
