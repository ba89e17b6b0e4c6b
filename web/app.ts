// Assembles the Hono application from what it is handed. Does no I/O of its own.
import { OpenAPIHono } from "@hono/zod-openapi";
import type { NodeService } from "../core/node/mod.ts";
import type { Clock } from "../core/ports/mod.ts";
import type { Connection } from "./connection.ts";

/** All the app needs. */
export interface AppDependencies {
  readonly node: NodeService;
  readonly config: object;
  readonly clock: Clock;
  /** Names under which browsers may reach the node, beside IPs, localhost and the node's own name. */
  readonly hostNames?: readonly string[];
}

/** The application. */
export interface WebApp {
  /** Answers one request; never rejects. */
  fetch(request: Request, connection: Connection): Response | Promise<Response>;
  /** Ends all event streams. The app still answers other requests. */
  close(): void;
}

/** Makes the application. */
export function createApp({ node }: AppDependencies): WebApp {
  const app = new OpenAPIHono<{ Bindings: Connection }>();
  app.get("/health", (context) => {
    const { status } = node.health();
    return context.json(
      { status, version: node.identity.version },
      status === "failed" ? 503 : 200,
    );
  });
  return {
    fetch: (request, connection) => app.fetch(request, { ...connection }),
    close: () => {},
  };
}
