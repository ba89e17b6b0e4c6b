// UDP sockets whose answers leave through the link the question came from. Deno's own lose the scope of a
// link-local sender, and with several links the answer then takes any of them.
// linux v6.12 uapi/linux/in6.h.
import { AF_INET6, encodeInet6Address } from "./sockaddr.ts";
import { bindToDevice } from "./raw6.ts";
import { Socket, type SocketPlace, SOL_SOCKET } from "./socket.ts";

const SOCK_DGRAM = 2;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_IF = 17;
const IPV6_ADD_MEMBERSHIP = 20;
const SO_REUSEADDR = 2;

/** Where a UDP socket is bound. */
export interface UdpOptions extends SocketPlace {
  /** On all addresses, IPv4 too where the system maps it; 0 takes any port. */
  readonly port: number;
}

/** Opens a UDP socket; `from` of what it receives is a sockaddr_in6 to answer to. @throws {SyscallError} */
export function openUdp(options: UdpOptions): Socket {
  const socket = Socket.open(AF_INET6, SOCK_DGRAM, 0, options);
  try {
    const address = new Uint8Array(16);
    socket.bind(
      encodeInet6Address({ address, port: options.port, scopeId: 0 }),
      `UDP port ${options.port}`,
    );
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * Receives a multicast group's datagrams on one link.
 *
 * @param group 16 octets.
 * @throws {SyscallError} EADDRINUSE when it does already, ENODEV when there is no such link.
 */
export function joinGroup(socket: Socket, group: Uint8Array, ifindex: number): void {
  const request = new Uint8Array(20);
  request.set(group);
  new DataView(request.buffer).setInt32(16, ifindex, true);
  socket.setOptionBytes(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request);
}

/** One multicast group on one link. */
export interface MulticastOptions extends SocketPlace {
  readonly port: number;
  /** 16 octets. */
  readonly group: Uint8Array;
  readonly link: { readonly name: string; readonly index: number };
}

/**
 * Opens a socket that hears a group on one link alone and sends out of it. Others may share the port.
 *
 * @throws {SyscallError} ENODEV when there is no such link.
 */
export function openMulticast(options: MulticastOptions): Socket {
  const { group, link, port } = options;
  const socket = Socket.open(AF_INET6, SOCK_DGRAM, 0, options);
  try {
    socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1);
    bindToDevice(socket, link.name);
    const address = new Uint8Array(16);
    socket.bind(encodeInet6Address({ address, port, scopeId: 0 }), `UDP port ${port}`);
    socket.setOption(IPPROTO_IPV6, IPV6_MULTICAST_IF, link.index);
    joinGroup(socket, group, link.index);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
