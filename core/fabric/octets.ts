// A libp2p stream as octets to read and write, with back-pressure both ways: a reader that is slow makes the
// sender wait, and nothing is buffered without a bound.
import type { Stream, StreamMessageEvent } from "@libp2p/interface";
import type { ByteStream } from "../ports/mod.ts";
import { FabricError } from "./errors.ts";

/** Octets read ahead before the peer is told to wait. */
const MAX_AHEAD_BYTES = 65_536;

/** Both directions of one stream. */
export class StreamOctets implements ByteStream {
  readonly #stream: Stream;
  #ahead: Uint8Array[] = [];
  #aheadBytes = 0;
  #over: "no" | "ended" | "broken" = "no";
  #wake: (() => void) | null = null;
  #drained: (() => void) | null = null;

  constructor(stream: Stream) {
    this.#stream = stream;
    stream.addEventListener("message", (event) => this.#take(event));
    stream.addEventListener("remoteCloseWrite", () => this.#finish("ended"));
    stream.addEventListener("close", (event) => this.#finish(event.error ? "broken" : "ended"));
    stream.addEventListener("drain", () => this.#drained?.());
    if (stream.remoteWriteStatus !== "writable") this.#finish("ended");
  }

  #take(event: StreamMessageEvent): void {
    const octets = event.data.subarray();
    this.#ahead.push(octets);
    this.#aheadBytes += octets.length;
    if (this.#aheadBytes > MAX_AHEAD_BYTES && this.#stream.readStatus === "readable") {
      this.#stream.pause();
    }
    this.#wake?.();
  }

  #finish(how: "ended" | "broken"): void {
    if (this.#over === "no" || how === "broken") this.#over = how;
    this.#wake?.();
    this.#drained?.();
  }

  /** @throws {FabricError} "closed" when the connection broke. */
  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const octets = this.#ahead.shift();
      if (octets !== undefined) {
        this.#aheadBytes -= octets.length;
        if (this.#aheadBytes <= MAX_AHEAD_BYTES / 2 && this.#stream.readStatus === "paused") {
          this.#stream.resume();
        }
        return octets;
      }
      if (this.#over === "broken") throw broken();
      // What libp2p itself still holds comes first: the end was announced ahead of it.
      if (this.#over === "ended" && this.#stream.readBufferLength === 0) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = null;
    }
  }

  /** @throws {FabricError} "closed" when the connection broke. */
  async write(octets: Uint8Array): Promise<void> {
    if (this.#over === "broken") throw broken();
    let more: boolean;
    try {
      more = this.#stream.send(octets);
    } catch (cause) {
      throw new FabricError("closed", "Cannot write to stream: it is closed", { cause });
    }
    while (!more && this.#stream.writableNeedsDrain && this.#stream.status === "open") {
      await new Promise<void>((resolve) => this.#drained = resolve);
      this.#drained = null;
      more = !this.#stream.writableNeedsDrain;
    }
    if (this.#stream.status === "aborted" || this.#stream.status === "reset") throw broken();
  }

  /** Says that nothing more is written; reading goes on. */
  async end(): Promise<void> {
    try {
      await this.#stream.close();
    } catch {
      // It broke: the reader learns it.
    }
  }

  /** Ends both directions at once. */
  close(): void {
    this.#stream.abort(new FabricError("closed", "Cannot use stream: it was closed"));
  }
}

const broken = () => new FabricError("closed", "Cannot use stream: the connection broke");
