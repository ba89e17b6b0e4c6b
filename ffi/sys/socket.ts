// Datagram sockets: one call, one datagram, never blocking. Streams are deliberately absent: Deno's
// own Deno.connect and Deno.listen serve those.
import { ERRNO, SyscallError } from "./errno.ts";
import { checked, lastErrno, libc } from "./libc.ts";
import { MAX_DATAGRAM_BYTES, MAX_INTERRUPTED_ATTEMPTS } from "./limits.ts";
import { withNamespace } from "./namespace.ts";
import { closeDescriptor, POLLIN, POLLOUT, waitReady } from "./poller.ts";
import {
  AF_NETLINK,
  AF_PACKET,
  AF_UNIX,
  decodeNetlinkAddress,
  encodeNetlinkAddress,
  encodePacketAddress,
  encodeUnixAddress,
} from "./sockaddr.ts";

const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MAX_ADDRESS_BYTES = 128;

/** Socket option levels and names, linux v6.12 uapi/asm-generic/socket.h and uapi/linux/netlink.h. */
export const SOL_SOCKET = 1;
/** Level of the NETLINK_* options. */
export const SOL_NETLINK = 270;
/** Level of the PACKET_* options. */
export const SOL_PACKET = 263;
const SO_RCVBUF = 8;
const SO_PEERCRED = 17;
const SO_RCVBUFFORCE = 33;
const SO_ATTACH_FILTER = 26;

/** One received datagram and its sender's address, undecoded. */
export interface Received {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly from: Uint8Array<ArrayBuffer>;
}

/** Where a socket is made: a named network namespace, or the caller's own. */
export interface SocketPlace {
  /** A name under /run/netns. */
  readonly netns?: string;
}

// Shared by all sockets: a receive is synchronous, and its datagram is copied out before the next.
let receiveBuffer: Uint8Array<ArrayBuffer> | null = null;

/** A socket of datagrams or raw frames. Closing twice is allowed; using it after that is an error. */
export class Socket implements Disposable {
  readonly #fd: number;
  #closed = false;

