// Assembles the application from what it is handed. Does no I/O of its own.
//
// A request passes the guard (method, host, origin, who may write), then the cached answers, then Hono.
// The cached answers come before Hono because they are what is asked most, and their work is one map
// lookup; the guard comes before both.
import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import type { NodeService } from "../core/node/mod.ts";
import type { Clock } from "../core/ports/mod.ts";
import { addConfig, type ConfigService } from "./api/config.ts";
import type { ApiContext, Env } from "./api/context.ts";
import { addDiagnostics } from "./api/diagnostics.ts";
import { problemOf, problemOfValidation } from "./api/errors.ts";
import { addHealth } from "./api/health.ts";
import { addNode } from "./api/node.ts";
import { addPage, addTrustPage } from "./pages/mod.ts";
import { addOpenApi } from "./api/openapi.ts";
import { addPrometheus, prometheusRendering } from "./api/prometheus.ts";
import { EventHub } from "./api/hub.ts";
import { addSecurity, type SecurityService } from "./api/security.ts";
import { addStream } from "./api/stream.ts";
import { addTables, tableRenderings } from "./api/tables.ts";
import type { Connection } from "./connection.ts";
import { MAX_BODY_BYTES } from "./limits.ts";
import { CachedBodies } from "./http/cached.ts";
import { bodyTooLarge, guard } from "./http/guard.ts";
import { API_HEADERS } from "./http/headers.ts";
import { hostCheck } from "./http/hosts.ts";
import { problemResponse } from "./http/problem.ts";

/** All the app needs. */
export interface AppDependencies {
  readonly node: NodeService;
  readonly config: ConfigService;
  readonly clock: Clock;
  /** Left out, the node has no part in trust: its routes are not there. */
  readonly security?: SecurityService;
  /** Names under which browsers may reach the node, beside IPs, localhost and the node's own name. */
  readonly hostNames?: () => readonly string[];
  /** Told of errors nobody expected, for the log. The client gets none of it. */
  readonly onError?: (thrown: unknown) => void;
}

/** The application. */
export interface WebApp {
  /** Answers one request; never rejects. */
  fetch(request: Request, connection: Connection): Response | Promise<Response>;
  /** Ends all event streams. The app still answers other requests. */
  close(): void;
}

/** Makes the application. */
export function createApp(dependencies: AppDependencies): WebApp {
  const { node, clock } = dependencies;
  const hostAllowed = hostCheck(() => [
    node.identity.name,
    ...dependencies.hostNames?.() ?? [],
  ]);
  const cached = new CachedBodies(
    node,
    new Map([...tableRenderings(node), ["/metrics", prometheusRendering(node)]]),
  );
  const hub = new EventHub(node, clock, (thrown) => dependencies.onError?.(thrown));
  const api = routes({ node, clock }, dependencies, cached, hub);
  return {
    fetch(request, connection) {
      const refusal = guard(request, connection, hostAllowed);
      if (refusal !== null) return refusal;
      if (request.method === "GET") {
        const { url } = request;
        const answer = cached.serve(url.slice(url.indexOf("/", 8)), request.headers);
        if (answer !== null) return answer;
      }
      return api.fetch(request, { connection });
    },
    close: () => hub.close(),
  };
}

function routes(
  context: ApiContext,
  { config, security, onError }: AppDependencies,
  cached: CachedBodies,
  hub: EventHub,
): OpenAPIHono<Env> {
  const api = new OpenAPIHono<Env>({
    defaultHook: (result) =>
      result.success ? undefined : problemResponse(problemOfValidation(result.error)),
  });
  api.use(async (request, next) => {
    await next();
    const { headers } = request.res;
    if (headers.has("x-content-type-options")) return;
    for (const [name, value] of API_HEADERS) headers.set(name, value);
  });
  // The guard refuses bodies that say they are too large; this, those that do not say.
  api.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => bodyTooLarge(null) }));
  addHealth(api, context);
  addTables(api, cached, context.node);
  addNode(api, context);
  addDiagnostics(api, context);
  addConfig(api, config);
  if (security !== undefined) addSecurity(api, security, context.clock);
  addPrometheus(api, cached);
  addStream(api, hub);
  addPage(api, context, config, security !== undefined);
  if (security !== undefined) addTrustPage(api, context, security);
  addOpenApi(api, context.node.identity.version);
  api.onError((thrown) => {
    if (thrown instanceof HTTPException) {
      const detail = `Cannot read the request: ${thrown.message}`;
      return problemResponse({
        status: thrown.status,
        code: "bad-request",
        title: "Bad request",
        detail,
      });
    }
    const problem = problemOf(thrown);
    if (problem.code === "internal") onError?.(thrown);
    return problemResponse(problem);
  });
  api.notFound((request) => notFound(api, request.req.method, request.req.path));
  return api;
}

/** Tells a wrong method from a wrong path. */
function notFound(api: OpenAPIHono<Env>, method: string, path: string): Response {
  const methods = api.routes.filter((route) => route.method !== "ALL" && fits(route.path, path))
    .map((route) => route.method);
  const shown = path.slice(0, 200);
  if (methods.length === 0) {
    const detail = `Cannot find "${shown}": there is no such path`;
    return problemResponse({ status: 404, code: "not-found", title: "Not found", detail });
  }
  const allow = [...new Set(methods.includes("GET") ? [...methods, "HEAD"] : methods)].join(", ");
  const detail = `Cannot ${method} "${shown}": it answers ${allow}`;
  return problemResponse(
    { status: 405, code: "method-not-allowed", title: "Method not allowed", detail },
    { allow },
  );
}

function fits(pattern: string, path: string): boolean {
  const parts = pattern.split("/");
  const given = path.split("/");
  return parts.length === given.length &&
    parts.every((part, index) => part.startsWith(":") || part === given[index]);
}
