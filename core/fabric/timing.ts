// When the fabric does things by itself, and how long it waits for others. Milliseconds of monotonic time.

/** All intervals; the tests run on shorter ones. */
export interface FabricTiming {
  /** How often connections are looked after. */
  readonly tickMs: number;
  /** A dial, its handshake included. */
  readonly dialMs: number;
  /** First wait after a failed dial, doubled up to {@link redialMaxMs}. */
  readonly redialMinMs: number;
  readonly redialMaxMs: number;
  /** How often a node that has all the connections it wants tries one more, so that partitions heal. */
  readonly mixMs: number;
  /** A connection beyond those wanted that carried no request for so long is closed. */
  readonly idleMs: number;
  /** How often each connection's peer is asked for a sign of life, and how long it has for it. */
  readonly pingMs: number;
  readonly pingTimeoutMs: number;
  /** Age at which a connection is made anew, under fresh keys. */
  readonly connectionAgeMs: number;
  /** An answer to a request, and a hello. */
  readonly requestMs: number;
  /** How often documents are compared with one neighbour. */
  readonly compareMs: number;
  /** How often a node tells its status. */
  readonly statusMs: number;
  /** How often credentials of connected peers are judged again: they expire. */
  readonly judgeMs: number;
  /** How long a peer that misbehaved is left alone. */
  readonly shunMs: number;
  /** How often sequence numbers are written down. */
  readonly rememberMs: number;
}

/** What the product uses. */
export const FABRIC_TIMING: FabricTiming = Object.freeze({
  tickMs: 1_000,
  dialMs: 10_000,
  redialMinMs: 1_000,
  redialMaxMs: 60_000,
  mixMs: 20_000,
  idleMs: 60_000,
  pingMs: 15_000,
  pingTimeoutMs: 10_000,
  connectionAgeMs: 6 * 3_600_000,
  requestMs: 15_000,
  compareMs: 60_000,
  statusMs: 30_000,
  judgeMs: 60_000,
  shunMs: 300_000,
  rememberMs: 300_000,
});
