/** A frame of enrolment: a sealed record and its tag. */
export const MAX_FRAME_BYTES = 66_000;

/** Octets sealed in one record. */
export const RECORD_BYTES = 32_768;

/** A whole message: revocations of a large mesh fit. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/** The other side has so long for each step of an enrolment. */
export const STEP_TIMEOUT_MS = 10_000;

/** A whole enrolment, from its M1 on: a long list of revocations over a slow link fits. */
export const ENROLMENT_DEADLINE_MS = 30_000;

/** Enrolments under way at once from one address. */
export const MAX_ENROLMENTS_PER_SOURCE = 8;

/** How long an invite is good by default, and at most. */
export const DEFAULT_INVITE_MS = 24 * 3600 * 1000;
/** Longest life of an invite. */
export const MAX_INVITE_MS = 30 * 24 * 3600 * 1000;

/** Tries of a token by default. */
export const DEFAULT_TRIES = 10;

/** Requests that wait at once; the oldest is not dropped, new ones are refused. */
export const MAX_PENDING_REQUESTS = 200;

/** Rows of a list. */
export const MAX_ROWS = 500;

/** A request that waits is asked for again after so long, doubling up to the most. */
export const ASK_AGAIN_MIN_MS = 2_000;
/** Longest pause between two questions. */
export const ASK_AGAIN_MAX_MS = 60_000;

/** How long one address has to answer a connection. */
export const DIAL_TIMEOUT_MS = 5_000;

/** How often the age of the node's own credential is looked at. */
export const RENEWAL_CHECK_MS = 3600 * 1000;

/** After a rotation of the authority its members renew within so long, each at a time of its own. */
export const RENEWAL_SPREAD_MS = 10 * 60 * 1000;

/** After a rotation of the node's keys the old ones are accepted for so long. */
export const OLD_KEYS_MS = 3600 * 1000;
