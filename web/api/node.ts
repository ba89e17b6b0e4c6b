// The node itself: identity, footprint, capabilities, events, stored metrics, and the tables that the
// service reads on demand.
import { createRoute, z } from "@hono/zod-openapi";
import type { SlowTables } from "../../core/node/mod.ts";
import { mayWrite } from "../connection.ts";
import { DEFAULT_EVENTS, MAX_EVENTS, MAX_POINTS } from "../limits.ts";
import { type Api, type ApiContext, BAD_REQUEST, json, KERNEL_ERRORS } from "./context.ts";
import { listOf, tableOf } from "./schemas/common.ts";
import * as links from "./schemas/links.ts";
import * as mesh from "./schemas/mesh.ts";
import * as schemas from "./schemas/node.ts";
import { station } from "./schemas/radios.ts";

const node = createRoute({
  method: "get",
  path: "/api/v1/node",
  tags: ["node"],
  summary: "Who this node is and how it is",
  responses: { 200: json(schemas.node, "The node.") },
});

const process = createRoute({
  method: "get",
  path: "/api/v1/process",
  tags: ["node"],
  summary: "The daemon's own footprint",
  responses: { 200: json(schemas.processFigures, "Memory and storage.") },
});

const doctor = createRoute({
  method: "get",
  path: "/api/v1/doctor",
  tags: ["node"],
  summary: "What this machine can and cannot do, and what would mend it",
  responses: { 200: json(listOf("CapabilityList", schemas.capability), "Capabilities.") },
});

const whole = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

const events = createRoute({
  method: "get",
  path: "/api/v1/events",
  tags: ["events"],
  summary: "What happened, newest first",
  request: {
    query: z.object({
      afterId: whole(0, Number.MAX_SAFE_INTEGER).optional(),
      beforeId: whole(0, Number.MAX_SAFE_INTEGER).optional(),
      sinceMs: whole(0, Number.MAX_SAFE_INTEGER).optional(),
      minSeverity: schemas.severity.optional(),
      type: z.string().max(100).optional().openapi({ description: 'Prefix, e.g. "link."' }),
      subject: z.string().max(200).optional(),
      search: z.string().max(200).optional().openapi({ description: "Text in the message." }),
      limit: whole(1, MAX_EVENTS).default(DEFAULT_EVENTS),
    }),
  },
  responses: { 200: json(listOf("EventList", schemas.event), "Events."), ...BAD_REQUEST },
});

const metricNames = createRoute({
  method: "get",
  path: "/api/v1/metrics",
  tags: ["metrics"],
  summary: "Stored series",
  responses: { 200: json(listOf("MetricNameList", schemas.metricName), "Newest first.") },
});

const metrics = createRoute({
  method: "get",
  path: "/api/v1/metrics/query",
  tags: ["metrics"],
  summary: "One stored series; the resolution follows from the range",
  request: {
    query: z.object({
      subject: z.string().max(200),
      metric: z.string().max(100),
      fromMs: whole(0, Number.MAX_SAFE_INTEGER),
      toMs: whole(0, Number.MAX_SAFE_INTEGER),
      points: whole(1, MAX_POINTS).optional(),
    }).refine(({ fromMs, toMs }) => fromMs <= toMs, { path: ["toMs"], message: "before fromMs" }),
  },
  responses: { 200: json(schemas.metricSeries, "Empty when nothing is stored."), ...BAD_REQUEST },
});

const stations = createRoute({
  method: "get",
  path: "/api/v1/radios/{interface}/stations",
  tags: ["radios"],
  summary: "Stations of one wireless interface; empty when it has none or is not there",
  request: { params: z.object({ interface: z.string().max(64) }) },
  responses: { 200: json(tableOf("InterfaceStationTable", station), "Stations.") },
});

/** Adds them. */
export function addNode(api: Api, context: ApiContext): void {
  const { node: service } = context;
  api.openapi(node, (request) => {
    const { revision, takenAtMs, problems } = service.snapshot();
    const { kernel, ...identity } = service.identity;
    return request.json({
      ...identity,
      kernel: { ...kernel },
      uptimeS: service.uptimeS(),
      status: service.health().status,
      revision,
      takenAtMs,
      problems: [...problems],
      writable: mayWrite(request.env.connection.remote),
    }, 200);
  });
  api.openapi(process, (request) => request.json({ ...service.process() }, 200));
  api.openapi(
    doctor,
    async (request) => request.json({ items: [...await service.capabilities()] }, 200),
  );
  api.openapi(events, (request) => {
    const query = withoutUndefined(request.req.valid("query"));
    return request.json({ items: service.events(query).map((one) => ({ ...one })) }, 200);
  });
  api.openapi(
    metricNames,
    (request) => request.json({ items: service.metricNames().map((one) => ({ ...one })) }, 200),
  );
  api.openapi(metrics, (request) => {
    const series = service.metrics(withoutUndefined(request.req.valid("query")));
    return request.json({ ...series, points: [...series.points] }, 200);
  });
  api.openapi(stations, (request) => {
    const { revision, takenAtMs, stations: all } = service.snapshot();
    const name = request.req.valid("param").interface;
    const items = all.filter((one) => one.interface === name).map((one) => ({ ...one }));
    return request.json({ revision, takenAtMs, items }, 200);
  });
  addSlowTables(api, context);
}

const SLOW: readonly {
  readonly path: string;
  readonly name: keyof SlowTables;
  readonly tag: string;
  readonly summary: string;
  readonly schema: z.ZodType;
}[] = [
  {
    path: "/api/v1/mesh/tables/bla-claims",
    name: "claims",
    tag: "mesh",
    summary: "Bridge loop avoidance: claimed clients",
    schema: listOf("BlaClaimList", mesh.blaClaim),
  },
  {
    path: "/api/v1/mesh/tables/bla-backbones",
    name: "backbones",
    tag: "mesh",
    summary: "Bridge loop avoidance: backbone gateways",
    schema: listOf("BlaBackboneList", mesh.blaBackbone),
  },
  {
    path: "/api/v1/mesh/tables/dat",
    name: "datCache",
    tag: "mesh",
    summary: "Distributed ARP table",
    schema: listOf("DatEntryList", mesh.datEntry),
  },
  {
    path: "/api/v1/mesh/tables/multicast",
    name: "multicastFlags",
    tag: "mesh",
    summary: "Multicast flags by originator",
    schema: listOf("MulticastFlagsList", mesh.multicastFlags),
  },
  {
    path: "/api/v1/routes",
    name: "routes",
    tag: "links",
    summary: "Routing tables",
    schema: listOf("RouteList", links.route),
  },
  {
    path: "/api/v1/ip-neighbours",
    name: "ipNeighbours",
    tag: "links",
    summary: "ARP and neighbour discovery",
    schema: listOf("IpNeighbourList", links.ipNeighbour),
  },
];

function addSlowTables(api: Api, { node: service }: ApiContext): void {
  for (const { path, name, tag, summary, schema } of SLOW) {
    api.openAPIRegistry.registerPath(createRoute({
      method: "get",
      path,
      tags: [tag],
      summary,
      responses: {
        200: json(schema, "Read when asked for, at most once a second."),
        ...KERNEL_ERRORS,
      },
    }));
    api.get(path, async (request) => request.json({ items: await service.slowTable(name) }));
  }
}

/** Validation leaves absent parameters as `undefined`; the service's types know only absent ones. */
export function withoutUndefined<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]: Exclude<Fields[Key], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [Key in keyof Fields]: Exclude<Fields[Key], undefined> };
}
