// The running fabric: joins the parts. Loaded only when a node is in a mesh, and libp2p with it.
import { messageOf } from "../base/mod.ts";
import { MODE, Sessions } from "../handshake/mod.ts";
import { parseNodeId } from "../identity/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import type { SocketAddress, TcpListener } from "../ports/mod.ts";
import { multiaddrOf, withoutLink } from "./addresses.ts";
import { Contacts } from "./contacts.ts";
import { Directory } from "./directory.ts";
import { Documents } from "./documents.ts";
import { FabricError } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import { Gossip } from "./gossip.ts";
import { MAX_CONTACT_ADDRESSES, MAX_SHUNNED, MAX_STRIKES, WANTED_CONNECTIONS } from "./limits.ts";
import { Links } from "./links.ts";
import { type Remembered, remembered } from "./memory.ts";
import { createNode, type FabricNode, stopNode } from "./node.ts";
import { peerIdOf } from "./peer_id.ts";
import { Reach } from "./reach.ts";
import { encodeStatus, STATUS_TOPIC, StatusBoard } from "./status.ts";
import { FABRIC_TIMING, type FabricTiming } from "./timing.ts";
import type {
  Fabric,
  FabricFigures,
  FabricOptions,
  FabricPeer,
  FabricPorts,
  FabricStream,
  GossipHandler,
  MessageLimits,
  RequestHandler,
  SeenStatus,
  StreamServer,
} from "./types.ts";
import { Upkeep } from "./upkeep.ts";

/** What {@link RunningFabric} is made of. */
interface Parts extends Remembered {
  readonly node: FabricNode;
  readonly sessions: Sessions;
  readonly links: Links;
  readonly contacts: Contacts;
  readonly listeners: readonly TcpListener[];
}

/** One node's fabric. */
export class RunningFabric implements Fabric {
  readonly nodeId: string;
  readonly #ports: FabricPorts;
  readonly #options: FabricOptions;
  readonly #timing: FabricTiming;
  readonly #parts: Parts;
  readonly #reach: Reach;
  readonly #exchange: Exchange;
  readonly #directory: Directory;
  readonly #gossip: Gossip;
  readonly #documents: Documents;
  readonly #board: StatusBoard;
  readonly #upkeep: Upkeep;
  readonly #strikes = new Map<string, number>();
  readonly #accepting: Promise<void>[] = [];
  #stopping: Promise<void> | null = null;

