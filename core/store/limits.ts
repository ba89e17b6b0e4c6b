// Bounds of everything the store keeps, in memory and on disk.

/** Of SQLite pages; the flash and file-system default. */
export const PAGE_BYTES = 4096;
/** A frame of the write-ahead log: a page and its header. sqlite.org/fileformat2.html §4.1 */
export const FRAME_BYTES = PAGE_BYTES + 24;
/** Smallest bound that may be asked for. */
export const MIN_DATABASE_BYTES = 1024 * 1024;
/** The hard page limit is this much above the bound, so that pruning itself has room. */
export const HARD_LIMIT_FACTOR = 1.25;
/** The write-ahead log is folded into the file when it has this many frames (about 2 MiB). */
export const CHECKPOINT_FRAMES = 512;
/** How long a statement waits for another process' lock. */
export const BUSY_TIMEOUT_MS = 5_000;

/** Default interval between writes; warnings and errors are written at once. */
export const FLUSH_INTERVAL_MS = 30_000;
/** Pruning and the size check run this often. */
export const PRUNE_INTERVAL_MS = 3_600_000;
/** A backup is made when the newest one is older. */
export const BACKUP_INTERVAL_MS = 86_400_000;
/** Backups kept. */
export const BACKUPS_KEPT = 2;
/** Damaged databases kept aside; the oldest beyond it are removed to save the disk. */
export const CORRUPT_KEPT = 5;

/** Rows of the event table. */
export const EVENT_ROWS = 50_000;
/** Events not yet written; beyond it the oldest of them are lost and counted. */
export const EVENTS_UNWRITTEN = 2_000;
/** Longest message and data of one event, in characters. */
export const EVENT_TEXT_CHARACTERS = 4_000;
/** Default and largest answer to a query for events. */
export const EVENT_QUERY_ROWS = 100;
/** Largest answer to a query for events. */
export const EVENT_QUERY_MAX_ROWS = 1_000;

/** Series kept in memory at once; a series beyond it is not recorded and counted. */
export const SERIES_IN_MEMORY = 1_000;
/** A series without a value for this long leaves memory; what it holds is written. */
export const SERIES_IDLE_S = 900;
/** Chunks sealed and not yet written; beyond it the oldest are lost and counted. */
export const CHUNKS_UNWRITTEN = 8_000;
/** Points of the largest answer to a metric query. */
export const METRIC_QUERY_MAX_POINTS = 5_000;
/** Points wished for when the query doesn't say. */
export const METRIC_QUERY_POINTS = 300;

/** A wall clock before this is not set (2026-01-01): the program did not exist then. */
export const EARLIEST_SANE_MS = Date.UTC(2026, 0, 1);

/** Less free room than this on the database's disk is told as degraded … */
export const DISK_LOW_BYTES = 1024 * 1024;
/** … and than this as failed: not even a batch may fit. */
export const DISK_FAILED_BYTES = 256 * 1024;

/** Configuration revisions kept. */
export const CONFIG_REVISIONS = 200;

/** Rounds of removing the oldest tenth in one pruning. */
export const SHRINK_STEPS = 20;
/** Writes at once for warnings, within a window; further ones wait for the next batch. */
export const URGENT_FLUSHES = 10;
/** The window of {@link URGENT_FLUSHES}. */
export const URGENT_WINDOW_MS = 300_000;

/** What the configuration bounds. */
export interface Retention {
  /** Of the database file; the oldest and finest values go first. */
  readonly maxBytes: number;
  /** One-second values, in memory alone. */
  readonly secondsKeptS: number;
  readonly tenSecondsKeptS: number;
  readonly minutesKeptS: number;
  readonly hoursKeptS: number;
  readonly eventsKeptS: number;
}

/** Without a configuration. */
export const DEFAULT_RETENTION: Retention = Object.freeze({
  maxBytes: 64 * 1024 * 1024,
  secondsKeptS: 600,
  tenSecondsKeptS: 86_400,
  minutesKeptS: 14 * 86_400,
  hoursKeptS: 730 * 86_400,
  eventsKeptS: 90 * 86_400,
});
