// batman-adv: settings, tables and diagnostics.
import { z } from "@hono/zod-openapi";
import type {
  BlaBackbone,
  BlaClaim,
  DatEntry,
  GlobalClient,
  HardInterface,
  LocalClient,
  MeshGateway,
  MeshHop,
  MeshInfo,
  MeshNeighbour,
  MeshPingReply,
  MulticastFlags,
  Originator,
  ThroughputResult,
} from "../../../core/ports/mod.ts";
import { count, mac, maybe, named } from "./common.ts";

const tq = maybe(z.int().min(0).max(255)).openapi({ description: "BATMAN_IV; null for V." });
const throughputKbps = maybe(count).openapi({ description: "BATMAN_V; null for IV." });
const vlan = maybe(z.int().min(0).max(4095)).openapi({ description: "null: untagged." });

/** Not named: the overview that extends it is. */
export const meshInfo = z.object({
  mesh: z.string(),
  version: z.string(),
  algorithm: z.enum(["BATMAN_IV", "BATMAN_V"]),
  mac,
  originator: maybe(mac),
  settings: z.object({
    aggregatedOgms: z.boolean(),
    apIsolation: z.boolean(),
    isolationMark: count,
    isolationMask: count,
    bonding: z.boolean(),
    bridgeLoopAvoidance: z.boolean(),
    distributedArpTable: z.boolean(),
    fragmentation: z.boolean(),
    gatewayMode: z.enum(["off", "client", "server"]),
    gatewayDownKbps: count,
    gatewayUpKbps: count,
    gatewaySelectionClass: count,
    hopPenalty: z.int().min(0).max(255),
    multicastForceflood: z.boolean(),
    multicastFanout: count,
    originatorIntervalMs: count,
  }),
}) satisfies z.ZodType<MeshInfo>;

export const hardInterface = named<HardInterface>()(
  "HardInterface",
  z.object({
    mesh: z.string(),
    name: z.string(),
    index: z.int(),
    mac,
    active: z.boolean(),
    hopPenalty: count,
    elpIntervalMs: maybe(count),
    throughputOverrideKbps: maybe(count),
  }),
);

export const originator = named<Originator>()(
  "Originator",
  z.object({
    originator: mac,
    nextHop: mac,
    hardInterface: z.string(),
    best: z.boolean(),
    lastSeenMs: count,
    tq,
    throughputKbps,
  }),
);

export const neighbour = named<MeshNeighbour>()(
  "MeshNeighbour",
  z.object({ neighbour: mac, hardInterface: z.string(), lastSeenMs: count, throughputKbps }),
);

export const gateway = named<MeshGateway>()(
  "MeshGateway",
  z.object({
    originator: mac,
    router: mac,
    hardInterface: z.string(),
    best: z.boolean(),
    downKbps: count,
    upKbps: count,
    tq,
    throughputKbps,
  }),
);

const translationFlags = z.array(z.enum([
  "deleted",
  "roam",
  "wireless",
  "isolated",
  "no-purge",
  "new",
  "pending",
  "temporary",
]));

export const localClient = named<LocalClient>()(
  "LocalClient",
  z.object({ mac, vlan, flags: translationFlags, lastSeenMs: maybe(count) }),
);

export const globalClient = named<GlobalClient>()(
  "GlobalClient",
  z.object({
    mac,
    vlan,
    originator: mac,
    best: z.boolean(),
    flags: translationFlags,
    ttvn: count,
    lastTtvn: count,
  }),
);

export const blaClaim = named<BlaClaim>()(
  "BlaClaim",
  z.object({ client: mac, vlan, backbone: mac, own: z.boolean(), crc: count }),
);

export const blaBackbone = named<BlaBackbone>()(
  "BlaBackbone",
  z.object({ backbone: mac, vlan, own: z.boolean(), lastSeenMs: count, crc: count }),
);

export const datEntry = named<DatEntry>()(
  "DatEntry",
  z.object({ ip: z.string(), mac, vlan, lastSeenMs: count }),
);

export const multicastFlags = named<MulticastFlags>()(
  "MulticastFlags",
  z.object({ originator: mac, flags: maybe(count) }),
);

export const pingReply = named<MeshPingReply>()(
  "MeshPingReply",
  z.object({ originator: mac, rttMs: z.number().min(0), ttl: count }),
);

export const hop = named<MeshHop>()(
  "MeshHop",
  z.object({
    hop: z.int().min(1),
    originator: maybe(mac),
    rttsMs: z.array(z.number().min(0)),
    reached: z.boolean(),
  }),
);

export const throughput = named<ThroughputResult>()(
  "ThroughputResult",
  z.object({ originator: mac, durationMs: z.number(), bytes: count, kbps: z.number().min(0) }),
);