  private constructor(ports: FabricPorts, options: FabricOptions, parts: Parts) {
    this.#ports = ports;
    this.#options = options;
    this.#timing = options.timing ?? FABRIC_TIMING;
    this.#parts = parts;
    const { clock, backend } = ports;
    const party = () => ports.party();
    this.nodeId = party().credential.nodeId;
    const strike = (nodeId: string) => this.#strike(nodeId);
    const { libp2p } = parts.node;
    const { links, contacts } = parts;
    this.#reach = new Reach({ libp2p, clock, timing: this.#timing, links, contacts });
    this.#exchange = new Exchange({
      libp2p,
      clock,
      requestMs: this.#timing.requestMs,
      connect: (nodeId, signal) => {
        this.#upkeep.used(nodeId);
        return this.#reach.connect(nodeId, signal);
      },
    });
    this.#directory = new Directory(party, this.#exchange);
    const { windows, run } = parts;
    const { nodeId } = this;
    this.#gossip = new Gossip(
      { clock, backend, nodeId, run, windows, directory: this.#directory, party, strike },
      parts.node.pubsub,
    );
    this.#documents = new Documents(options.documents ?? [], {
      exchange: this.#exchange,
      neighbours: () => [...parts.links.open.keys()],
      took: (name, fromNodeId) => this.#took(name, fromNodeId),
      strike,
    });
    this.#board = new StatusBoard(() => clock.monotonicMs());
    this.#upkeep = this.#makeUpkeep();
  }

  /** Listens, and begins to connect. @throws what listening throws. */
  static async start(ports: FabricPorts, options: FabricOptions): Promise<RunningFabric> {
    const { clock, network, party, cache, backend } = ports;
    const timing = options.timing ?? FABRIC_TIMING;
    const { nodeId } = party().credential;
    const nowMs = () => clock.monotonicMs();
    const { windows, run } = await remembered(ports);
    const links = new Links(nodeId, nowMs);
    const contacts = new Contacts(timing);
    const sessions = new Sessions({ clock, party: () => ports.party(), cache, mode: MODE.fabric });
    const listeners: TcpListener[] = [];
    let fabric: RunningFabric | null = null;
    const node = await createNode(nodeId, timing.dialMs, {
      network,
      backend,
      sessions,
      links,
      nowMs,
      hosts: (peer, address) => contacts.hosts(peer, address, options.links?.() ?? []),
      authenticated: (credential) => fabric?.authenticated(credential),
    }, {
      clock,
      requestMs: timing.requestMs,
      addresses: () => announced(listeners, options),
      heard: (peer, address) => contacts.heard(peer, address),
      ready: (peer, dialled) => fabric?.ready(peer, dialled),
    });
    try {
      for (const address of options.listen) listeners.push(await network.listen(address));
    } catch (error) {
      for (const listener of listeners) listener.close();
      throw error;
    }
    const parts = { node, sessions, links, contacts, windows, run, listeners };
    fabric = new RunningFabric(ports, options, parts);
    await fabric.#begin();
    return fabric;
  }

  async #begin(): Promise<void> {
    const { node, listeners } = this.#parts;
    await node.libp2p.start();
    await this.#directory.serve();
    await this.#documents.serve();
    this.subscribe(STATUS_TOPIC, (message) => this.#board.take(message));
    for (const listener of listeners) this.#accepting.push(this.#accept(listener));
    this.#upkeep.start();
  }

  async #accept(listener: TcpListener): Promise<void> {
    for (;;) {
      try {
        const connection = await listener.accept();
        if (connection === null) return;
        this.#parts.node.transport.accept(connection);
      } catch (error) {
        if (this.#stopping !== null) return;
        this.#ports.log.warn(`Cannot accept a connection of the fabric: ${messageOf(error)}`);
        await this.#ports.clock.sleep(this.#timing.tickMs);
      }
    }
  }

  #makeUpkeep(): Upkeep {
    const { clock, random, log } = this.#ports;
    const { links, contacts, node } = this.#parts;
    return new Upkeep({
      clock,
      random,
      timing: this.#timing,
      links,
      contacts,
      wanted: this.#options.wantedConnections ?? WANTED_CONNECTIONS,
      dial: (nodeId) => this.#reach.dial(nodeId).catch(() => {}),
      ping: (nodeId, signal) => node.hello.ping(peerIdOf(nodeId), { signal }),
      inUse: (nodeId) => this.#exchange.inUse(nodeId),
      admitted: (nodeId) => this.#directory.admitted(nodeId),
      gossipWith: (nodeId) => {
        const peerId = peerIdOf(nodeId);
        if (!node.pubsub.getPeers().some((peer) => peer.equals(peerId))) {
          node.hello.announce(nodeId);
        }
      },
      compare: (nodeId) => this.#documents.compare(nodeId),
      tellStatus: () => this.#tellStatus(),
      remember: () => this.#remember(),
      failed: (error) => log.warn(`Upkeep of the fabric failed: ${messageOf(error)}`),
    });
  }

  /** A handshake with this node completed. */
  authenticated(credential: Parameters<Directory["note"]>[0]): void {
    this.#directory.note(credential);
  }

  /** Hellos were exchanged. */
  ready(nodeId: string, dialled: boolean): void {
    this.#parts.contacts.reached(nodeId);
    if (dialled) this.#documents.compare(nodeId);
  }

  #took(name: string, fromNodeId: string): void {
    this.#ports.log.info(`Took over a newer ${name}`, { from: fromNodeId });
    this.recheck().catch((error) =>
      this.#ports.log.warn(`Cannot judge peers again: ${messageOf(error)}`)
    );
  }

  #strike(nodeId: string): void {
    const count = (this.#strikes.get(nodeId) ?? 0) + 1;
    if (count < MAX_STRIKES) {
      this.#strikes.delete(nodeId);
      this.#strikes.set(nodeId, count);
      const [oldest] = this.#strikes.keys();
      if (this.#strikes.size > MAX_SHUNNED && oldest !== undefined) this.#strikes.delete(oldest);
      return;
    }
    this.#strikes.delete(nodeId);
    this.#ports.log.warn("Leaving a peer alone: it handed on what is wrong", { peer: nodeId });
    this.#parts.links.shun(nodeId, this.#timing.shunMs);
  }

  get local(): readonly SocketAddress[] {
    return this.#parts.listeners.map(({ local }) => local);
  }

  introduce(nodeId: string, address: SocketAddress): void {
    parseNodeId(nodeId);
    if (nodeId !== this.nodeId && multiaddrOf(address) !== null) {
      this.#parts.contacts.heard(nodeId, address);
    }
  }

  find(nodeId: string, signal?: AbortSignal): Promise<readonly SocketAddress[]> {
    return this.#reach.find(nodeId, signal);
  }

  peers(): readonly FabricPeer[] {
    const nowMs = this.#ports.clock.monotonicMs();
    return [...this.#parts.links.open.values()].map((link) => ({
      nodeId: link.nodeId,
      address: link.remote,
      direction: link.direction,
      roles: link.roles,
      connectedMs: nowMs - link.sinceMs,
      rttMs: this.#upkeep.rttMs(link),
    }));
  }

  disconnect(nodeId: string): void {
    this.#parts.links.drop(nodeId);
    this.#board.forget(nodeId);
  }

  recheck(): Promise<void> {
    return this.#upkeep.judge();
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    if (this.#stopping !== null) {
      throw new FabricError("stopped", "Cannot use the fabric: it is stopped");
    }
    await this.#gossip.publish(topic, bytes);
  }

  subscribe(topic: string, handler: GossipHandler): () => void {
    return this.#gossip.subscribe(topic, handler);
  }

  handle(protocol: string, handler: RequestHandler, limits?: MessageLimits): Promise<void> {
    return this.#exchange.handle(protocol, handler, limits);
  }

  request(
    nodeId: string,
    protocol: string,
    bytes: Uint8Array,
    options?: { readonly signal?: AbortSignal; readonly maxAnswerBytes?: number },
  ): Promise<Bytes> {
    return this.#exchange.request(nodeId, protocol, bytes, options);
  }

  handleStream(protocol: string, server: StreamServer): Promise<void> {
    return this.#exchange.handleStream(protocol, server);
  }

  openStream(nodeId: string, protocol: string, signal?: AbortSignal): Promise<FabricStream> {
    return this.#exchange.openStream(nodeId, protocol, signal);
  }

  changed(name: string): void {
    if (this.#options.documents?.some((document) => document.name === name) !== true) return;
    this.#documents.announce();
  }

  statuses(): readonly SeenStatus[] {
    return this.#board.list;
  }

  get figures(): FabricFigures {
    const { links, contacts, sessions } = this.#parts;
    return {
      connections: links.open.size,
      contacts: contacts.size,
      handshakeFailures: { ...sessions.figures.failures } as Record<string, number>,
      gossip: this.#gossip.figures,
      documents: this.#documents.figures,
    };
  }

  async #tellStatus(): Promise<void> {
    const { status } = this.#options;
    if (status !== undefined) await this.#gossip.publish(STATUS_TOPIC, encodeStatus(status()));
  }

  async #remember(): Promise<void> {
    const { windows, run } = this.#parts;
    await this.#ports.memory.save(windows.encode(run));
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #end(): Promise<void> {
    const { node, links, listeners } = this.#parts;
    this.#upkeep.stop();
    for (const listener of listeners) listener.close();
    await Promise.all(this.#accepting);
    await this.#exchange.stop();
    links.stop();
    await stopNode(node);
    await node.transport.settled();
    await node.hello.settled();
    await this.#documents.stop();
    await this.#upkeep.settled();
    await this.#remember();
  }
}

/** Where others are told that this node listens. */
function announced(
  listeners: readonly TcpListener[],
  { addresses }: FabricOptions,
): readonly SocketAddress[] {
  const ports = new Set(listeners.map(({ local }) => local.port));
  const own = (addresses?.() ?? []).map(({ host, port }) => ({ host: withoutLink(host), port }));
  return [...own, ...[...ports].map((port) => ({ host: "", port }))]
    .slice(0, MAX_CONTACT_ADDRESSES);
}
