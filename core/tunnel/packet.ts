// What is read of an IPv6 packet that waits, and the ICMPv6 error for one that waited in vain. Pure.
// RFC 8200 §3, RFC 4443 §2.1, §2.3, §3.1.

const HEADER_BYTES = 40;
const SOURCE_AT = 8;
const DESTINATION_AT = 24;
const NEXT_HEADER_AT = 6;
const ICMPV6 = 58;
const DESTINATION_UNREACHABLE = 1;
/** Code "address unreachable". */
const ADDRESS_UNREACHABLE = 3;
/** An error quotes as much as fits in the least MTU. */
const MAX_ERROR_BYTES = 1_280;
const ICMP_HEADER_BYTES = 8;
const HOP_LIMIT = 64;

/** Sixteen octets of the destination; `null` when the octets are no IPv6 packet. */
export function destinationOf(packet: Uint8Array): Uint8Array | null {
  if (packet.length < HEADER_BYTES || (packet[0] ?? 0) >> 4 !== 6) return null;
  return packet.subarray(DESTINATION_AT, DESTINATION_AT + 16);
}

/** RFC 1071 over the pseudo-header of RFC 8200 §8.1 and the message. */
export function icmpChecksum(
  source: Uint8Array,
  destination: Uint8Array,
  message: Uint8Array,
): number {
  const pseudo = new Uint8Array(8);
  new DataView(pseudo.buffer).setUint32(0, message.length);
  pseudo[7] = ICMPV6;
  let sum = 0;
  for (const part of [source, destination, pseudo, message]) {
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/**
 * "Address unreachable" for a packet; `null` where none may be sent: about an ICMPv6 error, or to a
 * source that is no single node.
 *
 * @param from sixteen octets of whoever says so.
 */
export function unreachable(packet: Uint8Array, from: Uint8Array): Uint8Array | null {
  const source = packet.subarray(SOURCE_AT, SOURCE_AT + 16);
  if (destinationOf(packet) === null || source[0] === 0xff || source.every((b) => b === 0)) {
    return null;
  }
  const isError = packet[NEXT_HEADER_AT] === ICMPV6 && (packet[HEADER_BYTES] ?? 0) < 128;
  if (isError) return null;
  const quoted = packet.subarray(0, MAX_ERROR_BYTES - HEADER_BYTES - ICMP_HEADER_BYTES);
  const out = new Uint8Array(HEADER_BYTES + ICMP_HEADER_BYTES + quoted.length);
  const view = new DataView(out.buffer);
  const message = out.subarray(HEADER_BYTES);
  out[0] = 0x60;
  view.setUint16(4, message.length);
  out[NEXT_HEADER_AT] = ICMPV6;
  out[7] = HOP_LIMIT;
  out.set(from, SOURCE_AT);
  out.set(source, DESTINATION_AT);
  message[0] = DESTINATION_UNREACHABLE;
  message[1] = ADDRESS_UNREACHABLE;
  message.set(quoted, ICMP_HEADER_BYTES);
  view.setUint16(HEADER_BYTES + 2, icmpChecksum(from, source, message));
  return out;
}
