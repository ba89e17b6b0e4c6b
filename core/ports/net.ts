// The IP network as the secure parts of the product use it: streams and multicast datagrams. Two
// implementations: core/host (the machine's sockets) and core/sim (a network in memory, on a virtual clock).
import type { ByteStream } from "./stream.ts";

/** Where a socket is. */
export interface SocketAddress {
  /** "10.0.0.1", "fd00::1", or link-local with its link: "fe80::1%bat0". */
  readonly host: string;
  readonly port: number;
}

/** A connected TCP stream. */
export interface TcpConnection extends ByteStream {
  readonly remote: SocketAddress;
}

/** Takes TCP connections. */
export interface TcpListener {
  /** As bound: the port is never 0. */
  readonly local: SocketAddress;
  /** The next connection, or `null` after {@link close}. */
  accept(): Promise<TcpConnection | null>;
  close(): void;
}

/** A datagram as it came. */
export interface Datagram {
  readonly from: SocketAddress;
  readonly octets: Uint8Array;
}

/** UDP in one multicast group on one link. */
export interface MulticastSocket {
  /** The next datagram, also of this node's own; `null` after {@link close}. */
  receive(): Promise<Datagram | null>;
  /** To the group, out of the link. Rejects when the link is gone or down. */
  send(octets: Uint8Array): Promise<void>;
  close(): void;
}

/** Sockets. A rejection says in words what the system refused; nothing is retried here. */
export interface Network {
  /** @param local port 0 takes any; host "::" takes IPv4 too. */
  listen(local: SocketAddress): Promise<TcpListener>;
  dial(remote: SocketAddress, signal?: AbortSignal): Promise<TcpConnection>;
  /** Joins an IPv6 group ("ff02::…") on a link. */
  multicast(group: string, port: number, link: string): Promise<MulticastSocket>;
}
