// Everything that is read straight out of the current snapshot. One row a path; the answers are cached
// per snapshot, so that asking costs no serialisation and never a read of the kernel.
import { createRoute, type z } from "@hono/zod-openapi";
import { deviceMonitoringOf, networkGraphOf, topologyOf } from "../../core/interop/mod.ts";
import type { MeshSnapshot, NodeService, NodeSnapshot } from "../../core/node/mod.ts";
import type { CachedBodies, Rendering } from "../http/cached.ts";
import { type Api, json, NOT_FOUND } from "./context.ts";
import { ApiError } from "./errors.ts";
import { tableOf } from "./schemas/common.ts";
import * as interop from "./schemas/interop.ts";
import * as links from "./schemas/links.ts";
import * as mesh from "./schemas/mesh.ts";
import * as radios from "./schemas/radios.ts";

/** A path, what it answers, and where that is in the snapshot. */
export interface TableRow {
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly select: (snapshot: NodeSnapshot, node: NodeService) => unknown;
}

function rows<Item>(
  path: string,
  tag: string,
  summary: string,
  name: string,
  item: z.ZodType<NoInfer<Item>>,
  select: (snapshot: NodeSnapshot) => readonly Item[] | null,
): TableRow {
  return {
    path,
    tag,
    summary,
    schema: tableOf(`${name}Table`, item),
    select: (snapshot) => {
      const items = select(snapshot);
      const { revision, takenAtMs } = snapshot;
      return items === null ? null : { revision, takenAtMs, items };
    },
  };
}

function meshRows<Item>(
  path: string,
  summary: string,
  name: string,
  item: z.ZodType<NoInfer<Item>>,
  select: (mesh: MeshSnapshot) => readonly Item[],
): TableRow {
  return rows(
    path,
    "mesh",
    summary,
    name,
    item,
    (snapshot) => snapshot.mesh === null ? null : select(snapshot.mesh),
  );
}

const stamp = ({ revision, takenAtMs }: NodeSnapshot) => ({ revision, takenAtMs });

/** The table of tables. */
export const TABLES: readonly TableRow[] = [
  rows("/api/v1/links", "links", "Network links", "Link", links.link, (s) => s.links),
  rows("/api/v1/addresses", "links", "IP addresses", "Address", links.address, (s) => s.addresses),
  rows(
    "/api/v1/services",
    "node",
    "Programs beside the daemon",
    "Service",
    links.service,
    (s) => s.services,
  ),
  rows(
    "/api/v1/radios",
    "radios",
    "Radios and what they can do",
    "Radio",
    radios.radio,
    (s) => s.radios,
  ),
  rows(
    "/api/v1/wireless-interfaces",
    "radios",
    "Wireless interfaces and their channels",
    "WirelessInterface",
    radios.wirelessInterface,
    (s) => s.wirelessInterfaces,
  ),
  rows(
    "/api/v1/stations",
    "radios",
    "Stations of all radios",
    "Station",
    radios.station,
    (s) => s.stations,
  ),
  rows(
    "/api/v1/surveys",
    "radios",
    "Noise and air time by channel",
    "Survey",
    radios.survey,
    (s) => s.surveys,
  ),
  {
    path: "/api/v1/regulatory-domain",
    tag: "radios",
    summary: "Rules of the country the radios follow",
    schema: radios.regulatoryDomain,
    select: (snapshot) => snapshot.regulatoryDomain,
  },
  {
    path: "/api/v1/mesh",
    tag: "mesh",
    summary: "The mesh interface, its settings and hard interfaces",
    schema: interop.mesh,
    select: (snapshot) =>
      snapshot.mesh === null ? null : {
        ...stamp(snapshot),
        ...snapshot.mesh.info,
        hardInterfaces: snapshot.mesh.hardInterfaces,
        counts: {
          originators: new Set(snapshot.mesh.originators.map((row) => row.originator)).size,
          neighbours: new Set(snapshot.mesh.neighbours.map((row) => row.neighbour)).size,
          gateways: snapshot.mesh.gateways.length,
          localClients: snapshot.mesh.localClients.length,
          globalClients: snapshot.mesh.globalClients.length,
        },
      },
  },
  meshRows(
    "/api/v1/mesh/originators",
    "Originators and the next hops towards them",
    "Originator",
    mesh.originator,
    (m) => m.originators,
  ),
  meshRows(
    "/api/v1/mesh/neighbours",
    "Direct neighbours",
    "MeshNeighbour",
    mesh.neighbour,
    (m) => m.neighbours,
  ),
  meshRows("/api/v1/mesh/gateways", "Gateways", "MeshGateway", mesh.gateway, (m) => m.gateways),
  meshRows(
    "/api/v1/mesh/clients/local",
    "Clients of this node",
    "LocalClient",
    mesh.localClient,
    (m) => m.localClients,
  ),
  meshRows(
    "/api/v1/mesh/clients/global",
    "Clients of the whole mesh",
    "GlobalClient",
    mesh.globalClient,
    (m) => m.globalClients,
  ),
  {
    path: "/api/v1/topology",
    tag: "mesh",
    summary: "The mesh as this node sees it",
    schema: interop.topology,
    select: (snapshot) =>
      snapshot.mesh === null ? null : { ...stamp(snapshot), ...topologyOf(snapshot.mesh) },
  },
  {
    path: "/api/v1/netjson/graph",
    tag: "interop",
    summary: "NetJSON NetworkGraph",
    schema: interop.networkGraph,
    select: (snapshot, node) =>
      snapshot.mesh === null ? null : networkGraphOf(node.identity, snapshot.mesh),
  },
  {
    path: "/api/v1/netjson/device-monitoring",
    tag: "interop",
    summary: "NetJSON DeviceMonitoring, as OpenWISP reads it",
    schema: interop.deviceMonitoring,
    select: (snapshot, node) =>
      deviceMonitoringOf(
        node.identity,
        snapshot,
        (snapshot.takenAtMs - node.identity.startedAtMs) / 1000,
      ),
  },
];

/** How the tables are rendered, by path. */
export function tableRenderings(node: NodeService): Map<string, Rendering> {
  return new Map(TABLES.map(({ path, select }) => [path, {
    contentType: "application/json",
    render: (snapshot) => {
      const body = select(snapshot, node);
      return body === null ? null : JSON.stringify(body);
    },
  }]));
}

/** Documents the tables and answers those that are not there, with the reason. */
export function addTables(api: Api, cached: CachedBodies, node: NodeService): void {
  for (const { path, tag, summary, schema } of TABLES) {
    api.openAPIRegistry.registerPath(createRoute({
      method: "get",
      path,
      tags: [tag],
      summary,
      responses: {
        200: json(schema, `As of the last reading (ETag; 304 when unchanged).`),
        ...NOT_FOUND,
      },
    }));
    api.get(path, (context) => {
      const answer = cached.serve(path, context.req.raw.headers);
      if (answer !== null) return answer;
      const part = tag === "radios" ? "radios" : "mesh";
      const reasons = node.snapshot().problems.filter((problem) => problem.part === part);
      const why = reasons.map((problem) => problem.message).join("; ") ||
        (tag === "radios" ? "the kernel reports none" : "there is no mesh interface");
      throw new ApiError(
        tag === "radios" ? "not-found" : "no-mesh",
        `Cannot show "${path}": ${why}`,
      );
    });
  }
}
