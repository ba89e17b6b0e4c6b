// The schema, as the steps that lead to it. A released step never changes; a new version is a new step.
import type { Database } from "./db.ts";

/** One step. */
export interface Migration {
  /** Version of the schema after it; steps count 1, 2, 3 … */
  readonly version: number;
  readonly name: string;
  readonly up: (db: Database) => void;
}

const INITIAL = `
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  monotonic_ms INTEGER NOT NULL,
  severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 4),
  type TEXT NOT NULL,
  subject TEXT NOT NULL,
  message TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE TABLE config_history (
  id INTEGER PRIMARY KEY,
  revision INTEGER NOT NULL,
  text TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  author TEXT NOT NULL,
  outcome TEXT NOT NULL
) STRICT;
CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  metric TEXT NOT NULL,
  last_s INTEGER NOT NULL,
  UNIQUE (subject, metric)
) STRICT;
-- Time first: chunks are sealed together, so a flush fills whole pages instead of touching one page a
-- series. For the same reason there is no index and no foreign key by series: pruning goes by time, and
-- a series is removed only after its last chunk must be gone.
CREATE TABLE metric_chunks (
  resolution_s INTEGER NOT NULL,
  start_s INTEGER NOT NULL,
  series_id INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (resolution_s, start_s, series_id)
) STRICT, WITHOUT ROWID;
`;

/** All steps, in order. */
export const MIGRATIONS: readonly Migration[] = Object.freeze([
  { version: 1, name: "initial", up: (db: Database) => db.exec(INITIAL) },
]);
