// The OpenAPI 3.1 document, generated from the schemas the routes are made of.
import { createRoute, z } from "@hono/zod-openapi";
import { type Api, json } from "./context.ts";

const document = createRoute({
  method: "get",
  path: "/api/v1/openapi.json",
  tags: ["meta"],
  summary: "This document",
  responses: { 200: json(z.looseObject({ openapi: z.literal("3.1.0") }), "OpenAPI 3.1.") },
});

/** Adds the document's own route; it must come last, to have all others in it. */
export function addOpenApi(api: Api, version: string): void {
  api.openAPIRegistry.registerPath(document);
  let text: string | null = null;
  api.get(document.path, (context) => {
    text ??= JSON.stringify(api.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: "x0tta6bl4 node",
        version,
        license: { name: "Apache-2.0" },
        description:
          "One node of a mesh. Reading is open to whoever reaches the node. Changes are " +
          "accepted only from the node itself (unix socket or loopback) until clients can " +
          "authenticate. Errors are RFC 9457 problem details.",
      },
      servers: [{ url: "/" }],
    }));
    return context.body(text, 200, {
      "content-type": "application/json",
      "cache-control": "no-cache",
    });
  });
}
