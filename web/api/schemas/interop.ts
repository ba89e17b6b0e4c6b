// The mesh as a whole: overview, topology, and NetJSON.
import { z } from "@hono/zod-openapi";
import type { DeviceMonitoring, NetworkGraph, Topology } from "../../../core/interop/mod.ts";
import type { MeshInfo } from "../../../core/ports/mod.ts";
import { count, mac, maybe, named, wallMs } from "./common.ts";
import { hardInterface, meshInfo } from "./mesh.ts";

const stamp = { revision: z.int(), takenAtMs: wallMs };
const quality = maybe(z.number().min(0).max(1)).openapi({
  description: "0 (worst) to 1: TQ/255, or the logarithm of the throughput up to 1 Gbit/s.",
});

export const mesh = named<MeshInfo>()(
  "Mesh",
  meshInfo.extend({
    ...stamp,
    hardInterfaces: z.array(hardInterface),
    counts: z.object({
      originators: count,
      neighbours: count,
      gateways: count,
      localClients: count,
      globalClients: count,
    }),
  }),
);

export const topology = named<Topology>()(
  "Topology",
  z.object({
    ...stamp,
    algorithm: z.enum(["BATMAN_IV", "BATMAN_V"]),
    self: mac,
    nodes: z.array(z.object({
      id: mac,
      kind: z.enum(["self", "neighbour", "remote"]),
      quality,
      lastSeenMs: maybe(count),
      gateway: z.boolean(),
      clients: count,
    })),
    edges: z.array(z.object({
      from: mac,
      to: mac,
      kind: z.enum(["link", "path"]),
      best: z.boolean(),
      hardInterface: z.string(),
      quality,
      tq: maybe(count),
      throughputKbps: maybe(count),
    })),
  }),
);

const properties = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

export const networkGraph = named<NetworkGraph>()(
  "NetworkGraph",
  z.object({
    type: z.literal("NetworkGraph"),
    protocol: z.literal("batman-adv"),
    version: z.string(),
    metric: z.enum(["TQ", "throughput"]),
    router_id: z.string(),
    label: z.string(),
    nodes: z.array(z.object({
      id: z.string(),
      label: z.string().optional(),
      local_addresses: z.array(z.string()).optional(),
      properties,
    })),
    links: z.array(z.object({
      source: z.string(),
      target: z.string(),
      cost: z.number().min(0),
      cost_text: z.string(),
      properties,
    })),
  }),
);

export const deviceMonitoring = named<DeviceMonitoring>()(
  "DeviceMonitoring",
  z.object({
    type: z.literal("DeviceMonitoring"),
    general: z.object({ hostname: z.string(), local_time: z.int(), uptime: z.int() }),
    interfaces: z.array(z.looseObject({ name: z.string() })),
  }),
);
