// respondd, the protocol Freifunk's maps (meshviewer over yanic, hopglass) collect node data with: a
// request in one UDP datagram to port 1001, a JSON answer in another. Pure: the socket is the daemon's.
// Source: freifunk-gluon/packages net/respondd/README.md and Gluon's providers.
// Departs from Gluon: memory, load and traffic classes appear only when given; under BATMAN_V, which has
// no TQ, `tq` is the path's quality scaled to 255, because the maps draw links by it.
import type { Mac } from "../base/mod.ts";
import type { MeshSnapshot, NodeIdentity, NodeSnapshot } from "../node/mod.ts";
import { MAX_RESPONDD_ANSWER_BYTES, MAX_RESPONDD_REQUEST_BYTES } from "./limits.ts";
import { qualityOf } from "./topology.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** What there is to tell. */
export interface ResponddFacts {
  readonly identity: NodeIdentity;
  readonly snapshot: NodeSnapshot;
  readonly uptimeS: number;
  /** Shown on maps, from the configuration. */
  readonly contact?: string;
  readonly location?: {
    readonly latitude: number;
    readonly longitude: number;
    readonly altitudeM?: number;
  };
}

/** Names of what can be asked for. */
export const RESPONDD_NAMES = ["nodeinfo", "statistics", "neighbours"] as const;
type ResponddName = typeof RESPONDD_NAMES[number];

/** A request as understood. */
export interface ResponddRequest {
  readonly names: readonly ResponddName[];
  /** "GET …": compressed, one member a name. Otherwise plain and without the enclosing object. */
  readonly enclosed: boolean;
}

/** Reads a request; `null` when it is none or asks for nothing known. Unknown names are skipped. */
export function parseResponddRequest(datagram: Uint8Array): ResponddRequest | null {
  if (datagram.length === 0 || datagram.length > MAX_RESPONDD_REQUEST_BYTES) return null;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(datagram);
  } catch {
    return null;
  }
  const words = text.replace(/[\0\r\n]+$/, "").split(" ").filter((word) => word !== "");
  const enclosed = words[0] === "GET";
  if (!enclosed && words.length !== 1) return null;
  const asked = new Set(enclosed ? words.slice(1) : words);
  const names = RESPONDD_NAMES.filter((name) => asked.has(name));
  return names.length === 0 ? null : { names, enclosed };
}

/**
 * Answers one datagram.
 *
 * @returns the answer datagram, or `null` when none is due: no valid request, or the answer would not fit.
 */
export async function answerRespondd(
  datagram: Uint8Array,
  facts: ResponddFacts,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const request = parseResponddRequest(datagram);
  if (request === null) return null;
  const sections = request.names.map((name) => [name, PROVIDERS[name](facts)] as const);
  const [first] = sections;
  const content = request.enclosed ? Object.fromEntries(sections) : first?.[1];
  const plain = new TextEncoder().encode(JSON.stringify(content));
  const answer = request.enclosed ? await deflateRaw(plain) : plain;
  return answer.length > MAX_RESPONDD_ANSWER_BYTES ? null : answer;
}

