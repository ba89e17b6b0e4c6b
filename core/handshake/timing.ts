// When handshakes are begun, repeated and given up. A table, so that the explorer of the machine can run
// the same machine on small numbers.

/** All in milliseconds of monotonic time. */
export interface Timing {
  /** A whole handshake, on either side. */
  readonly deadlineMs: number;
  /** How long the higher node id leaves the first word, and each retry, to the lower one. */
  readonly graceMs: number;
  /** First wait after a failure; doubles up to {@link retryMaxMs}. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** Age of the PSK at which the lower node id begins anew, less a random part of {@link jitterMs}. */
  readonly rekeyMs: number;
  readonly jitterMs: number;
  /** Age at which the higher one does. */
  readonly takeoverMs: number;
  /** Age at which a PSK that nobody renewed is overwritten with a random one. */
  readonly expiryMs: number;
}

/** What the product uses. */
export const TIMING: Timing = Object.freeze({
  deadlineMs: 5_000,
  graceMs: 2_000,
  retryMinMs: 500,
  retryMaxMs: 10_000,
  rekeyMs: 120_000,
  jitterMs: 12_000,
  takeoverMs: 150_000,
  expiryMs: 180_000,
});
