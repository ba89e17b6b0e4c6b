/** Lifetime of an X.509-SVID; it is renewed at half of it. */
export const X509_SVID_LIFETIME_MS = 3600 * 1000;

/** Shortest lifetime a registration entry may ask for: clocks differ by up to five minutes. */
export const MIN_X509_SVID_LIFETIME_S = 600;

/** Longest lifetime of a JWT-SVID, accepted or issued (JWT-SVID §3.3 asks for short ones). */
export const JWT_SVID_LIFETIME_MS = 5 * 60 * 1000;

/** How far a token's issue may lie ahead of our clock. */
export const JWT_LEEWAY_MS = 60 * 1000;

/** Wait after a renewal that failed. */
export const RENEW_RETRY_MS = 10 * 1000;

/** A certificate as a peer presents it, octets. An ML-DSA-87 certificate has about 7,500. */
export const MAX_CERTIFICATE_BYTES = 16 * 1024;

/** Certificates in a presented chain, and steps from a leaf to a root. */
export const MAX_CHAIN = 4;

/** Certificates that were read and are remembered. */
export const MAX_READ_CERTIFICATES = 1_024;

/** Signatures of chains that were checked and are remembered. */
export const MAX_CHECKED_PAIRS = 2_048;

/** Members whose intermediates are known: as many as a mesh has nodes, with room. */
export const MAX_MEMBERS = 4_096;

/** Encoded announcement: a credential of 16 keys of category 5, a certificate and two signatures. */
export const MAX_ANNOUNCEMENT_BYTES = 110_000;

/** X.509 authorities in a bundle of another trust domain. */
export const MAX_FOREIGN_AUTHORITIES = 4_096;

/** A bundle document, octets. */
export const MAX_BUNDLE_BYTES = 8 * 1024 * 1024;

/** Registration entries of a node. */
export const MAX_ENTRIES = 1_024;

/** Selectors of an entry. */
export const MAX_SELECTORS = 16;

/** A selector, octets: a path of Linux and its prefix. */
export const MAX_SELECTOR_BYTES = 4_096 + 16;

/** A hint, octets. */
export const MAX_HINT_BYTES = 128;

/** Trust domains this node federates with. */
export const MAX_FEDERATIONS = 64;

/** Audiences of a JWT-SVID. */
export const MAX_AUDIENCES = 16;

/** An audience, octets. */
export const MAX_AUDIENCE_BYTES = 2_048;

/** A token, octets. */
export const MAX_TOKEN_BYTES = 16 * 1024;

/** Connections to the Workload API in all, and of one user. */
export const MAX_WORKLOAD_CONNECTIONS = 256;
export const MAX_WORKLOAD_CONNECTIONS_OF_USER = 32;

/** Requests and streams at a time on one connection to the Workload API. */
export const MAX_WORKLOAD_STREAMS = 16;

/** A message to the Workload API, octets. */
export const MAX_WORKLOAD_MESSAGE_BYTES = 64 * 1024;

/** Connections to an mTLS server. */
export const MAX_MTLS_CONNECTIONS = 512;

/** A connection must have finished its TLS handshake within this time. */
export const TLS_HANDSHAKE_TIMEOUT_MS = 10 * 1000;

/** A request of ours must be answered within this time, unless the caller says otherwise. */
export const REQUEST_TIMEOUT_MS = 15 * 1000;

/** Connections to a bundle endpoint, and how long a request may take to come. */
export const MAX_BUNDLE_CONNECTIONS = 64;
export const BUNDLE_REQUEST_TIMEOUT_MS = 10 * 1000;

/** How long the own bundle is served as it was made, when nothing is known to have changed. */
export const OWN_BUNDLE_FRESH_MS = 10 * 1000;

/** What a bundle tells others about how often to look (SPIFFE Trust Domain and Bundle §4.1.2). */
export const BUNDLE_REFRESH_HINT_S = 300;

/** Bounds of how often we look ourselves, whatever the other bundle says. */
export const MIN_BUNDLE_REFRESH_MS = 30 * 1000;
export const MAX_BUNDLE_REFRESH_MS = 24 * 3600 * 1000;
