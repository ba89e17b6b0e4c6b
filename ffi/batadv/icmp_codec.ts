// batman-adv's own ICMP, which is not IP's: echo between originators, in Ethernet frames. Pure.
// linux v6.12 include/uapi/linux/batadv_packet.h (batadv_icmp_packet, batadv_icmp_packet_rr), COMPAT
// version 15. Throughput meter packets (BATADV_TP) are the kernel's business and are not read here.
import { DecodeError } from "../netlink/mod.ts";
import { ROUTE_RECORD_LENGTH } from "./limits.ts";

/** ETH_P_BATMAN. */
export const ETHERTYPE_BATMAN = 0x4305;
/** BATADV_COMPAT_VERSION. */
export const COMPAT_VERSION = 15;
/** BATADV_ICMP of enum batadv_packettype. */
export const PACKET_TYPE_ICMP = 0x43;

const ETHERNET_BYTES = 14;
const ICMP_BYTES = 20;
const MAC_BYTES = 6;
const ROUTE_RECORD_BYTES = ICMP_BYTES + ROUTE_RECORD_LENGTH * MAC_BYTES;

/** enum batadv_icmp_packettype, without BATADV_TP. */
export const ICMP_TYPES = {
  echoReply: 0,
  destinationUnreachable: 3,
  echoRequest: 8,
  ttlExceeded: 11,
  parameterProblem: 12,
} as const;

/** Name of a message type. */
export type IcmpType = keyof typeof ICMP_TYPES;

/** One ICMP message between originators. */
export interface IcmpPacket {
  readonly type: IcmpType;
  /** 0 to 255. */
  readonly ttl: number;
  /** The originator it is for. */
  readonly destination: string;
  /** The originator it is from. */
  readonly originator: string;
  /** Tells the askers on one node apart; 0 to 255. */
  readonly uid: number;
  /** 0 to 65535. */
  readonly seq: number;
  /** Where it left, then every device it came in by so far, when it records its route; at most 16. */
  readonly route?: readonly string[];
}

/** An ICMP message in its Ethernet frame. */
export interface IcmpFrame {
  /** Ethernet addresses of this hop. */
  readonly to: string;
  readonly from: string;
  readonly packet: IcmpPacket;
}

const TYPE_NAMES = new Map<number, IcmpType>(
  Object.entries(ICMP_TYPES).map(([name, number]) => [number, name as IcmpType]),
);

function macOctets(mac: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) {
    throw new TypeError(`Cannot encode "${mac}" as a MAC address`);
  }
  return Uint8Array.from(mac.split(":"), (octet) => Number.parseInt(octet, 16));
}

function macText(bytes: Uint8Array, at: number): string {
  return Array.from(
    bytes.subarray(at, at + MAC_BYTES),
    (octet) => octet.toString(16).padStart(2, "0"),
  ).join(":");
}

/**
 * Writes a packet. With `route` the record has room for 16 addresses, else none is kept.
 *
 * @throws {TypeError} for a malformed address.
 * @throws {RangeError} for a route of more than 16 addresses.
 */
export function encodeIcmp(packet: IcmpPacket): Uint8Array {
  const route = packet.route;
  if (route !== undefined && route.length > ROUTE_RECORD_LENGTH) {
    throw new RangeError(`Cannot encode route: ${route.length} addresses is too many`);
  }
  const bytes = new Uint8Array(route === undefined ? ICMP_BYTES : ROUTE_RECORD_BYTES);
  bytes.set([PACKET_TYPE_ICMP, COMPAT_VERSION, packet.ttl, ICMP_TYPES[packet.type]]);
  bytes.set(macOctets(packet.destination), 4);
  bytes.set(macOctets(packet.originator), 10);
  bytes[16] = packet.uid;
  bytes[17] = route?.length ?? 0;
  new DataView(bytes.buffer).setUint16(18, packet.seq);
  for (const [i, hop] of (route ?? []).entries()) {
    bytes.set(macOctets(hop), ICMP_BYTES + i * MAC_BYTES);
  }
  return bytes;
}

/**
 * Reads a packet. Octets beyond a packet without route record are Ethernet padding and are ignored.
 *
 * @throws {DecodeError} when it is truncated, not ICMP, of another version or of an unknown type.
 */
export function decodeIcmp(bytes: Uint8Array): IcmpPacket {
  if (bytes.length < ICMP_BYTES) throw new DecodeError("icmp", 0, ICMP_BYTES, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packetType = view.getUint8(0);
  if (packetType !== PACKET_TYPE_ICMP) {
    throw new DecodeError("icmp.packetType", 0, PACKET_TYPE_ICMP, packetType);
  }
  const version = view.getUint8(1);
  if (version !== COMPAT_VERSION) throw new DecodeError("icmp.version", 1, COMPAT_VERSION, version);
  const type = TYPE_NAMES.get(view.getUint8(3));
  if (type === undefined) {
    throw new DecodeError("icmp.type", 3, ICMP_TYPES.echoRequest, view.getUint8(3));
  }
  const packet = {
    type,
    ttl: view.getUint8(2),
    destination: macText(bytes, 4),
    originator: macText(bytes, 10),
    uid: view.getUint8(16),
    seq: view.getUint16(18),
  };
  // The kernel too tells a route record by the length alone (batadv_recv_icmp_packet()).
  if (bytes.length < ROUTE_RECORD_BYTES) return packet;
  const count = view.getUint8(17);
  if (count > ROUTE_RECORD_LENGTH) {
    throw new DecodeError("icmp.route", 17, ROUTE_RECORD_LENGTH, count);
  }
  const route = Array.from({ length: count }, (_, i) => macText(bytes, ICMP_BYTES + i * MAC_BYTES));
  return { ...packet, route };
}

/** Writes a packet with its Ethernet header. @throws {TypeError} for a malformed address. */
export function encodeIcmpFrame(frame: IcmpFrame): Uint8Array {
  const payload = encodeIcmp(frame.packet);
  const bytes = new Uint8Array(ETHERNET_BYTES + payload.length);
  bytes.set(macOctets(frame.to), 0);
  bytes.set(macOctets(frame.from), MAC_BYTES);
  new DataView(bytes.buffer).setUint16(12, ETHERTYPE_BATMAN);
  bytes.set(payload, ETHERNET_BYTES);
  return bytes;
}

/** Reads an Ethernet frame. @throws {DecodeError} as decodeIcmp(), or when it is not batman-adv's. */
export function decodeIcmpFrame(bytes: Uint8Array): IcmpFrame {
  if (bytes.length < ETHERNET_BYTES) {
    throw new DecodeError("frame", 0, ETHERNET_BYTES, bytes.length);
  }
  const etherType = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint16(12);
  if (etherType !== ETHERTYPE_BATMAN) {
    throw new DecodeError("frame.etherType", 12, ETHERTYPE_BATMAN, etherType);
  }
  return {
    to: macText(bytes, 0),
    from: macText(bytes, MAC_BYTES),
    packet: decodeIcmp(bytes.subarray(ETHERNET_BYTES)),
  };
}
