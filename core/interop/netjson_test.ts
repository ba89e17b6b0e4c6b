import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { fixtureNode, fixtureSnapshot, macOf } from "../../tests/fixtures/node.ts";
import { deviceMonitoringOf, networkGraphOf } from "./netjson.ts";

// The published schemas, cut to what a document of ours can contain. Source: netjson/netjson at 03b92149,
// schema/network-graph.json, and openwisp/openwisp-monitoring at 0aa64fe3, device/schema.py.
const text = { type: "string" };
const integer = { type: "integer" };
const NETWORK_GRAPH = {
  type: "object",
  required: ["type", "protocol", "version", "metric", "nodes", "links"],
  properties: {
    type: { type: "string", enum: ["NetworkGraph"] },
    protocol: text,
    version: text,
    revision: text,
    metric: text,
    router_id: text,
    topology_id: text,
    label: text,
    nodes: {
      type: "array",
      items: {
        type: "object",
        required: ["id"],
        properties: {
          id: text,
          label: text,
          local_addresses: { type: "array", items: text },
          properties: { type: "object" },
        },
      },
    },
    links: {
      type: "array",
      items: {
        type: "object",
        required: ["source", "target", "cost"],
        properties: {
          source: text,
          target: text,
          cost: { type: "number" },
          cost_text: text,
          properties: { type: "object" },
        },
      },
    },
  },
} as const;

const WIRELESS = {
  type: "object",
  additionalProperties: false,
  required: ["channel", "country", "frequency", "mode", "noise", "ssid", "tx_power"],
  properties: {
    channel: integer,
    country: text,
    frequency: integer,
    mode: text,
    noise: integer,
    signal: integer,
    ssid: text,
    tx_power: integer,
  },
} as const;
const DEVICE_MONITORING = {
  type: "object",
  required: ["type"],
  properties: {
    type: { type: "string", enum: ["DeviceMonitoring"] },
    general: { type: "object", properties: { local_time: integer, uptime: integer } },
    interfaces: {
      type: "array",
      items: {
        type: "object",
        required: ["name"],
        properties: {
          name: text,
          type: text,
          up: { type: "boolean" },
          mac: text,
          mtu: integer,
          bridge_members: { type: "array", items: text },
          statistics: { type: "object", additionalProperties: integer },
          wireless: WIRELESS,
          addresses: {
            type: "array",
            items: {
              type: "object",
              required: ["proto", "family", "address", "mask"],
              properties: { proto: text, family: text, address: text, mask: integer },
            },
          },
        },
      },
    },
  },
} as const;

type JsonSchema = Exclude<Parameters<typeof z.fromJSONSchema>[0], boolean>;
const asSchema = (schema: object): JsonSchema => structuredClone(schema) as JsonSchema;

function fixtureMesh(algorithm: "BATMAN_IV" | "BATMAN_V") {
  const { mesh } = fixtureSnapshot({ originators: 20, neighbours: 4, algorithm });
  assert(mesh !== null);
  return mesh;
}

for (const algorithm of ["BATMAN_IV", "BATMAN_V"] as const) {
  Deno.test(`networkGraphOf() is a NetworkGraph for ${algorithm}`, () => {
    const graph = networkGraphOf(fixtureNode({ name: "n" }).identity, fixtureMesh(algorithm));
    z.fromJSONSchema(asSchema(NETWORK_GRAPH)).parse(JSON.parse(JSON.stringify(graph)));
    assertEquals(graph.metric, algorithm === "BATMAN_IV" ? "TQ" : "throughput");
    assertEquals(graph.router_id, macOf(0));
    const ids = graph.nodes.map((node) => node.id);
    assertEquals([ids.length, new Set(ids).size], [21, 21]);
    assertEquals(graph.links.length, 20);
    for (const { source, target, cost } of graph.links) {
      assert(
        ids.includes(source) && ids.includes(target) && cost >= 1,
        `${source} ${target} ${cost}`,
      );
    }
    assertEquals(graph.nodes[0]?.label, "n");
  });
}

Deno.test("networkGraphOf() leaves out links whose metric is not known", () => {
  const mesh = fixtureMesh("BATMAN_IV");
  const originators = mesh.originators.map((row, index) => index === 0 ? { ...row, tq: 0 } : row);
  const graph = networkGraphOf(fixtureNode().identity, { ...mesh, originators });
  assertEquals(graph.links.filter((link) => link.target === macOf(1)), []);
});

Deno.test("deviceMonitoringOf() is what OpenWISP takes, with nothing made up", () => {
  const { identity } = fixtureNode({ name: "n" });
  const snapshot = fixtureSnapshot();
  const document = deviceMonitoringOf(identity, snapshot, 12.9);
  z.fromJSONSchema(asSchema(DEVICE_MONITORING)).parse(JSON.parse(JSON.stringify(document)));
  assertEquals(document.general.uptime, 12);
  const wlan0 = document.interfaces.find((one) => one.name === "wlan0");
  assertEquals(wlan0?.["wireless"], {
    channel: 6,
    country: "DE",
    frequency: 2437,
    mode: "802.11s",
    noise: -95,
    ssid: "x0tta",
    tx_power: 20,
  });
  const withoutNoise = deviceMonitoringOf(identity, { ...snapshot, surveys: [] }, 1);
  const bare = withoutNoise.interfaces.find((one) => one.name === "wlan0");
  assertEquals([bare?.["type"], bare?.["wireless"]], ["wireless", undefined]);
});
