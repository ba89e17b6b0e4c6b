// Tunnels and fabric over HTTP: every peer with its state and the age of its PSK.
import { createRoute, z } from "@hono/zod-openapi";
import type { SecurityStatus } from "../../core/security/mod.ts";
import { type Api, json, mutable } from "./context.ts";
import * as schemas from "./schemas/tunnels.ts";

const tags = ["tunnels"];

const tunnels = createRoute({
  method: "get",
  path: "/api/v1/tunnels",
  tags,
  summary: "Tunnels to other members: state, PSK age, traffic, what was dropped",
  responses: {
    200: json(
      schemas.tunnelsAnswer,
      "Tunnels.",
    ),
  },
});
const fabric = createRoute({
  method: "get",
  path: "/api/v1/fabric",
  tags,
  summary: "The fabric between members: connections and what other nodes say of themselves",
  responses: { 200: json(z.object({ fabric: schemas.fabric.nullable() }), "The fabric.") },
});

/** Adds the routes. */
export function addTunnels(api: Api, status: () => Promise<SecurityStatus>): void {
  api.openapi(tunnels, async (context) => {
    const { tunnels, denied, simulated } = await status();
    return context.json(mutable({ tunnels, denied, simulated }), 200);
  });
  api.openapi(fabric, async (context) => {
    const { fabric } = await status();
    return context.json(mutable({ fabric }), 200);
  });
}
