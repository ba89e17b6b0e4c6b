// The overlay's own packet filter, in a table of its own, so that it and the configuration's table
// (core/config/firewall.ts) never touch each other. A packet must pass both. Three things are dropped and
// counted: overlay addresses that come in, or would go out, anywhere but through the tunnels; and what
// another node sends here in the clear, besides what keeps the mesh itself going. LAN clients that are
// bridged through the mesh have MAC addresses of their own and are none of this table's business.
import type { Firewall } from "../ports/mod.ts";

/** The table. */
export const OVERLAY_TABLE = "x0_overlay";
const FAMILY = "inet";
const NODES_SET = "node_macs";

/** What the ruleset is made of. */
export interface OverlayRules {
  /** "fdxx:xxxx:xxxx::/48". */
  readonly network: string;
  /** Links that overlay packets may use: the tunnels, the link where they wait. */
  readonly tunnelLinks: readonly string[];
  /** Links to the mesh, where other nodes are heard. */
  readonly meshLinks: readonly string[];
  /** Ports that nodes may reach in the clear: handshakes, fabric, and what LAN clients get too. */
  readonly tcpPorts: readonly number[];
  readonly udpPorts: readonly number[];
  readonly maxNodes: number;
  readonly nodeLifetimeS: number;
}

/** Packets dropped, by why; `null` where the firewall doesn't tell. */
export interface OverlayDrops {
  /** With an overlay address, from outside the tunnels. */
  readonly cameOutside: number | null;
  /** With an overlay address, about to leave outside the tunnels. */
  readonly leftOutside: number | null;
  /** From another node, in the clear. */
  readonly inTheClear: number | null;
}

const COUNTERS = Object.freeze({
  cameOutside: "came_outside",
  leftOutside: "left_outside",
  inTheClear: "in_the_clear",
});

const set = (items: readonly string[]) => `{ ${items.join(", ")} }`;
const names = (links: readonly string[]) => set(links.map((link) => `"${link}"`));
const ports = (list: readonly number[]) => set([...new Set(list)].map(String));

/** Characters that may stand between quotes in nft text. */
const SAFE_NAME = /^[^\s"\\/:%;{}]{1,15}$/;

/** nft text that replaces the whole table in one transaction. @throws {RangeError} for a link's odd name. */
export function overlayRuleset(rules: OverlayRules): string {
  for (const link of [...rules.tunnelLinks, ...rules.meshLinks]) {
    if (!SAFE_NAME.test(link)) throw new RangeError(`Cannot filter a link named "${link}"`);
  }
  const inside = names([...rules.tunnelLinks, "lo"]);
  const { network, meshLinks } = rules;
  const mesh = meshLinks.length === 0
    ? []
    : [`    iifname ${names(meshLinks)} ether saddr @${NODES_SET} jump from_node`];
  const allowed = [
    ...(rules.tcpPorts.length === 0 ? [] : [`    tcp dport ${ports(rules.tcpPorts)} accept`]),
    ...(rules.udpPorts.length === 0 ? [] : [`    udp dport ${ports(rules.udpPorts)} accept`]),
  ];
  return [
    `table ${FAMILY} ${OVERLAY_TABLE}`,
    `delete table ${FAMILY} ${OVERLAY_TABLE}`,
    `table ${FAMILY} ${OVERLAY_TABLE} {`,
    ...Object.values(COUNTERS).map((name) => `  counter ${name} { }`),
    `  set ${NODES_SET} {`,
    `    type ether_addr`,
    `    flags timeout`,
    `    size ${rules.maxNodes}`,
    `    timeout ${rules.nodeLifetimeS}s`,
    `  }`,
    `  chain from_node {`,
    `    ct state established,related accept`,
    // ICMP and ICMPv6 by number: small systems have no /etc/protocols to look names up in.
    `    meta l4proto { 1, 58 } accept`,
    ...allowed,
    `    counter name ${COUNTERS.inTheClear} drop`,
    `  }`,
    `  chain arriving {`,
    `    type filter hook prerouting priority raw; policy accept;`,
    `    iifname ${inside} accept`,
    `    ip6 saddr ${network} counter name ${COUNTERS.cameOutside} drop`,
    `    ip6 daddr ${network} counter name ${COUNTERS.cameOutside} drop`,
    `  }`,
    `  chain leaving {`,
    `    type filter hook postrouting priority filter; policy accept;`,
    `    oifname ${inside} accept`,
    `    ip6 saddr ${network} counter name ${COUNTERS.leftOutside} drop`,
    `    ip6 daddr ${network} counter name ${COUNTERS.leftOutside} drop`,
    `  }`,
    `  chain received {`,
    `    type filter hook input priority filter - 5; policy accept;`,
    ...mesh,
    `  }`,
    `}`,
    ``,
  ].join("\n");
}

/** Reads the counters out of the table's text as the kernel tells it. */
export function readDrops(table: string): OverlayDrops {
  const packets = (name: string): number | null => {
    const match = new RegExp(`counter ${name} \\{\\s*packets (\\d+)`).exec(table);
    return match === null ? null : Number(match[1]);
  };
  return {
    cameOutside: packets(COUNTERS.cameOutside),
    leftOutside: packets(COUNTERS.leftOutside),
    inTheClear: packets(COUNTERS.inTheClear),
  };
}

const UNKNOWN: OverlayDrops = { cameOutside: null, leftOutside: null, inTheClear: null };

/** The table in one kernel. */
export class OverlayFirewall {
  readonly #firewall: Firewall;

  constructor(firewall: Firewall) {
    this.#firewall = firewall;
  }

  /** Replaces the table. @throws {KernelFault} */
  async apply(rules: OverlayRules): Promise<void> {
    await this.#firewall.apply(overlayRuleset(rules));
  }

  /** Packets dropped so far. @throws {KernelFault} */
  async drops(): Promise<OverlayDrops> {
    const table = await this.#firewall.table(FAMILY, OVERLAY_TABLE);
    return table === null ? UNKNOWN : readDrops(table);
  }

  /** From now on this MAC address is a node's. @param mac six octets. @throws {KernelFault} */
  async addNode(mac: Uint8Array, timeoutMs: number): Promise<void> {
    const where = { family: FAMILY, table: OVERLAY_TABLE, set: NODES_SET } as const;
    // Adding an element that is there leaves its timeout as it was.
    try {
      await this.#firewall.removeElements(where, [mac]);
    } catch {
      // It was not there.
    }
    await this.#firewall.addElements(where, [{ key: mac, timeoutMs }]);
  }

  /** Removes the table. @throws {KernelFault} */
  async remove(): Promise<void> {
    await this.#firewall.deleteTable(FAMILY, OVERLAY_TABLE);
  }
}
