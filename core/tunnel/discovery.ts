// Finds nodes on the mesh's links: sends and hears beacons. What it hears are hints for whoever dials; it
// believes nothing, dials nobody, and looks at a bounded number of datagrams a second.
import { messageOf } from "../base/mod.ts";
import { TokenBuckets } from "../handshake/mod.ts";
import type { Clock, Datagram, MulticastSocket, Network, Random } from "../ports/mod.ts";
import type { SocketAddress } from "../ports/mod.ts";
import type { Backend, Bytes } from "../pq/mod.ts";
import { type Beacon, openBeacon, sealBeacon } from "./beacon.ts";
import {
  BEACON_EVERY_MS,
  BEACON_MIN_MS,
  BEACON_PER_NODE_MS,
  DISCOVERY_GROUP,
  FIRST_BEACON_EVERY_MS,
  FIRST_BEACONS,
  HEARD_BURST,
  HEARD_PER_S,
  HEARD_PER_SOURCE_BURST,
  HEARD_PER_SOURCE_PER_S,
  RETRY_MS,
  SEEK_BURST,
  SEEK_PER_S,
} from "./limits.ts";

/** What discovery runs on. */
export interface DiscoveryPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly backend: Backend;
  /** See {@link beaconKey}. */
  readonly key: Bytes;
  readonly nodeId: string;
  /** Where this node takes handshakes. */
  readonly port: number;
  readonly links: readonly string[];
  /** UDP port of beacons. */
  readonly discoveryPort: number;
  /** Nodes known, which beacons are spread for. */
  known(): number;
  /** A beacon of the mesh came; nothing vouches for its sender. */
  heard(nodeId: string, address: SocketAddress): void;
}

/** Counters since the start. */
export interface DiscoveryFigures {
  readonly sent: number;
  readonly heard: number;
  /** Datagrams that are no beacons of this mesh. */
  readonly foreign: number;
  /** Datagrams that were too many to be looked at. */
  readonly limited: number;
  /** Links with why they can't be used, or `null`. */
  readonly links: readonly { readonly link: string; readonly error: string | null }[];
}

interface Segment {
  readonly link: string;
  socket: MulticastSocket | null;
  error: string | null;
  /** When a call was last answered. */
  answeredMs: number;
}

/** Runs until {@link stop}. */
export class Discovery {
  readonly #ports: DiscoveryPorts;
  readonly #segments: readonly Segment[];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];
  readonly #perSource = new TokenBuckets(HEARD_PER_SOURCE_BURST, HEARD_PER_SOURCE_PER_S);
  readonly #all = new TokenBuckets(HEARD_BURST, HEARD_PER_S);
  readonly #seeks = new TokenBuckets(SEEK_BURST, SEEK_PER_S);
  readonly #figures = { sent: 0, heard: 0, foreign: 0, limited: 0 };

  constructor(ports: DiscoveryPorts) {
    this.#ports = ports;
    this.#segments = ports.links.map((link) => ({
      link,
      socket: null,
      error: "not opened yet",
      answeredMs: -Infinity,
    }));
    for (const segment of this.#segments) this.#running.push(this.#serve(segment));
  }

  get figures(): DiscoveryFigures {
    const links = this.#segments.map(({ link, error }) => ({ link, error }));
    return { ...this.#figures, links };
  }

  /** Calls for a node on all links. `false` when too many calls went out lately. */
  async seek(nodeId: string): Promise<boolean> {
    if (!this.#seeks.take("", this.#ports.clock.monotonicMs())) return false;
    const { backend, random, key } = this.#ports;
    const octets = await sealBeacon(backend, random, key, { kind: "seek", nodeId });
    await Promise.all(this.#segments.map((segment) => this.#send(segment, octets)));
    return true;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const { socket } of this.#segments) socket?.close();
    await Promise.all(this.#running);
  }

  /** Opens a link's socket again and again: the link may come later, or go and come back. */
  async #serve(segment: Segment): Promise<void> {
    const { network, clock, discoveryPort } = this.#ports;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const socket = await network.multicast(DISCOVERY_GROUP, discoveryPort, segment.link);
        if (signal.aborted) return socket.close();
        segment.socket = socket;
        segment.error = null;
        const ended = new AbortController();
        const announcing = this.#announceEver(segment, AbortSignal.any([signal, ended.signal]));
        try {
          await this.#listen(segment, socket);
        } finally {
          ended.abort();
          socket.close();
          await announcing;
        }
      } catch (error) {
        segment.error = messageOf(error);
      }
      segment.socket = null;
      await clock.sleep(RETRY_MS, signal);
    }
  }

  async #listen(segment: Segment, socket: MulticastSocket): Promise<void> {
    for (;;) {
      const datagram = await socket.receive();
      if (datagram === null) return;
      await this.#take(segment, datagram);
    }
  }

  async #take(segment: Segment, { from, octets }: Datagram): Promise<void> {
    const { clock, backend, key, nodeId } = this.#ports;
    const nowMs = clock.monotonicMs();
    if (!this.#perSource.take(from.host, nowMs) || !this.#all.take("", nowMs)) {
      this.#figures.limited++;
      return;
    }
    const beacon = await openBeacon(backend, key, octets);
    if (beacon === null) {
      this.#figures.foreign++;
      return;
    }
    if (beacon.kind === "seek") {
      if (beacon.nodeId === nodeId && nowMs - segment.answeredMs >= BEACON_MIN_MS) {
        segment.answeredMs = nowMs;
        await this.#announce(segment);
      }
      return;
    }
    if (beacon.nodeId === nodeId) return;
    this.#figures.heard++;
    this.#ports.heard(beacon.nodeId, { host: from.host, port: beacon.port });
  }

  async #announceEver(segment: Segment, signal: AbortSignal): Promise<void> {
    const { clock, random, known } = this.#ports;
    for (let sent = 0; !signal.aborted; sent++) {
      await this.#announce(segment);
      // The whole mesh together sends so many a second, however large it is.
      const everyMs = sent < FIRST_BEACONS - 1
        ? FIRST_BEACON_EVERY_MS
        : Math.max(BEACON_EVERY_MS, known() * BEACON_PER_NODE_MS);
      await clock.sleep(everyMs * (0.75 + random.unit() / 2), signal);
    }
  }

  async #announce(segment: Segment): Promise<void> {
    const { backend, random, key, nodeId, port } = this.#ports;
    const beacon: Beacon = { kind: "here", nodeId, port };
    await this.#send(segment, await sealBeacon(backend, random, key, beacon));
  }

  async #send(segment: Segment, octets: Uint8Array): Promise<void> {
    const { socket } = segment;
    if (socket === null) return;
    try {
      await socket.send(octets);
      this.#figures.sent++;
      segment.error = null;
    } catch (error) {
      // The link is down, or went. Beacons come again; a socket of a link that went must be made anew.
      segment.error = messageOf(error);
      socket.close();
    }
  }
}
