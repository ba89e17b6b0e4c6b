// Netlink messages between octets and plain objects. Pure: no I/O, no clock.
// linux v6.12 include/uapi/linux/netlink.h (struct nlmsghdr, struct nlmsgerr, enum nlmsgerr_attrs).
import { decodeAttributes, table } from "./attribute.ts";
import type { NetlinkMessage } from "./conn_types.ts";
import { DecodeError, type ExtendedAck } from "./errors.ts";
import { MAX_MESSAGES_PER_DATAGRAM } from "./limits.ts";

/** Octets of a message header. */
export const HEADER_BYTES = 16;

/** Control message types. */
export const NLMSG_NOOP = 1;
/** An acknowledgement, or a refusal with an errno. */
export const NLMSG_ERROR = 2;
/** The end of a dump. */
export const NLMSG_DONE = 3;
/** Messages were lost. */
export const NLMSG_OVERRUN = 4;

/** Header flags. Those of one request class share bits with those of another, as in the kernel. */
export const NLM_F = Object.freeze({
  REQUEST: 0x1,
  MULTI: 0x2,
  ACK: 0x4,
  DUMP_INTR: 0x10,
  /** Of a GET: the whole table. */
  ROOT: 0x100,
  MATCH: 0x200,
  DUMP: 0x300,
  /** Of a NEW: */
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  /** Of an ACK: the request's payload is not echoed; attributes follow. */
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
});

/** Writes one message. */
export function encodeMessage(message: NetlinkMessage): Uint8Array<ArrayBuffer> {
  const length = HEADER_BYTES + message.payload.length;
  const bytes = new Uint8Array(align(length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, message.type, true);
  view.setUint16(6, message.flags, true);
  view.setUint32(8, message.seq, true);
  // The port id stays 0: the kernel knows the sender from the socket.
  bytes.set(message.payload, HEADER_BYTES);
  return bytes;
}

/** Rounds a length up to the alignment of messages and attributes (4). */
export function align(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/**
 * Splits a datagram into messages. Payloads are views of `bytes`.
 *
 * @throws {DecodeError} on a header or payload that is cut off, or a length below the header's.
 */
export function decodeMessages(bytes: Uint8Array): NetlinkMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: NetlinkMessage[] = [];
  let at = 0;
  while (at < bytes.length) {
    const rest = bytes.length - at;
    if (rest < HEADER_BYTES) throw new DecodeError("netlink.header", at, HEADER_BYTES, rest);
    const length = view.getUint32(at, true);
    if (length < HEADER_BYTES) throw new DecodeError("netlink.length", at, HEADER_BYTES, length);
    if (length > rest) throw new DecodeError("netlink.length", at, length, rest);
    if (out.length >= MAX_MESSAGES_PER_DATAGRAM) {
      throw new DecodeError("netlink.messages", at, MAX_MESSAGES_PER_DATAGRAM, out.length + 1);
    }
    out.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      seq: view.getUint32(at + 8, true),
      payload: bytes.subarray(at + HEADER_BYTES, at + length),
    });
    at += align(length);
  }
  return out;
}

const EXTENDED_ACK = table({
  message: [1, "string"],
  offset: [2, "u32"],
  missingType: [5, "u32"],
});

/** What NLMSG_ERROR or NLMSG_DONE says. */
export interface Outcome {
  /** Positive errno; 0 for success. */
  readonly errno: number;
  readonly extack: ExtendedAck;
}

function errnoAt(message: NetlinkMessage, what: string): number {
  const { payload } = message;
  if (payload.length < 4) throw new DecodeError(what, 0, 4, payload.length);
  const value = new DataView(payload.buffer, payload.byteOffset, 4).getInt32(0, true);
  // The kernel writes 0 or a negative errno; a dump may end with a positive count, which is success.
  return value < 0 ? -value : 0;
}

/** Reads an NLMSG_ERROR message. @throws {DecodeError} */
export function decodeError(message: NetlinkMessage): Outcome {
  const errno = errnoAt(message, "netlink.error");
  const { payload, flags } = message;
  const echoed = 4 + HEADER_BYTES;
  if (payload.length < echoed) throw new DecodeError("netlink.error", 4, echoed, payload.length);
  if ((flags & NLM_F.ACK_TLVS) === 0) return { errno, extack: {} };
  let at = echoed;
  if ((flags & NLM_F.CAPPED) === 0) {
    const length = new DataView(payload.buffer, payload.byteOffset).getUint32(4, true);
    if (length < HEADER_BYTES) {
      throw new DecodeError("netlink.error.request", 4, HEADER_BYTES, length);
    }
    at = 4 + align(length);
  }
  return { errno, extack: decodeExtendedAck(payload, at) };
}

/** Reads an NLMSG_DONE message; one without payload means success. @throws {DecodeError} */
export function decodeDone(message: NetlinkMessage): Outcome {
  if (message.payload.length === 0) return { errno: 0, extack: {} };
  const errno = errnoAt(message, "netlink.done");
  if ((message.flags & NLM_F.ACK_TLVS) === 0) return { errno, extack: {} };
  return { errno, extack: decodeExtendedAck(message.payload, 4) };
}

function decodeExtendedAck(payload: Uint8Array, at: number): ExtendedAck {
  if (at > payload.length) throw new DecodeError("netlink.extack", at, at, payload.length);
  return decodeAttributes(EXTENDED_ACK, payload.subarray(at), "netlink.extack");
}
