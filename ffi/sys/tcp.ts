// TCP over IPv6 sockets (IPv4 as mapped addresses). Deno's own streams lose the scope of a link-local
// address, in both directions, and cannot be opened in another network namespace.
// linux v6.12 uapi/linux/in.h, in6.h, uapi/asm-generic/socket.h; tcp(7), accept(2), connect(2).
import { ERRNO, SyscallError } from "./errno.ts";
import { checked, lastErrno, libc } from "./libc.ts";
import { LISTEN_BACKLOG, MAX_INTERRUPTED_ATTEMPTS, READ_BYTES } from "./limits.ts";
import { AF_INET6, decodeInet6Address, encodeInet6Address, type Inet6Address } from "./sockaddr.ts";
import { Socket, type SocketPlace, SOL_SOCKET } from "./socket.ts";

const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MAX_ADDRESS_BYTES = 128;

/** A connection that was accepted. */
export interface Accepted {
  readonly socket: Socket;
  readonly from: Inet6Address;
}

function openTcp(place: SocketPlace): Socket {
  const socket = Socket.open(AF_INET6, SOCK_STREAM, 0, place);
  socket.setOption(IPPROTO_IPV6, IPV6_V6ONLY, 0);
  return socket;
}

/** Listens; port 0 takes any, "::" takes IPv4 too. @throws {SyscallError} EADDRINUSE, EACCES, … */
export function listenTcp(address: Inet6Address, place: SocketPlace = {}): Socket {
  const socket = openTcp(place);
  try {
    socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1);
    socket.bind(encodeInet6Address(address), `TCP port ${address.port}`);
    checked(libc().listen(socket.fd, LISTEN_BACKLOG), "listen");
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** The next connection that waits, or `null`. @throws {SyscallError} EMFILE, ENFILE … */
export function acceptTcp(listener: Socket): Accepted | null {
  const from = new Uint8Array(MAX_ADDRESS_BYTES);
  const length = Uint32Array.of(MAX_ADDRESS_BYTES);
  const fd = libc().accept4(listener.fd, from, length, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    const errno = lastErrno();
    // A connection that broke before it was taken is none.
    if (errno === ERRNO.EAGAIN || errno === ERRNO.ECONNABORTED || errno === ERRNO.EINTR) {
      return null;
    }
    throw new SyscallError("accept", errno);
  }
  const socket = new Socket(fd);
  socket.setOption(IPPROTO_TCP, TCP_NODELAY, 1);
  const address = decodeInet6Address(from);
  if (address === null) {
    socket.close();
    return null;
  }
  return { socket, from: address };
}

/** Begins to connect; wait until it is writable, then ask {@link pendingError}. @throws {SyscallError} */
export function connectTcp(address: Inet6Address, place: SocketPlace = {}): Socket {
  const socket = openTcp(place);
  try {
    socket.setOption(IPPROTO_TCP, TCP_NODELAY, 1);
    socket.connect(encodeInet6Address(address), `TCP port ${address.port}`);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ERRNO.EINPROGRESS) return socket;
    socket.close();
    throw error;
  }
  return socket;
}

/** Takes the error that waits at a socket, 0 for none. @throws {SyscallError} */
export function pendingError(socket: Socket): number {
  const value = new Int32Array(1);
  const length = Uint32Array.of(4);
  checked(
    libc().getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, value, length),
    "getsockopt",
    "SO_ERROR",
  );
  return value[0] ?? 0;
}

/** Own address of a bound socket. @throws {SyscallError} */
export function localInet6(socket: Socket): Inet6Address {
  const address = decodeInet6Address(socket.localAddress());
  if (address === null) throw new SyscallError("read address", ERRNO.EAFNOSUPPORT);
  return address;
}

// Shared by all streams: a read is synchronous, and its octets are copied out before the next.
let readBuffer: Uint8Array<ArrayBuffer> | null = null;

/** Octets that are there; `null` when none are yet; empty at the end. @throws {SyscallError} */
export function readStream(socket: Socket): Uint8Array<ArrayBuffer> | null {
  const buffer = readBuffer ??= new Uint8Array(READ_BYTES);
  for (let attempt = 0; attempt < MAX_INTERRUPTED_ATTEMPTS; attempt++) {
    const count = Number(
      libc().recvfrom(socket.fd, buffer, BigInt(buffer.length), MSG_DONTWAIT, null, null),
    );
    if (count >= 0) return buffer.slice(0, count);
    const errno = lastErrno();
    if (errno === ERRNO.EAGAIN) return null;
    if (errno !== ERRNO.EINTR) throw new SyscallError("receive", errno);
  }
  throw new SyscallError("receive", ERRNO.EINTR);
}

/** Hands over octets, as many as fit now: 0 when none do. @throws {SyscallError} EPIPE, ECONNRESET … */
export function writeStream(socket: Socket, octets: Uint8Array<ArrayBuffer>): number {
  for (let attempt = 0; attempt < MAX_INTERRUPTED_ATTEMPTS; attempt++) {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const count = Number(
      libc().sendto(socket.fd, octets, BigInt(octets.length), flags, null, 0),
    );
    if (count >= 0) return count;
    const errno = lastErrno();
    if (errno === ERRNO.EAGAIN) return 0;
    if (errno !== ERRNO.EINTR) throw new SyscallError("send", errno);
  }
  throw new SyscallError("send", ERRNO.EINTR);
}
