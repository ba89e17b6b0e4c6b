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

/** Tolerated difference between two nodes' wall clocks. */
export const CLOCK_SKEW_MS = 5 * 60 * 1000;
