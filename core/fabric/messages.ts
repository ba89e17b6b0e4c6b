// Messages on a stream: octets preceded by their length as u32, big endian. A length is refused before any of
// its octets are taken.
import type { Bytes } from "../pq/mod.ts";
import type { ByteStream } from "../ports/mod.ts";
import { FabricError } from "./errors.ts";

const LENGTH_BYTES = 4;

/** Writes one message. */
export function writeMessage(stream: ByteStream, message: Uint8Array): Promise<void> {
  const out = new Uint8Array(LENGTH_BYTES + message.length);
  new DataView(out.buffer).setUint32(0, message.length);
  out.set(message, LENGTH_BYTES);
  return stream.write(out);
}

/** Reads messages one after the other. */
export class MessageReader {
  readonly #stream: ByteStream;
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** The next message. @throws {FabricError} "too-large", "truncated", "closed" */
  async read(maxBytes: number): Promise<Bytes> {
    const head = await this.#take(LENGTH_BYTES);
    const length = new DataView(head.buffer).getUint32(0);
    if (length > maxBytes) {
      throw new FabricError(
        "too-large",
        `Cannot read message of ${length} octets: ${maxBytes} may be`,
      );
    }
    return await this.#take(length);
  }

  async #take(count: number): Promise<Bytes> {
    while (this.#heldBytes < count) {
      const chunk = await this.#stream.read();
      if (chunk === null) {
        throw new FabricError("truncated", "Cannot read message: the stream ended within it");
      }
      this.#held.push(chunk);
      this.#heldBytes += chunk.length;
    }
    const out = new Uint8Array(count);
    let at = 0;
    while (at < count) {
      const first = this.#held[0] ?? new Uint8Array(0);
      const part = first.subarray(0, count - at);
      out.set(part, at);
      at += part.length;
      if (part.length === first.length) this.#held.shift();
      else this.#held[0] = first.subarray(part.length);
    }
    this.#heldBytes -= count;
    return out;
  }
}
