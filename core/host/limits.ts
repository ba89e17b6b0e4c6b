/** Events that wait for the reader of Kernel.watch(); more are dropped and reported as lost. */
export const MAX_QUEUED_EVENTS = 4_096;

/** Links that are gone whose names are kept for their last events. */
export const MAX_REMEMBERED_LINKS = 256;

/** How long a packet waits for room in a link's queue. */
export const MAX_SEND_WAIT_MS = 1_000;

/** Reads of a socket or link that is always ready, before all else has a turn. */
export const READS_PER_TURN = 64;
