// Brings a database to the schema of this program: each missing step, all in one transaction.
import { APPLICATION_ID, type Database } from "./db.ts";
import { StoreError } from "./errors.ts";
import { type Migration, MIGRATIONS } from "./migrations.ts";

/** Version of the schema in the file; 0 for a new file. @throws {StoreError} "corrupt" */
export function schemaVersion(db: Database): number {
  const tables = db.number("SELECT count(*) FROM sqlite_schema WHERE type = 'table'");
  if (tables === 0) return 0;
  const known = db.number(
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'",
  );
  if (known === 0) {
    throw new StoreError(
      "corrupt",
      `Cannot use the database "${db.path}": it has tables but no schema_version`,
    );
  }
  return db.number("SELECT max(version) FROM schema_version");
}

/** Version this program writes. */
export function latestVersion(migrations: readonly Migration[] = MIGRATIONS): number {
  return migrations.at(-1)?.version ?? 0;
}

/** Refuses a file that a later program wrote. @throws {StoreError} "newer-schema" */
export function requireKnownVersion(
  db: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): number {
  const version = schemaVersion(db);
  const latest = latestVersion(migrations);
  if (version > latest) {
    throw new StoreError(
      "newer-schema",
      `Cannot use the database "${db.path}": its schema is version ${version}, written by a later ` +
        `release; this release knows versions up to ${latest}. Start the later release, or move the ` +
        `file away`,
    );
  }
  return version;
}

/**
 * Applies the missing steps.
 *
 * @param options.nowMs wall time, kept beside each step for people.
 * @returns the version before and after.
 * @throws {StoreError} and leaves the file as it was.
 */
export function migrate(
  db: Database,
  options: { readonly nowMs: number; readonly migrations?: readonly Migration[] },
): { readonly from: number; readonly to: number } {
  const migrations = options.migrations ?? MIGRATIONS;
  const from = requireKnownVersion(db, migrations);
  const missing = migrations.filter(({ version }) => version > from);
  if (missing.length === 0) return { from, to: from };
  db.transaction(() => {
    if (from === 0) {
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      db.exec(
        "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, " +
          "applied_ms INTEGER NOT NULL) STRICT",
      );
    }
    for (const { version, name, up } of missing) {
      up(db);
      db.run(
        "INSERT INTO schema_version (version, name, applied_ms) VALUES (?, ?, ?)",
        version,
        name,
        options.nowMs,
      );
    }
  }, { durable: true });
  return { from, to: latestVersion(migrations) };
}
