// The IP network as the secure parts of the product use it: streams, multicast datagrams, and packets
// that the kernel routes to a program. Two implementations: core/host (the machine's sockets) and core/sim
// (a network in memory, on a virtual clock). tests/conformance/network.ts holds what both must do.
import type { ByteStream } from "./stream.ts";

/** Where a socket is. */
export interface SocketAddress {
  /** "10.0.0.1", "fd00::1", or link-local with its link: "fe80::1%bat0". */
  readonly host: string;
  readonly port: number;
}

/** A connected TCP stream. */
export interface TcpConnection extends ByteStream {
  /** Link-local addresses with their link, as {@link Network.dial} takes them. */
  readonly remote: SocketAddress;
}

/** Takes TCP connections. */
export interface TcpListener {
  /** As bound: the port is never 0. */
  readonly local: SocketAddress;
  /** The next connection, or `null` after {@link close}. Rejects when the system is out of descriptors. */
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
  /** @param remote its host may be a name. Rejects when nobody answers, or the signal fires. */
  dial(remote: SocketAddress, signal?: AbortSignal): Promise<TcpConnection>;
  /** Joins an IPv6 group ("ff02::…") on a link. */
  multicast(group: string, port: number, link: string): Promise<MulticastSocket>;
}

/** A link whose far end is this program: packets routed to it are read here (TUN). */
export interface PacketLink {
  /** The next IP packet that left through the link, or `null` after {@link close}. */
  read(): Promise<Uint8Array | null>;
  /** Lets an IP packet arrive from the link. A packet that the system refuses is lost, as on any link. */
  write(packet: Uint8Array): void;
  /** Removes the link. */
  close(): void;
}

/** Sends whole IPv6 packets out of one link, past the routing table. */
export interface PacketSender {
  /** Resolves when the packet is handed over. Rejects when the link is gone. */
  send(packet: Uint8Array): Promise<void>;
  close(): void;
}

/** Packets between the kernel and this program. Rejects without privileges or driver, saying which. */
export interface Packets {
  /** Makes a link; it starts down, and the Kernel port knows it by its name. */
  link(name: string): Promise<PacketLink>;
  sender(link: string): Promise<PacketSender>;
}
