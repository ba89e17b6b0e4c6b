/** Addresses in an invite. */
export const MAX_ANNOUNCED = 4;

/** Pause before a part of the product that could not start is tried again. */
export const RESTART_MIN_MS = 2_000;
/** Longest such pause. */
export const RESTART_MAX_MS = 60_000;
