import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { type FixtureApp, fixtureApp, UNIX } from "../../tests/fixtures/app.ts";
import { macOf } from "../../tests/fixtures/node.ts";

type Json = Readonly<Record<string, unknown>>;
interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Json }>> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Json };
}

/** A request for a documented route that should be answered with `status`. */
interface Example {
  readonly route: string;
  readonly status: number;
  readonly path?: string;
  readonly json?: unknown;
  readonly toml?: string;
  readonly before?: (fixture: FixtureApp) => Promise<void> | void;
}

const NODE = '[node]\nname = "other"\n';
const apply = async ({ config }: FixtureApp): Promise<void> => {
  await config.apply(NODE, { author: "test" });
};
const noMesh = ({ node }: FixtureApp): void =>
  node.update({
    mesh: null,
    problems: [{ part: "mesh", code: "not-supported", message: "no batman-adv" }],
  });
const target = macOf(5);

const EXAMPLES: readonly Example[] = [
  { route: "get /health", status: 200 },
  {
    route: "get /health",
    status: 503,
    before: ({ node }) => node.setHealth({ status: "failed", ready: false, checks: [] }),
  },
  { route: "get /health/live", status: 200 },
  { route: "get /health/ready", status: 200 },
  {
    route: "get /health/ready",
    status: 503,
    before: ({ node }) =>
      node.setHealth({
        status: "degraded",
        ready: false,
        checks: [{ name: "mesh", state: "failed", reason: "no batman-adv" }],
      }),
  },
  { route: "get /metrics", status: 200 },
  ...["links", "addresses", "services", "radios", "wireless-interfaces", "stations", "surveys"].map(
    (name) => ({ route: `get /api/v1/${name}`, status: 200 }),
  ),
  { route: "get /api/v1/regulatory-domain", status: 200 },
  {
    route: "get /api/v1/regulatory-domain",
    status: 404,
    before: ({ node }) => node.update({ regulatoryDomain: null }),
  },
  ...[
    "mesh",
    "mesh/originators",
    "mesh/neighbours",
    "mesh/gateways",
    "mesh/clients/local",
    "mesh/clients/global",
    "topology",
    "netjson/graph",
  ].flatMap((name): Example[] => [
    { route: `get /api/v1/${name}`, status: 200 },
    { route: `get /api/v1/${name}`, status: 404, before: noMesh },
  ]),
  { route: "get /api/v1/netjson/device-monitoring", status: 200 },
  { route: "get /api/v1/node", status: 200 },
  { route: "get /api/v1/node", status: 200, before: noMesh },
  { route: "get /api/v1/process", status: 200 },
  { route: "get /api/v1/doctor", status: 200 },
  { route: "get /api/v1/events", status: 200 },
  {
    route: "get /api/v1/events",
    path: "/api/v1/events?minSeverity=warning&type=neighbour.&limit=5&search=30",
    status: 200,
  },
  { route: "get /api/v1/events", path: "/api/v1/events?limit=5000", status: 400 },
  { route: "get /api/v1/metrics", status: 200 },
  {
    route: "get /api/v1/metrics/query",
    path: `/api/v1/metrics/query?subject=wlan0/${macOf(1)}&metric=signalDbm&fromMs=0&toMs=9`,
    status: 200,
  },
  {
    route: "get /api/v1/metrics/query",
    path: "/api/v1/metrics/query?subject=a&metric=b&fromMs=9&toMs=1",
    status: 400,
  },
  {
    route: "get /api/v1/radios/{interface}/stations",
    path: "/api/v1/radios/wlan0/stations",
    status: 200,
  },
  ...["bla-claims", "bla-backbones", "dat", "multicast"].map((name) => ({
    route: `get /api/v1/mesh/tables/${name}`,
    status: 200,
  })),
  { route: "get /api/v1/routes", status: 200 },
  { route: "get /api/v1/ip-neighbours", status: 200 },
  { route: "post /api/v1/diagnostics/ping", json: { target }, status: 200 },
  { route: "post /api/v1/diagnostics/ping", json: { target: "nobody" }, status: 404 },
  { route: "post /api/v1/diagnostics/ping", json: { target, timeoutMs: 0 }, status: 400 },
  { route: "post /api/v1/diagnostics/traceroute", json: { target }, status: 200 },
  { route: "post /api/v1/diagnostics/traceroute", json: { target: "nobody" }, status: 404 },
  { route: "post /api/v1/diagnostics/traceroute", json: { target: 1 }, status: 400 },
  { route: "post /api/v1/diagnostics/speedtest", json: { target, durationMs: 500 }, status: 200 },
  { route: "post /api/v1/scan", json: { interface: "wlan0" }, status: 200 },
  { route: "post /api/v1/scan", json: { interface: "wlan9" }, status: 404 },
  { route: "get /api/v1/config", status: 200 },
  { route: "get /api/v1/config/status", status: 200 },
  { route: "get /api/v1/config/status", status: 200, before: apply },
  { route: "get /api/v1/config/schema", status: 200 },
  { route: "get /api/v1/config/history", status: 200 },
  {
    route: "get /api/v1/config/history",
    status: 200,
    before: async (fixture) => {
      await apply(fixture);
      await fixture.config.rollback();
    },
  },
  { route: "get /api/v1/config/export", status: 200 },
  { route: "get /api/v1/config/export", path: "/api/v1/config/export?secrets=true", status: 403 },
  { route: "post /api/v1/config/validate", json: { toml: NODE }, status: 200 },
  { route: "post /api/v1/config/validate", json: { toml: "[node]\nnmae = 1" }, status: 200 },
  { route: "post /api/v1/config/validate", json: { toml: NODE, config: {} }, status: 400 },
  { route: "post /api/v1/config/diff", json: { toml: NODE }, status: 200 },
  { route: "post /api/v1/config/diff", json: { config: { nmae: 1 } }, status: 422 },
  { route: "post /api/v1/config/apply", json: { config: { node: { name: "z" } } }, status: 200 },
  { route: "post /api/v1/config/apply", json: { toml: NODE }, status: 409, before: apply },
  { route: "post /api/v1/config/apply", json: { toml: NODE, ifRevision: 99 }, status: 409 },
  { route: "post /api/v1/config/apply", json: { toml: "[[" }, status: 422 },
  { route: "post /api/v1/config/import", toml: NODE, status: 200 },
  { route: "post /api/v1/config/import", toml: "x = ", status: 422 },
  {
    route: "post /api/v1/config/confirm",
    json: { revision: 1 },
    status: 409,
  },
  { route: "post /api/v1/config/rollback", status: 200, before: apply },
  { route: "post /api/v1/config/rollback", status: 409 },
  { route: "get /api/v1/openapi.json", status: 200 },
];

