// The fixed structures in front of rtnetlink attributes, and prefixes. Pure.
// linux v6.12 uapi/linux/rtnetlink.h (ifinfomsg, rtmsg), if_addr.h, neighbour.h, fib_rules.h.
import {
  type Attributes,
  type AttributeTable,
  concat,
  decodeAttributes,
  DecodeError,
  encodeAttributes,
  formatIp,
  parseIp,
  unsigned,
} from "../netlink/mod.ts";
import { AF } from "./spec.ts";

/** IP version. */
export type IpFamily = "ipv4" | "ipv6";

/** A reader and writer of one structure's fields. */
export interface Struct<H> {
  readonly bytes: number;
  read(view: DataView): H;
  write(view: DataView, value: H): void;
}

/** struct ifinfomsg. */
export interface LinkHeader {
  readonly family: number;
  /** ARPHRD_* device type: 1 Ethernet, 772 loopback, 65534 none. */
  readonly deviceType: number;
  readonly index: number;
  readonly flags: number;
  readonly change: number;
}

/** struct ifinfomsg. */
export const LINK_HEADER: Struct<LinkHeader> = {
  bytes: 16,
  read: (view) => ({
    family: view.getUint8(0),
    deviceType: view.getUint16(2, true),
    index: view.getInt32(4, true),
    flags: view.getUint32(8, true),
    change: view.getUint32(12, true),
  }),
  write(view, value) {
    view.setUint8(0, unsigned(value.family, 8));
    view.setUint16(2, unsigned(value.deviceType, 16), true);
    view.setInt32(4, value.index, true);
    view.setUint32(8, unsigned(value.flags, 32), true);
    view.setUint32(12, unsigned(value.change, 32), true);
  },
};

/** struct ifaddrmsg. */
export interface AddressHeader {
  readonly family: number;
  readonly prefixLength: number;
  readonly flags: number;
  readonly scope: number;
  readonly ifindex: number;
}

/** struct ifaddrmsg. */
export const ADDRESS_HEADER: Struct<AddressHeader> = {
  bytes: 8,
  read: (view) => ({
    family: view.getUint8(0),
    prefixLength: view.getUint8(1),
    flags: view.getUint8(2),
    scope: view.getUint8(3),
    ifindex: view.getUint32(4, true),
  }),
  write(view, value) {
    view.setUint8(0, unsigned(value.family, 8));
    view.setUint8(1, unsigned(value.prefixLength, 8));
    view.setUint8(2, unsigned(value.flags, 8));
    view.setUint8(3, unsigned(value.scope, 8));
    view.setUint32(4, unsigned(value.ifindex, 32), true);
  },
};

/** struct rtmsg and struct fib_rule_hdr, which share their layout; rules have an action for a type. */
export interface RouteHeader {
  readonly family: number;
  readonly destinationLength: number;
  readonly sourceLength: number;
  readonly tos: number;
  readonly table: number;
  /** Of rules: unused. */
  readonly protocol: number;
  /** Of rules: unused. */
  readonly scope: number;
  readonly type: number;
  readonly flags: number;
}

/** struct rtmsg, struct fib_rule_hdr. */
export const ROUTE_HEADER: Struct<RouteHeader> = {
  bytes: 12,
  read: (view) => ({
    family: view.getUint8(0),
    destinationLength: view.getUint8(1),
    sourceLength: view.getUint8(2),
    tos: view.getUint8(3),
    table: view.getUint8(4),
    protocol: view.getUint8(5),
    scope: view.getUint8(6),
    type: view.getUint8(7),
    flags: view.getUint32(8, true),
  }),
  write(view, value) {
    view.setUint8(0, unsigned(value.family, 8));
    view.setUint8(1, unsigned(value.destinationLength, 8));
    view.setUint8(2, unsigned(value.sourceLength, 8));
    view.setUint8(3, unsigned(value.tos, 8));
    view.setUint8(4, unsigned(value.table, 8));
    view.setUint8(5, unsigned(value.protocol, 8));
    view.setUint8(6, unsigned(value.scope, 8));
    view.setUint8(7, unsigned(value.type, 8));
    view.setUint32(8, unsigned(value.flags, 32), true);
  },
};

/** struct ndmsg. */
export interface NeighbourHeader {
  readonly family: number;
  readonly ifindex: number;
  readonly state: number;
  readonly flags: number;
  readonly type: number;
}

