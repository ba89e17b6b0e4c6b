// Links, addresses, routes and IP neighbours.
import { z } from "@hono/zod-openapi";
import type { Address, IpNeighbour, Link, Route, ServiceStatus } from "../../../core/ports/mod.ts";
import { count, mac, maybe, named } from "./common.ts";

export const link = named<Link>()(
  "Link",
  z.object({
    index: z.int(),
    name: z.string(),
    kind: z.string().openapi({ example: "batadv", description: "Kernel kind; device: hardware." }),
    mac: maybe(mac),
    mtu: count,
    up: z.boolean(),
    carrier: z.boolean(),
    operState: z.enum([
      "unknown",
      "not-present",
      "down",
      "lower-layer-down",
      "testing",
      "dormant",
      "up",
    ]),
    loopback: z.boolean(),
    master: maybe(z.string()),
    parent: maybe(z.string()),
    id: maybe(count),
    counters: z.object({
      rxBytes: count,
      txBytes: count,
      rxPackets: count,
      txPackets: count,
      rxErrors: count,
      txErrors: count,
      rxDropped: count,
      txDropped: count,
    }),
  }),
);

export const address = named<Address>()(
  "Address",
  z.object({
    link: z.string(),
    address: z.string(),
    prefixLength: z.int().min(0).max(128),
    scope: z.enum(["global", "site", "link", "host", "nowhere"]),
    tentative: z.boolean(),
    duplicate: z.boolean(),
  }),
);

export const route = named<Route>()(
  "Route",
  z.object({
    destination: z.string(),
    gateway: maybe(z.string()),
    link: maybe(z.string()),
    table: count,
    metric: maybe(count),
    protocol: count,
    type: z.enum([
      "unicast",
      "local",
      "broadcast",
      "multicast",
      "blackhole",
      "unreachable",
      "prohibit",
      "other",
    ]),
    source: maybe(z.string()),
  }),
);

export const ipNeighbour = named<IpNeighbour>()(
  "IpNeighbour",
  z.object({
    link: z.string(),
    address: z.string(),
    mac: maybe(mac),
    state: z.enum([
      "incomplete",
      "reachable",
      "stale",
      "delay",
      "probe",
      "failed",
      "noarp",
      "permanent",
      "none",
    ]),
  }),
);

export const service = named<ServiceStatus>()(
  "Service",
  z.object({
    name: z.string(),
    kind: z.enum(["hostapd", "wpa_supplicant", "dnsmasq"]),
    state: z.enum(["running", "starting", "failed", "stopped"]),
    detail: z.string(),
    restarts: count,
  }),
);
