// Framing of the shared medium's protocol: a message is four octets of length, most significant first,
// and so many octets of JSON. Octet strings inside are {"$octets": base64}. Pure.
import { CodedError, concat } from "../../base/mod.ts";
import { MESSAGE_MAX } from "../limits.ts";

/** Why octets are no message. */
export class FrameError extends CodedError<"too-long" | "malformed"> {}

function toJson(_key: string, value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  return { $octets: value.toBase64() };
}

function fromJson(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("$octets" in value)) return value;
  if (typeof value.$octets !== "string") {
    throw new FrameError("malformed", "Cannot read the message: octets that are no text");
  }
  return Uint8Array.fromBase64(value.$octets);
}

/** One message as octets. @throws {FrameError} "too-long" */
export function encodeFrame(message: unknown): Uint8Array<ArrayBuffer> {
  const body = new TextEncoder().encode(JSON.stringify(message, toJson));
  if (body.length > MESSAGE_MAX) {
    throw new FrameError("too-long", `Cannot send a message of ${body.length} octets: too long`);
  }
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  return frame;
}

/** Collects octets and gives out whole messages. */
export class FrameDecoder {
  #chunks: Uint8Array[] = [];
  #have = 0;

  /** Messages completed by these octets, in order. @throws {FrameError} and is then unusable */
  push(octets: Uint8Array): unknown[] {
    this.#chunks.push(octets);
    this.#have += octets.length;
    const messages: unknown[] = [];
    for (;;) {
      const length = this.#length();
      if (length === null || this.#have < 4 + length) return messages;
      const all = this.#join();
      messages.push(parse(all.subarray(4, 4 + length)));
      const rest = all.subarray(4 + length);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#have = rest.length;
    }
  }

  /** Length of the message that comes next, or `null` before its four octets are there. */
  #length(): number | null {
    if (this.#have < 4) return null;
    const all = (this.#chunks[0]?.length ?? 0) >= 4 ? this.#chunks[0] : this.#join();
    if (all === undefined) return null;
    const length = new DataView(all.buffer, all.byteOffset, all.byteLength).getUint32(0);
    if (length > MESSAGE_MAX) {
      throw new FrameError("too-long", `Cannot read a message of ${length} octets: too long`);
    }
    return length;
  }

  #join(): Uint8Array {
    const [only] = this.#chunks;
    if (only !== undefined && this.#chunks.length === 1) return only;
    const all = concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body), fromJson);
  } catch (cause) {
    if (cause instanceof FrameError) throw cause;
    throw new FrameError("malformed", "Cannot read the message: it is no JSON", { cause });
  }
}
