// IP packets made by hand, and a namespace in which they arrive from a TUN device that stands for the
// overlay's link. A second nftables table, behind the one under test, notes what got through.
import { invariant } from "../../core/base/mod.ts";
import type { Asked } from "../../core/policy/mod.ts";
import { ipv6Octets, ipv6Text } from "../../core/policy/address.ts";
import { loadLibnftables, runNft } from "../../ffi/nftables/mod.ts";
import { openRtnetlink } from "../../ffi/rtnetlink/mod.ts";
import { Tun, writeSysctl } from "../../ffi/sys/mod.ts";
import { SKIP_REASON, TestNamespace } from "./namespaces.ts";

/** Name of the link. */
export const LINK = "x0-ov";

const PROTOCOL = { tcp: 6, udp: 17, icmp: 58, other: 253 } as const;
const NAMES: Readonly<Record<string, string>> = { 6: "tcp", 17: "udp", 58: "ipv6-icmp" };

/** A packet that was sent or came out. */
export interface Probe {
  readonly source: string;
  readonly destination: string;
  readonly asked: Asked;
  /** Port of the sender; for echo requests their identifier. */
  readonly sourcePort?: number;
  /** Protocol number of a packet that asks for "other". */
  readonly protocol?: number;
  /** A TCP segment that answers (SYN and ACK), or an echo reply. */
  readonly answer?: boolean;
}

