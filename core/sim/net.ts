// The Network port of simulated hosts: a network in memory, on whatever clock it is given. Hosts have
// addresses that all others reach, and link-local ones on named segments, where multicast goes too.
// Datagrams and connections can be cut; octets of a connection are never lost or reordered, as TCP's aren't.
import type {
  ByteStream,
  Clock,
  Datagram,
  MulticastSocket,
  Network,
  SocketAddress,
  TcpConnection,
  TcpListener,
} from "../ports/mod.ts";
import { ACCEPT_QUEUE_MAX, DATAGRAM_QUEUE_MAX, EPHEMERAL_PORT_FIRST } from "./limits.ts";
import { Mailbox, streamPair } from "./net_stream.ts";

/** A link of a simulated host. */
export interface SimLink {
  /** Hosts whose links name the same segment hear each other. */
  readonly segment: string;
  /** Link-local, without its link: "fe80::1". */
  readonly address: string;
}

/** What a simulated host is on the network. */
export interface SimHostOptions {
  /** Reached from everywhere. */
  readonly addresses?: readonly string[];
  /** By name: "bat0". */
  readonly links?: Readonly<Record<string, SimLink>>;
}

/** A network of simulated hosts. */
export class SimNetwork {
  readonly #clock: Clock;
  readonly #latencyMs: number;
  readonly #hosts: SimHost[] = [];
  readonly #cut = new Set<string>();

