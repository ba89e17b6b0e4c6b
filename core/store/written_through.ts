// Tables that are written through, and reading a row's columns. Every change is on the disk when its call
// returns, or it throws: what decides about trust is never in memory only.
import type { Database, Row } from "./db.ts";
import { StoreError } from "./errors.ts";

type Octets = Uint8Array<ArrayBuffer>;

/** A text column. */
export const text = (row: Row, name: string): string => String(row[name]);
/** A number column. */
export const number = (row: Row, name: string): number => Number(row[name]);
/** A text column that may be NULL. */
export const maybeText = (row: Row, name: string): string | null =>
  row[name] === null ? null : String(row[name]);
/** A number column that may be NULL. */
export const maybeNumber = (row: Row, name: string): number | null =>
  row[name] === null ? null : Number(row[name]);

/** A BLOB column. @throws {StoreError} "corrupt" */
export function octets(row: Row, name: string): Octets {
  const value = row[name];
  if (!(value instanceof Uint8Array)) {
    throw new StoreError("corrupt", `Cannot read "${name}": it holds no octets`);
  }
  return new Uint8Array(value);
}

/** A table that is written through. */
export class WrittenThrough {
  #db: Database | null = null;

  /** Uses this database from now on. */
  attach(db: Database): void {
    this.#db = db;
  }

  protected get db(): Database {
    const db = this.#db;
    if (db === null) throw new StoreError("unavailable", "Cannot use the database: it is not open");
    return db;
  }

  /** @throws {StoreError} "read-only" when it would be in memory only. */
  protected write(run: (db: Database) => void): void {
    const db = this.db;
    if (db.mode !== "read-write") {
      throw new StoreError("read-only", "Cannot keep this: there is no database to write to");
    }
    db.transaction(() => run(db), { durable: true });
  }
}
