/** Addresses in an invite. */
export const MAX_ANNOUNCED = 4;

/** Pause before a part of the product that could not start is tried again. */
export const RESTART_MIN_MS = 2_000;
/** Longest such pause. */
export const RESTART_MAX_MS = 60_000;

/** How often members with authority keys are asked for the signatures that are missing. */
export const ASK_SIGNATURES_MS = 20_000;

/** Members asked at a time. */
export const MAX_SIGNERS_ASKED = 8;

/** A request as it is carried, octets. */
export const MAX_CARRIED_BYTES = 4 * 1024 * 1024;

/** Members whose credentials are remembered; the one seen longest ago makes room. */
export const MAX_DIRECTORY = 2_048;

/** Members whose addresses are kept over a restart. */
export const MAX_CONTACTS = 64;

/** New addresses are written after so long, all at once. */
export const CONTACTS_SAVE_MS = 30_000;

/** Changes of members and policy reach the packet filter after so long, all at once. */
export const FILTER_SETTLE_MS = 100;

/** How often it is looked whether the packet filter is still there. */
export const FILTER_CHECK_MS = 30_000;

/** How often a node says how its audit log ends, beside after each entry. */
export const HEAD_EVERY_MS = 10 * 60 * 1000;

/** A node whose head doesn't fit the one remembered is asked about it at most this often. */
export const ASK_HEAD_MS = 60_000;

/** A signed head with all the links it may carry, octets. */
export const MAX_HEAD_BYTES = 40_000;

/** Announcements in one answer. */
export const MAX_ANNOUNCED_AT_ONCE = 2_048;

/** How often it is looked for new neighbours on the fabric. */
export const PEERS_CHECK_MS = 3_000;

/** Who is revoked may still hear of it for so long on the fabric; its tunnels are gone by then. */
export const FAREWELL_MS = 300;
