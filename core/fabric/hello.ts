// Hellos on each new connection, and signs of life. Takes the place of libp2p's identify and ping: identify
// signs what it says with a key that our libp2p doesn't have, and says more than a peer must know.
import {
  type Connection,
  type IdentifyResult,
  type Libp2pEvents,
  type PeerId,
  type PeerStore,
  serviceCapabilities,
  type Startable,
  type Stream,
  type TypedEventTarget,
} from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import type { Clock, SocketAddress } from "../ports/mod.ts";
import { multiaddrOf, socketAddressOf } from "./addresses.ts";
import { FabricError } from "./errors.ts";
import { decodeHello, encodeHello, type Hello } from "./hello_message.ts";
import { MAX_HELLO_BYTES } from "./limits.ts";
import { MessageReader, writeMessage } from "./messages.ts";
import { StreamOctets } from "./octets.ts";
import { nodeIdOfPeer } from "./peer_id.ts";

/** Negotiated names. */
export const HELLO = "/x0tta6bl4/hello/1";
export const PING = "/x0tta6bl4/ping/1";

const PING_BYTES = 8;

/** What it needs of libp2p. */
export interface HelloComponents {
  readonly registrar: {
    handle(
      protocol: string,
      handler: (stream: Stream, connection: Connection) => void,
      options: { readonly maxInboundStreams: number },
    ): Promise<void>;
    unhandle(protocol: string): Promise<void>;
    getProtocols(): string[];
  };
  readonly peerStore: PeerStore;
  readonly events: TypedEventTarget<Libp2pEvents>;
  readonly connectionManager: {
    getConnections(peerId?: PeerId): Connection[];
    openConnection(peer: PeerId, options?: { readonly signal?: AbortSignal }): Promise<Connection>;
  };
}

/** What it needs of the fabric. */
export interface HelloPorts {
  readonly clock: Clock;
  readonly requestMs: number;
  /** Where this node listens. */
  addresses(): readonly SocketAddress[];
  /** A peer said where it listens. */
  heard(nodeId: string, address: SocketAddress): void;
  /** Both sides have said hello: the peer is ready. */
  ready(nodeId: string, dialled: boolean): void;
}