/** struct ndmsg. */
export const NEIGHBOUR_HEADER: Struct<NeighbourHeader> = {
  bytes: 12,
  read: (view) => ({
    family: view.getUint8(0),
    ifindex: view.getInt32(4, true),
    state: view.getUint16(8, true),
    flags: view.getUint8(10),
    type: view.getUint8(11),
  }),
  write(view, value) {
    view.setUint8(0, unsigned(value.family, 8));
    view.setInt32(4, value.ifindex, true);
    view.setUint16(8, unsigned(value.state, 16), true);
    view.setUint8(10, unsigned(value.flags, 8));
    view.setUint8(11, unsigned(value.type, 8));
  },
};

/** A message: its structure and its attributes. */
export interface RtMessage<H, T extends AttributeTable> {
  readonly header: H;
  readonly attributes: Attributes<T>;
}

/** Writes structure and attributes. @throws {RangeError} for a number that its field cannot hold. */
export function encodeRt<H, const T extends AttributeTable>(
  struct: Struct<H>,
  attributes: T,
  message: RtMessage<H, T>,
): Uint8Array {
  const header = new Uint8Array(struct.bytes);
  struct.write(new DataView(header.buffer), message.header);
  return concat([header, encodeAttributes(attributes, message.attributes)]);
}

/** Reads structure and attributes. @throws {DecodeError} */
export function decodeRt<H, const T extends AttributeTable>(
  struct: Struct<H>,
  attributes: T,
  payload: Uint8Array,
  what: string,
): RtMessage<H, T> {
  return {
    header: decodeHeader(struct, payload, what),
    attributes: decodeAttributes(attributes, payload.subarray(struct.bytes), what),
  };
}

/** Reads the structure alone, e.g. to see the family first. @throws {DecodeError} */
export function decodeHeader<H>(struct: Struct<H>, payload: Uint8Array, what: string): H {
  if (payload.length < struct.bytes) {
    throw new DecodeError(`${what}.header`, 0, struct.bytes, payload.length);
  }
  return struct.read(new DataView(payload.buffer, payload.byteOffset, struct.bytes));
}

/** The IP version of an address family; `null` for another family. */
export function ipFamily(family: number): IpFamily | null {
  if (family === AF.INET) return "ipv4";
  return family === AF.INET6 ? "ipv6" : null;
}

/** Number of the address family. */
export function familyNumber(family: IpFamily): number {
  return family === "ipv4" ? AF.INET : AF.INET6;
}

/** The IP version of an address in text. @throws {TypeError} when it is no address. */
export function familyOf(address: string): IpFamily {
  const bytes = parseIp(address);
  if (bytes === null) throw new TypeError(`Cannot use "${address}" as an IP address`);
  return bytes.length === 4 ? "ipv4" : "ipv6";
}

/** Checks that an address belongs to the message's family. @throws {DecodeError} */
export function sameFamily(address: string, family: IpFamily, what: string): string {
  // The text is canonical: only IPv6 has colons.
  if (address.includes(":") !== (family === "ipv6")) {
    throw new DecodeError(what, 0, family === "ipv4" ? 4 : 16, family === "ipv4" ? 16 : 4);
  }
  return address;
}

/** "ADDRESS/LENGTH"; an absent address is all zeros. @throws {DecodeError} */
export function prefixText(
  address: string | undefined,
  length: number,
  family: IpFamily,
  what: string,
): string {
  const max = family === "ipv4" ? 32 : 128;
  if (length > max) throw new DecodeError(`${what}.length`, 0, max, length);
  const zero = family === "ipv4" ? "0.0.0.0" : "::";
  return `${address === undefined ? zero : sameFamily(address, family, what)}/${length}`;
}

/** A prefix in parts. */
export interface Prefix {
  readonly address: string;
  readonly length: number;
  readonly family: IpFamily;
}

/** Reads "ADDRESS/LENGTH" and clears the host bits. @throws {TypeError} */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf("/");
  const bytes = slash < 0 ? null : parseIp(text.slice(0, slash));
  const lengthText = text.slice(slash + 1);
  const length = /^(0|[1-9]\d{0,2})$/.test(lengthText) ? Number(lengthText) : -1;
  if (bytes === null || length < 0 || length > bytes.length * 8) {
    throw new TypeError(`Cannot use "${text}" as a prefix`);
  }
  const masked = bytes.map((octet, i) => {
    const kept = Math.min(8, Math.max(0, length - i * 8));
    return octet & (0xff << (8 - kept)) & 0xff;
  });
  return {
    address: formatIp(masked),
    length,
    family: bytes.length === 4 ? "ipv4" : "ipv6",
  };
}
