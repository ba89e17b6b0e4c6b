// Bounds of what this node tells other systems.

/** Paths an originator besides the best one that the topology lists. */
export const VISIBLE_ALTERNATIVES = 2;
/** Longest respondd request in octets; one names at most a handful of providers. */
export const MAX_RESPONDD_REQUEST_BYTES = 256;
/** Largest respondd answer in octets: what one UDP datagram over IPv6 holds. */
export const MAX_RESPONDD_ANSWER_BYTES = 65_487;