/** Streams do not end; stream_test.ts reads them. */
const ELSEWHERE = new Set(["get /api/v1/events/stream"]);

async function documentOf(fixture: FixtureApp): Promise<Document> {
  return await (await fixture.ask("/api/v1/openapi.json")).json() as Document;
}

/** The document's schema as a parser that also refuses members the document does not name. */
function parserOf(document: Document, schema: Json): z.ZodType {
  const whole = strict({ ...schema, $defs: document.components.schemas });
  const text = JSON.stringify(whole).replaceAll("#/components/schemas/", "#/$defs/");
  return z.fromJSONSchema(JSON.parse(text));
}

function strict(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strict);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, strict(item)]);
  const closed = "properties" in value && !("additionalProperties" in value);
  return Object.fromEntries(closed ? [...entries, ["additionalProperties", false]] : entries);
}

async function sent(fixture: FixtureApp, example: Example): Promise<Response> {
  await example.before?.(fixture);
  const [method = "", route = ""] = example.route.split(" ");
  const path = example.path ?? route;
  if (example.toml !== undefined) {
    const headers = { "content-type": "application/toml" };
    return await fixture.ask(path, { method: "POST", body: example.toml, headers });
  }
  if (example.json !== undefined) return await fixture.post(path, example.json);
  return await fixture.ask(path, { method: method.toUpperCase() });
}

Deno.test("openapi.json is OpenAPI 3.1 and every route in it has an example here", async () => {
  const document = await documentOf(await fixtureApp());
  assertEquals(document.openapi, "3.1.0");
  const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`)
  );
  assert(documented.length >= 50, `only ${documented.length} routes`);
  const exemplified = new Set([...EXAMPLES.map((one) => one.route), ...ELSEWHERE]);
  assertEquals(documented.filter((route) => !exemplified.has(route)), []);
  assertEquals([...exemplified].filter((route) => !documented.includes(route)), []);
});

for (const example of EXAMPLES) {
  const { route, status, path, json, toml } = example;
  const shown = [path ?? "", json === undefined ? toml ?? "" : JSON.stringify(json)].join(" ")
    .trim();
  Deno.test(`${route} answers ${status} as documented ${shown}`, async () => {
    const fixture = await fixtureApp();
    const document = await documentOf(fixture);
    const response = await sent(fixture, example);
    const text = await response.text();
    assertEquals(response.status, status, text);
    const [method = "", documentedPath = ""] = route.split(" ");
    const documented = document.paths[documentedPath]?.[method]?.responses[status]?.content;
    const type = response.headers.get("content-type")?.split(";")[0] ?? "";
    const schema = documented?.[type]?.schema;
    assert(schema !== undefined, `${route} does not document ${status} with "${type}"`);
    const parser = parserOf(document, schema);
    if (type === "application/x-ndjson") {
      const lines = text.trimEnd().split("\n");
      assertEquals(lines.length, 2);
      for (const line of lines) parser.parse(JSON.parse(line));
    } else parser.parse(type.endsWith("json") ? JSON.parse(text) : text);
    assertEquals(fixture.unexpected, []);
    await fixture.config.close();
  });
}

Deno.test("createApp() answers no route under /api that is not documented", async () => {
  const fixture = await fixtureApp();
  const document = await documentOf(fixture);
  for (const path of Object.keys(document.paths)) {
    const response = await fixture.ask(path.replace(/\{\w+\}/, "wlan0"), { method: "DELETE" });
    assertEquals(response.status, 405, path);
    const allow = response.headers.get("allow")?.split(", ").filter((one) => one !== "HEAD");
    assertEquals(
      allow?.map((one) => one.toLowerCase()).sort(),
      Object.keys(document.paths[path] ?? {}).sort(),
      path,
    );
  }
  const response = await fixture.ask("/api/v1/nothing");
  assertEquals(response.status, 404);
  await response.body?.cancel();
});

Deno.test("documented answers over the unix socket include the secrets' export", async () => {
  const fixture = await fixtureApp();
  const response = await fixture.ask("/api/v1/config/export?secrets=true", {}, UNIX);
  assertEquals(response.status, 200);
  assertEquals(await response.text(), fixture.config.current().text);
});
