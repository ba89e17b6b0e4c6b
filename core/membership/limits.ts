/** A frame of enrolment: a sealed record and its tag. */
export const MAX_FRAME_BYTES = 66_000;

/** Octets sealed in one record. */
export const RECORD_BYTES = 32_768;

/** A whole message: revocations of a large mesh fit. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/** The other side has so long for each step of an enrolment. */
export const STEP_TIMEOUT_MS = 10_000;

/** Enrolments under way at once; further connections are closed. */
export const MAX_ENROLMENTS = 32;

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

/** Default port for enrolment. */
export const ENROLMENT_PORT = 7_422;
