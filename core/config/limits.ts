/** Radios, access points, VLANs, wired interfaces, bridge ports, addresses, rules: each list's maximum. */
export const MAX_LIST_ITEMS = 64;

/** Times an apply plans, acts and reads back: settings of what a step made show only afterwards. */
export const MAX_APPLY_ROUNDS = 4;

/** Seconds an apply waits to be confirmed, unless told. */
export const CONFIRM_WITHIN_S = 60;

/** Longest wait for a confirmation that can be asked for. */
export const MAX_CONFIRM_WITHIN_S = 86_400;

/** Reports of one apply that a manager keeps in its event. */
export const MAX_REPORTED_DIFFERENCES = 1000;

/** Time the kernel is given to take up a country or a channel, in milliseconds. */
export const APPLY_SETTLE_MS = 300;

/** Times one step is tried in one apply. */
export const MAX_STEP_ATTEMPTS = 2;
