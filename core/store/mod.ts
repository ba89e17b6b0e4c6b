// What a node remembers: events, metrics and configuration history in one SQLite database. The only
// place with SQL. Knows nothing of networks and serves nobody over one.
export { StoreError, type StoreErrorCode } from "./errors.ts";
export { DEFAULT_RETENTION, type Retention } from "./limits.ts";
export { Store, type StoreOptions } from "./store.ts";
