// One SQLite database: opening with the right pragmas, transactions, the write-ahead log folded in by
// our own schedule, and the octets that were really written. No table is known here.
//
// The log is folded in ("checkpoint") by this file alone, so that flash pages that change with every
// flush are written to the log once each and to the database only now and then.
// sqlite.org/wal.html §3; sqlite.org/pragma.html
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { StoreError, storeErrorOf } from "./errors.ts";
import { BUSY_TIMEOUT_MS, CHECKPOINT_FRAMES, FRAME_BYTES, PAGE_BYTES } from "./limits.ts";

/** A row as node:sqlite returns it. */
export type Row = Record<string, unknown>;

/** How to open. */
export interface DatabaseOptions {
  /** "memory" stands in for a file that cannot be opened; nothing in it lasts. */
  readonly mode: "read-write" | "read-only" | "memory";
  /** Hard limit of the file. */
  readonly maxPages?: number;
}

/** "SQLite" as an application id, so that `file` and we know whose database it is: "x0t4". */
export const APPLICATION_ID = 0x78_30_74_34;

/** A path as an SQLite URI. */
function uriOf(path: string, query: string): string {
  return `file:${path.split("/").map(encodeURIComponent).join("/")}?${query}`;
}

/** An open database. */
export class Database {
  readonly path: string;
  readonly mode: DatabaseOptions["mode"];
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #frames = 0;
  #writtenBytes = 0;
  #closed = false;

  private constructor(path: string, mode: DatabaseOptions["mode"], db: DatabaseSync) {
    this.path = path;
    this.mode = mode;
    this.#db = db;
  }

  /** Opens or creates. @throws {StoreError} */
  static open(path: string, options: DatabaseOptions): Database {
    let db: DatabaseSync | null = null;
    try {
      // A read-only file system cannot hold the log's index; "immutable" reads without it.
      const name = options.mode === "memory"
        ? ":memory:"
        : options.mode === "read-only"
        ? uriOf(path, "immutable=1")
        : path;
      db = new DatabaseSync(name, {
        readOnly: options.mode === "read-only",
        enableForeignKeyConstraints: true,
        timeout: BUSY_TIMEOUT_MS,
      });
      if (options.mode === "read-write") {
        db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
        db.exec("PRAGMA journal_mode = WAL");
        db.exec("PRAGMA synchronous = NORMAL");
        db.exec("PRAGMA wal_autocheckpoint = 0");
        db.exec(`PRAGMA journal_size_limit = ${4 * CHECKPOINT_FRAMES * FRAME_BYTES}`);
        if (options.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${options.maxPages}`);
      }
      db.exec("PRAGMA cache_size = -2048");
      db.exec("PRAGMA temp_store = MEMORY");
      db.exec("PRAGMA trusted_schema = OFF");
      return new Database(path, options.mode, db);
    } catch (thrown) {
      db?.close();
      throw storeErrorOf(`open the database "${path}"`, thrown);
    }
  }

  /** Octets written to log and database since it was opened, at most; without file-system overhead. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Counts octets that were written beside the log, e.g. a backup. */
  addWritten(bytes: number): void {
    this.#writtenBytes += bytes;
  }

  /** Whether close() was called. */
  get closed(): boolean {
    return this.#closed;
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guard<T>(act: string, run: () => T): T {
    if (this.#closed) throw new StoreError("unavailable", `Cannot ${act}: the database is closed`);
    try {
      return run();
    } catch (thrown) {
      throw storeErrorOf(act, thrown);
    }
  }

  /** Runs statements without parameters. @throws {StoreError} */
  exec(sql: string): void {
    this.#guard("run a statement", () => this.#db.exec(sql));
  }

  /** Runs one statement; how many rows it changed. @throws {StoreError} */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#guard("write", () => Number(this.#statement(sql).run(...values).changes));
  }

  /** All rows. @throws {StoreError} */
  all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#guard("read", () => this.#statement(sql).all(...values));
  }

  /** The first row, or `null`. @throws {StoreError} */
  get(sql: string, ...values: SQLInputValue[]): Row | null {
    return this.#guard("read", () => this.#statement(sql).get(...values) ?? null);
  }

  /** A number from the first column of the first row; 0 when there is none. @throws {StoreError} */
  number(sql: string, ...values: SQLInputValue[]): number {
    const row = this.get(sql, ...values);
    const value = row === null ? null : Object.values(row)[0];
    return typeof value === "number" ? value : 0;
  }

  /**
   * All of it or nothing.
   *
   * @param options.durable on the disk, not only handed to it, when this returns.
   * @throws {StoreError}
   */
  transaction<T>(run: () => T, options: { readonly durable?: boolean } = {}): T {
    const durable = options.durable === true && this.mode === "read-write";
    if (durable) this.exec("PRAGMA synchronous = FULL");
    try {
      this.exec("BEGIN IMMEDIATE");
      let result: T;
      try {
        result = run();
        this.exec("COMMIT");
      } catch (thrown) {
        // SQLite rolls back by itself on some errors; a second ROLLBACK then only says so.
        try {
          this.#db.exec("ROLLBACK");
        } catch {
          // Already rolled back.
        }
        throw thrown;
      }
      this.#measure();
      return result;
    } finally {
      if (durable && !this.#closed) this.exec("PRAGMA synchronous = NORMAL");
    }
  }

  /** Adds the frames that the log grew by; folds the log in when it is long. */
  #measure(): void {
    if (this.mode !== "read-write") return;
    const log = this.get("PRAGMA wal_checkpoint(NOOP)")?.["log"];
    const frames = typeof log === "number" ? log : 0;
    this.#writtenBytes += Math.max(0, frames - this.#frames) * FRAME_BYTES;
    this.#frames = frames;
    if (frames >= CHECKPOINT_FRAMES) this.checkpoint();
  }

  /** Folds the log into the file and empties it. A reader in the way only delays it. */
  checkpoint(): void {
    if (this.mode !== "read-write" || this.#frames === 0) return;
    const row = this.get("PRAGMA wal_checkpoint(TRUNCATE)");
    if (row?.["busy"] !== 0) return;
    // At most: of a page that is in the log several times, SQLite writes the last state alone.
    this.#writtenBytes += this.#frames * PAGE_BYTES;
    this.#frames = 0;
  }

  /** Size of the file with the log that is yet to be folded in, without looking at the disk. */
  bytes(): number {
    return this.number("PRAGMA page_count") * PAGE_BYTES + this.#frames * FRAME_BYTES;
  }

  /** Octets of the file that hold something. */
  usedBytes(): number {
    const free = this.number("PRAGMA freelist_count");
    return (this.number("PRAGMA page_count") - free) * PAGE_BYTES;
  }

  /** What SQLite finds wrong with the file; empty when it is sound. @throws {StoreError} "corrupt" */
  quickCheck(): readonly string[] {
    const found = this.all("PRAGMA quick_check(20)").map((row) => String(Object.values(row)[0]));
    return found.length === 1 && found[0] === "ok" ? [] : found;
  }

  /** Folds the log in and closes. Closing twice is allowed. */
  close(): void {
    if (this.#closed) return;
    try {
      this.checkpoint();
    } catch {
      // A full disk keeps the log; nothing committed is lost by closing without it.
    }
    this.#closed = true;
    this.#statements.clear();
    this.#db.close();
  }
}