async function deflateRaw(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const PROVIDERS: Readonly<Record<ResponddName, (facts: ResponddFacts) => JsonObject>> = {
  nodeinfo: nodeinfoOf,
  statistics: statisticsOf,
  neighbours: neighboursOf,
};

/** The maps' key of a node: its primary MAC address without colons; the name where there is no mesh. */
function nodeIdOf(facts: ResponddFacts): string {
  const mac = primaryMacOf(facts.snapshot);
  return mac === null ? facts.identity.name : mac.replaceAll(":", "");
}

function primaryMacOf({ mesh, links }: NodeSnapshot): Mac | null {
  if (mesh !== null) return mesh.info.originator ?? mesh.info.mac;
  return links.find((link) => !link.loopback && link.mac !== null)?.mac ?? null;
}

function nodeinfoOf(facts: ResponddFacts): JsonObject {
  const { identity, snapshot, contact, location } = facts;
  const { mesh } = snapshot;
  const public6 = snapshot.addresses.filter((one) =>
    one.address.includes(":") && one.scope !== "host" && !one.tentative && !one.duplicate
  );
  const mac = primaryMacOf(snapshot);
  return {
    node_id: nodeIdOf(facts),
    hostname: identity.name,
    ...(contact === undefined ? {} : { owner: { contact } }),
    ...(location === undefined ? {} : {
      location: {
        latitude: location.latitude,
        longitude: location.longitude,
        ...(location.altitudeM === undefined ? {} : { altitude: location.altitudeM }),
      },
    }),
    network: {
      ...(mac === null ? {} : { mac }),
      addresses: [...new Set(public6.map((one) => one.address))],
      ...(mesh === null ? {} : { mesh: { [mesh.info.mesh]: { interfaces: interfacesOf(facts) } } }),
    },
    software: {
      firmware: { base: identity.kernel.description, release: `x0tta6bl4 ${identity.version}` },
      ...(mesh === null ? {} : { "batman-adv": { version: mesh.info.version, compat: 15 } }),
    },
    ...(identity.kernel.kind === "simulated" ? { hardware: { model: "simulated node" } } : {}),
  };
}

function interfacesOf({ snapshot }: ResponddFacts): JsonObject {
  const hardInterfaces = snapshot.mesh?.hardInterfaces ?? [];
  const wireless = new Set(snapshot.wirelessInterfaces.map((one) => one.name));
  const kinds = new Map(snapshot.links.map((link) => [link.name, link.kind]));
  const groups = Map.groupBy(hardInterfaces, ({ name }) => {
    if (wireless.has(name)) return "wireless";
    return kinds.get(name) === "vxlan" ? "tunnel" : "other";
  });
  return Object.fromEntries(
    Array.from(groups, ([kind, rows]) => [kind, rows.map((row) => row.mac)]),
  );
}

function statisticsOf(facts: ResponddFacts): JsonObject {
  const { snapshot, uptimeS } = facts;
  const { mesh } = snapshot;
  const selected = mesh?.gateways.find((gateway) => gateway.best);
  const counters = snapshot.links.find((link) => link.name === mesh?.info.mesh)?.counters;
  return {
    node_id: nodeIdOf(facts),
    time: Math.floor(snapshot.takenAtMs / 1000),
    uptime: Math.floor(uptimeS),
    clients: clientsOf(snapshot),
    ...(counters === undefined ? {} : {
      traffic: {
        rx: { bytes: counters.rxBytes, packets: counters.rxPackets },
        tx: { bytes: counters.txBytes, packets: counters.txPackets, dropped: counters.txDropped },
      },
    }),
    ...(selected === undefined || mesh?.info.settings.gatewayMode !== "client" ? {} : {
      gateway: selected.originator,
      gateway_nexthop: selected.router,
    }),
  };
}

function clientsOf(snapshot: NodeSnapshot): JsonObject {
  const clients = snapshot.mesh?.localClients.filter((one) => !one.flags.includes("no-purge")) ??
    [];
  const accessPoints = new Map(
    snapshot.wirelessInterfaces.flatMap((one) =>
      one.mode === "ap" ? [[one.name, one.frequencyMhz ?? 0]] : []
    ),
  );
  const frequencies = snapshot.stations.flatMap((station) =>
    accessPoints.get(station.interface) ?? []
  );
  const wifi = frequencies.length;
  const wifi24 = frequencies.filter((mhz) => mhz > 0 && mhz < 3000).length;
  const wifi5 = frequencies.filter((mhz) => mhz > 4900 && mhz < 5925).length;
  return {
    total: Math.max(wifi, new Set(clients.map((one) => one.mac)).size),
    wifi,
    wifi24,
    wifi5,
  };
}

function neighboursOf(facts: ResponddFacts): JsonObject {
  const { mesh } = facts.snapshot;
  return {
    node_id: nodeIdOf(facts),
    ...(mesh === null ? {} : { batadv: meshNeighboursOf(mesh) }),
    wifi: wifiNeighboursOf(facts.snapshot),
  };
}

/** Direct neighbours by our hard interface's address: originators reached without a hop in between. */
function meshNeighboursOf(mesh: MeshSnapshot): JsonObject {
  return Object.fromEntries(mesh.hardInterfaces.map((hardInterface) => {
    const rows = mesh.originators.filter((row) =>
      row.hardInterface === hardInterface.name && row.originator === row.nextHop
    );
    const neighbours = rows.map((row) => [row.originator, {
      tq: row.tq ?? Math.round(255 * (qualityOf(row) ?? 0)),
      lastseen: row.lastSeenMs / 1000,
      best: row.best,
    }]);
    return [hardInterface.mac, { neighbours: Object.fromEntries(neighbours) }];
  }));
}

function wifiNeighboursOf(snapshot: NodeSnapshot): JsonObject {
  const meshing = snapshot.wirelessInterfaces.filter((one) =>
    one.mode === "mesh" || one.mode === "ibss"
  );
  return Object.fromEntries(meshing.map((one) => {
    const noise = snapshot.surveys.find((row) => row.interface === one.name && row.inUse)?.noiseDbm;
    const stations = snapshot.stations.filter((station) => station.interface === one.name);
    const neighbours = stations.map((station) => [station.mac, {
      ...(station.signalDbm === null ? {} : { signal: station.signalDbm }),
      ...(noise === undefined || noise === null ? {} : { noise }),
      ...(station.inactiveMs === null ? {} : { inactive: station.inactiveMs }),
    }]);
    return [one.mac, { neighbours: Object.fromEntries(neighbours) }];
  }));
}
