// Health: for people and load balancers (/health), for supervisors (live), for whatever waits (ready).
import { createRoute } from "@hono/zod-openapi";
import { type Api, type ApiContext, json } from "./context.ts";
import * as schemas from "./schemas/node.ts";

const NO_STORE = { "cache-control": "no-store" } as const;

const summary = createRoute({
  method: "get",
  path: "/health",
  tags: ["health"],
  summary: "Whether the node does its work",
  responses: {
    200: json(schemas.healthSummary, "ok or degraded: it works, in the latter case not fully."),
    503: json(schemas.healthSummary, "failed."),
  },
});

const live = createRoute({
  method: "get",
  path: "/health/live",
  tags: ["health"],
  summary: "Whether the program answers at all",
  responses: { 200: json(schemas.live, "It does.") },
});

const ready = createRoute({
  method: "get",
  path: "/health/ready",
  tags: ["health"],
  summary: "Whether the node is ready, with the reason for every part that is not",
  responses: {
    200: json(schemas.health, "Ready."),
    503: json(schemas.health, "Not ready."),
  },
});

export function addHealth(api: Api, { node }: ApiContext): void {
  api.openapi(summary, (context) => {
    const { status } = node.health();
    const body = { status, version: node.identity.version };
    return status === "failed"
      ? context.json(body, 503, NO_STORE)
      : context.json(body, 200, NO_STORE);
  });
  api.openapi(live, (context) => context.json({ status: "ok" as const }, 200, NO_STORE));
  api.openapi(ready, (context) => {
    const health = node.health();
    const body = { ...health, checks: [...health.checks] };
    return health.ready ? context.json(body, 200, NO_STORE) : context.json(body, 503, NO_STORE);
  });
}
