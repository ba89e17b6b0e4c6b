// Bounds of what one node does for its callers.

/** A slow table is read at most this often. */
export const SLOW_TABLE_AGE_MS = 1_000;
/** Capabilities are looked up at most this often. */
export const CAPABILITIES_AGE_MS = 10_000;
/** Ping and traceroute wait at most this long for an answer. */
export const MAX_PROBE_TIMEOUT_MS = 30_000;
/** A speed test runs at most this long. */
export const MAX_SPEEDTEST_MS = 60_000;
/** A scan takes at most this long. */
export const SCAN_TIMEOUT_MS = 15_000;
