// The one binary form of what nodes sign and send: fixed-width big-endian numbers and octet strings
// preceded by their length. A value has exactly one encoding, and a reader refuses what is left over,
// so that what was signed is what was read.
import { CodedError } from "./errors.ts";
import { concat } from "./octets.ts";

/** Octets that don't say what they must: truncated, too long, left over, or out of range. */
export class WireError extends CodedError<"decode"> {
  constructor(message: string) {
    super("decode", message);
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Builds an encoding, field by field. */
export class WireWriter {
  readonly #parts: Uint8Array[] = [];

  /** `width` octets, big endian. */
  #number(value: number, width: 1 | 2 | 4): this {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * width)) {
      throw new RangeError(`Cannot encode ${value} in ${width} octets`);
    }
    const bytes = new Uint8Array(width);
    for (let i = 0; i < width; i++) bytes[i] = Math.floor(value / 2 ** (8 * (width - 1 - i)));
    this.#parts.push(bytes);
    return this;
  }

  u8(value: number): this {
    return this.#number(value, 1);
  }

  u16(value: number): this {
    return this.#number(value, 2);
  }

  u32(value: number): this {
    return this.#number(value, 4);
  }

  /** A whole number below 2^53 in 8 octets: times in milliseconds, serial numbers. */
  u53(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`Cannot encode ${value}`);
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
    this.#parts.push(bytes);
    return this;
  }

  /** Octets of a length both sides know. */
  fixed(bytes: Uint8Array, length: number): this {
    if (bytes.length !== length) {
      throw new RangeError(`Cannot encode ${bytes.length} octets where ${length} belong`);
    }
    this.#parts.push(bytes);
    return this;
  }

  /** Octets preceded by their length as u16. */
  bytes(bytes: Uint8Array): this {
    this.u16(bytes.length);
    this.#parts.push(bytes);
    return this;
  }

  /** UTF-8 text preceded by its length in octets as u16. */
  text(text: string): this {
    return this.bytes(encoder.encode(text));
  }

  /** A list preceded by its length as u16. */
  list<T>(items: readonly T[], write: (writer: WireWriter, item: T) => void): this {
    this.u16(items.length);
    for (const item of items) write(this, item);
    return this;
  }

  /** All fields, joined. */
  finish(): Uint8Array<ArrayBuffer> {
    return concat(this.#parts);
  }
}

/** Reads what {@link WireWriter} wrote. Every method throws WireError on truncation. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  /** @param what name for errors, e.g. "credential". */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  #take(length: number): Uint8Array {
    const have = this.#bytes.length - this.#at;
    if (length > have) {
      throw new WireError(
        `Cannot decode ${this.#what} at offset ${this.#at}: need ${length} octets, have ${have}`,
      );
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #number(width: number): number {
    let value = 0;
    for (const octet of this.#take(width)) value = value * 256 + octet;
    return value;
  }

  u8(): number {
    return this.#number(1);
  }

  u16(): number {
    return this.#number(2);
  }

  u32(): number {
    return this.#number(4);
  }

  u53(): number {
    const value = this.#number(8);
    if (!Number.isSafeInteger(value)) {
      throw new WireError(`Cannot decode ${this.#what}: a number is above 2^53`);
    }
    return value;
  }

  fixed(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#take(length));
  }

  /** @param max octets that are accepted at most. */
  bytes(max: number): Uint8Array<ArrayBuffer> {
    const length = this.u16();
    if (length > max) {
      throw new WireError(`Cannot decode ${this.#what}: ${length} octets where ${max} may be`);
    }
    return this.fixed(length);
  }

  /** @param max octets that are accepted at most. */
  text(max: number): string {
    const bytes = this.bytes(max);
    try {
      return decoder.decode(bytes);
    } catch {
      throw new WireError(`Cannot decode ${this.#what}: text is not UTF-8`);
    }
  }

  /** @param max items that are accepted at most. */
  list<T>(max: number, read: (reader: WireReader) => T): T[] {
    const length = this.u16();
    if (length > max) {
      throw new WireError(`Cannot decode ${this.#what}: ${length} items where ${max} may be`);
    }
    return Array.from({ length }, () => read(this));
  }

  /** @throws {WireError} when octets are left over. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw new WireError(`Cannot decode ${this.#what}: ${left} octets are left over`);
  }
}
