// Tunnels and fabric.
import { z } from "@hono/zod-openapi";
import type { FabricStatus } from "../../../core/security/mod.ts";
import type { TunnelPeerStatus, TunnelsStatus } from "../../../core/tunnel/mod.ts";
import { count, maybe, named, wallMs } from "./common.ts";

const address = z.object({ host: z.string(), port: count });
const figures = z.record(z.string(), count);
const seconds = z.number().min(0);

const peer = named<TunnelPeerStatus>()(
  "TunnelPeer",
  z.object({
    nodeId: z.string(),
    address: z.string().openapi({ description: "Overlay address." }),
    state: z.enum(["up", "connecting", "down"]),
    underlay: maybe(address),
    psk: z.object({ kind: z.enum(["none", "random", "agreed"]), ageS: maybe(seconds) }),
    lastHandshakeMs: maybe(wallMs),
    rxBytes: count,
    txBytes: count,
    silentS: seconds,
    failures: count,
    completed: count,
    lastError: maybe(z.object({ code: z.string(), agoS: seconds })),
  }),
);

const tunnels = named<TunnelsStatus>()(
  "Tunnels",
  z.object({
    nodeId: z.string(),
    address: z.string(),
    network: z.string(),
    link: z.string(),
    mtu: count,
    port: count,
    mode: z.enum(["on-demand", "kept"]),
    modeReason: maybe(z.string()),
    firewallError: maybe(z.string()),
    error: maybe(z.string()),
    peers: z.array(peer),
    totals: z.object({
      known: count,
      kept: count,
      up: count,
      idled: count,
      lost: count,
      displaced: count,
      refused: count,
      unnamed: count,
    }),
    handshakes: z.object({
      dialled: count,
      answered: count,
      failures: figures,
      waiting: count,
      halfOpen: count,
      cachedCredentials: count,
    }),
    discovery: figures,
    waiting: maybe(figures),
    drops: maybe(figures),
  }) as unknown as z.ZodType<TunnelsStatus>,
);

const denied = maybe(z.object({ arriving: count, passing: count })).openapi({
  description: "Packets on the overlay that no rule allowed.",
});

export const tunnelsAnswer = z.object({
  tunnels: maybe(tunnels),
  denied,
  simulated: z.boolean().openapi({
    description: "The kernel is simulated: nothing is encrypted or sent through these tunnels.",
  }),
}).openapi("TunnelsAnswer");

export const fabric = named<FabricStatus>()(
  "Fabric",
  z.object({
    peers: z.array(z.object({
      nodeId: z.string(),
      address,
      direction: z.enum(["inbound", "outbound"]),
      roles: z.array(z.string()),
      connectedMs: seconds,
      rttMs: maybe(seconds),
    })),
    statuses: z.array(z.object({
      nodeId: z.string(),
      ageMs: seconds,
      name: z.string(),
      version: z.string(),
      uptimeS: count,
      addresses: z.array(z.string()),
    })),
    figures: z.object({
      connections: count,
      contacts: count,
      handshakeFailures: figures,
      gossip: figures,
      documents: figures,
    }),
  }),
);
