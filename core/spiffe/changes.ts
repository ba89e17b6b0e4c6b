// Tells whoever waits that something changed.

/** A point in time after which something is no longer as it was. */
export class Changes {
  #waiting = new Set<() => void>();
  #count = 0;

  /** Changes so far. */
  get count(): number {
    return this.#count;
  }

  /** Wakes all who wait. */
  bump(): void {
    this.#count++;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Resolves once there were more changes than `seen`, or when the signal fires. Never rejects. */
  after(seen: number, signal: AbortSignal): Promise<void> {
    if (this.#count > seen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}
