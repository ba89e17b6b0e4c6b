// Raw IPv6 sockets that send whole packets, header included, out of one link.
// linux v6.12 net/ipv6/raw.c (rawv6_send_hdrinc), uapi/asm-generic/socket.h.
import { cString } from "./libc.ts";
import { AF_INET6, encodeInet6Address } from "./sockaddr.ts";
import { Socket, type SocketPlace, SOL_SOCKET } from "./socket.ts";

const SOCK_RAW = 3;
/** Implies IPV6_HDRINCL. */
const IPPROTO_RAW = 255;
const SO_BINDTODEVICE = 25;
const DESTINATION_AT = 24;
const HEADER_BYTES = 40;

/** Opens a socket whose packets leave through `link` alone. @throws {SyscallError} EPERM, ENODEV */
export function openRaw6(link: string, place: SocketPlace = {}): Socket {
  const socket = Socket.open(AF_INET6, SOCK_RAW, IPPROTO_RAW, place);
  try {
    bindToDevice(socket, link);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Ties a socket to one interface. @throws {SyscallError} */
export function bindToDevice(socket: Socket, link: string): void {
  socket.setOptionBytes(SOL_SOCKET, SO_BINDTODEVICE, cString(link));
}

/** Sends one IPv6 packet to the destination in its header. @throws {SyscallError} EAGAIN when full. */
export function sendRaw6(socket: Socket, packet: Uint8Array<ArrayBuffer>): void {
  if (packet.length < HEADER_BYTES) {
    throw new RangeError(`Cannot send ${packet.length} octets: an IPv6 header has ${HEADER_BYTES}`);
  }
  const address = packet.slice(DESTINATION_AT, DESTINATION_AT + 16);
  socket.send(packet, encodeInet6Address({ address, port: 0, scopeId: 0 }));
}
