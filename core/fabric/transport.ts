// libp2p's transport and encrypter in one: TCP by the Network port, then our handshake, then records.
//
// Departs from libp2p's usual order, where encryption is negotiated by name over the open connection before it
// begins: here M1 is the first thing on the wire, so that the port answers nobody who doesn't know the mesh's
// secret, no name can be negotiated away, and there is no connection without the handshake at all.
import {
  type ComponentLogger,
  type Connection,
  type DialTransportOptions,
  type Listener,
  type Logger,
  type PeerId,
  type StreamMuxerFactory,
  type Transport,
  transportSymbol,
  type Upgrader,
} from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { CODE_P2P, type Multiaddr } from "@multiformats/multiaddr";
import { InvariantError, messageOf } from "../base/mod.ts";
import type { Completed, Sessions } from "../handshake/mod.ts";
import type { VerifiedCredential } from "../identity/mod.ts";
import type { Backend } from "../pq/mod.ts";
import type { Network, SocketAddress, TcpConnection } from "../ports/mod.ts";
import { multiaddrOf, socketAddressOf } from "./addresses.ts";
import { SealedConnection } from "./connection.ts";
import { FabricError } from "./errors.ts";
import type { Link, Links } from "./links.ts";
import { nodeIdOfPeer, peerIdOf } from "./peer_id.ts";
import { recordKeys, type Role } from "./record_key.ts";
import { RecordStream } from "./records.ts";

const YAMUX = "/yamux/1.0.0";

/** What the transport needs of libp2p. */
export interface TransportComponents {
  readonly upgrader: Upgrader;
  readonly logger: ComponentLogger;
}

/** What it needs of the fabric. */
export interface TransportPorts {
  readonly network: Network;
  readonly backend: Backend;
  readonly sessions: Sessions;
  readonly links: Links;
  readonly nowMs: () => number;
  /** Where a node's address is to be dialled: link-local ones with each link in question. */
  hosts(nodeId: string, address: SocketAddress): readonly SocketAddress[];
  /** Told of every peer that was authenticated. */
  authenticated(credential: VerifiedCredential): void;
}

/** The one transport. */
export class FabricTransport implements Transport {
  readonly [transportSymbol] = true;
  readonly [Symbol.toStringTag] = "x0tta6bl4/fabric";
  readonly #ports: TransportPorts;
  readonly #upgrader: Upgrader;
  readonly #log: Logger;
  readonly #running = new Set<Promise<void>>();

  constructor(components: TransportComponents, ports: TransportPorts) {
    this.#ports = ports;
    this.#upgrader = components.upgrader;
    this.#log = components.logger.forComponent("x0tta6bl4:fabric");
  }

  /** Connections are accepted by {@link accept}: libp2p listens nowhere. */
  createListener(): Listener {
    throw new InvariantError("libp2p was asked to listen");
  }

  listenFilter(): Multiaddr[] {
    return [];
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter((address) =>
      socketAddressOf(address) !== null && dialledNode(address) !== null
    );
  }

