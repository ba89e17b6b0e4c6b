/** Sealed part of a message: a credential of several authority keys, category 5, and two signatures. */
export const MAX_SEALED_BYTES = 65_000;

/** A frame on the wire without its length: M2 of category 5 with the largest sealed part fits. */
export const MAX_FRAME_BYTES = 66_700;

/** M4: head, length and one tag. */
export const MAX_M4_BYTES = 64;

/** Credentials kept, with what is known of their peers. */
export const MAX_CACHED_CREDENTIALS = 2_048;

/** Handshakes being answered whose M1 had a right mac and whose M3 hasn't come; the oldest gives way. */
export const MAX_HALF_OPEN = 64;

/** Exchanges of other modes at once; a new one is refused. */
export const MAX_EXCHANGES = 64;

/** M1 remembered, so that an old one is dropped before it costs anything: 16 minutes of 1,000 peers. */
export const MAX_SEEN_M1 = 16_384;

/** Connections whose M1 hasn't come yet; the oldest makes room for a new one. */
export const MAX_WAITING = 512;

/** Sources whose rate is remembered; the one heard of longest ago makes room. */
export const MAX_SOURCES = 4_096;

/** Connections a source may open at once and, on average, in a second. */
export const SOURCE_BURST = 20;
export const SOURCE_PER_S = 5;

/** Peers with a machine. */
export const MAX_PEERS = 2_048;

/** Revoked nodes remembered besides the mesh's list. */
export const MAX_CUT = 20_000;
