// Opens the database whatever state it is in. A damaged file is kept aside and its last good backup takes
// its place; a file that cannot be written is read; nothing is emptied without saying so.
import type { EventDraft } from "../node/mod.ts";
import type { Files } from "../ports/mod.ts";
import { messageOf } from "../base/mod.ts";
import { listBackups } from "./backups.ts";
import { Database } from "./db.ts";
import { StoreError } from "./errors.ts";
import { CORRUPT_KEPT, PAGE_BYTES } from "./limits.ts";
import { latestVersion, migrate, requireKnownVersion } from "./migrate.ts";

/** What it takes to open. */
export interface RecoverOptions {
  readonly path: string;
  readonly files: Files;
  readonly nowMs: number;
  readonly maxPages: number;
}

/** An open database and how it came about. */
export interface Recovered {
  readonly db: Database;
  /** What a person must know. */
  readonly notes: readonly EventDraft[];
  /** The file before is gone: ids continue with a gap. */
  readonly replaced: boolean;
  /** Why nothing can be written; `null` when it can. */
  readonly problem: StoreError | null;
}

/** Opens, repairing what can be repaired. @throws {StoreError} "newer-schema" only */
export async function openRecovering(options: RecoverOptions): Promise<Recovered> {
  const { path, files } = options;
  const before = await files.stat(path);
  if (before === null) {
    const backups = await listBackups(path, files);
    if (backups.length === 0) return await create(options, []);
    return await replace(options, `Database "${path}" is missing`);
  }
  let db: Database | null = null;
  try {
    const log = await files.stat(`${path}-wal`);
    if (before.sizeBytes % PAGE_BYTES !== 0 && (log?.sizeBytes ?? 0) === 0) {
      // SQLite would read the missing end as zeros. With a log, the log holds the page.
      throw new StoreError("corrupt", `its ${before.sizeBytes} octets end within a page`);
    }
    db = Database.open(path, { mode: "read-write", maxPages: options.maxPages });
    const found = db.quickCheck();
    if (found.length > 0) throw new StoreError("corrupt", found.join("; "));
    const version = requireKnownVersion(db);
    if (version === 0) throw new StoreError("corrupt", "it is empty");
    if (version < latestVersion()) await keepBeforeMigration(db, files, version);
    migrate(db, { nowMs: options.nowMs });
    return { db, notes: [], replaced: false, problem: null };
  } catch (thrown) {
    db?.close();
    if (!(thrown instanceof StoreError) || thrown.code === "newer-schema") throw thrown;
    if (thrown.code === "corrupt") {
      return await replace(options, `Database "${path}" is damaged (${thrown.message})`);
    }
    return standIn(options, thrown);
  }
}

/** A copy under the old version's name, so that the step back to the earlier release stays possible. */
async function keepBeforeMigration(db: Database, files: Files, version: number): Promise<void> {
  const copy = `${db.path}.before-v${version + 1}`;
  await files.remove(copy);
  db.run("VACUUM INTO ?", copy);
}

async function create(options: RecoverOptions, notes: readonly EventDraft[]): Promise<Recovered> {
  const { path, files, maxPages, nowMs } = options;
  let db: Database | null = null;
  try {
    // A log without its database belongs to nothing and would confuse a new one.
    await files.remove(`${path}-wal`);
    await files.remove(`${path}-shm`);
    db = Database.open(path, { mode: "read-write", maxPages });
    migrate(db, { nowMs });
    return { db, notes, replaced: notes.length > 0, problem: null };
  } catch (thrown) {
    db?.close();
    // What was begun now and holds nothing would be taken for a damaged database the next time.
    for (const suffix of ["", "-wal", "-shm"]) await files.remove(`${path}${suffix}`);
    const error = thrown instanceof StoreError
      ? thrown
      : new StoreError("unavailable", messageOf(thrown), { cause: thrown });
    return { ...standIn(options, error), notes };
  }
}

/** Reads the file without writing, or begins in memory. */
function standIn(options: RecoverOptions, problem: StoreError): Recovered {
  try {
    const db = Database.open(options.path, { mode: "read-only" });
    try {
      if (requireKnownVersion(db) === latestVersion()) {
        return { db, notes: [], replaced: false, problem };
      }
    } catch {
      // Falls through to memory.
    }
    db.close();
  } catch {
    // Falls through to memory.
  }
  const db = Database.open(":memory:", { mode: "memory" });
  migrate(db, { nowMs: options.nowMs });
  return { db, notes: [], replaced: false, problem };
}

async function replace(options: RecoverOptions, what: string): Promise<Recovered> {
  const { path, files } = options;
  let kept: string | null = null;
  try {
    kept = await keepAside(path, files);
  } catch (thrown) {
    const reason = `Cannot keep "${path}" aside: ${messageOf(thrown)}`;
    return standIn(options, new StoreError("corrupt", `${what}; ${reason}`, { cause: thrown }));
  }
  const where = kept === null ? "" : `; the damaged file is kept as "${kept}"`;
  const unusable: string[] = [];
  for (const backup of await listBackups(path, files)) {
    try {
      await files.writeAtomic(path, await files.read(backup.path));
      const db = Database.open(path, { mode: "read-write", maxPages: options.maxPages });
      try {
        if (db.quickCheck().length > 0 || requireKnownVersion(db) === 0) {
          throw new StoreError("corrupt", "the backup is damaged too");
        }
        migrate(db, { nowMs: options.nowMs });
      } catch (thrown) {
        db.close();
        throw thrown;
      }
      const age = new Date(backup.modifiedMs).toISOString();
      return {
        db,
        notes: [{
          severity: "warning",
          type: "store.restored",
          subject: path,
          message: `${what}; restored from the backup of ${age}${where}`,
          data: { kept, backup: backup.path, unusable },
        }],
        replaced: true,
        problem: null,
      };
    } catch (thrown) {
      unusable.push(`${backup.path}: ${messageOf(thrown)}`);
      for (const suffix of ["", "-wal", "-shm"]) await files.remove(`${path}${suffix}`);
    }
  }
  return await create(options, [{
    severity: "error",
    type: "store.lost",
    subject: path,
    message: `${what} and there is no good backup: history starts anew${where}`,
    data: { kept, unusable },
  }]);
}

/** Renames the database and its log; the new name, or `null` when there was none. */
async function keepAside(path: string, files: Files): Promise<string | null> {
  if (await files.stat(path) === null) return null;
  const cut = path.lastIndexOf("/");
  const prefix = `${path.slice(cut + 1)}.corrupt-`;
  const numbers = (await files.list(path.slice(0, cut)))
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number.parseInt(name.slice(prefix.length), 10))
    .filter((n) => Number.isInteger(n));
  const kept = `${path}.corrupt-${Math.max(0, ...numbers) + 1}`;
  await files.rename(path, kept);
  for (const suffix of ["-wal", "-shm"]) {
    if (await files.stat(`${path}${suffix}`) !== null) {
      await files.rename(`${path}${suffix}`, `${kept}${suffix}`);
    }
  }
  const oldest = [...new Set(numbers)].sort((a, b) => a - b).slice(0, -(CORRUPT_KEPT - 1));
  for (const n of oldest) {
    for (const suffix of ["", "-wal", "-shm"]) await files.remove(`${path}.corrupt-${n}${suffix}`);
  }
  return kept;
}
