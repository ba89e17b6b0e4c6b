/** Alternative names of one link. */
export const MAX_ALT_NAMES = 1_024;

/** Paths of one multipath route. */
export const MAX_NEXTHOPS = 1_024;
