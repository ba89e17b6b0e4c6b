// Scalar kinds of netlink attributes: how each is written to and read from octets.
// linux v6.12 include/net/netlink.h. Host order is little-endian on every supported target.
import { DecodeError } from "./errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** TypeScript value of each scalar kind. */
export interface ScalarValues {
  u8: number;
  u16: number;
  u32: number;
  /** Exact: 64-bit counters may exceed 2^53. */
  u64: bigint;
  s8: number;
  s16: number;
  s32: number;
  s64: bigint;
  /** Network byte order. */
  u16be: number;
  u32be: number;
  /** 1, 2, 4 or 8 octets when read, 4 or 8 when written: for attributes whose width varies. */
  uint: number;
  /** NUL-terminated UTF-8; the terminator is optional when read, as NLA_STRING allows. */
  string: string;
  /** UTF-8 without a terminator (SSID-like strings that are known to be text). */
  text: string;
  bytes: Uint8Array;
  /** Six octets, "aa:bb:cc:dd:ee:ff". */
  mac: string;
  /** Zero octets: presence is the value. Writing `false` omits the attribute. */
  flag: boolean;
  /** 4 or 16 octets: an IPv4 or IPv6 address as text. */
  ip: string;
  /** An array of u32, e.g. cipher suites. */
  u32s: readonly number[];
}

/** Name of a scalar kind. */
export type ScalarKind = keyof ScalarValues;

interface Codec<T> {
  /** Exact octet count, or `null` when it varies. */
  readonly length: number | null;
  write(value: T): Uint8Array;
  read(bytes: Uint8Array, what: string, offset: number): T;
}

const view = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function fixed<T>(
  length: number,
  write: (target: DataView, value: T) => void,
  read: (source: DataView) => T,
): Codec<T> {
  return {
    length,
    write(value) {
      const bytes = new Uint8Array(length);
      write(view(bytes), value);
      return bytes;
    },
    read: (bytes) => read(view(bytes)),
  };
}

function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Text of an IPv4 (4 octets) or IPv6 (16 octets, RFC 5952) address. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => view(bytes).getUint16(i * 2));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return null;
  const octets = parts.map(Number);
  return octets.every((octet) => octet <= 255) ? Uint8Array.from(octets) : null;
}

function parseGroups(text: string): number[] | null {
  if (text === "") return [];
  const out: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes(".")) {
      const v4 = parseIpv4(part);
      if (v4 === null) return null;
      out.push(view(v4).getUint16(0), view(v4).getUint16(2));
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) out.push(Number.parseInt(part, 16));
    else return null;
  }
  return out;
}

/** Octets of an IP address (4 or 16), or `null` when `text` is none. No zone identifier. */
export function parseIp(text: string): Uint8Array | null {
  if (!text.includes(":")) return parseIpv4(text);
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] ?? "");
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "") : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const bytes = new Uint8Array(16);
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  for (const [i, group] of groups.entries()) view(bytes).setUint16(i * 2, group);
  return bytes;
}

function wanted<T>(value: T | null, what: string, given: string): T {
  if (value === null) throw new TypeError(`Cannot encode "${given}" as ${what}`);
  return value;
}

/**
 * Passes an integer of 0 to 2^`bits` - 1 through: what does not fit must not wrap around in silence.
 *
 * @throws {RangeError} for any other number.
 */
export function unsigned(value: number, bits: 8 | 16 | 32): number {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** bits) return value;
  throw new RangeError(`Cannot encode ${value}: not an unsigned number of ${bits} bits`);
}

function signed(value: number, bits: 8 | 16 | 32): number {
  const half = 2 ** (bits - 1);
  if (Number.isInteger(value) && value >= -half && value < half) return value;
  throw new RangeError(`Cannot encode ${value}: not a signed number of ${bits} bits`);
}

function exact(value: bigint, wrapped: bigint): bigint {
  if (value === wrapped) return value;
  throw new RangeError(`Cannot encode ${value}: not a number of 64 bits`);
}

