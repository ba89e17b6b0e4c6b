/**
 * Attributes of one SET_DEVICE message. Under every limit on the way: 65,535 for one attribute, and the
 * send buffer, which counts a message more than once. About 200 peers or 800 allowed IPs.
 */
export const MAX_MESSAGE_BYTES = 24_576;

/** Peers in one change; more is refused. */
export const MAX_PEERS = 65_536;

/** Allowed IPs of one peer in one change; more is refused. */
export const MAX_ALLOWED_IPS = 65_536;
