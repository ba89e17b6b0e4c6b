// Making the node act: mesh ping, traceroute, throughput meter, scan. They send traffic or hold a radio,
// so they count as changes.
import { createRoute, z } from "@hono/zod-openapi";
import { messageOf } from "../../core/base/mod.ts";
import type { MeshHop } from "../../core/ports/mod.ts";
import { API_HEADERS } from "../http/headers.ts";
import { MAX_PING_TIMEOUT_MS, MAX_SPEEDTEST_MS, MAX_TRACEROUTE_TIMEOUT_MS } from "../limits.ts";
import {
  type Api,
  type ApiContext,
  json,
  jsonBody,
  KERNEL_ERRORS,
  WRITE_ERRORS,
} from "./context.ts";
import { ApiError, problemOf } from "./errors.ts";
import { listOf } from "./schemas/common.ts";
import * as mesh from "./schemas/mesh.ts";
import { scanEntry } from "./schemas/radios.ts";

const target = z.string().min(1).max(200).openapi({
  description: "Name, IP address, client MAC or originator MAC.",
  example: "02:00:00:00:00:01",
});
const errors = { ...WRITE_ERRORS, ...KERNEL_ERRORS } as const;

const ping = createRoute({
  method: "post",
  path: "/api/v1/diagnostics/ping",
  tags: ["diagnostics"],
  summary: "One batman-adv echo request",
  request: jsonBody(z.object({
    target,
    timeoutMs: z.int().min(1).max(MAX_PING_TIMEOUT_MS).default(2_000),
  })),
  responses: { 200: json(mesh.pingReply, "The answer."), ...errors },
});

const tracerouteBody = z.object({
  target,
  timeoutMs: z.int().min(1).max(MAX_TRACEROUTE_TIMEOUT_MS).default(2_000).openapi({
    description: "A hop.",
  }),
});
const traceroute = createRoute({
  method: "post",
  path: "/api/v1/diagnostics/traceroute",
  tags: ["diagnostics"],
  summary: "The hops to an originator, one JSON line each as they answer",
  request: jsonBody(tracerouteBody),
  responses: {
    200: {
      description: "Hops; when it fails on the way, the last line is a Problem instead.",
      content: { "application/x-ndjson": { schema: mesh.hop } },
    },
    ...errors,
  },
});

const speedtest = createRoute({
  method: "post",
  path: "/api/v1/diagnostics/speedtest",
  tags: ["diagnostics"],
  summary: "The kernel's throughput meter towards an originator",
  request: jsonBody(z.object({
    target,
    durationMs: z.int().min(100).max(MAX_SPEEDTEST_MS).default(10_000),
  })),
  responses: { 200: json(mesh.throughput, "The result."), ...errors },
});

const scan = createRoute({
  method: "post",
  path: "/api/v1/scan",
  tags: ["radios"],
  summary: "Scans with one wireless interface; its traffic pauses meanwhile",
  request: jsonBody(z.object({ interface: z.string().min(1).max(64) })),
  responses: { 200: json(listOf("ScanList", scanEntry), "What was heard."), ...errors },
});

/** Adds them. */
export function addDiagnostics(api: Api, { node }: ApiContext): void {
  api.openapi(ping, async (request) => {
    const { target, timeoutMs } = request.req.valid("json");
    return request.json({ ...await node.ping(target, { timeoutMs }) }, 200);
  });
  api.openapi(speedtest, async (request) => {
    const { target, durationMs } = request.req.valid("json");
    const { signal } = request.req.raw;
    return request.json({ ...await node.speedtest(target, { durationMs, signal }) }, 200);
  });
  api.openapi(scan, async (request) => {
    const items = await node.scan(request.req.valid("json").interface);
    return request.json({ items: items.map((one) => ({ ...one })) }, 200);
  });
  api.openAPIRegistry.registerPath(traceroute);
  api.post(traceroute.path, async (request) => {
    const { target, timeoutMs } = tracerouteBody.parse(await readJson(request.req.raw));
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, request.req.raw.signal]);
    const hops = node.traceroute(target, { timeoutMs, signal })[Symbol.asyncIterator]();
    // The first hop decides between an error answer and a stream.
    const first = await hops.next();
    return new Response(lines(first, hops, stop), {
      headers: [
        ["content-type", "application/x-ndjson"],
        ["cache-control", "no-store"],
        ...API_HEADERS,
      ] as [
        string,
        string,
      ][],
    });
  });
}

async function readJson(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch (cause) {
    throw new ApiError("bad-request", "Cannot read the body: it is no JSON", { cause });
  }
}

function lines(
  first: IteratorResult<MeshHop>,
  hops: AsyncIterator<MeshHop>,
  stop: AbortController,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let next: Promise<IteratorResult<MeshHop>> | null = Promise.resolve(first);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const line = (value: unknown): void => {
        controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
      };
      try {
        const result = await (next ?? hops.next());
        next = null;
        if (result.done === true) controller.close();
        else line(result.value);
      } catch (thrown) {
        const { status, title, code, detail } = problemOf(thrown);
        line({
          type: `urn:x0tta6bl4:problem:${code}`,
          title,
          status,
          detail,
          code,
          retryable: false,
        });
        controller.close();
      }
    },
    async cancel(reason) {
      stop.abort(new Error(`the client went away: ${messageOf(reason)}`));
      await hops.return?.();
    },
  }, { highWaterMark: 0 });
}
