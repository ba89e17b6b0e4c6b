// What the audit log and the book of heads keep in the database. Implemented by core/store.
import type { Bytes } from "../pq/mod.ts";
import type { AuditEntry } from "./chain.ts";

/** Where entries are kept: a table. */
export interface AuditTable {
  /** On the disk when it returns. Throws when `entry.index` is not the next. */
  append(entry: AuditEntry): void;
  last(): AuditEntry | null;
  /** Entries from `index` on, in order. */
  from(index: number, limit: number): readonly AuditEntry[];
}

/** What is remembered of another node's log. */
export interface HeadRecord {
  /** Node id. */
  readonly node: string;
  /** Encoded signed head: the highest that was seen. */
  readonly head: Bytes;
  /** Wall time when it was taken. */
  readonly seenMs: number;
  /** Encoded signed head that contradicts `head`, or `null`. */
  readonly conflict: Bytes | null;
}

/** Heads of other nodes' logs, a node a row. Each change is on the disk when the call returns. */
export interface HeadTable {
  get(node: string): HeadRecord | null;
  put(record: HeadRecord): void;
  remove(node: string): void;
  /** Longest unseen first. */
  list(limit: number): readonly HeadRecord[];
  count(): number;
}
