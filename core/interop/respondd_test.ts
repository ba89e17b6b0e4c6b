import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { inflateRawSync } from "node:zlib";
import { fixtureNode, fixtureSnapshot, macOf } from "../../tests/fixtures/node.ts";
import { MAX_RESPONDD_ANSWER_BYTES } from "./limits.ts";
import { answerRespondd, parseResponddRequest, type ResponddFacts } from "./respondd.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function facts(change: Partial<ResponddFacts> = {}): ResponddFacts {
  const { identity } = fixtureNode({ name: "n" });
  return { identity, snapshot: fixtureSnapshot(), uptimeS: 61.5, ...change };
}

// deno-lint-ignore no-explicit-any -- a test reads what it expects
async function plain(request: string, change: Partial<ResponddFacts> = {}): Promise<any> {
  const answer = await answerRespondd(encode(request), facts(change));
  assert(answer !== null);
  return JSON.parse(new TextDecoder().decode(answer));
}

Deno.test("parseResponddRequest() follows the protocol's grammar", () => {
  const cases: readonly (readonly [string, readonly string[] | null, boolean?])[] = [
    ["nodeinfo", ["nodeinfo"], false],
    ["nodeinfo\n", ["nodeinfo"], false],
    ["GET nodeinfo", ["nodeinfo"], true],
    ["GET nodeinfo statistics neighbours", ["nodeinfo", "statistics", "neighbours"], true],
    ["GET  statistics statistics ", ["statistics"], true],
    ["GET nodeinfo unknown", ["nodeinfo"], true],
    ["GET unknown", null],
    ["GET", null],
    ["nodeinfo statistics", null],
    ["get nodeinfo", null],
    ["", null],
    ["GET __proto__", null],
    [`GET nodeinfo ${" ".repeat(300)}`, null],
  ];
  for (const [text, names, enclosed] of cases) {
    const expected = names === null ? null : { names, enclosed };
    assertEquals(parseResponddRequest(encode(text)), expected, text);
  }
  assertEquals(parseResponddRequest(new Uint8Array([0xff, 0xfe])), null);
});

Deno.test("parseResponddRequest() takes any octets without throwing", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
    const request = parseResponddRequest(bytes);
    return request === null || request.names.length > 0;
  }));
});

Deno.test("answerRespondd() compresses GET with raw DEFLATE, one member a name", async () => {
  const answer = await answerRespondd(encode("GET nodeinfo statistics"), facts());
  assert(answer !== null);
  const inflated = JSON.parse(inflateRawSync(answer).toString("utf8"));
  assertEquals(Object.keys(inflated), ["nodeinfo", "statistics"]);
  assertEquals(inflated.nodeinfo, await plain("nodeinfo"));
  assertEquals(inflated.statistics, await plain("statistics"));
});

Deno.test("answerRespondd() nodeinfo has what the maps read", async () => {
  const nodeinfo = await plain("nodeinfo", {
    contact: "a@example.org",
    location: { latitude: 52.5, longitude: 13.4 },
  });
  assertEquals(nodeinfo.node_id, macOf(0).replaceAll(":", ""));
  assertEquals(nodeinfo.hostname, "n");
  assertEquals(nodeinfo.network, {
    mac: macOf(0),
    addresses: ["fd00::1"],
    mesh: { bat0: { interfaces: { wireless: [macOf(0)] } } },
  });
  assertEquals(nodeinfo.software["batman-adv"], { version: "2024.3", compat: 15 });
  assertEquals(nodeinfo.owner, { contact: "a@example.org" });
  assertEquals(nodeinfo.location, { latitude: 52.5, longitude: 13.4 });
  assertEquals(nodeinfo.hardware, { model: "simulated node" });
});

Deno.test("answerRespondd() statistics counts clients, traffic and the gateway", async () => {
  const statistics = await plain("statistics");
  assertEquals(statistics.uptime, 61);
  assertEquals(statistics.clients, { total: 1, wifi: 0, wifi24: 0, wifi5: 0 });
  assertEquals(statistics.gateway, macOf(12));
  assertEquals(statistics.traffic.rx, { bytes: 123_456, packets: 1_000 });
});

Deno.test("answerRespondd() neighbours has direct neighbours by interface address", async () => {
  const neighbours = await plain("neighbours");
  const mesh = neighbours.batadv[macOf(0)].neighbours;
  assertEquals(Object.keys(mesh), [macOf(1), macOf(2), macOf(3)]);
  assertEquals(mesh[macOf(1)].lastseen, 0.037);
  const wifi = neighbours.wifi[macOf(0)].neighbours[macOf(1)];
  assertEquals(wifi, { signal: -55, noise: -95, inactive: 12 });
  const snapshot = fixtureSnapshot({ algorithm: "BATMAN_V" });
  const five = await plain("neighbours", { snapshot });
  const { tq } = five.batadv[macOf(0)].neighbours[macOf(1)];
  assert(Number.isInteger(tq) && tq > 0 && tq <= 255, `${tq}`);
});

Deno.test("answerRespondd() works without a mesh", async () => {
  const snapshot = { ...fixtureSnapshot(), mesh: null };
  assertEquals((await plain("nodeinfo", { snapshot })).node_id, macOf(0).replaceAll(":", ""));
  assertEquals((await plain("neighbours", { snapshot })).batadv, undefined);
});

Deno.test("answerRespondd() sends nothing that does not fit a datagram", async () => {
  const snapshot = fixtureSnapshot({ originators: 3000, neighbours: 3000 });
  const whole = await answerRespondd(encode("neighbours"), facts({ snapshot }));
  assertEquals(whole, null);
  const small = await answerRespondd(encode("GET neighbours"), facts({ snapshot }));
  assert(small === null || small.length <= MAX_RESPONDD_ANSWER_BYTES);
});
