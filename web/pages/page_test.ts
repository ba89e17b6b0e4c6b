import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { topologyOf } from "../../core/interop/mod.ts";
import { AFAR, fixtureApp } from "../../tests/fixtures/app.ts";
import { fixtureSnapshot } from "../../tests/fixtures/node.ts";
import { bytes, duration, grade, rate, utc } from "./format.ts";
import { HALF_HEIGHT, HALF_WIDTH, layout } from "./layout.ts";

Deno.test("layout() keeps every node inside the drawing and apart from others", () => {
  for (const [originators, neighbours] of [[0, 0], [1, 1], [5, 5], [40, 3], [60, 1], [200, 8]]) {
    const { mesh } = fixtureSnapshot({
      originators: originators ?? 0,
      neighbours: neighbours ?? 0,
    });
    assert(mesh !== null);
    const placed = layout(topologyOf(mesh));
    assertEquals(placed.length, (originators ?? 0) + 1);
    for (const { x, y, node } of placed) {
      assert(Math.abs(x) < HALF_WIDTH && Math.abs(y) < HALF_HEIGHT, `${node.id} ${x} ${y}`);
    }
    assertEquals(new Set(placed.map(({ x, y }) => `${x} ${y}`)).size, placed.length);
  }
});

Deno.test("format: figures as people read them", () => {
  assertEquals([0, 999, 12_345, 5e9].map(bytes), ["0 B", "999 B", "12.3 kB", "5.0 GB"]);
  assertEquals([null, 144_400, 999_960].map(rate), ["—", "144 Mbit/s", "1.0 Gbit/s"]);
  assertEquals([0, 2_500, 65_000, 90_000_000].map(duration), [
    "0 ms",
    "2.5 s",
    "1 min 5 s",
    "1 d 1 h",
  ]);
  assertEquals([null, 0, 0.3, 0.5, 1].map(grade), ["unknown", "poor", "weak", "fair", "good"]);
  assertEquals(utc(Number.MAX_SAFE_INTEGER), "—");
});

const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(1)</script>'&amp;`;

Deno.test("GET / escapes every text from outside", async () => {
  const { ask, node } = await fixtureApp({ name: HOSTILE, simulatedBecause: HOSTILE });
  const { wirelessInterfaces, links, services, mesh } = node.snapshot();
  assert(mesh !== null);
  node.update({
    wirelessInterfaces: wirelessInterfaces.map((one) => ({ ...one, ssid: HOSTILE })),
    links: links.map((one) => ({ ...one, name: HOSTILE, kind: HOSTILE, master: HOSTILE })),
    services: services.map((one) => ({ ...one, name: HOSTILE, detail: HOSTILE })),
    problems: [{ part: HOSTILE, code: HOSTILE, message: HOSTILE }],
    mesh: {
      ...mesh,
      neighbours: mesh.neighbours.map((row) => ({ ...row, hardInterface: HOSTILE })),
      originators: mesh.originators.map((row) => ({ ...row, hardInterface: HOSTILE })),
    },
  });
  node.emit({ severity: "error", type: HOSTILE, subject: HOSTILE, message: HOSTILE, data: {} });
  const html = await (await ask("/")).text();
  assert(!html.includes("<img") && !html.includes("onerror=alert(1)>"), "markup came through");
  assertEquals(html.match(/<script/g)?.length, 1);
  assertStringIncludes(html, "&lt;script&gt;alert(1)&lt;/script&gt;");
});

Deno.test("GET / has a policy that allows nothing inline, and nothing inline in it", async () => {
  const { ask } = await fixtureApp({ originators: 30 });
  const response = await ask("/", {}, AFAR);
  const policy = response.headers.get("content-security-policy") ?? "";
  assert(!policy.includes("unsafe") && policy.startsWith("default-src 'none'"), policy);
  const html = await response.text();
  assert(!/\sstyle=|\son\w+=|<style|javascript:/i.test(html));
  assertEquals([...html.matchAll(/(?:src|href)="(https?:)?\/\//g)].length, 0);
  assertStringIncludes(html, "clients cannot authenticate yet");
  for (const [, url] of html.matchAll(/(?:src|href)="(\/static[^"]*)"/g)) {
    const asset = await ask(url ?? "");
    assertEquals(asset.status, 200, url);
    assertMatch(asset.headers.get("cache-control") ?? "", /immutable/);
    assertEquals(asset.headers.get("x-content-type-options"), "nosniff");
    await asset.body?.cancel();
  }
});

Deno.test("GET / says what is simulated, missing or pending", async () => {
  const { ask, node, config } = await fixtureApp({ simulatedBecause: "there is no batman-adv" });
  const html = await (await ask("/")).text();
  assertMatch(html, /Simulated mesh — no radio is driven:<\/b> there is no batman-adv/);
  node.update({
    mesh: null,
    radios: [],
    problems: [{ part: "mesh", code: "not-supported", message: "the module is not loaded" }],
  });
  await config.apply("", { author: "someone" });
  const bare = await (await ask("/")).text();
  assertStringIncludes(bare, "There is no mesh to show: the module is not loaded.");
  assertStringIncludes(bare, "A configuration change by someone waits to be confirmed");
  await config.rollback();
  const real = await fixtureApp({ kernel: { kind: "linux", description: "Linux 6.12" } });
  assert(!(await (await real.ask("/")).text()).includes("Simulated mesh"));
});
