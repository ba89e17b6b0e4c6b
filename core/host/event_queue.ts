// Several sources of events as one bounded stream for one reader.
import type { KernelEvent } from "../ports/mod.ts";
import { MAX_QUEUED_EVENTS } from "./limits.ts";

const LOST: KernelEvent = Object.freeze({ type: "lost" });

/** Filled by sources, read by one consumer. A reader that is too slow loses events and is told so. */
export class EventQueue {
  #events: KernelEvent[] = [];
  #wake: (() => void) | null = null;
  #ended = false;
  #failure: unknown = null;

  /** Adds an event; drops all that wait when there are too many. */
  push(event: KernelEvent): void {
    if (this.#ended) return;
    if (this.#events.length >= MAX_QUEUED_EVENTS) this.#events = [LOST];
    this.#events.push(event);
    this.#wake?.();
  }

  /** No more events; those that wait are still delivered. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Ends with an error, once. */
  fail(error: unknown): void {
    if (!this.#ended) this.#failure = error;
    this.end();
  }

  /** Events in order until the end. @throws what {@link fail} was given. */
  async *read(): AsyncGenerator<KernelEvent, void, void> {
    for (;;) {
      const batch = this.#events;
      this.#events = [];
      for (const event of batch) yield event;
      if (this.#events.length > 0) continue;
      if (this.#failure !== null) throw this.#failure;
      if (this.#ended) return;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = null;
    }
  }
}
