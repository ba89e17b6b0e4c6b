// How often the kernel is read, and how much is said about it.

/** Between readings while somebody watches. */
export const WATCHED_INTERVAL_MS = 1_000;
/** Between readings while nobody does. */
export const IDLE_INTERVAL_MS = 5_000;
/** How long one look counts as watching. */
export const WATCHED_FOR_MS = 5_000;
/** Parts that change seldom (radios, regulatory domain, services) are read this often when watched … */
export const SLOW_WATCHED_INTERVAL_MS = 5_000;
/** … and this often when not; an event of the kernel makes them due at once. */
export const SLOW_IDLE_INTERVAL_MS = 30_000;
/** Events of the kernel within this are answered by one reading. */
export const DEBOUNCE_MS = 100;
/** Least time between two readings that events ask for. */
export const MIN_INTERVAL_MS = 250;
/** First and longest wait before listening for events again. */
export const WATCH_RETRY_MS = 1_000;
/** Longest wait before listening for events again. */
export const WATCH_RETRY_MAX_MS = 30_000;
/** A snapshot older than this many intervals means that reading has stopped. */
export const STALE_INTERVALS = 4;

/** A neighbour is lost when silent for this many originator intervals, at least LOST_MIN_MS. */
export const NEIGHBOUR_LOST_INTERVALS = 5;
/** An originator farther away is given more. */
export const ORIGINATOR_LOST_INTERVALS = 10;
/** Least silence that counts as lost. */
export const LOST_MIN_MS = 5_000;

/** More events of one type in one reading than this are told as one. */
export const EVENTS_OF_ONE_TYPE = 12;
/** Subjects named in such an event. */
export const SUMMARY_SUBJECTS = 50;
/** Readings that must agree before a quality counts as changed. */
export const QUALITY_READINGS = 3;