/** How each scalar kind is written and read. */
export const SCALARS: { readonly [K in ScalarKind]: Codec<ScalarValues[K]> } = {
  u8: fixed(1, (d, v) => d.setUint8(0, unsigned(v, 8)), (d) => d.getUint8(0)),
  u16: fixed(2, (d, v) => d.setUint16(0, unsigned(v, 16), true), (d) => d.getUint16(0, true)),
  u32: fixed(4, (d, v) => d.setUint32(0, unsigned(v, 32), true), (d) => d.getUint32(0, true)),
  u64: fixed(
    8,
    (d, v) => d.setBigUint64(0, exact(v, BigInt.asUintN(64, v)), true),
    (d) => d.getBigUint64(0, true),
  ),
  s8: fixed(1, (d, v) => d.setInt8(0, signed(v, 8)), (d) => d.getInt8(0)),
  s16: fixed(2, (d, v) => d.setInt16(0, signed(v, 16), true), (d) => d.getInt16(0, true)),
  s32: fixed(4, (d, v) => d.setInt32(0, signed(v, 32), true), (d) => d.getInt32(0, true)),
  s64: fixed(
    8,
    (d, v) => d.setBigInt64(0, exact(v, BigInt.asIntN(64, v)), true),
    (d) => d.getBigInt64(0, true),
  ),
  u16be: fixed(2, (d, v) => d.setUint16(0, unsigned(v, 16)), (d) => d.getUint16(0)),
  u32be: fixed(4, (d, v) => d.setUint32(0, unsigned(v, 32)), (d) => d.getUint32(0)),
  uint: {
    length: null,
    write: (value) =>
      value > 0xffffffff ? SCALARS.u64.write(BigInt(value)) : SCALARS.u32.write(value),
    read(bytes, what, offset) {
      const source = view(bytes);
      switch (bytes.length) {
        case 1:
          return source.getUint8(0);
        case 2:
          return source.getUint16(0, true);
        case 4:
          return source.getUint32(0, true);
        case 8: {
          const value = Number(source.getBigUint64(0, true));
          if (Number.isSafeInteger(value)) return value;
          throw new DecodeError(what, offset, Number.MAX_SAFE_INTEGER, value);
        }
        default:
          throw new DecodeError(what, offset, 4, bytes.length);
      }
    },
  },
  string: {
    length: null,
    write: (value) => encoder.encode(`${value}\0`),
    read: (bytes) => cString(bytes),
  },
  text: {
    length: null,
    write: (value) => encoder.encode(value),
    read: (bytes) => decoder.decode(bytes),
  },
  bytes: { length: null, write: (value) => value, read: (bytes) => bytes.slice() },
  mac: {
    length: 6,
    write: (value) =>
      wanted(
        /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value)
          ? Uint8Array.from(value.split(":"), (octet) => Number.parseInt(octet, 16))
          : null,
        "a MAC address",
        value,
      ),
    read: (bytes) => Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join(":"),
  },
  flag: { length: 0, write: () => new Uint8Array(0), read: () => true },
  ip: {
    length: null,
    write: (value) => wanted(parseIp(value), "an IP address", value),
    read(bytes, what, offset) {
      if (bytes.length !== 4 && bytes.length !== 16) {
        throw new DecodeError(what, offset, 16, bytes.length);
      }
      return formatIp(bytes);
    },
  },
  u32s: {
    length: null,
    write: (values) =>
      new Uint8Array(Uint32Array.from(values, (value) => unsigned(value, 32)).buffer),
    read(bytes, what, offset) {
      if (bytes.length % 4 !== 0) {
        throw new DecodeError(what, offset, bytes.length + 4 - bytes.length % 4, bytes.length);
      }
      const source = view(bytes);
      return Array.from({ length: bytes.length / 4 }, (_, i) => source.getUint32(i * 4, true));
    },
  },
};
