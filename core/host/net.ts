// The Network port over the machine's sockets, in one network namespace. Over our own bindings and not
// Deno's: those lose the link of a link-local address, on both ends.
import { lookup } from "node:dns/promises";
import { formatIp, parseIp } from "../../ffi/netlink/mod.ts";
import {
  type Accepted,
  acceptTcp,
  connectTcp,
  decodeInet6Address,
  encodeInet6Address,
  ERRNO,
  errnoName,
  type Inet6Address,
  interfaceIndex,
  interfaceName,
  listenTcp,
  localInet6,
  openMulticast,
  pendingError,
  type Received,
  type Socket,
  type SocketPlace,
  SyscallError,
} from "../../ffi/sys/mod.ts";
import {
  KernelFault,
  type MulticastSocket,
  type Network,
  type SocketAddress,
  type TcpConnection,
  type TcpListener,
} from "../ports/mod.ts";
import { faulting, toFault } from "./errors.ts";
import { breather, tcpStream } from "./net_stream.ts";

/** Where the sockets are. */
export interface HostNetworkOptions {
  /** A network namespace under /run/netns; the process' own when absent. */
  readonly netns?: string;
}

/** Sockets of a network namespace. Nothing is opened before the first call. */
export function hostNetwork(options: HostNetworkOptions = {}): Network {
  return new HostNetwork(options.netns === undefined ? {} : { netns: options.netns });
}

const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** Addresses that mean nothing without their link. */
const isLinkLocal = (address: Uint8Array) =>
  address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;

class HostNetwork implements Network {
  readonly #place: SocketPlace;

  constructor(place: SocketPlace) {
    this.#place = place;
  }

  listen(local: SocketAddress): Promise<TcpListener> {
    return faulting(() => {
      const address = this.#literal(local);
      if (address === null) {
        throw new KernelFault("invalid", `Cannot listen on "${local.host}": that is no IP address`);
      }
      const socket = listenTcp(address, this.#place);
      const bound = this.#text(localInet6(socket));
      const breathe = breather();
      return {
        local: bound,
        accept: () => this.#accept(socket, breathe),
        close: () => socket.close(),
      };
    });
  }

  async #accept(listener: Socket, breathe: () => Promise<void>): Promise<TcpConnection | null> {
    return await faulting(async () => {
      await breathe();
      for (;;) {
        if (listener.closed) return null;
        const accepted: Accepted | null = acceptTcp(listener);
        if (accepted !== null) return tcpStream(accepted.socket, this.#text(accepted.from));
        await listener.readable(Infinity);
      }
    });
  }

  async dial(remote: SocketAddress, signal?: AbortSignal): Promise<TcpConnection> {
    const literal = this.#literal(remote);
    const addresses = literal === null ? await this.#resolve(remote) : [literal];
    let last: unknown = null;
    for (const address of addresses) {
      try {
        return await this.#connect(address, signal);
      } catch (error) {
        last = error;
        if (signal?.aborted === true) break;
      }
    }
    throw last;
  }

  async #connect(address: Inet6Address, signal?: AbortSignal): Promise<TcpConnection> {
    const remote = this.#text(address);
    return await faulting(async () => {
      const socket = connectTcp(address, this.#place);
      try {
        await socket.writable(Infinity, signal);
        if (signal?.aborted === true) {
          throw new KernelFault("cancelled", `Cannot connect to "${remote.host}": it was given up`);
        }
        const errno = pendingError(socket);
        if (errno !== 0) throw connectError(remote, errno);
        return tcpStream(socket, remote);
      } catch (error) {
        socket.close();
        throw error;
      }
    });
  }

  multicast(group: string, port: number, link: string): Promise<MulticastSocket> {
    return faulting(() => {
      const octets = parseIp(group);
      if (octets?.length !== 16 || octets[0] !== 0xff) {
        throw new KernelFault("invalid", `Cannot join "${group}": that is no IPv6 group`);
      }
      const index = this.#indexOf(link);
      const socket = openMulticast({
        ...this.#place,
        port,
        group: octets,
        link: { name: link, index },
      });
      const breathe = breather();
      const to = encodeInet6Address({ address: octets, port, scopeId: index });
      return {
        receive: async () => {
          await breathe();
          for (;;) {
            if (socket.closed) return null;
            const received = tryReceive(socket);
            const from = received === null ? null : decodeInet6Address(received.from);
            if (received !== null && from !== null) {
              return { from: this.#text(from), octets: received.bytes };
            }
            if (received === null) await socket.readable(Infinity);
          }
        },
        send: (datagram) => faulting(() => socket.send(new Uint8Array(datagram), to)),
        close: () => socket.close(),
      };
    });
  }

  #indexOf(link: string): number {
    const index = interfaceIndex(link, this.#place);
    if (index === null) {
      throw new KernelFault("no-such-link", `Cannot use link "${link}": there is none`);
    }
    return index;
  }

  /** A literal address; `null` for a name. @throws {KernelFault} for a link that is not there. */
  #literal({ host, port }: SocketAddress): Inet6Address | null {
    const [text = "", zone] = host.split("%");
    const octets = parseIp(text);
    if (octets === null) return null;
    if (octets.length === 4) {
      return { address: Uint8Array.from([...MAPPED, ...octets]), port, scopeId: 0 };
    }
    const numeric = zone !== undefined && /^[1-9]\d*$/.test(zone);
    const scopeId = zone === undefined ? 0 : numeric ? Number(zone) : this.#indexOf(zone);
    return { address: octets, port, scopeId };
  }

  #text({ address, port, scopeId }: Inet6Address): SocketAddress {
    if (MAPPED.every((octet, i) => address[i] === octet)) {
      return { host: formatIp(address.subarray(12)), port };
    }
    const text = formatIp(address);
    if (!isLinkLocal(address) || scopeId === 0) return { host: text, port };
    return { host: `${text}%${interfaceName(scopeId, this.#place) ?? scopeId}`, port };
  }

  async #resolve({ host, port }: SocketAddress): Promise<readonly Inet6Address[]> {
    try {
      const found = await lookup(host, { all: true });
      return found.flatMap(({ address }) => this.#literal({ host: address, port }) ?? []);
    } catch (cause) {
      throw new KernelFault("not-found", `Cannot find the address of "${host}"`, {
        cause,
        retryable: true,
      });
    }
  }
}

function connectError({ host, port }: SocketAddress, errno: number): unknown {
  const about = `${host} port ${port}`;
  return errno === ERRNO.ECONNREFUSED
    ? new KernelFault("unreachable", `Cannot connect to "${about}": ${errnoName(errno)}`, {
      retryable: true,
    })
    : toFault(new SyscallError("connect to", errno, about));
}

/** What is too long for any message counts as none. */
function tryReceive(socket: Socket): Received | null {
  try {
    return socket.tryReceive();
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ERRNO.EMSGSIZE) return null;
    throw toFault(error);
  }
}
