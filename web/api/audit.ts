// The audit log over HTTP: entries, its check, and what other nodes signed about theirs.
import { createRoute, z } from "@hono/zod-openapi";
import {
  type AuditLog,
  exportAudit,
  type KnownHead,
  verdictInWords,
} from "../../core/audit/mod.ts";
import { type Api, json, WRITE_ERRORS } from "./context.ts";
import { count, listOf, maybe, wallMs } from "./schemas/common.ts";

const tags = ["audit"];
const BASE = "/api/v1/audit";
const MAX_LISTED = 500;

const entry = z.object({
  index: count,
  atMs: wallMs,
  kind: z.string(),
  actor: z.string(),
  subject: z.string(),
  detail: z.record(z.string(), z.unknown()),
  hash: z.string(),
}).openapi("AuditEntry");
const verdict = z.object({
  sound: z.boolean(),
  count,
  /** First entry that does not hold. */
  brokenAt: maybe(count),
  sentence: z.string(),
}).openapi("AuditVerdict");
const head = z.object({
  nodeId: z.string(),
  count,
  hash: z.string(),
  atMs: wallMs,
  seenMs: wallMs,
  conflict: z.boolean().openapi({
    description: "The node signed two heads that contradict each other: its log was rewritten.",
  }),
}).openapi("AuditHead");

const list = createRoute({
  method: "get",
  path: BASE,
  tags,
  summary: "Entries, newest first",
  request: {
    query: z.object({
      limit: z.coerce.number().int().min(1).max(MAX_LISTED).default(100),
      before: z.coerce.number().int().min(1).optional(),
    }),
  },
  responses: { 200: json(listOf("AuditList", entry), "Entries."), 400: WRITE_ERRORS[400] },
});
const verify = createRoute({
  method: "get",
  path: `${BASE}/verify`,
  tags,
  summary: "Checks every link of the log from its beginning",
  responses: { 200: json(verdict, "What was found.") },
});
const heads = createRoute({
  method: "get",
  path: `${BASE}/heads`,
  tags,
  summary: "What other nodes signed about their logs",
  responses: { 200: json(listOf("AuditHeadList", head), "Newest known head of each node.") },
});
const lines = createRoute({
  method: "get",
  path: `${BASE}/export`,
  tags,
  summary: "The whole log as JSON lines, oldest first",
  responses: {
    200: { description: "Lines.", content: { "application/x-ndjson": { schema: z.string() } } },
  },
});

function detailOf(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

/** Adds the routes. */
export function addAudit(api: Api, log: AuditLog, known: () => readonly KnownHead[]): void {
  api.openapi(list, (context) => {
    const { limit, before } = context.req.valid("query");
    const items = log.list(limit, before).map(({ index, atMs, kind, actor, subject, ...rest }) => ({
      index,
      atMs,
      kind,
      actor,
      subject,
      detail: detailOf(rest.detail),
      hash: rest.hash.toHex(),
    }));
    return context.json({ items }, 200);
  });
  api.openapi(verify, async (context) => {
    const found = await log.verify();
    return context.json({
      sound: found.sound,
      count: log.head().count,
      brokenAt: found.sound ? null : found.brokenAt,
      sentence: verdictInWords(found),
    }, 200);
  });
  api.openapi(heads, (context) =>
    context.json({
      items: known().map(({ nodeId, head: { count, hash, atMs }, seenMs, conflict }) => ({
        nodeId,
        count,
        hash: hash.toHex(),
        atMs,
        seenMs,
        conflict: conflict !== null,
      })),
    }, 200));
  api.openAPIRegistry.registerPath(lines);
  api.get(
    lines.path,
    (context) =>
      context.body([...exportAudit(log)].map((line) => `${line}\n`).join(""), 200, {
        "content-type": "application/x-ndjson",
      }),
  );
}
