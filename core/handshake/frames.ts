// Frames on a stream: octets preceded by their length as u32, big endian. The reader refuses a length
// before it takes any of the octets.
import type { ByteStream } from "../ports/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";

const LENGTH_BYTES = 4;

/** A frame with its length in front. */
export function encodeFrame(message: Uint8Array): Bytes {
  const out = new Uint8Array(LENGTH_BYTES + message.length);
  new DataView(out.buffer).setUint32(0, message.length);
  out.set(message, LENGTH_BYTES);
  return out;
}

function join(parts: readonly Uint8Array[], length: number): Bytes {
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Reads frames, and hands on what follows them. */
export class FrameReader {
  readonly #stream: ByteStream;
  #held: Bytes = new Uint8Array(0);

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
    let held: Bytes | null = this.#held.length === 0 ? null : this.#held;
    this.#held = new Uint8Array(0);
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

  async #take(count: number): Promise<Bytes> {
    const parts: Uint8Array[] = [this.#held];
    let have = this.#held.length;
    while (have < count) {
      const chunk = await closedOn(() => this.#stream.read());
      if (chunk === null) {
        throw new HandshakeError("closed", `Cannot read frame: the connection ended`);
      }
      parts.push(chunk);
      have += chunk.length;
    }
    const all = parts.length === 1 ? this.#held : join(parts, have);
    this.#held = all.slice(count);
    return all.slice(0, count);
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
