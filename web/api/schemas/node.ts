// The node itself: identity, health, events, stored metrics, capabilities, footprint, errors.
import { z } from "@hono/zod-openapi";
import type {
  Health,
  MetricSeries,
  NodeEvent,
  NodeIdentity,
  ProcessFigures,
  SnapshotProblem,
} from "../../../core/node/mod.ts";
import type { Capability } from "../../../core/ports/mod.ts";
import { count, maybe, named, wallMs } from "./common.ts";

export const snapshotProblem = named<SnapshotProblem>()(
  "SnapshotProblem",
  z.object({ part: z.string(), code: z.string(), message: z.string() }),
);

const identity = z.object({
  name: z.string(),
  version: z.string(),
  kernel: z.object({ kind: z.enum(["linux", "simulated"]), description: z.string() }),
  startedAtMs: wallMs,
  simulatedBecause: maybe(z.string()).openapi({
    description: "Why the node runs on a simulated mesh without being asked to; null otherwise.",
  }),
});
export const node = named<NodeIdentity>()(
  "Node",
  identity.extend({
    uptimeS: z.number().min(0),
    status: z.enum(["ok", "degraded", "failed"]),
    revision: z.int(),
    takenAtMs: wallMs,
    problems: z.array(snapshotProblem).openapi({
      description: "Parts of the last reading that failed, each with its reason.",
    }),
    writable: z.boolean().openapi({
      description: "Whether this connection may change the node: from the machine itself only.",
    }),
  }),
);

const check = z.object({
  name: z.string(),
  state: z.enum(["ok", "degraded", "failed"]),
  reason: z.string(),
});
export const healthSummary = z.object({
  status: z.enum(["ok", "degraded", "failed"]),
  version: z.string(),
}).openapi("HealthSummary");
export const live = z.object({ status: z.literal("ok") }).openapi("Live");
export const health = named<Health>()(
  "Health",
  z.object({
    status: z.enum(["ok", "degraded", "failed"]),
    ready: z.boolean(),
    checks: z.array(check),
  }),
);

export const severity = z.enum(["debug", "info", "notice", "warning", "error"]);
export const event = named<NodeEvent>()(
  "NodeEvent",
  z.object({
    id: z.int(),
    atMs: wallMs,
    severity,
    type: z.string(),
    subject: z.string(),
    message: z.string(),
    data: z.record(z.string(), z.unknown()),
  }),
);

export const metricName = z.object({ subject: z.string(), metric: z.string() }).openapi(
  "MetricName",
);
export const metricSeries = named<MetricSeries>()(
  "MetricSeries",
  z.object({
    subject: z.string(),
    metric: z.string(),
    resolutionS: z.number(),
    points: z.array(z.object({
      atMs: wallMs,
      min: z.number(),
      average: z.number(),
      max: z.number(),
      count,
    })),
  }),
);

export const capability = named<Capability>()(
  "Capability",
  z.object({
    id: z.string(),
    state: z.enum(["ok", "missing", "degraded"]),
    detail: z.string(),
    needed: z.string(),
    remedy: maybe(z.string()),
  }),
);

export const processFigures = named<ProcessFigures>()(
  "Process",
  z.object({
    rssBytes: count,
    heapUsedBytes: count,
    databaseBytes: count,
    databaseWrittenBytes: count,
  }),
);

/** RFC 9457. `code` and `retryable` are extension members. */
export const problem = z.object({
  type: z.string().openapi({ example: "urn:x0tta6bl4:problem:not-found" }),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  code: z.string(),
  retryable: z.boolean(),
  errors: z.array(
    z.object({
      path: z.string(),
      message: z.string(),
      line: z.int().min(1).optional(),
      expected: z.string().optional(),
    }),
  ).optional(),
}).openapi("Problem");
