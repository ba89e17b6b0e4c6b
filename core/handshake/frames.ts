// Frames on a stream: octets preceded by their length as u32, big endian. The reader refuses a length
// before it takes any of the octets.
import { concat } from "../base/mod.ts";
import type { ByteStream } from "../ports/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";

const LENGTH_BYTES = 4;
const NOTHING: Bytes = new Uint8Array(0);

/** A frame with its length in front. */
export function encodeFrame(message: Uint8Array): Bytes {
  const out = new Uint8Array(LENGTH_BYTES + message.length);
  new DataView(out.buffer).setUint32(0, message.length);
  out.set(message, LENGTH_BYTES);
  return out;
}

/** Reads frames, and hands on what follows them. */
export class FrameReader {
  readonly #stream: ByteStream;
  #held: Uint8Array = NOTHING;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /**
   * The next frame's octets.
   *
   * @throws {HandshakeError} "malformed" for a length outside 1 … `maxBytes`, "closed".
   */
  async read(maxBytes: number): Promise<Bytes> {
    const head = await this.#take(LENGTH_BYTES);
    const length = new DataView(head.buffer).getUint32(0);
    if (length === 0 || length > maxBytes) {
      throw new HandshakeError(
        "malformed",
        `Cannot read frame: ${length} octets where ${maxBytes} may be`,
      );
    }
    return await this.#take(length);
  }

  /** The stream behind the frames, beginning with what was read ahead. The reader is done with. */
  rest(): ByteStream {
    const stream = this.#stream;
    let held: Uint8Array | null = this.#held.length === 0 ? null : this.#held.slice();
    this.#held = NOTHING;
    return {
      read() {
        const first = held;
        held = null;
        return first === null ? stream.read() : Promise.resolve(first);
      },
      write: (octets) => stream.write(octets),
      close: () => stream.close(),
    };
  }

  /** Chunks are joined only where a frame goes over more than one of them. */
  async #take(count: number): Promise<Bytes> {
    if (this.#held.length < count) {
      // A chunk is the stream's until the next one is read.
      const parts: Uint8Array[] = this.#held.length === 0 ? [] : [this.#held.slice()];
      let have = this.#held.length;
      while (have < count) {
        const chunk = await closedOn(() => this.#stream.read());
        if (chunk === null) {
          throw new HandshakeError("closed", `Cannot read frame: the connection ended`);
        }
        parts.push(chunk);
        have += chunk.length;
      }
      const [only] = parts;
      this.#held = parts.length === 1 && only !== undefined ? only : concat(parts);
    }
    const taken = this.#held.slice(0, count);
    this.#held = this.#held.subarray(count);
    return taken as Bytes;
  }
}

/** Turns a broken connection into an error of the handshake. */
export async function closedOn<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new HandshakeError("closed", "Cannot use connection: it broke", { cause });
  }
}
