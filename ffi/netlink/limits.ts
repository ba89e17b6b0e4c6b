/** Nested attributes deeper than this are refused. The deepest real message (nl80211 wiphy) has 6. */
export const MAX_NESTING_DEPTH = 12;

/** Attributes in one list or message; more is refused. */
export const MAX_ATTRIBUTES = 65_536;

/** Payload of one attribute: nla_len is a u16 that includes its 4-octet header. */
export const MAX_ATTRIBUTE_PAYLOAD_BYTES = 65_531;

/** Times an interrupted dump (NLM_F_DUMP_INTR) is read again before giving up. */
export const MAX_DUMP_ATTEMPTS = 8;

/** Receive buffer of one recv(): the kernel never puts more than 32 KiB of a dump in one datagram. */
export const RECEIVE_BUFFER_BYTES = 65_536;