/** libp2p service. */
export class HelloService implements Startable {
  readonly [serviceCapabilities] = ["@libp2p/identify", "@libp2p/ping"];
  readonly #components: HelloComponents;
  readonly #ports: HelloPorts;
  readonly #running = new Set<Promise<void>>();
  readonly #results = new Map<string, IdentifyResult>();
  readonly #onOpen = (event: CustomEvent<Connection>): void => {
    if (event.detail.direction === "outbound") this.#run(this.#greet(event.detail), event.detail);
  };

  constructor(components: HelloComponents, ports: HelloPorts) {
    this.#components = components;
    this.#ports = ports;
  }

  async start(): Promise<void> {
    const { registrar, events } = this.#components;
    await registrar.handle(
      HELLO,
      (stream, connection) => this.#run(this.#answer(stream, connection), connection),
      { maxInboundStreams: 1 },
    );
    await registrar.handle(
      PING,
      (stream, connection) => this.#run(this.#pong(stream), connection),
      { maxInboundStreams: 4 },
    );
    events.addEventListener("connection:open", this.#onOpen);
  }

  async stop(): Promise<void> {
    const { registrar, events } = this.#components;
    events.removeEventListener("connection:open", this.#onOpen);
    await registrar.unhandle(HELLO);
    await registrar.unhandle(PING);
  }

  /** Resolves when no exchange is under way; the connections were closed before. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }

  /** A connection whose hello fails is of no use. */
  #run(task: Promise<void>, connection: Connection): void {
    const guarded = task.catch((error) => end(connection, error as Error));
    this.#running.add(guarded);
    guarded.finally(() => this.#running.delete(guarded));
  }

  #own(): Hello {
    return {
      protocols: this.#components.registrar.getProtocols(),
      addresses: this.#ports.addresses(),
    };
  }

  async #greet(connection: Connection): Promise<void> {
    await this.#inTime(async () => {
      const octets = new StreamOctets(await connection.newStream([HELLO]));
      await writeMessage(octets, encodeHello(this.#own()));
      const hello = decodeHello(await new MessageReader(octets).read(MAX_HELLO_BYTES));
      await octets.end();
      await this.#met(connection, hello, true);
    }, connection);
  }

  async #answer(stream: Stream, connection: Connection): Promise<void> {
    await this.#inTime(async () => {
      const octets = new StreamOctets(stream);
      const hello = decodeHello(await new MessageReader(octets).read(MAX_HELLO_BYTES));
      await writeMessage(octets, encodeHello(this.#own()));
      await octets.end();
      await this.#met(connection, hello, false);
    }, connection);
  }

  async #met(connection: Connection, hello: Hello, dialled: boolean): Promise<void> {
    const { peerStore } = this.#components;
    const { remotePeer } = connection;
    const nodeId = nodeIdOfPeer(remotePeer);
    if (nodeId === null) throw new FabricError("malformed", "Cannot meet a peer that is no node");
    const seen = socketAddressOf(connection.remoteAddr)?.host;
    const multiaddrs: Multiaddr[] = [];
    for (const { host, port } of hello.addresses) {
      const address = { host: host === "" ? seen ?? "" : host, port };
      const found = multiaddrOf(address);
      if (found === null) continue;
      multiaddrs.push(found);
      this.#ports.heard(nodeId, address);
    }
    const protocols = [...hello.protocols];
    await peerStore.patch(remotePeer, { protocols, multiaddrs });
    const result = { peerId: remotePeer, protocols, listenAddrs: multiaddrs, connection };
    this.#results.set(nodeId, result);
    connection.addEventListener("close", () => {
      if (this.#results.get(nodeId) === result) this.#results.delete(nodeId);
    });
    if (connection.status !== "open") return;
    this.announce(nodeId);
    this.#ports.ready(nodeId, dialled);
  }

  /** Tells libp2p's services of a peer that said hello; again does no harm. @returns whether one did. */
  announce(nodeId: string): boolean {
    const result = this.#results.get(nodeId);
    if (result === undefined) return false;
    this.#components.events.safeDispatchEvent("peer:identify", { detail: result });
    return true;
  }

  async #pong(stream: Stream): Promise<void> {
    const octets = new StreamOctets(stream);
    const question = await new MessageReader(octets).read(PING_BYTES);
    await writeMessage(octets, question);
    await octets.end();
  }

  /** libp2p's Ping: milliseconds to the peer and back. */
  async ping(peer: unknown, options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    const { connectionManager } = this.#components;
    const connection = await connectionManager.openConnection(peer as PeerId, options);
    const begunMs = this.#ports.clock.monotonicMs();
    const stream = await connection.newStream([PING], options);
    const octets = new StreamOctets(stream);
    const cut = () => octets.close();
    options.signal?.addEventListener("abort", cut, { once: true });
    try {
      await writeMessage(octets, new Uint8Array(PING_BYTES));
      await new MessageReader(octets).read(PING_BYTES);
      await octets.end();
    } finally {
      options.signal?.removeEventListener("abort", cut);
    }
    return this.#ports.clock.monotonicMs() - begunMs;
  }

  async #inTime(task: () => Promise<void>, connection: Connection): Promise<void> {
    const done = new AbortController();
    const timer = this.#ports.clock.sleep(this.#ports.requestMs, done.signal).then(() => {
      if (done.signal.aborted) return;
      end(connection, new FabricError("timeout", "Cannot wait longer for the peer's hello"));
    });
    try {
      await task();
    } finally {
      done.abort();
      await timer;
    }
  }
}

/** Ends a connection; libp2p's throws when it is closed already. */
function end(connection: Connection, error: Error): void {
  try {
    connection.abort(error);
  } catch {
    // It is closed.
  }
}
