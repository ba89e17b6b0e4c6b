// The mesh as this node sees it: itself, its direct neighbours, and the originators behind each next
// hop. batman-adv is a distance-vector protocol, so the links between other nodes are not known here
// and none is drawn: an edge from a next hop to an originator is a path of unknown length.
import type { Mac } from "../base/mod.ts";
import type { MeshSnapshot } from "../node/mod.ts";
import { VISIBLE_ALTERNATIVES } from "./limits.ts";

/** A node of the own view. */
export interface TopologyNode {
  /** Originator address; for a neighbour that is none, the address of its interface. */
  readonly id: Mac;
  readonly kind: "self" | "neighbour" | "remote";
  /** Of the best path to it, 0 (worst) to 1; `null` when unknown; 1 for the node itself. */
  readonly quality: number | null;
  readonly lastSeenMs: number | null;
  /** Announces itself as an Internet gateway. */
  readonly gateway: boolean;
  /** Clients the node has announced to the mesh. */
  readonly clients: number;
}

/** A link to a neighbour, or a path from a next hop to an originator behind it. */
export interface TopologyEdge {
  readonly from: Mac;
  readonly to: Mac;
  readonly kind: "link" | "path";
  /** Whether traffic to `to` takes it. */
  readonly best: boolean;
  readonly hardInterface: string;
  readonly quality: number | null;
  readonly tq: number | null;
  readonly throughputKbps: number | null;
}

/** The own view. */
export interface Topology {
  readonly algorithm: "BATMAN_IV" | "BATMAN_V";
  readonly self: Mac;
  readonly nodes: readonly TopologyNode[];
  readonly edges: readonly TopologyEdge[];
}

/** 1 Gbit/s counts as perfect; quality grows with the logarithm, as people read bandwidth. */
const PERFECT_KBPS = 1_000_000;

/**
 * Brings both routing algorithms' metrics to one scale.
 *
 * @returns 0 to 1, or `null` when neither is known.
 */
export function qualityOf(
  metric: { readonly tq: number | null; readonly throughputKbps: number | null },
): number | null {
  if (metric.tq !== null) return Math.min(1, Math.max(0, metric.tq / 255));
  if (metric.throughputKbps === null) return null;
  const relative = Math.log1p(metric.throughputKbps / 100) / Math.log1p(PERFECT_KBPS / 100);
  return Math.min(1, Math.max(0, relative));
}

/** Derives the own view from batman-adv's tables. */
export function topologyOf(mesh: MeshSnapshot): Topology {
  const self = mesh.info.originator ?? mesh.info.mac;
  const edges = [...linkEdges(mesh, self), ...pathEdges(mesh, self)];
  const neighbours = new Set(edges.flatMap((edge) => edge.kind === "link" ? [edge.to] : []));
  const best = new Map(mesh.originators.flatMap((row) => row.best ? [[row.originator, row]] : []));
  const gateways = new Set(mesh.gateways.map((gateway) => gateway.originator));
  const clients = new Map<Mac, number>();
  for (const client of mesh.globalClients) {
    if (client.best) clients.set(client.originator, (clients.get(client.originator) ?? 0) + 1);
  }
  const direct = new Map(mesh.neighbours.map((row) => [row.neighbour, row]));
  const ids = new Set<Mac>([...neighbours, ...edges.map((edge) => edge.to)]);
  ids.delete(self);
  const others = Array.from(ids, (id): TopologyNode => {
    const row = best.get(id);
    const link = edges.find((edge) => edge.kind === "link" && edge.to === id);
    return {
      id,
      kind: neighbours.has(id) ? "neighbour" : "remote",
      quality: row === undefined ? link?.quality ?? null : qualityOf(row),
      lastSeenMs: row?.lastSeenMs ?? direct.get(id)?.lastSeenMs ?? null,
      gateway: gateways.has(id),
      clients: clients.get(id) ?? 0,
    };
  });
  const own: TopologyNode = {
    id: self,
    kind: "self",
    quality: 1,
    lastSeenMs: null,
    gateway: mesh.info.settings.gatewayMode === "server",
    clients: mesh.localClients.filter((client) => !client.flags.includes("no-purge")).length,
  };
  return { algorithm: mesh.info.algorithm, self, nodes: [own, ...others], edges };
}

/** One edge a neighbour and interface. A neighbour without a metric of its own takes the best path's. */
function linkEdges(mesh: MeshSnapshot, self: Mac): TopologyEdge[] {
  const seen = new Map<string, { readonly neighbour: Mac; readonly hardInterface: string }>();
  const note = (neighbour: Mac, hardInterface: string): void => {
    seen.set(`${neighbour} ${hardInterface}`, { neighbour, hardInterface });
  };
  for (const row of mesh.neighbours) note(row.neighbour, row.hardInterface);
  for (const row of mesh.originators) note(row.nextHop, row.hardInterface);
  const through = Map.groupBy(mesh.originators, (row) => `${row.nextHop} ${row.hardInterface}`);
  const listed = new Map(
    mesh.neighbours.map((row) => [`${row.neighbour} ${row.hardInterface}`, row]),
  );
  return Array.from(seen, ([key, { neighbour, hardInterface }]): TopologyEdge => {
    const rows = through.get(key) ?? [];
    const own = rows.find((row) => row.originator === neighbour);
    const tqs = rows.flatMap((row) => row.tq === null ? [] : [row.tq]);
    const metric = own ?? {
      tq: tqs.length === 0 ? null : Math.max(...tqs),
      throughputKbps: listed.get(key)?.throughputKbps ?? null,
    };
    const { tq, throughputKbps } = metric;
    const best = rows.some((row) => row.best);
    const quality = qualityOf(metric);
    return {
      from: self,
      to: neighbour,
      kind: "link",
      best,
      hardInterface,
      quality,
      tq,
      throughputKbps,
    };
  });
}

/** Best paths, and of the alternatives the first few an originator. */
function pathEdges(mesh: MeshSnapshot, self: Mac): TopologyEdge[] {
  const edges: TopologyEdge[] = [];
  const rowsOf = Map.groupBy(mesh.originators, (row) => row.originator);
  for (const [originator, rows] of rowsOf) {
    if (originator === self) continue;
    const behind = rows.filter((row) => row.nextHop !== originator);
    const ranked = behind.toSorted((a, b) =>
      Number(b.best) - Number(a.best) || (qualityOf(b) ?? 0) - (qualityOf(a) ?? 0)
    );
    for (const row of ranked.slice(0, 1 + VISIBLE_ALTERNATIVES)) {
      edges.push({
        from: row.nextHop,
        to: originator,
        kind: "path",
        best: row.best,
        hardInterface: row.hardInterface,
        quality: qualityOf(row),
        tq: row.tq,
        throughputKbps: row.throughputKbps,
      });
    }
  }
  return edges;
}
