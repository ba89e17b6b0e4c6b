// Small conversions of the codec: keys, socket addresses, prefixes, kernel time. No error here repeats
// what it was given where that could be a secret.
import { DecodeError, formatIp, parseIp } from "../netlink/mod.ts";
import type { Endpoint } from "./device.ts";
import { AF_INET, AF_INET6, KEY_BYTES } from "./spec.ts";

const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
const TIMESPEC_BYTES = 16;

const view = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Octets of a key that came from the kernel. @throws {DecodeError} */
export function readKey(bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.length !== KEY_BYTES) throw new DecodeError(what, 0, KEY_BYTES, bytes.length);
  return bytes;
}

/** Base64 of a public key. */
export function formatKey(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Octets of a base64 public key. @throws {TypeError} when it is none. */
export function parseKey(text: string): Uint8Array {
  // 32 octets are 43 digits and one "="; the last digit carries only four bits.
  if (!/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text)) {
    throw new TypeError("Cannot encode WireGuard public key: not 32 octets in base64");
  }
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** A secret key as given. @throws {TypeError} when it has not 32 octets; the message holds no octet. */
export function checkSecret(bytes: Uint8Array, name: string): Uint8Array {
  if (bytes.length !== KEY_BYTES) {
    throw new TypeError(`Cannot encode WireGuard ${name}: ${bytes.length} octets instead of 32`);
  }
  return bytes;
}

/** struct sockaddr_in or sockaddr_in6; `null` when it is of no family. @throws {DecodeError} */
export function readEndpoint(bytes: Uint8Array, what: string): Endpoint | null {
  if (bytes.length < SOCKADDR_IN_BYTES) {
    throw new DecodeError(what, 0, SOCKADDR_IN_BYTES, bytes.length);
  }
  const source = view(bytes);
  const family = source.getUint16(0, true);
  const port = source.getUint16(2);
  if (family === AF_INET) return { address: formatIp(bytes.subarray(4, 8)), port, scopeId: 0 };
  if (family !== AF_INET6) return null;
  if (bytes.length < SOCKADDR_IN6_BYTES) {
    throw new DecodeError(what, 0, SOCKADDR_IN6_BYTES, bytes.length);
  }
  return {
    address: formatIp(bytes.subarray(8, 24)),
    port,
    scopeId: source.getUint32(24, true),
  };
}

/** The inverse of {@link readEndpoint}. @throws {TypeError} for what is no address or port. */
export function writeEndpoint(endpoint: Endpoint): Uint8Array {
  const address = parseIp(endpoint.address);
  if (address === null) {
    throw new TypeError(`Cannot encode endpoint "${endpoint.address}": not an IP address`);
  }
  if (!Number.isInteger(endpoint.port) || endpoint.port < 1 || endpoint.port > 65_535) {
    throw new TypeError(`Cannot encode endpoint port ${endpoint.port}: not from 1 to 65535`);
  }
  const v4 = address.length === 4;
  const bytes = new Uint8Array(v4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES);
  const target = view(bytes);
  target.setUint16(0, v4 ? AF_INET : AF_INET6, true);
  target.setUint16(2, endpoint.port);
  bytes.set(address, v4 ? 4 : 8);
  if (!v4) target.setUint32(24, endpoint.scopeId, true);
  return bytes;
}

/** struct __kernel_timespec as wall-clock milliseconds; `null` for zero, "never". @throws {DecodeError} */
export function readTimespecMs(bytes: Uint8Array, what: string): number | null {
  if (bytes.length !== TIMESPEC_BYTES) {
    throw new DecodeError(what, 0, TIMESPEC_BYTES, bytes.length);
  }
  const seconds = view(bytes).getBigInt64(0, true);
  const nanoseconds = view(bytes).getBigInt64(8, true);
  if (seconds === 0n && nanoseconds === 0n) return null;
  return Number(seconds) * 1000 + Number(nanoseconds) / 1e6;
}

/** Address octets and prefix length of "10.0.0.0/24". @throws {TypeError} when it is no prefix. */
export function parsePrefix(text: string): { address: string; family: number; length: number } {
  const slash = text.lastIndexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const octets = parseIp(address);
  const longest = octets === null ? 0 : octets.length * 8;
  const digits = slash < 0 ? String(longest) : text.slice(slash + 1);
  if (octets === null || !/^(0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > longest) {
    throw new TypeError(`Cannot encode allowed IP "${text}": not an address with prefix length`);
  }
  return {
    address,
    family: octets.length === 4 ? AF_INET : AF_INET6,
    length: Number(digits),
  };
}
