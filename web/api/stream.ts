// GET /api/v1/events/stream: changes and events as server-sent events (WHATWG HTML §9.2).
import { createRoute, z } from "@hono/zod-openapi";
import { API_HEADERS } from "../http/headers.ts";
import { type Api, BAD_REQUEST, problemOfStatus } from "./context.ts";
import type { EventHub } from "./hub.ts";

const topic = z.enum([
  "links",
  "mesh",
  "radios",
  "stations",
  "services",
  "config",
  "events",
  "health",
]);
const eventId = z.string().regex(/^\d{1,15}$/).transform(Number);
const query = z.object({
  topics: z.string().max(200).optional().openapi({
    description: "Topics joined by commas; all when left out.",
    example: "mesh,events",
  }),
  lastEventId: z.string().regex(/^\d{1,15}$/).optional().openapi({
    description: "For clients that cannot send the Last-Event-ID header.",
  }),
});

const stream = createRoute({
  method: "get",
  path: "/api/v1/events/stream",
  tags: ["events"],
  summary: "Changes and events as they happen",
  request: { query },
  responses: {
    200: {
      description:
        "Messages: hello {revision, version, startedAtMs, lastEventId}; change {topics, " +
        "revision}; event, a NodeEvent whose id resumes the stream; gap {afterId, beforeId} when " +
        "more was missed than is sent; dropped {reason}, then the end, for a client that is too slow.",
      content: { "text/event-stream": { schema: z.string() } },
    },
    ...BAD_REQUEST,
    503: problemOfStatus("Too many streams are open."),
  },
});

/** Adds it. */
export function addStream(api: Api, hub: EventHub): void {
  api.openAPIRegistry.registerPath(stream);
  api.get(stream.path, (context) => {
    const { topics, lastEventId } = query.parse(context.req.query());
    const wanted = topics === undefined
      ? null
      : new Set(z.array(topic).parse(topics.split(",").map((one) => one.trim())));
    const header = context.req.header("last-event-id") ?? lastEventId;
    // A header that is no id comes from another server's stream: start anew.
    const resumed = eventId.safeParse(header);
    const afterId = resumed.success ? resumed.data : null;
    return new Response(hub.open({ topics: wanted, afterId }), {
      headers: [
        ["content-type", "text/event-stream; charset=utf-8"],
        ["cache-control", "no-store"],
        ["x-accel-buffering", "no"],
        ...API_HEADERS,
      ] as [string, string][],
    });
  });
}