  /** @throws {FabricError | HandshakeError} */
  async dial(address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const nodeId = dialledNode(address);
    const target = socketAddressOf(address);
    if (nodeId === null || target === null) {
      throw new FabricError("unreachable", `Cannot dial "${address}": it names no node`);
    }
    const { links } = this.#ports;
    const superseded = links.beginDial(nodeId);
    if (superseded === null) {
      throw new FabricError("too-many", `Cannot dial node "${nodeId}": not now`);
    }
    const signal = AbortSignal.any([superseded, options.signal]);
    try {
      const { completed, remote } = await this.#secured(nodeId, target, signal);
      return await this.#upgrade(
        completed,
        "initiator",
        remote,
        async (connection) =>
          await options.upgrader.upgradeOutbound(connection, {
            signal,
            skipEncryption: true,
            skipProtection: true,
            remotePeer: peerIdOf(nodeId),
            muxerFactory: this.#muxer(),
          }),
      );
    } finally {
      links.endDial(nodeId);
    }
  }

  async #secured(
    nodeId: string,
    target: SocketAddress,
    signal: AbortSignal,
  ): Promise<{ readonly completed: Completed; readonly remote: SocketAddress }> {
    const { network, sessions } = this.#ports;
    let last: unknown = new FabricError("unreachable", `Cannot dial "${target.host}": no link`);
    for (const remote of this.#ports.hosts(nodeId, target)) {
      try {
        const stream = await network.dial(remote, signal);
        return { completed: await sessions.dial(stream, nodeId, () => true, signal), remote };
      } catch (error) {
        last = error;
        if (signal.aborted) break;
      }
    }
    throw last;
  }

  /** Answers a connection that was accepted. Whatever is wrong with it, it is closed and that is all. */
  accept(connection: TcpConnection): void {
    const task = this.#accept(connection).catch((error) =>
      this.#log("inbound connection ended: %s", messageOf(error))
    );
    this.#running.add(task);
    task.finally(() => this.#running.delete(task));
  }

  async #accept(connection: TcpConnection): Promise<void> {
    const { sessions, links } = this.#ports;
    const { remote } = connection;
    let entered: string | null = null;
    try {
      const completed = await sessions.answer(connection, remote.host, ({ outcome }) => {
        const { nodeId } = outcome.peer;
        if (links.admit(nodeId)) entered = nodeId;
        else outcome.wipe();
        return Promise.resolve(entered !== null);
      });
      if (completed === null) return;
      await this.#upgrade(
        completed,
        "responder",
        remote,
        (sealed) =>
          this.#upgrader.upgradeInbound(sealed, {
            signal: AbortSignal.timeout(10_000),
            skipEncryption: true,
            skipProtection: true,
            remotePeer: peerIdOf(completed.outcome.peer.nodeId),
            muxerFactory: this.#muxer(),
          }),
      );
    } finally {
      if (entered !== null) links.endAdmission(entered);
    }
  }

  #muxer(): StreamMuxerFactory {
    const muxer = this.#upgrader.getStreamMuxers().get(YAMUX);
    if (muxer === undefined) throw new InvariantError("The fabric has no multiplexer");
    return muxer;
  }

  /** Records over what the handshake left, and libp2p over these. */
  async #upgrade<T>(
    { outcome, stream }: Completed,
    role: Role,
    remote: SocketAddress,
    upgrade: (connection: SealedConnection) => Promise<T>,
  ): Promise<T> {
    const { backend, links } = this.#ports;
    const { nodeId, claims } = outcome.peer;
    const records = new RecordStream(backend, stream, recordKeys(outcome, role));
    outcome.wipe();
    this.#ports.authenticated(outcome.peer);
    const direction = role === "initiator" ? "outbound" : "inbound";
    const remoteAddr = multiaddrOf(remote)?.encapsulate(`/p2p/${peerIdOf(nodeId)}`);
    if (remoteAddr === undefined) {
      records.close();
      throw new FabricError("unreachable", `Cannot use connection from "${remote.host}"`);
    }
    const log = this.#log.newScope(direction);
    const connection = new SealedConnection(records, { remoteAddr, direction, log });
    this.#track(connection.done);
    const link: Link = {
      nodeId,
      direction,
      remote,
      sinceMs: this.#ports.nowMs(),
      roles: claims.roles,
      close: () => connection.abort(new FabricError("closed", "Cannot go on: link was closed")),
    };
    connection.addEventListener("close", () => links.closed(link));
    if (!links.opened(link)) {
      link.close();
      throw new FabricError("closed", `Cannot keep connection of "${nodeId}": it isn't wanted`);
    }
    try {
      return await upgrade(connection);
    } catch (error) {
      link.close();
      throw error;
    }
  }

  #track(task: Promise<void>): void {
    this.#running.add(task);
    task.finally(() => this.#running.delete(task));
  }

  /** Resolves when no connection is left; whoever calls it has closed them. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }
}

function dialledNode(address: Multiaddr): string | null {
  const text = address.getComponents().findLast(({ code }) => code === CODE_P2P)?.value;
  if (text === undefined) return null;
  let peerId: PeerId;
  try {
    peerId = peerIdFromString(text);
  } catch {
    return null;
  }
  return nodeIdOfPeer(peerId);
}
