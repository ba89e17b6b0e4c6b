// Distribution of one node's kernel events to its watchers. A slow watcher loses events, as on a full
// netlink socket, and is told so.
import type { KernelEvent } from "../../ports/mod.ts";
import { KernelFault } from "../../ports/mod.ts";
import { WATCH_QUEUE_MAX, WATCHERS_MAX } from "../limits.ts";

interface Watcher {
  queue: KernelEvent[];
  lost: boolean;
  wake: () => void;
  closed: boolean;
}

/** The events of one node. */
export class EventHub {
  readonly #watchers = new Set<Watcher>();

  emit(event: KernelEvent): void {
    for (const watcher of this.#watchers) {
      if (watcher.queue.length >= WATCH_QUEUE_MAX) {
        watcher.queue = [];
        watcher.lost = true;
      }
      watcher.queue.push(event);
      watcher.wake();
    }
  }

  /** Events from now on, until `signal` fires or the hub closes. */
  watch(signal: AbortSignal): AsyncIterable<KernelEvent> {
    if (this.#watchers.size >= WATCHERS_MAX) {
      throw new KernelFault("busy", "Cannot watch: too many watchers");
    }
    const watcher: Watcher = { queue: [], lost: false, wake: () => {}, closed: signal.aborted };
    if (!watcher.closed) this.#watchers.add(watcher);
    const end = () => {
      watcher.closed = true;
      this.#watchers.delete(watcher);
      watcher.wake();
    };
    signal.addEventListener("abort", end, { once: true });
    return this.#drain(watcher, () => {
      signal.removeEventListener("abort", end);
      end();
    });
  }

  close(): void {
    for (const watcher of this.#watchers) {
      watcher.closed = true;
      watcher.wake();
    }
    this.#watchers.clear();
  }

  async *#drain(watcher: Watcher, release: () => void): AsyncGenerator<KernelEvent> {
    try {
      for (;;) {
        if (watcher.lost) {
          watcher.lost = false;
          yield { type: "lost" };
        }
        const event = watcher.queue.shift();
        if (event !== undefined) {
          yield event;
          continue;
        }
        if (watcher.closed) return;
        await new Promise<void>((resolve) => {
          watcher.wake = resolve;
        });
      }
    } finally {
      release();
    }
  }
}
