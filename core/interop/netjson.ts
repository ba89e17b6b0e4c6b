// NetJSON for other systems' maps and monitoring. Source: netjson/netjson schema/network-graph.json and
// the DeviceMonitoring schema openwisp-monitoring validates with (openwisp_monitoring/device/schema.py).
// Facts this node does not have are left out: nothing is made up to fill a field. So a `wireless` object
// appears only when all of its required members are known, and never has `clients`, whose required
// members (association id, WMM, WPS …) nl80211 does not tell.
import type { MeshSnapshot, NodeIdentity, NodeSnapshot } from "../node/mod.ts";
import type { Address, Link, WirelessInterface } from "../ports/mod.ts";
import { type TopologyEdge, topologyOf } from "./topology.ts";

/** A NetJSON NetworkGraph: this node's own view, as the protocol has no other. */
export interface NetworkGraph {
  readonly type: "NetworkGraph";
  readonly protocol: "batman-adv";
  readonly version: string;
  readonly metric: "TQ" | "throughput";
  readonly router_id: string;
  readonly label: string;
  readonly nodes: readonly {
    readonly id: string;
    readonly label?: string | undefined;
    readonly local_addresses?: readonly string[] | undefined;
    readonly properties: Readonly<Record<string, string | number | boolean>>;
  }[];
  readonly links: readonly {
    readonly source: string;
    readonly target: string;
    /** Lower is better. TQ: 255/tq, as alfred and netdiff count; throughput: 1 Gbit/s over it. */
    readonly cost: number;
    readonly cost_text: string;
    readonly properties: Readonly<Record<string, string | number | boolean>>;
  }[];
}

/** Makes the NetworkGraph. Edges without a metric are left out: a cost would be made up. */
export function networkGraphOf(identity: NodeIdentity, mesh: MeshSnapshot): NetworkGraph {
  const topology = topologyOf(mesh);
  const own = new Set([
    mesh.info.mac,
    ...mesh.hardInterfaces.map((hardInterface) => hardInterface.mac),
  ]);
  own.delete(topology.self);
  const links = topology.edges.flatMap((edge) => {
    const cost = costOf(edge);
    if (cost === null || (edge.kind === "path" && !edge.best)) return [];
    const { hardInterface, kind } = edge;
    return [{ source: edge.from, target: edge.to, ...cost, properties: { hardInterface, kind } }];
  });
  return {
    type: "NetworkGraph",
    protocol: "batman-adv",
    version: mesh.info.version,
    metric: mesh.info.algorithm === "BATMAN_IV" ? "TQ" : "throughput",
    router_id: topology.self,
    label: `${mesh.info.mesh} as seen by ${identity.name}`,
    nodes: topology.nodes.map((node) => {
      const properties = { kind: node.kind, gateway: node.gateway, clients: node.clients };
      if (node.kind !== "self") return { id: node.id, properties };
      return { id: node.id, label: identity.name, local_addresses: [...own], properties };
    }),
    links: strongestPerPair(links),
  };
}

function costOf(edge: TopologyEdge): { readonly cost: number; readonly cost_text: string } | null {
  if (edge.tq !== null && edge.tq > 0) {
    return { cost: round(255 / edge.tq), cost_text: `TQ ${edge.tq}/255` };
  }
  if (edge.throughputKbps !== null && edge.throughputKbps > 0) {
    const mbps = round(edge.throughputKbps / 1000);
    return { cost: round(1_000_000 / edge.throughputKbps), cost_text: `${mbps} Mbit/s` };
  }
  return null;
}

/** Two radios can reach one neighbour; a graph has one link a pair, and the better one counts. */
function strongestPerPair<
  Row extends { readonly source: string; readonly target: string; readonly cost: number },