function checksum(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

function bodyOf({ asked, sourcePort = 40_000, answer = false }: Probe): Uint8Array {
  if ("application" in asked) throw new RangeError("Cannot send an application service");
  switch (asked.transport) {
    case "tcp": {
      const body = new Uint8Array(20);
      const view = new DataView(body.buffer);
      view.setUint16(0, sourcePort);
      view.setUint16(2, asked.port);
      view.setUint32(4, 1);
      body[12] = 5 << 4;
      body[13] = answer ? 0x12 : 0x02;
      view.setUint16(14, 1024);
      return body;
    }
    case "udp": {
      const body = new Uint8Array(12);
      const view = new DataView(body.buffer);
      view.setUint16(0, sourcePort);
      view.setUint16(2, asked.port);
      view.setUint16(4, body.length);
      return body;
    }
    case "icmp": {
      const body = new Uint8Array(12);
      body[0] = answer ? 129 : 128;
      new DataView(body.buffer).setUint16(4, sourcePort);
      return body;
    }
    case "other":
      return new Uint8Array(8);
  }
}

function protocolOf({ asked, protocol }: Probe): number {
  invariant(!("application" in asked), "a probe is a packet");
  return asked.transport === "other" ? protocol ?? PROTOCOL.other : PROTOCOL[asked.transport];
}

const CHECKSUM_AT = { tcp: 16, udp: 6, icmp: 2, other: null } as const;

/** An IPv6 packet, checksums and all. */
export function packetOf(probe: Probe): Uint8Array<ArrayBuffer> {
  const body = bodyOf(probe);
  const transport = "application" in probe.asked ? "other" : probe.asked.transport;
  const [source, destination] = [ipv6Octets(probe.source), ipv6Octets(probe.destination)];
  const at = CHECKSUM_AT[transport];
  if (at !== null) {
    const pseudo = Uint8Array.of(0, 0, 0, body.length, 0, 0, 0, protocolOf(probe));
    new DataView(body.buffer).setUint16(at, checksum([source, destination, pseudo, body]));
  }
  const head = Uint8Array.of(0x60, 0, 0, 0, 0, body.length, protocolOf(probe), 64);
  return Uint8Array.from([...head, ...source, ...destination, ...body]);
}

/** A UDP datagram over IPv4 from 10.9.0.2 to 10.9.0.1. */
export function packetOverIpv4(): Uint8Array<ArrayBuffer> {
  const head = Uint8Array.of(0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1);
  new DataView(head.buffer).setUint16(10, checksum([head]));
  // A UDP checksum of zero: none (RFC 768).
  return Uint8Array.from([...head, 0x9c, 0x40, 0, 22, 0, 12, 0, 0, 1, 2, 3, 4]);
}

const OBSERVER = `table inet seen
delete table inet seen
table inet seen {
  set ports {
    type ipv6_addr . ipv6_addr . inet_proto . inet_service
    size 65535
    flags dynamic
  }
  set plain {
    type ipv6_addr . ipv6_addr . inet_proto
    size 65535
    flags dynamic
  }
  counter through {
  }
  counter ipv4 {
  }
  chain observe {
    ip6 version 6 meta l4proto { tcp, udp } update @ports { ip6 saddr . ip6 daddr . meta l4proto . th dport }
    ip6 version 6 update @plain { ip6 saddr . ip6 daddr . meta l4proto }
    meta nfproto ipv4 counter name "ipv4"
    counter name "through"
  }
  chain input {
    type filter hook input priority 100; policy accept;
    iifname "${LINK}" jump observe
  }
  chain forward {
    type filter hook forward priority 100; policy accept;
    iifname "${LINK}" jump observe
  }
}
`;

interface JsonRuleset {
  readonly nftables: readonly {
    readonly set?: { readonly name: string; readonly elem?: readonly unknown[] };
    readonly counter?: { readonly name: string; readonly packets: number };
  }[];
}

const keyOf = (source: string, destination: string, protocol: string, port?: number): string =>
  [ipv6Text(ipv6Octets(source)), ipv6Text(ipv6Octets(destination)), protocol, port ?? ""].join(" ");

/** A node of the overlay. */
export class OverlayNode implements Disposable {
  readonly #namespace = new TestNamespace();
  readonly #tun: Tun;

  private constructor() {
    this.#tun = Tun.open(LINK, { netns: this.#namespace.name });
  }

  /** @param address the node's own on the overlay; everything in fd00::/16 lies behind the link. */
  static async open(address: string): Promise<OverlayNode> {
    const node = new OverlayNode();
    const { netns } = node;
    using rtnetlink = openRtnetlink({ netns });
    writeSysctl(["net", "ipv6", "conf", "all", "forwarding"], "1", netns);
    await rtnetlink.setLink(LINK, { up: true });
    const link = await rtnetlink.index(LINK);
    await rtnetlink.addAddress({ ifindex: link, address, prefixLength: 16, noDad: true });
    await rtnetlink.addAddress({ ifindex: link, address: "10.9.0.1", prefixLength: 24 });
    runNft("observe", OBSERVER, { netns });
    return node;
  }

  get netns(): string {
    return this.#namespace.name;
  }

  [Symbol.dispose](): void {
    this.#tun.close();
    this.#namespace[Symbol.dispose]();
  }

  #read(): {
    readonly sets: Map<string, readonly unknown[]>;
    readonly counters: Map<string, number>;
  } {
    const listed = JSON.parse(
      runNft("list", "list table inet seen", { netns: this.netns, json: true }),
    ) as JsonRuleset;
    const sets = new Map<string, readonly unknown[]>();
    const counters = new Map<string, number>();
    for (const { set, counter } of listed.nftables) {
      if (set !== undefined) sets.set(set.name, set.elem ?? []);
      if (counter !== undefined) counters.set(counter.name, counter.packets);
    }
    return { sets, counters };
  }

  /** Packets that got past the filter or were dropped by it, so far. */
  #done(): number {
    const through = this.#read().counters.get("through") ?? 0;
    const tables = runNft("list", "list ruleset", { netns: this.netns });
    const dropped = tables.matchAll(
      /counter packets (\d+) bytes \d+ drop|counter denied\w* \{\s*packets (\d+)/g,
    );
    return [...dropped].reduce((sum, [, rule, last]) => sum + Number(rule ?? last), through);
  }

  /** Lets packets arrive and waits until each got through or was dropped. */
  async send(packets: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    const wanted = this.#done() + packets.length;
    for (const packet of packets) {
      this.#tun.write(packet);
      while (this.#tun.tryRead() !== null);
    }
    for (let turn = 0; turn < 400; turn++) {
      if (this.#done() >= wanted) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(
      `Cannot go on: ${wanted - this.#done()} packets neither got through nor were dropped`,
    );
  }

  /** What the node itself sends next over the link. */
  async outgoing(): Promise<Uint8Array<ArrayBuffer> | null> {
    return await this.#tun.readable(500) ? this.#tun.tryRead() : null;
  }

  /** Sends probes, each once, and says which got past the filter. */
  async passed(probes: readonly Probe[]): Promise<readonly boolean[]> {
    runNft("forget", OBSERVER, { netns: this.netns });
    await this.send(probes.map(packetOf));
    const seen = new Set<string>();
    const { sets } = this.#read();
    for (const [name, elements] of sets) {
      for (const element of elements) {
        const plain = (element as { elem?: { val: unknown } }).elem?.val ?? element;
        const { concat } = plain as { concat: readonly (string | number)[] };
        const [source, destination, protocol, port] = concat;
        const word = NAMES[String(protocol)] ?? String(protocol);
        seen.add(
          keyOf(
            String(source),
            String(destination),
            word,
            name === "ports" ? Number(port) : undefined,
          ),
        );
      }
    }
    return probes.map((probe) => {
      const { source, destination, asked } = probe;
      const number = String(protocolOf(probe));
      return seen.has(
        keyOf(
          source,
          destination,
          NAMES[number] ?? number,
          "port" in asked ? asked.port : undefined,
        ),
      );
    });
  }

  /** IPv4 packets that got past the filter. */
  ipv4(): number {
    return this.#read().counters.get("ipv4") ?? 0;
  }
}

/** Why these tests cannot run here; `null` when they can. */
export async function whyNot(): Promise<string | null> {
  if (SKIP_REASON !== null) return SKIP_REASON;
  try {
    loadLibnftables();
    using node = await OverlayNode.open("fd00::1");
    await node.send([
      packetOf({ source: "fd00::2", destination: "fd00::1", asked: { transport: "icmp" } }),
    ]);
    return null;
  } catch (error) {
    return `needs /dev/net/tun and nf_tables: ${error instanceof Error ? error.message : error}`;
  }
}
