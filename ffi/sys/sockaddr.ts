// Socket addresses between octets and plain objects. Pure.
// linux v6.12 uapi/linux/netlink.h (sockaddr_nl), uapi/linux/if_packet.h (sockaddr_ll), uapi/linux/un.h,
// uapi/linux/in6.h (sockaddr_in6).
import { MAX_UNIX_PATH_BYTES } from "./limits.ts";

/** Address families, linux v6.12 include/linux/socket.h. */
export const AF_UNIX = 1;
/** IPv6. */
export const AF_INET6 = 10;
/** Netlink. */
export const AF_NETLINK = 16;
/** Frames of a network device. */
export const AF_PACKET = 17;

/** sockaddr_nl: who sends (0 is the kernel) and the legacy group mask. */
export interface NetlinkAddress {
  readonly portId: number;
  readonly groups: number;
}

/** sockaddr_ll. */
export interface PacketAddress {
  /** EtherType in host order, e.g. 0x4305. */
  readonly protocol: number;
  readonly ifindex: number;
  /** PACKET_HOST 0, BROADCAST 1, MULTICAST 2, OTHERHOST 3, OUTGOING 4; of received frames. */
  readonly packetType: number;
  /** Link-layer address, up to 8 octets. */
  readonly address: Uint8Array;
}

/** sockaddr_in6. */
export interface Inet6Address {
  /** 16 octets. */
  readonly address: Uint8Array;
  readonly port: number;
  /** Index of the link a link-local address is on; 0 for none. */
  readonly scopeId: number;
}

/** Writes a sockaddr_in6 (28 octets). @throws {RangeError} for an address that is not 16 octets. */
export function encodeInet6Address(address: Inet6Address): Uint8Array<ArrayBuffer> {
  if (address.address.length !== 16) {
    throw new RangeError(`Cannot address ${address.address.length} octets: IPv6 has 16`);
  }
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, address.port); // network order
  bytes.set(address.address, 8);
  view.setUint32(24, address.scopeId, true);
  return bytes;
}

/** Reads a sockaddr_in6; `null` when the octets are none. */
export function decodeInet6Address(bytes: Uint8Array): Inet6Address | null {
  if (bytes.length < 28) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(0, true) !== AF_INET6) return null;
  return {
    address: bytes.slice(8, 24),
    port: view.getUint16(2),
    scopeId: view.getUint32(24, true),
  };
}

/** Writes a sockaddr_nl (12 octets). */
export function encodeNetlinkAddress(address: NetlinkAddress): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(4, address.portId, true);
  view.setUint32(8, address.groups, true);
  return bytes;
}

/** Reads a sockaddr_nl; `null` when the octets are none. */
export function decodeNetlinkAddress(bytes: Uint8Array): NetlinkAddress | null {
  if (bytes.length < 12) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(0, true) !== AF_NETLINK) return null;
  return { portId: view.getUint32(4, true), groups: view.getUint32(8, true) };
}

/** Writes a sockaddr_ll (20 octets). @throws {RangeError} for an address longer than 8 octets. */
export function encodePacketAddress(address: PacketAddress): Uint8Array<ArrayBuffer> {
  if (address.address.length > 8) {
    throw new RangeError(`Cannot address ${address.address.length} octets: at most 8 fit`);
  }
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, address.protocol); // network order
  view.setInt32(4, address.ifindex, true);
  bytes[10] = address.packetType;
  bytes[11] = address.address.length;
  bytes.set(address.address, 12);
  return bytes;
}

/** Reads a sockaddr_ll; `null` when the octets are none. */
export function decodePacketAddress(bytes: Uint8Array): PacketAddress | null {
  if (bytes.length < 12) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(0, true) !== AF_PACKET) return null;
  const length = view.getUint8(11);
  if (length > 8 || bytes.length < 12 + length) return null;
  return {
    protocol: view.getUint16(2),
    ifindex: view.getInt32(4, true),
    packetType: view.getUint8(10),
    address: bytes.slice(12, 12 + length),
  };
}

/**
 * Writes a sockaddr_un: a path, or "@name" for an abstract name.
 *
 * @throws {RangeError} when the path does not fit; {TypeError} when it contains a NUL.
 */
export function encodeUnixAddress(path: string): Uint8Array<ArrayBuffer> {
  if (path.includes("\0")) throw new TypeError(`Cannot address ${JSON.stringify(path)}: NUL`);
  const abstract = path.startsWith("@");
  const name = new TextEncoder().encode(abstract ? path.slice(1) : path);
  // An abstract name starts with NUL and has no end mark; a path ends with NUL.
  if (name.length === 0 || name.length + 1 > MAX_UNIX_PATH_BYTES) {
    throw new RangeError(
      `Cannot address "${path}": ${name.length} octets, allowed 1 to ${MAX_UNIX_PATH_BYTES - 1}`,
    );
  }
  const bytes = new Uint8Array(2 + name.length + 1);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(name, abstract ? 3 : 2);
  return bytes;
}

/** Reads a sockaddr_un; "" for an unnamed socket, `null` when the octets are none. */
export function decodeUnixAddress(bytes: Uint8Array): string | null {
  if (bytes.length < 2) return null;
  if (new DataView(bytes.buffer, bytes.byteOffset, 2).getUint16(0, true) !== AF_UNIX) return null;
  const name = bytes.subarray(2);
  if (name.length === 0) return "";
  const decoder = new TextDecoder();
  if (name[0] === 0) return `@${decoder.decode(name.subarray(1))}`;
  const end = name.indexOf(0);
  return decoder.decode(end < 0 ? name : name.subarray(0, end));
}
