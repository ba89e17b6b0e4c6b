// Bounds of the web interface: every queue, body and cache has one here.

/** Longest request target (path and query) in characters. */
export const MAX_TARGET_LENGTH = 2_048;
/** Largest request body in octets; a configuration document is a few kilobytes. */
export const MAX_BODY_BYTES = 256 * 1024;
/** Event streams open at once. */
export const MAX_STREAMS = 64;
/** Messages waiting for one stream's client before it is dropped as too slow. */
export const MAX_STREAM_QUEUE = 256;
/** Changes within this time go out as one message. */
export const COALESCE_MS = 250;
/** A comment goes out this often, so that both ends notice a dead connection. */
export const HEARTBEAT_MS = 15_000;
/** What browsers are told to wait before they reconnect. */
export const RECONNECT_MS = 2_000;
/** Stored events a resumed stream gets at most; more is reported as a gap. */
export const MAX_RESUMED_EVENTS = 1_000;
/** Events in one answer, by default and at most. */
export const DEFAULT_EVENTS = 100;
export const MAX_EVENTS = 1_000;
/** Points of one metric series in one answer. */
export const MAX_POINTS = 5_000;
/** Bodies of fewer characters are not worth compressing. */
export const MIN_GZIP_LENGTH = 1_024;
/** Time limits a caller may ask for. */
export const MAX_PING_TIMEOUT_MS = 30_000;
export const MAX_TRACEROUTE_TIMEOUT_MS = 10_000;
export const MAX_SPEEDTEST_MS = 60_000;
/** Seconds within which an applied configuration must be confirmed: at least and at most. */
export const MIN_CONFIRM_S = 5;
export const MAX_CONFIRM_S = 3_600;
/** Rows of one table on the page; the API has all of them. */
export const MAX_PAGE_ROWS = 200;
/** Events on the page. */
export const PAGE_EVENTS = 30;
