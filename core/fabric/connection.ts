// A sealed connection in the shape libp2p's upgrader takes: what its multiplexer writes goes out as records,
// what records bring goes up.
import type { AbortOptions, Logger, MessageStreamDirection } from "@libp2p/interface";
import { AbstractMultiaddrConnection, type SendResult } from "@libp2p/utils";
import type { Multiaddr } from "@multiformats/multiaddr";
import { Uint8ArrayList } from "uint8arraylist";
import { MAX_SEND_QUEUE_BYTES } from "./limits.ts";
import type { RecordStream } from "./records.ts";

/** One connection to one authenticated peer. */
export class SealedConnection extends AbstractMultiaddrConnection {
  readonly #records: RecordStream;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #full = false;
  #sending: Promise<void> | null = null;
  #resume: (() => void) | null = null;
  #paused = false;
  /** Resolves when nothing of it runs any more. */
  readonly done: Promise<void>;

  constructor(
    records: RecordStream,
    init: {
      readonly remoteAddr: Multiaddr;
      readonly direction: MessageStreamDirection;
      readonly log: Logger;
    },
  ) {
    super(init);
    this.#records = records;
    this.done = this.#receive();
  }

  async #receive(): Promise<void> {
    try {
      for (;;) {
        if (this.#paused) await new Promise<void>((resolve) => this.#resume = resolve);
        const octets = await this.#records.read();
        if (octets === null) break;
        this.onData(new Uint8ArrayList(octets));
      }
      this.onTransportClosed();
    } catch (error) {
      if (this.status === "open") this.abort(error as Error);
      else this.onTransportClosed();
    } finally {
      this.#records.close();
      await this.#sending;
    }
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const octets = data.subarray();
    this.#queue.push(octets);
    this.#queuedBytes += octets.length;
    this.#sending ??= this.#send();
    this.#full = this.#queuedBytes >= MAX_SEND_QUEUE_BYTES;
    return { sentBytes: octets.length, canSendMore: !this.#full };
  }

  async #send(): Promise<void> {
    try {
      // Whatever is sent in the same turn goes out together.
      await Promise.resolve();
      while (this.#queue.length > 0) {
        const octets = new Uint8ArrayList(...this.#queue.splice(0)).subarray();
        await this.#records.write(octets);
        this.#queuedBytes -= octets.length;
        if (this.#full && this.#queuedBytes < MAX_SEND_QUEUE_BYTES / 2) {
          this.#full = false;
          this.safeDispatchEvent("drain");
        }
      }
    } catch (error) {
      this.#queue.length = 0;
      this.#queuedBytes = 0;
      this.abort(error as Error);
    } finally {
      this.#sending = null;
    }
  }

  override async sendClose(options?: AbortOptions): Promise<void> {
    const cut = () => this.#records.close();
    options?.signal?.addEventListener("abort", cut, { once: true });
    try {
      await this.#sending;
      await this.#records.end();
    } finally {
      options?.signal?.removeEventListener("abort", cut);
    }
  }

  override sendReset(): void {
    this.#records.close();
    this.sendResume();
  }

  override sendPause(): void {
    this.#paused = true;
  }

  override sendResume(): void {
    this.#paused = false;
    this.#resume?.();
    this.#resume = null;
  }
}
