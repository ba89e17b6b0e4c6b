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

/** Messages in one datagram: as many headers as fit into the receive buffer. */
export const MAX_MESSAGES_PER_DATAGRAM = RECEIVE_BUFFER_BYTES / 16;

/** Messages of one dump: a full internet routing table is near a million. */
export const MAX_DUMP_MESSAGES = 2_000_000;

/** Requests that wait for their turn on one connection. */
export const MAX_QUEUED_REQUESTS = 1_024;

/** Time from sending a request to its end, all datagrams of a dump included. */
export const REQUEST_DEADLINE_MS = 5_000;

/** Receive buffer asked of the kernel for a notification socket. */
export const NOTIFICATION_BUFFER_BYTES = 1 << 20;

/** Times a lost datagram (ENOBUFS) in a row is taken before the notification socket counts as broken. */
export const MAX_CONSECUTIVE_LOSSES = 64;
