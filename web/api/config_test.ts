import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { REDACTED } from "../../core/config/mod.ts";
import { FIXTURE_SECRET } from "../../tests/fixtures/config.ts";
import { fixtureApp, UNIX } from "../../tests/fixtures/app.ts";

const OTHER = '[node]\nname = "other"\n';

Deno.test("configuration: apply, confirm, history", async () => {
  const { post, ask, config } = await fixtureApp();
  const before = config.current().revision;
  const applied = await (await post("/api/v1/config/apply", { toml: OTHER, confirmWithinS: 30 }))
    .json();
  assertEquals([applied.revision, applied.remainingS], [before + 1, 30]);
  const waiting = await (await ask("/api/v1/config/status")).json();
  assertEquals([waiting.state, waiting.pending.revision], ["waiting", before + 1]);
  const wrong = await post("/api/v1/config/confirm", { revision: before + 7 });
  assertEquals([wrong.status, (await wrong.json()).code], [409, "stale"]);
  const confirmed = await (await post("/api/v1/config/confirm", { revision: before + 1 })).json();
  assertEquals([confirmed.state, confirmed.revision], ["idle", before + 1]);
  const { items } = await (await ask("/api/v1/config/history")).json();
  assertEquals([items[0].revision, items[0].outcome, items[0].toml], [
    before + 1,
    "confirmed",
    OTHER,
  ]);
  await config.close();
});

Deno.test("configuration: an apply nobody confirms is undone", async () => {
  const { post, clock, config } = await fixtureApp();
  await (await post("/api/v1/config/apply", { toml: OTHER, confirmWithinS: 5 })).body?.cancel();
  assertEquals(config.current().config.node.name, "other");
  await clock.advance(5_000);
  assertEquals(config.current().config.node.name, "fixture");
  await config.close();
});

Deno.test("configuration: no answer holds a secret, but for the export over the unix socket", async () => {
  const { ask, post, config } = await fixtureApp();
  await (await post("/api/v1/config/apply", { toml: OTHER })).body?.cancel();
  await (await post("/api/v1/config/confirm", { revision: config.current().revision })).body
    ?.cancel();
  await (await post("/api/v1/config/apply", {
    toml:
      `${OTHER}\n[[client_ap]]\nssid = "x"\nsecurity = "wpa3"\npassphrase = "${FIXTURE_SECRET}"`,
  })).body?.cancel();
  for (const path of ["", "/status", "/history", "/export", "/export?secrets=false"]) {
    const text = await (await ask(`/api/v1/config${path}`)).text();
    assert(!text.includes(FIXTURE_SECRET), path);
  }
  const diff = await (await post("/api/v1/config/diff", {
    toml: `[[client_ap]]\nssid = "x"\nsecurity = "wpa3"\npassphrase = "another secret"`,
  })).text();
  assert(!diff.includes(FIXTURE_SECRET) && !diff.includes("another secret"), diff);
  const refused = await ask("/api/v1/config/export?secrets=true");
  assertEquals([refused.status, (await refused.json()).code], [403, "unix-only"]);
  const own = await (await ask("/api/v1/config/export?secrets=true", {}, UNIX)).text();
  assertStringIncludes(own, FIXTURE_SECRET);
  await config.close();
});

Deno.test("configuration: what was read without its secrets is not taken back", async () => {
  const { ask, post, config } = await fixtureApp();
  const { toml, config: values } = await (await ask("/api/v1/config")).json();
  assertStringIncludes(toml, REDACTED);
  for (const body of [{ toml }, { config: values }]) {
    const response = await post("/api/v1/config/apply", body);
    const problem = await response.json();
    assertEquals([response.status, problem.code], [422, "invalid"]);
    assertMatch(problem.detail, /where a secret belongs/);
  }
  assertEquals(config.status().state, "idle");
});

Deno.test("configuration: errors name line, key and expectation", async () => {
  const { post } = await fixtureApp();
  const response = await post("/api/v1/config/apply", {
    toml: '[node]\nname = "x"\n\n[mesh]\nhop_penalty = 300\nbondign = true\n',
  });
  const { errors, detail } = await response.json();
  assertEquals(errors.map((one: { path: string; line: number }) => [one.path, one.line]), [
    ["mesh.hop_penalty", 5],
    ["mesh.bondign", 6],
  ]);
  assertMatch(detail, /^Cannot use the configuration: line 5/);
});
