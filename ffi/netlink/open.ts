// The real thing: connections over a netlink socket of this machine.
import {
  ERRNO,
  isFromKernel,
  monotonicMs,
  openNetlinkSocket,
  randomU32,
  type Socket,
  SOL_NETLINK,
  SyscallError,
} from "../sys/mod.ts";
import { NetlinkConn } from "./conn.ts";
import type { Datagram } from "./conn_types.ts";
import { NOTIFICATION_BUFFER_BYTES } from "./limits.ts";
import { NetlinkNotifications } from "./notifications.ts";

/** Protocols, linux v6.12 uapi/linux/netlink.h. */
export const NETLINK_ROUTE = 0;
/** nfnetlink: set elements of nftables. */
export const NETLINK_NETFILTER = 12;
/** Generic netlink. */
export const NETLINK_GENERIC = 16;

const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;

/** Where and how a connection is opened. */
export interface OpenNetlinkOptions {
  /** A network namespace under /run/netns; the caller's own when absent. */
  readonly netns?: string;
  /** Default REQUEST_DEADLINE_MS. */
  readonly deadlineMs?: number;
}

/** {@link Datagram} over a netlink socket. Datagrams of other processes are dropped unread. */
class SocketDatagram implements Datagram {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.#socket.send(bytes);
  }

  tryReceive(): Uint8Array | null {
    for (;;) {
      const received = this.#socket.tryReceive();
      if (received === null) return null;
      if (isFromKernel(received)) return received.bytes;
    }
  }

  readable(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#socket.closed) return Promise.resolve(false);
    return this.#socket.readable(timeoutMs, signal);
  }

  join(group: number): void {
    this.#socket.setOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  }

  close(): void {
    this.#socket.close();
  }
}

/** An option that kernels before 4.20 lack; without it answers are only less exact. */
function setOptional(socket: Socket, option: number): void {
  try {
    socket.setOption(SOL_NETLINK, option, 1);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== ERRNO.ENOPROTOOPT) throw error;
  }
}

/** Opens a request/answer connection of `protocol`. @throws {SyscallError} */
export function openNetlink(protocol: number, options: OpenNetlinkOptions = {}): NetlinkConn {
  const socket = openNetlinkSocket(protocol, options);
  try {
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) {
      setOptional(socket, option);
    }
    const { deadlineMs } = options;
    return new NetlinkConn(new SocketDatagram(socket), {
      firstSeq: randomU32(),
      monotonicMs,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    });
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Opens a listening connection of `protocol` that has joined `groups`. @throws {SyscallError} */
export function openNotifications(
  protocol: number,
  groups: readonly number[],
  options: OpenNetlinkOptions = {},
): NetlinkNotifications {
  const socket = openNetlinkSocket(protocol, options);
  try {
    socket.setReceiveBuffer(NOTIFICATION_BUFFER_BYTES);
    const listening = new NetlinkNotifications(new SocketDatagram(socket));
    for (const group of groups) listening.join(group);
    return listening;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * Opens a bare datagram seam of `protocol`, for exchanges that are no single request (nfnetlink batches).
 *
 * @throws {SyscallError}
 */
export function openDatagram(protocol: number, options: OpenNetlinkOptions = {}): Datagram {
  const socket = openNetlinkSocket(protocol, options);
  try {
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK]) setOptional(socket, option);
    return new SocketDatagram(socket);
  } catch (error) {
    socket.close();
    throw error;
  }
}
