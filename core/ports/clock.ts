/** Time as the product sees it. The real one is core/host; the simulator's is virtual. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. For intervals and deadlines. */
  monotonicMs(): number;
  /** Milliseconds since 1970. May jump: a router without an RTC boots in 1970. For display and certificates. */
  wallMs(): number;
  /** Resolves after `ms`, or at once when `signal` fires. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