>(
  rows: readonly Row[],
): Row[] {
  const best = new Map<string, Row>();
  for (const row of rows) {
    const key = `${row.source} ${row.target}`;
    const known = best.get(key);
    if (known === undefined || row.cost < known.cost) best.set(key, row);
  }
  return [...best.values()];
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

type JsonObject = Readonly<Record<string, unknown>>;

/** A NetJSON DeviceMonitoring document. */
export interface DeviceMonitoring {
  readonly type: "DeviceMonitoring";
  readonly general: {
    readonly hostname: string;
    /** Seconds since 1970. */
    readonly local_time: number;
    /** Of the daemon, seconds. */
    readonly uptime: number;
  };
  readonly interfaces: readonly (JsonObject & { readonly name: string })[];
}

/** Makes the DeviceMonitoring document of a snapshot. */
export function deviceMonitoringOf(
  identity: NodeIdentity,
  snapshot: NodeSnapshot,
  uptimeS: number,
): DeviceMonitoring {
  return {
    type: "DeviceMonitoring",
    general: {
      hostname: identity.name,
      local_time: Math.floor(snapshot.takenAtMs / 1000),
      uptime: Math.floor(uptimeS),
    },
    interfaces: snapshot.links.map((link) => interfaceOf(link, snapshot)),
  };
}

function interfaceOf(link: Link, snapshot: NodeSnapshot): JsonObject & { readonly name: string } {
  const wireless = snapshot.wirelessInterfaces.find((one) => one.name === link.name);
  const addresses = snapshot.addresses.filter((address) => address.link === link.name);
  const members = snapshot.links.filter((other) => other.master === link.name);
  const { counters } = link;
  return {
    name: link.name,
    type: typeOf(link, wireless),
    up: link.up && link.carrier,
    ...(link.mac === null ? {} : { mac: link.mac }),
    mtu: link.mtu,
    ...(link.kind === "bridge" ? { bridge_members: members.map((member) => member.name) } : {}),
    statistics: {
      rx_bytes: counters.rxBytes,
      tx_bytes: counters.txBytes,
      rx_packets: counters.rxPackets,
      tx_packets: counters.txPackets,
      rx_errors: counters.rxErrors,
      tx_errors: counters.txErrors,
      rx_dropped: counters.rxDropped,
      tx_dropped: counters.txDropped,
    },
    addresses: uniqueAddresses(addresses),
    ...wirelessOf(wireless, snapshot),
  };
}

function uniqueAddresses(addresses: readonly Address[]): JsonObject[] {
  const byText = new Map(addresses.map((one) => [`${one.address}/${one.prefixLength}`, one]));
  return Array.from(byText.values(), ({ address, prefixLength }) => ({
    proto: "static",
    family: address.includes(":") ? "ipv6" : "ipv4",
    address,
    mask: prefixLength,
  }));
}

function typeOf(link: Link, wireless: WirelessInterface | undefined): string {
  if (wireless !== undefined) return "wireless";
  if (link.loopback) return "loopback";
  if (link.kind === "bridge" || link.kind === "wireguard" || link.kind === "vxlan") {
    return link.kind;
  }
  return link.kind === "device" || link.kind === "veth" || link.kind === "vlan"
    ? "ethernet"
    : "other";
}

const MODES: Readonly<Record<WirelessInterface["mode"], string | null>> = {
  ap: "access_point",
  managed: "station",
  mesh: "802.11s",
  ibss: "adhoc",
  monitor: "monitor",
  other: null,
};

function wirelessOf(wireless: WirelessInterface | undefined, snapshot: NodeSnapshot): JsonObject {
  if (wireless === undefined) return {};
  const mode = MODES[wireless.mode];
  const radio = snapshot.radios.find((one) => one.name === wireless.radio);
  const channel = radio?.bands.flatMap((band) => band.channels)
    .find((one) => one.frequencyMhz === wireless.frequencyMhz);
  const country = radio?.country ?? snapshot.regulatoryDomain?.country;
  const survey = snapshot.surveys.find((one) => one.interface === wireless.name && one.inUse);
  const { frequencyMhz, ssid, txPowerDbm } = wireless;
  const noise = survey?.noiseDbm ?? null;
  const known = mode !== null && channel !== undefined && country !== undefined &&
    frequencyMhz !== null && ssid !== null && txPowerDbm !== null && noise !== null;
  if (!known) return {};
  return {
    wireless: {
      channel: channel.number,
      country,
      frequency: frequencyMhz,
      mode,
      noise: Math.round(noise),
      ssid,
      tx_power: Math.round(txPowerDbm),
    },
  };
}
