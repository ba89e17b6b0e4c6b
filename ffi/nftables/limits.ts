/** Longest command text given to the library at once. */
export const MAX_COMMAND_BYTES = 4 * 1024 * 1024;

/** Set elements in one netlink message; the message stays below 64 KiB for any key and value. */
export const MAX_ELEMENTS_PER_MESSAGE = 256;

/** Set elements in one batch (one transaction): a datagram must fit the default send buffer of 208 KiB. */
export const MAX_ELEMENTS_PER_BATCH = 2048;

/** linux v6.12 include/uapi/linux/netfilter/nf_tables.h NFT_DATA_VALUE_MAXLEN. */
export const MAX_DATA_BYTES = 64;

/** linux v6.12 NFT_NAME_MAXLEN, with the terminator. */
export const MAX_NAME_BYTES = 256;

/** How long the kernel is given to answer a batch, in milliseconds. */
export const BATCH_DEADLINE_MS = 5000;
