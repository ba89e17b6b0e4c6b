// Backups beside the database: everything but the fine metrics, so that a daily one costs little flash.
// Two are kept, `node.db.backup-1` is the newer. A backup replaces an older one only after SQLite found
// it sound.
import type { Files } from "../ports/mod.ts";
import { Database } from "./db.ts";
import { StoreError } from "./errors.ts";
import { BACKUPS_KEPT } from "./limits.ts";
import { migrate } from "./migrate.ts";

/** Tables copied whole, and the condition for one that is copied in part. */
const COPIED: readonly (readonly [table: string, condition: string])[] = [
  ["events", "1"],
  ["config_history", "1"],
  ["series", "1"],
  ["metric_chunks", "resolution_s >= 3600"],
];

/** A backup on the disk. */
export interface Backup {
  readonly path: string;
  readonly modifiedMs: number;
  readonly sizeBytes: number;
}

/** Backups of the database at `path`, newest first. */
export async function listBackups(path: string, files: Files): Promise<readonly Backup[]> {
  const out: Backup[] = [];
  for (let n = 1; n <= BACKUPS_KEPT; n++) {
    const stat = await files.stat(`${path}.backup-${n}`);
    if (stat === null) continue;
    const { modifiedMs, sizeBytes } = stat;
    out.push({ path: `${path}.backup-${n}`, modifiedMs, sizeBytes });
  }
  return out;
}

async function removeDatabase(path: string, files: Files): Promise<void> {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) await files.remove(`${path}${suffix}`);
}

/**
 * Makes a backup of an open database.
 *
 * @throws {StoreError}, {FileError}; earlier backups are then as they were.
 */
export async function makeBackup(db: Database, files: Files, nowMs: number): Promise<Backup> {
  const fresh = `${db.path}.backup-new`;
  await removeDatabase(fresh, files);
  try {
    const target = Database.open(fresh, { mode: "read-write" });
    try {
      migrate(target, { nowMs });
    } finally {
      target.close();
    }
    copyInto(db, fresh);
    const check = Database.open(fresh, { mode: "read-write" });
    try {
      const found = check.quickCheck();
      if (found.length > 0) {
        throw new StoreError("corrupt", `Cannot back up "${db.path}": ${found.join("; ")}`);
      }
    } finally {
      check.close();
    }
  } catch (thrown) {
    await removeDatabase(fresh, files);
    throw thrown;
  }
  for (let n = BACKUPS_KEPT; n > 1; n--) {
    const older = `${db.path}.backup-${n - 1}`;
    if (await files.stat(older) !== null) await files.rename(older, `${db.path}.backup-${n}`);
  }
  await files.rename(fresh, `${db.path}.backup-1`);
  const stat = await files.stat(`${db.path}.backup-1`);
  const sizeBytes = stat?.sizeBytes ?? 0;
  // Once to its log and once to its file.
  db.addWritten(2 * sizeBytes);
  return { path: `${db.path}.backup-1`, modifiedMs: stat?.modifiedMs ?? nowMs, sizeBytes };
}

function copyInto(db: Database, path: string): void {
  db.run("ATTACH ? AS copy", path);
  try {
    db.exec("BEGIN");
    try {
      for (const [table, condition] of COPIED) {
        db.exec(`INSERT INTO copy.${table} SELECT * FROM main.${table} WHERE ${condition}`);
      }
      db.exec("COMMIT");
    } catch (thrown) {
      db.exec("ROLLBACK");
      throw thrown;
    }
  } finally {
    db.exec("DETACH copy");
  }
}