  /** Takes ownership of descriptor `fd`. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens a socket. @throws {SyscallError} */
  static open(domain: number, type: number, protocol: number, place: SocketPlace = {}): Socket {
    const make = () =>
      checked(
        libc().socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol),
        "socket",
        `family ${domain} protocol ${protocol}`,
      );
    return new Socket(place.netns === undefined ? make() : withNamespace(place.netns, make));
  }

  /** The descriptor number. @throws {SyscallError} EBADF after close(). */
  get fd(): number {
    if (this.#closed) throw new SyscallError("use socket", ERRNO.EBADF);
    return this.#fd;
  }

  /** Whether close() was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Binds to an encoded address. @throws {SyscallError} */
  bind(address: Uint8Array<ArrayBuffer>, about?: string): void {
    checked(libc().bind(this.fd, address, address.length), "bind", about);
  }

  /** Sets the peer. @throws {SyscallError} */
  connect(address: Uint8Array<ArrayBuffer>, about?: string): void {
    checked(libc().connect(this.fd, address, address.length), "connect", about);
  }

  /** Sends one datagram, to `to` or to the connected peer. @throws {SyscallError} EAGAIN when full. */
  send(bytes: Uint8Array<ArrayBuffer>, to?: Uint8Array<ArrayBuffer>): void {
    const sent = this.#retrying("send", () =>
      libc().sendto(
        this.fd,
        bytes,
        BigInt(bytes.length),
        MSG_DONTWAIT | MSG_NOSIGNAL,
        to ?? null,
        to?.length ?? 0,
      ));
    if (sent !== bytes.length) throw new SyscallError("send", ERRNO.EMSGSIZE);
  }

  /**
   * The next datagram if one is queued, else `null`.
   *
   * @throws {SyscallError} EMSGSIZE when it was longer than MAX_DATAGRAM_BYTES and is lost; ENOBUFS
   * when the kernel dropped some before it.
   */
  tryReceive(): Received | null {
    receiveBuffer ??= new Uint8Array(MAX_DATAGRAM_BYTES);
    const buffer = receiveBuffer;
    const from = new Uint8Array(MAX_ADDRESS_BYTES);
    const fromLength = Uint32Array.of(MAX_ADDRESS_BYTES);
    const flags = MSG_DONTWAIT | MSG_TRUNC;
    const length = this.#retrying(
      "receive",
      () => libc().recvfrom(this.fd, buffer, BigInt(buffer.length), flags, from, fromLength),
      ERRNO.EAGAIN,
    );
    if (length === null) return null;
    if (length > buffer.length) throw new SyscallError("receive", ERRNO.EMSGSIZE);
    return { bytes: buffer.slice(0, length), from: from.slice(0, fromLength[0] ?? 0) };
  }

  /** Resolves `true` when something can be received; `false` on timeout, `signal` or close(). */
  readable(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return waitReady(this.fd, POLLIN, timeoutMs, signal);
  }

  /** Resolves `true` when something can be sent; `false` on timeout, `signal` or close(). */
  writable(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return waitReady(this.fd, POLLOUT, timeoutMs, signal);
  }

  /** Sets an int option. @throws {SyscallError} */
  setOption(level: number, name: number, value: number): void {
    const bytes = new Uint8Array(Int32Array.of(value).buffer);
    this.setOptionBytes(level, name, bytes);
  }

  /** Sets an option whose value is a structure. @throws {SyscallError} */
  setOptionBytes(level: number, name: number, value: Uint8Array<ArrayBuffer>): void {
    checked(
      libc().setsockopt(this.fd, level, name, value, value.length),
      "setsockopt",
      `level ${level} option ${name}`,
    );
  }

  /** Lets only datagrams through that `program` accepts; at most 4,096 instructions. @throws {SyscallError} */
  attachFilter(program: readonly BpfInstruction[]): void {
    const code = new Uint8Array(program.length * 8);
    const view = new DataView(code.buffer);
    for (const [i, { code, jt, jf, k }] of program.entries()) {
      view.setUint16(i * 8, code, true);
      view.setUint8(i * 8 + 2, jt);
      view.setUint8(i * 8 + 3, jf);
      view.setUint32(i * 8 + 4, k, true);
    }
    // struct sock_fprog: a count, padding, and a pointer that setsockopt() reads before it returns.
    const header = new Uint8Array(16);
    new DataView(header.buffer).setUint16(0, program.length, true);
    const pointer = Deno.UnsafePointer.value(Deno.UnsafePointer.of(code));
    new DataView(header.buffer).setBigUint64(8, pointer, true);
    this.setOptionBytes(SOL_SOCKET, SO_ATTACH_FILTER, header);
  }

  /** Asks for a receive buffer of `bytes`, above the system's limit where privileges allow. */
  setReceiveBuffer(bytes: number): void {
    try {
      this.setOption(SOL_SOCKET, SO_RCVBUFFORCE, bytes);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.errno !== ERRNO.EPERM) throw error;
      this.setOption(SOL_SOCKET, SO_RCVBUF, bytes);
    }
  }

  /** The socket's own address, encoded. @throws {SyscallError} */
  localAddress(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(MAX_ADDRESS_BYTES);
    const length = Uint32Array.of(MAX_ADDRESS_BYTES);
    checked(libc().getsockname(this.fd, bytes, length), "getsockname");
    return bytes.slice(0, length[0] ?? 0);
  }

  /** Closes the socket; whoever waits for it gets `false`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeDescriptor(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #retrying(call: string, attempt: () => number | bigint): number;
  #retrying(call: string, attempt: () => number | bigint, none: number): number | null;
  #retrying(call: string, attempt: () => number | bigint, none?: number): number | null {
    let errno: number = ERRNO.EINTR;
    for (let i = 0; i < MAX_INTERRUPTED_ATTEMPTS && errno === ERRNO.EINTR; i++) {
      const result = Number(attempt());
      if (result >= 0) return result;
      errno = lastErrno();
      if (errno === none) return null;
    }
    throw new SyscallError(call, errno);
  }
}

/** Opens and binds a netlink socket of `protocol` (NETLINK_ROUTE 0, NETLINK_GENERIC 16, …). @throws {SyscallError} */
export function openNetlinkSocket(protocol: number, place: SocketPlace = {}): Socket {
  const socket = Socket.open(AF_NETLINK, SOCK_RAW, protocol, place);
  try {
    socket.bind(encodeNetlinkAddress({ portId: 0, groups: 0 }), "netlink");
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Whether a datagram of a netlink socket came from the kernel and not from another process. */
export function isFromKernel(received: Received): boolean {
  return decodeNetlinkAddress(received.from)?.portId === 0;
}

/** struct sock_filter of linux v6.12 uapi/linux/filter.h: one instruction of classic BPF. */
export interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Which frames a packet socket gets. */
export interface PacketSocketOptions extends SocketPlace {
  readonly ifindex: number;
  /** EtherType in host order, e.g. 0x4305; 0x0003 for all. */
  readonly protocol: number;
  /** Frames it does not accept are dropped in the kernel. */
  readonly filter?: readonly BpfInstruction[];
}

/** Opens a raw packet socket on one device: frames with their link-layer header. @throws {SyscallError} */
export function openPacketSocket(options: PacketSocketOptions): Socket {
  // Protocol 0 receives nothing until bind() names device and protocol: no foreign frame slips in.
  const socket = Socket.open(AF_PACKET, SOCK_RAW, 0, options);
  try {
    if (options.filter !== undefined) socket.attachFilter(options.filter);
    const address = new Uint8Array(0);
    socket.bind(
      encodePacketAddress({
        protocol: options.protocol,
        ifindex: options.ifindex,
        packetType: 0,
        address,
      }),
      `device ${options.ifindex}`,
    );
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Where a unix datagram socket is bound and whom it talks to; "@name" is an abstract name. */
export interface UnixDatagramOptions {
  /** Own path; the file is the caller's to remove. Without it nobody can answer. */
  readonly local?: string;
  readonly remote?: string;
}

/** Opens a unix datagram socket. @throws {SyscallError} ENOENT or ECONNREFUSED when nobody listens. */
export function openUnixDatagram(options: UnixDatagramOptions): Socket {
  const socket = Socket.open(AF_UNIX, SOCK_DGRAM, 0);
  try {
    if (options.local !== undefined) socket.bind(encodeUnixAddress(options.local), options.local);
    if (options.remote !== undefined) {
      socket.connect(encodeUnixAddress(options.remote), options.remote);
    }
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Who is at the other end of a connected unix socket. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** SO_PEERCRED of descriptor `fd`. @throws {SyscallError} */
export function peerCredentials(fd: number): PeerCredentials {
  const bytes = new Int32Array(3);
  const length = Uint32Array.of(bytes.byteLength);
  checked(libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, bytes, length), "getsockopt", "peer");
  const [pid = -1, uid = -1, gid = -1] = bytes;
  return { pid, uid, gid };
}
