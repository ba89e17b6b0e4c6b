// Queues and streams in memory for the simulated network.
import type { ByteStream } from "../ports/mod.ts";

/** A bounded queue with one reader. */
export class Mailbox<T> {
  readonly #items: T[] = [];
  readonly #max: number;
  #closed = false;
  #wake: (() => void) | null = null;

  constructor(max: number) {
    this.#max = max;
  }

  /** `false` when it is full or closed. */
  put(item: T): boolean {
    if (this.#closed || this.#items.length >= this.#max) return false;
    this.#items.push(item);
    this.#wake?.();
    return true;
  }

  /** Nothing more comes; what is there can still be taken. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** The next item, or `null` once it is closed and empty. */
  async take(): Promise<T | null> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) return item;
      if (this.#closed) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = null;
    }
  }
}

/** Two ends of a connection: what one writes the other reads. Closing either end closes both. */
export function streamPair(travel: () => Promise<void>): readonly [ByteStream, ByteStream] {
  const [there, back] = [new Mailbox<Uint8Array>(Infinity), new Mailbox<Uint8Array>(Infinity)];
  const end = (from: Mailbox<Uint8Array>, to: Mailbox<Uint8Array>): ByteStream => {
    // Chunks arrive in the order in which they were written, however long each travels.
    let sent: Promise<void> = Promise.resolve();
    return {
      read: () => from.take(),
      async write(octets) {
        const copy = octets.slice();
        let taken = false;
        sent = sent.then(travel).then(() => {
          taken = to.put(copy);
        });
        await sent;
        if (!taken) throw new Error("Cannot write: the connection is closed");
      },
      close() {
        // What was written before arrives before the end does.
        const last = sent;
        last.then(() => {
          from.close();
          to.close();
        });
      },
    };
  };
  return [end(back, there), end(there, back)];
}