  /** @param latencyMs one way; 0 delivers in the same turn of the clock. */
  constructor(clock: Clock, latencyMs = 0) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
  }

  /** Adds a host; its number is its place in the order of adding. */
  host(options: SimHostOptions): SimHost {
    const host = new SimHost(this, this.#hosts.length, options);
    this.#hosts.push(host);
    return host;
  }

  /** Nothing new passes between two hosts until {@link heal}; connections they have stall for good. */
  cut(a: number, b: number): void {
    this.#cut.add(`${a}-${b}`).add(`${b}-${a}`);
    for (const host of [this.#hosts[a], this.#hosts[b]]) host?.breakWith(host.number === a ? b : a);
  }

  heal(a: number, b: number): void {
    this.#cut.delete(`${a}-${b}`);
    this.#cut.delete(`${b}-${a}`);
  }

  /** @internal */
  passes(a: number, b: number): boolean {
    return !this.#cut.has(`${a}-${b}`);
  }

  /** @internal */
  async travel(): Promise<void> {
    if (this.#latencyMs > 0) await this.#clock.sleep(this.#latencyMs);
    else await Promise.resolve();
  }

  /** @internal */
  get hosts(): readonly SimHost[] {
    return this.#hosts;
  }
}

interface Listening {
  readonly port: number;
  readonly host: string;
  readonly queue: Mailbox<TcpConnection>;
}

interface Joined {
  readonly group: string;
  readonly port: number;
  readonly segment: string;
  /** Name of the link here. */
  readonly link: string;
  readonly queue: Mailbox<Datagram>;
}

const withoutLink = (host: string) => host.split("%")[0] ?? host;
const isLinkLocal = (host: string) => /^fe[89ab]/.test(host);

/** One host's sockets. */
export class SimHost implements Network {
  readonly number: number;
  readonly #network: SimNetwork;
  readonly #options: SimHostOptions;
  readonly #listening = new Set<Listening>();
  readonly #joined = new Set<Joined>();
  readonly #open = new Set<{ readonly with: number; end(): void }>();
  #nextPort = EPHEMERAL_PORT_FIRST;
  /** Addresses may change: a host that moved. */
  #addresses: readonly string[];

  /** Use {@link SimNetwork.host}. */
  constructor(network: SimNetwork, number: number, options: SimHostOptions) {
    this.#network = network;
    this.number = number;
    this.#options = options;
    this.#addresses = options.addresses ?? [];
  }

  /** Moves the host to other addresses; its connections from the old ones end. */
  move(addresses: readonly string[]): void {
    this.#addresses = addresses;
    for (const { end } of [...this.#open]) end();
  }

  /** @internal Ends connections with another host. */
  breakWith(other: number): void {
    for (const one of [...this.#open]) if (one.with === other) one.end();
  }

  // deno-lint-ignore require-await
  async listen(local: SocketAddress): Promise<TcpListener> {
    const port = local.port === 0 ? this.#nextPort++ : local.port;
    for (const other of this.#listening) {
      if (other.port === port && (other.host === local.host || other.host === "::")) {
        throw new Error(`Cannot listen on port ${port}: somebody does`);
      }
    }
    const queue = new Mailbox<TcpConnection>(ACCEPT_QUEUE_MAX);
    const one: Listening = { port, host: local.host, queue };
    this.#listening.add(one);
    return {
      local: { host: local.host, port },
      accept: () => queue.take(),
      close: () => {
        this.#listening.delete(one);
        queue.close();
      },
    };
  }

  async dial(remote: SocketAddress, signal?: AbortSignal): Promise<TcpConnection> {
    const refused = (why: string) =>
      new Error(`Cannot connect to "${remote.host} port ${remote.port}": ${why}`);
    const way = this.#wayTo(remote.host);
    if (way === null) throw refused("no route");
    await this.#network.travel();
    if (signal?.aborted === true) throw refused("it was given up");
    if (!this.#network.passes(this.number, way.host.number)) throw refused("no answer");
    const listening = way.host.#listenerFor(remote);
    if (listening === null) throw refused("nobody listens");
    const [near, far] = streamPair(() => this.#network.travel());
    const source = { host: way.source, port: this.#nextPort++ };
    const own = this.#tracked(near, way.host.number);
    const theirs = way.host.#tracked(far, this.number);
    if (!listening.queue.put({ ...theirs, remote: source })) {
      own.close();
      throw refused("too many wait");
    }
    return { ...own, remote };
  }

  // deno-lint-ignore require-await
  async multicast(group: string, port: number, link: string): Promise<MulticastSocket> {
    const own = this.#options.links?.[link];
    if (own === undefined) throw new Error(`Cannot use link "${link}": there is none`);
    const queue = new Mailbox<Datagram>(DATAGRAM_QUEUE_MAX);
    const joined: Joined = { group, port, segment: own.segment, link, queue };
    this.#joined.add(joined);
    return {
      receive: () => queue.take(),
      send: async (octets) => {
        const copy = octets.slice();
        await this.#network.travel();
        for (const host of this.#network.hosts) {
          if (this.#network.passes(this.number, host.number)) {
            host.#deliver(joined, own.address, copy);
          }
        }
      },
      close: () => {
        this.#joined.delete(joined);
        queue.close();
      },
    };
  }

  #deliver(sent: Joined, address: string, octets: Uint8Array): void {
    for (const { group, port, segment, link, queue } of this.#joined) {
      if (group !== sent.group || port !== sent.port || segment !== sent.segment) continue;
      // A full queue loses datagrams, as a socket's does.
      queue.put({ from: { host: `${address}%${link}`, port: sent.port }, octets: octets.slice() });
    }
  }

  /** Who has an address as seen from here, and the source that they see. */
  #wayTo(host: string): { readonly host: SimHost; readonly source: string } | null {
    const address = withoutLink(host);
    if (!isLinkLocal(address)) {
      const found = this.#network.hosts.find((other) => other.#addresses.includes(address));
      const [source] = this.#addresses;
      return found === undefined || source === undefined ? null : { host: found, source };
    }
    const own = this.#options.links?.[host.slice(address.length + 1)];
    if (own === undefined) return null;
    for (const other of this.#network.hosts) {
      for (const [name, link] of Object.entries(other.#options.links ?? {})) {
        if (link.segment === own.segment && link.address === address) {
          return { host: other, source: `${own.address}%${name}` };
        }
      }
    }
    return null;
  }

  #listenerFor({ host, port }: SocketAddress): Listening | null {
    const address = withoutLink(host);
    for (const one of this.#listening) {
      const bound = withoutLink(one.host);
      if (one.port === port && (bound === "::" || bound === address)) return one;
    }
    return null;
  }

  #tracked(stream: ByteStream, other: number): ByteStream {
    const one = { with: other, end: () => stream.close() };
    this.#open.add(one);
    return {
      read: () => stream.read(),
      write: (octets) => stream.write(octets),
      close: () => {
        this.#open.delete(one);
        stream.close();
      },
    };
  }
}
