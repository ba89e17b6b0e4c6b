// Why the database did not do as asked. node:sqlite reports SQLite's text and no number, so the fixed
// English texts of sqlite3_errstr() are what tells the reasons apart. sqlite.org/rescode.html
import { CodedError, messageOf } from "../base/mod.ts";

/** Closed list of reasons. */
export type StoreErrorCode =
  | "full" // the disk or the page limit
  | "read-only"
  | "corrupt"
  | "newer-schema" // written by a later version of the product
  | "busy" // locked by another process
  | "unavailable" // cannot be opened
  | "io";

/** What the store throws. */
export class StoreError extends CodedError<StoreErrorCode> {}

const TEXTS: readonly (readonly [string, StoreErrorCode])[] = [
  ["database or disk is full", "full"],
  ["attempt to write a readonly database", "read-only"],
  ["file is not a database", "corrupt"],
  ["database disk image is malformed", "corrupt"],
  ["malformed database schema", "corrupt"],
  ["database is locked", "busy"],
  ["database table is locked", "busy"],
  ["unable to open database file", "unavailable"],
  ["disk I/O error", "io"],
];

/** Turns what node:sqlite threw into a {@link StoreError}; errors that are no SQLite errors pass through. */
export function storeErrorOf(act: string, thrown: unknown): Error {
  if (thrown instanceof StoreError) return thrown;
  const text = messageOf(thrown);
  for (const [known, code] of TEXTS) {
    if (text.includes(known)) {
      const retryable = code === "busy" || code === "full";
      return new StoreError(code, `Cannot ${act}: ${text}`, { retryable, cause: thrown });
    }
  }
  return thrown instanceof Error ? thrown : new Error(text);
}
