/** SPIFFE ID, octets (SPIFFE-ID §2.3 asks for 2048 at least to be supported). */
export const MAX_SPIFFE_ID_BYTES = 2048;

/** Trust domain name, octets (SPIFFE-ID §2.1). */
export const MAX_TRUST_DOMAIN_BYTES = 255;

/** Keys of an authority, and so the largest n of "m of n". */
export const MAX_AUTHORITY_KEYS = 16;

/** Roles in a credential. */
export const MAX_ROLES = 16;

/** A role's name, octets. */
export const MAX_ROLE_BYTES = 64;

/** Encoded credential with all signatures, octets: 2 keys of category 5 and 16 signatures fit. */
export const MAX_CREDENTIAL_BYTES = 90_000;

/** How long a credential lives by default, and renews at half of it. */
export const CREDENTIAL_LIFETIME_MS = 90 * 24 * 3600 * 1000;

/** A wall clock before this is not set (2026-01-01): the program did not exist then. */
export const EARLIEST_SANE_MS = Date.UTC(2026, 0, 1);

/** Rotations of the authority since the mesh began. */
export const MAX_ROTATIONS = 64;

/** Entries of a revocation list. */
export const MAX_REVOCATIONS = 20_000;

/** How long the last authority is accepted after a rotation, by default. */
export const ROTATION_GRACE_MS = CREDENTIAL_LIFETIME_MS;

/** Key generations of a node that may lie in its directory. */
export const MAX_KEY_GENERATIONS = 1_000;

/** A text document (key file, state), characters. */
export const MAX_DOCUMENT_CHARACTERS = 16 * 1024 * 1024;

/** Addresses in an invite. */
export const MAX_INVITE_ADDRESSES = 4;

/** An address in an invite, octets. */
export const MAX_ADDRESS_BYTES = 100;

/** An invite as text, characters. */
export const MAX_INVITE_CHARACTERS = 1_200;

/** Shortest passphrase, characters. */
export const MIN_PASSPHRASE_CHARACTERS = 8;

/** Tolerated difference between two nodes' wall clocks. */
export const CLOCK_SKEW_MS = 5 * 60 * 1000;
