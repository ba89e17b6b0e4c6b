/** Rules of a policy. */
export const MAX_RULES = 256;

/** Services that a policy defines. */
export const MAX_SERVICES = 128;

/** Ports or ranges of one service. */
export const MAX_PORTS = 32;

/** Entries of a rule's `from`, `to` and `services`, each. */
export const MAX_WORDS = 32;

/** Name of a rule or service, characters. */
export const MAX_NAME = 64;

/** One entry of a rule's `from` or `to`, characters. */
export const MAX_PATTERN = 512;

/** Note of a rule, characters. */
export const MAX_NOTE = 256;

/** What is signed, octets: small enough to pass from node to node whole. */
export const MAX_POLICY_BYTES = 64 * 1024;

/** The same with the signatures of 16 authority keys of category 5. */
export const MAX_SIGNED_BYTES = MAX_POLICY_BYTES + 80 * 1024;

/** Changes that a comparison names; the rest is counted. */
export const MAX_CHANGES = 500;

/** Members whose addresses the packet filter knows. */
export const MAX_MEMBERS = 20_000;

/** Highest version: with 31 bits of a hash it makes one whole number below 2^53. */
export const MAX_VERSION = 2 ** 22 - 1;
