// Fans the node's changes and events out to server-sent event streams. Changes within a short time go
// out as one message a stream; a stream whose client does not keep up is ended with a note, so that no
// queue grows without bound and no client misses something silently.
import type { NodeEvent, NodeService, Topic } from "../../core/node/mod.ts";
import type { Clock } from "../../core/ports/mod.ts";
import {
  COALESCE_MS,
  HEARTBEAT_MS,
  MAX_RESUMED_EVENTS,
  MAX_STREAM_QUEUE,
  MAX_STREAMS,
  RECONNECT_MS,
} from "../limits.ts";
import { ApiError } from "./errors.ts";

interface Client {
  readonly topics: ReadonlySet<Topic> | null;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

/** What a stream wants. */
export interface StreamOptions {
  /** Only these; `null` means all. */
  readonly topics: ReadonlySet<Topic> | null;
  /** The last event id the client has; `null` for a first connection. */
  readonly afterId: number | null;
}

const encoder = new TextEncoder();

/** One message in the event stream format (WHATWG HTML §9.2). JSON has no raw line breaks. */
function message(type: string, data: unknown, id?: number): Uint8Array {
  const idLine = id === undefined ? "" : `id: ${id}\n`;
  return encoder.encode(`${idLine}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** The streams of one app. */
export class EventHub {
  readonly #node: NodeService;
  readonly #clock: Clock;
  readonly #clients = new Set<Client>();
  readonly #pending = new Set<Topic>();
  /** The node's subscription and the heartbeat, while there is a stream. */
  #active: { readonly stop: AbortController; readonly unsubscribe: () => void } | null = null;
  #flushing = false;
  /** Newest event id that went out. */
  #lastEventId = 0;

  readonly #onError: (thrown: unknown) => void;

  /** @param onError told when the node's events could not be read; the streams go on. */
  constructor(node: NodeService, clock: Clock, onError: (thrown: unknown) => void) {
    this.#node = node;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Streams open now. */
  get size(): number {
    return this.#clients.size;
  }

  /**
   * Opens a stream.
   *
   * @throws {ApiError} "too-many"
   */
  open({ topics, afterId }: StreamOptions): ReadableStream<Uint8Array> {
    if (this.#clients.size >= MAX_STREAMS) {
      throw new ApiError("too-many", `Cannot open an event stream: ${MAX_STREAMS} are open`, {
        retryable: true,
      });
    }
    let client: Client | null = null;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        client = { topics, controller };
        this.#start();
        this.#clients.add(client);
        controller.enqueue(encoder.encode(`retry: ${RECONNECT_MS}\n\n`));
        const { identity } = this.#node;
        this.#send(
          client,
          message("hello", {
            revision: this.#node.snapshot().revision,
            version: identity.version,
            startedAtMs: identity.startedAtMs,
            lastEventId: this.#lastEventId,
          }),
        );
        if (afterId !== null) this.#resume(client, afterId);
      },
      cancel: () => {
        if (client !== null) this.#remove(client);
      },
    }, new CountQueuingStrategy({ highWaterMark: MAX_STREAM_QUEUE }));
  }

  /** Ends all streams. */
  close(): void {
    for (const client of [...this.#clients]) {
      this.#remove(client);
      client.controller.close();
    }
  }

  #start(): void {
    if (this.#active !== null) return;
    const stop = new AbortController();
    this.#lastEventId = this.#node.events({ limit: 1 })[0]?.id ?? 0;
    const unsubscribe = this.#node.subscribe(({ topics }) => {
      for (const topic of topics) this.#pending.add(topic);
      this.#scheduleFlush(stop.signal);
    });
    this.#active = { stop, unsubscribe };
    this.#heartbeat(stop.signal);
  }

  #remove(client: Client): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0 || this.#active === null) return;
    this.#active.stop.abort();
    this.#active.unsubscribe();
    this.#active = null;
    this.#pending.clear();
  }

  async #heartbeat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(HEARTBEAT_MS, signal);
      if (signal.aborted) return;
      for (const client of [...this.#clients]) this.#send(client, encoder.encode(": alive\n\n"));
    }
  }

  async #scheduleFlush(signal: AbortSignal): Promise<void> {
    if (this.#flushing) return;
    this.#flushing = true;
    await this.#clock.sleep(COALESCE_MS, signal);
    this.#flushing = false;
    if (signal.aborted) return;
    try {
      this.#flush();
    } catch (thrown) {
      this.#onError(thrown);
    }
  }

  #flush(): void {
    const topics = [...this.#pending];
    this.#pending.clear();
    const events = topics.includes("events") ? this.#newEvents() : [];
    const { revision } = this.#node.snapshot();
    for (const client of [...this.#clients]) {
      const wanted = topics.filter((topic) => client.topics?.has(topic) ?? true);
      for (const event of wanted.includes("events") ? events : []) this.#sendEvent(client, event);
      if (wanted.length > 0) this.#send(client, message("change", { topics: wanted, revision }));
    }
  }

  #newEvents(): NodeEvent[] {
    const query = { afterId: this.#lastEventId, limit: MAX_RESUMED_EVENTS };
    const events = this.#node.events(query).toReversed();
    this.#lastEventId = events.at(-1)?.id ?? this.#lastEventId;
    return events;
  }

  /** Sends what the client missed: events it has no id of, oldest first. */
  #resume(client: Client, afterId: number): void {
    const missed = this.#node.events({ afterId, limit: MAX_RESUMED_EVENTS }).toReversed()
      .filter((event) => event.id <= this.#lastEventId);
    const oldest = missed[0];
    if (oldest !== undefined && missed.length === MAX_RESUMED_EVENTS) {
      this.#send(client, message("gap", { afterId, beforeId: oldest.id }));
    }
    // A whole history does not count as being slow: it goes out in one piece.
    const parts = missed.map((event) => message("event", event, event.id));
    if (parts.length > 0) this.#send(client, concat(parts));
  }

  #sendEvent(client: Client, event: NodeEvent): void {
    this.#send(client, message("event", event, event.id));
  }

  #send(client: Client, bytes: Uint8Array): void {
    if (!this.#clients.has(client)) return;
    const room = client.controller.desiredSize ?? 0;
    if (room > 1) {
      client.controller.enqueue(bytes);
      return;
    }
    this.#remove(client);
    client.controller.enqueue(message("dropped", { reason: "the client reads too slowly" }));
    client.controller.close();
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
