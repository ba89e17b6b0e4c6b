// The running fabric: joins the parts. Loaded only when a node is in a mesh, and libp2p with it.
import type { Connection } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import { messageOf } from "../base/mod.ts";
import { MODE, Sessions } from "../handshake/mod.ts";
import { EARLIEST_SANE_MS, parseNodeId } from "../identity/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import type { SocketAddress, TcpListener } from "../ports/mod.ts";
import { multiaddrOf, socketAddressOf, withoutLink } from "./addresses.ts";
import { Contacts } from "./contacts.ts";
import { Directory } from "./directory.ts";
import { Documents } from "./documents.ts";
import { FabricError } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import { Gossip } from "./gossip.ts";
import { MAX_CONTACT_ADDRESSES, MAX_SHUNNED, MAX_STRIKES, WANTED_CONNECTIONS } from "./limits.ts";
import { Links } from "./links.ts";
import { createNode, type FabricNode, stopNode } from "./node.ts";
import { peerIdOf } from "./peer_id.ts";
import { ReplayWindows } from "./replay.ts";
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

/** How often, and how many times, a connection that is being made is waited for. */
const WAIT_MS = 50;
const WAITS = 200;

/** What {@link RunningFabric} is made of. */
interface Parts {
  readonly node: FabricNode;
  readonly sessions: Sessions;
  readonly links: Links;
  readonly contacts: Contacts;
  readonly windows: ReplayWindows;
  readonly run: number;
  readonly listeners: readonly TcpListener[];
}

/** One node's fabric. */
export class RunningFabric implements Fabric {
  readonly nodeId: string;
  readonly #ports: FabricPorts;
  readonly #options: FabricOptions;
  readonly #timing: FabricTiming;
  readonly #parts: Parts;
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
    this.#exchange = new Exchange({
      libp2p: parts.node.libp2p,
      clock,
      requestMs: this.#timing.requestMs,
      connect: (nodeId, signal) => this.#connect(nodeId, signal),
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
      dial: (nodeId) => this.#dial(nodeId).then(() => {}, () => {}),
      ping: (nodeId, signal) => node.hello.ping(peerIdOf(nodeId), { signal }),
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

  async find(nodeId: string, signal?: AbortSignal): Promise<readonly SocketAddress[]> {
    const { libp2p } = this.#parts.node;
    try {
      const found = await libp2p.peerRouting.findPeer(peerIdOf(nodeId), {
        signal: signal ?? AbortSignal.timeout(this.#timing.requestMs),
      });
      const addresses = found.multiaddrs.flatMap((one) => socketAddressOf(one) ?? []);
      for (const address of addresses) this.introduce(nodeId, address);
      if (addresses.length > 0) return addresses;
    } catch (cause) {
      throw new FabricError("unknown-peer", `Cannot find node "${nodeId}": nobody knows it`, {
        cause,
      });
    }
    throw new FabricError("unknown-peer", `Cannot find node "${nodeId}": it has no address`);
  }

  async #connect(nodeId: string, signal: AbortSignal): Promise<Connection> {
    const { links, contacts, node } = this.#parts;
    const peerId = peerIdOf(nodeId);
    for (let waits = 0; waits < WAITS && !signal.aborted; waits++) {
      const open = node.libp2p.getConnections(peerId).find(({ status }) => status === "open");
      if (open !== undefined) {
        this.#upkeep.used(nodeId);
        return open;
      }
      if (links.busy(nodeId)) {
        await this.#ports.clock.sleep(WAIT_MS, signal);
        continue;
      }
      if (contacts.addresses(nodeId).length === 0) await this.find(nodeId, signal);
      await this.#dial(nodeId, signal);
    }
    throw new FabricError("unreachable", `Cannot reach node "${nodeId}": no connection came about`);
  }

  async #dial(nodeId: string, signal?: AbortSignal): Promise<void> {
    const { contacts, node } = this.#parts;
    const peer = `/p2p/${peerIdOf(nodeId)}`;
    const named = new Map<string, Multiaddr>();
    for (const address of contacts.addresses(nodeId)) {
      const full = multiaddrOf(address)?.encapsulate(peer);
      if (full !== undefined) named.set(full.toString(), full);
    }
    try {
      await node.libp2p.dial([...named.values()], {
        signal: signal ?? AbortSignal.timeout(this.#timing.dialMs),
      });
      contacts.reached(nodeId);
    } catch (error) {
      // A dial that gave way to the peer's own is no failure.
      if (!this.#parts.links.busy(nodeId)) {
        contacts.failed(nodeId, this.#ports.clock.monotonicMs());
        throw error;
      }
    }
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
    this.#documents.announce(null);
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

/**
 * What was seen before, and this node's run: larger than the last one that was written down, and than the
 * second it begins in where the clock is set, so that a node whose memory was lost is heard again.
 */
async function remembered(
  { memory, clock, log }: FabricPorts,
): Promise<{ readonly windows: ReplayWindows; readonly run: number }> {
  const windows = new ReplayWindows();
  const saved = await memory.load();
  let last = 0;
  try {
    if (saved !== null) last = windows.restore(saved);
  } catch (error) {
    log.warn(`Cannot read what gossip was seen: beginning anew (${messageOf(error)})`);
  }
  const wallMs = clock.wallMs();
  const second = wallMs >= EARLIEST_SANE_MS ? Math.floor(wallMs / 1000) : 0;
  const run = Math.max(last + 1, second);
  // Written down before the first message, so that no later run repeats it.
  await memory.save(windows.encode(run));
  return { windows, run };
}
