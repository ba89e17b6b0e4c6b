// Documents of the past: each on the disk when append() returns.
import type { ConfigHistory, ConfigOutcome, ConfigRecord } from "../config/mod.ts";
import type { Database, Row } from "./db.ts";
import { StoreError } from "./errors.ts";
import { CONFIG_REVISIONS } from "./limits.ts";

const COLUMNS = "revision, text, at_ms, author, outcome";

/** The configuration history table. */
export class ConfigHistoryTable implements ConfigHistory {
  /** Records a failing disk refused; written with the next flush that succeeds. */
  #unwritten: ConfigRecord[] = [];
  #db: Database | null = null;

  /** Uses this database from now on. */
  attach(db: Database): void {
    this.#db = db;
  }

  /** How many wait to be written. */
  get unwritten(): number {
    return this.#unwritten.length;
  }

  /** @throws {StoreError} when it is in memory only for now; it is written as soon as that is possible. */
  append(record: ConfigRecord): void {
    this.#unwritten.push(record);
    if (this.#unwritten.length > CONFIG_REVISIONS) this.#unwritten.shift();
    const db = this.#db;
    if (db === null || db.mode !== "read-write") {
      throw new StoreError("read-only", "Cannot keep the configuration: no writable database");
    }
    const count = db.transaction(() => this.write(db), { durable: true });
    this.written(count);
  }

  /** Writes what waits; call inside a transaction, then {@link written} once it is committed. */
  write(db: Database): number {
    for (const { revision, text, at, author, outcome } of this.#unwritten) {
      db.run(
        `INSERT INTO config_history (${COLUMNS}) VALUES (?, ?, ?, ?, ?)`,
        revision,
        text,
        at,
        author,
        outcome,
      );
    }
    return this.#unwritten.length;
  }

  /** Forgets the `count` oldest waiting records: they are committed. */
  written(count: number): void {
    this.#unwritten = this.#unwritten.slice(count);
  }

  /** Removes the oldest; call inside a transaction. */
  prune(db: Database): void {
    db.run(
      "DELETE FROM config_history WHERE id NOT IN " +
        "(SELECT id FROM config_history ORDER BY id DESC LIMIT ?)",
      CONFIG_REVISIONS,
    );
  }

  list(limit: number): readonly ConfigRecord[] {
    const waiting = this.#unwritten.toReversed().slice(0, limit);
    const rows = this.#db?.all(
      `SELECT ${COLUMNS} FROM config_history ORDER BY id DESC LIMIT ?`,
      Math.max(0, limit - waiting.length),
    ) ?? [];
    return [...waiting, ...rows.map(recordOf)];
  }

  get(revision: number): ConfigRecord | null {
    const waiting = this.#unwritten.findLast((record) => record.revision === revision);
    if (waiting !== undefined) return waiting;
    const row = this.#db?.get(
      `SELECT ${COLUMNS} FROM config_history WHERE revision = ? ORDER BY id DESC LIMIT 1`,
      revision,
    ) ?? null;
    return row === null ? null : recordOf(row);
  }
}

const OUTCOMES: readonly ConfigOutcome[] = [
  "confirmed",
  "rolled-back",
  "expired",
  "interrupted",
  "edited",
];

function recordOf(row: Row): ConfigRecord {
  const outcome = OUTCOMES.find((known) => known === row["outcome"]);
  if (outcome === undefined) {
    throw new StoreError("corrupt", `Cannot read a configuration: outcome ${row["outcome"]}`);
  }
  return {
    revision: Number(row["revision"]),
    text: String(row["text"]),
    at: Number(row["at_ms"]),
    author: String(row["author"]),
    outcome,
  };
}
