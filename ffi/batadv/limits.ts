/** Length of an interface name without its terminator (IFNAMSIZ - 1). */
export const MAX_IFNAME_BYTES = 15;

/** Echo requests of one ping; more is refused. */
export const MAX_PING_COUNT = 10_000;

/** Hops a traceroute tries before it gives up; batctl's TTL_MAX. */
export const MAX_TRACEROUTE_HOPS = 50;

/** Probes sent to each hop; batctl's NUM_PACKETS. */
export const TRACEROUTE_PROBES = 3;

/** Initial TTL of an echo request; BATADV_TTL in main.h. */
export const DEFAULT_TTL = 50;

/** Frames looked at while waiting for one reply, so that a flood of other frames cannot hold us. */
export const MAX_FRAMES_PER_WAIT = 100_000;

/** Longest throughput test: the kernel takes any u32 of milliseconds, a caller gets an hour. */
export const MAX_TP_TEST_MS = 3_600_000;

/** Entries of a route record; BATADV_RR_LEN. */
export const ROUTE_RECORD_LENGTH = 16;
