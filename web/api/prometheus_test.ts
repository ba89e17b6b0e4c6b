import { assert, assertEquals, assertMatch } from "@std/assert";
import { fixtureApp } from "../../tests/fixtures/app.ts";

const SAMPLE = /^([a-z_0-9]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\n"])*",?)+)\})? (-?[0-9.e+]+)$/;

for (const algorithm of ["BATMAN_IV", "BATMAN_V"] as const) {
  Deno.test(`GET /metrics is text format 0.0.4 for ${algorithm}`, async () => {
    const { ask } = await fixtureApp({ algorithm, name: 'a "quoted\\ name\nwith a line' });
    const response = await ask("/metrics");
    assertEquals(
      response.headers.get("content-type"),
      "text/plain; version=0.0.4; charset=utf-8",
    );
    const text = await response.text();
    assert(text.endsWith("\n"));
    const types = new Map<string, string>();
    const seen = new Set<string>();
    for (const line of text.trimEnd().split("\n")) {
      const type = /^# TYPE (\S+) (gauge|counter)$/.exec(line);
      if (type !== null) {
        assert(!types.has(type[1] ?? ""), `twice: ${line}`);
        types.set(type[1] ?? "", type[2] ?? "");
      } else if (!line.startsWith("# HELP ")) {
        const sample = SAMPLE.exec(line);
        assert(sample !== null, line);
        const [, name = "", labels = ""] = sample;
        assert(types.has(name), `before its type: ${line}`);
        assert(!seen.has(`${name}{${labels}}`), `twice: ${line}`);
        seen.add(`${name}{${labels}}`);
      }
    }
    for (const [name, type] of types) {
      assertMatch(name, /^x0tta6bl4_/);
      assertEquals(name.endsWith("_total"), type === "counter", name);
    }
    assert(types.size >= 30, `${types.size} families`);
    const metric = algorithm === "BATMAN_IV" ? "tq" : "throughput_bits_per_second";
    assertEquals(text.match(new RegExp(`^x0tta6bl4_mesh_path_${metric}\\{`, "gm"))?.length, 12);
  });
}
