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

const MEMBERSHIP = `
CREATE TABLE mesh_versions (
  mesh TEXT PRIMARY KEY,
  authority INTEGER NOT NULL,
  revocations INTEGER NOT NULL,
  serial INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE invite_tokens (
  id TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  authority TEXT NOT NULL,
  roles TEXT NOT NULL,
  auto_approve INTEGER NOT NULL CHECK (auto_approve IN (0, 1)),
  tries INTEGER NOT NULL,
  max_tries INTEGER NOT NULL,
  node_id TEXT,
  used_ms INTEGER,
  cancelled_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE signing_requests (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  name TEXT NOT NULL,
  node_id TEXT NOT NULL,
  token_id TEXT,
  approved INTEGER NOT NULL CHECK (approved IN (0, 1)),
  body BLOB NOT NULL,
  authority BLOB NOT NULL,
  signatures BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signing_requests_of_node ON signing_requests (node_id, created_ms);
-- Never pruned: a chain that begins in the middle proves nothing about its beginning.
CREATE TABLE audit_log (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  previous BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;
`;

const POLICY = `
CREATE TABLE policy_versions (
  mesh TEXT PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Not WITHOUT ROWID: a signed head is larger than a page's share for rows of such a table.
CREATE TABLE audit_heads (
  node TEXT PRIMARY KEY,
  head BLOB NOT NULL,
  seen_ms INTEGER NOT NULL,
  conflict BLOB
) STRICT;
`;

const SPIFFE = `
CREATE TABLE spiffe_entries (
  id TEXT PRIMARY KEY,
  path TEXT NOT NULL,
  selectors TEXT NOT NULL,
  x509_lifetime_s INTEGER NOT NULL,
  jwt_lifetime_s INTEGER NOT NULL,
  hint TEXT NOT NULL,
  federates_with TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE spiffe_members (
  node_id TEXT PRIMARY KEY,
  octets BLOB NOT NULL
) STRICT;
CREATE TABLE spiffe_federations (
  trust_domain TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  profile TEXT NOT NULL,
  endpoint_spiffe_id TEXT,
  bundle TEXT,
  refreshed_ms INTEGER
) STRICT;
CREATE TABLE spiffe_own_bundle (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  sequence INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT;
`;

/** All steps, in order. */
export const MIGRATIONS: readonly Migration[] = Object.freeze([
  { version: 1, name: "initial", up: (db: Database) => db.exec(INITIAL) },
  { version: 2, name: "membership", up: (db: Database) => db.exec(MEMBERSHIP) },
  { version: 3, name: "policy", up: (db: Database) => db.exec(POLICY) },
  { version: 4, name: "spiffe", up: (db: Database) => db.exec(SPIFFE) },
]);
