import { assertEquals, assertMatch } from "@std/assert";
import { AFAR, fixtureApp, LOOPBACK, UNIX } from "../../tests/fixtures/app.ts";
import { isLoopback, mayWrite } from "../connection.ts";
import { hostCheck } from "./hosts.ts";

Deno.test("hostCheck() takes addresses, localhost and own names only", () => {
  const allowed = hostCheck(() => ["Node-7", "mesh.example.org"]);
  const cases: readonly (readonly [string, boolean])[] = [
    ["127.0.0.1:8080", true],
    ["10.1.2.3", true],
    ["[fd00::1]:8080", true],
    ["[fe80::1%25wlan0]", true],
    ["localhost:1", true],
    ["a.localhost", true],
    ["node-7:8080", true],
    ["NODE-7.local", true],
    ["node-7.lan.", true],
    ["mesh.example.org", true],
    ["evil.example", false],
    ["node-7.evil.example", false],
    ["mesh.example.org.evil.example", false],
    ["127.0.0.1.evil.example", false],
    ["localhost.evil.example", false],
    ["", false],
  ];
  for (const [host, expected] of cases) assertEquals(allowed(host), expected, host);
});

Deno.test("isLoopback() knows IPv4, IPv6 and mapped forms, and nothing else", () => {
  for (const one of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]) {
    assertEquals(isLoopback(one), true, one);
  }
  for (const one of ["128.0.0.1", "10.0.0.1", "::", "fe80::1", "127.0.0.1.evil.example", ""]) {
    assertEquals(isLoopback(one), false, one);
  }
  assertEquals(mayWrite({ transport: "tcp" }), false);
  assertEquals(mayWrite({ transport: "udp", hostname: "127.0.0.1" }), false);
});

const JSON_TYPE = { "content-type": "application/json" };
const BODY = JSON.stringify({ toml: '[node]\nname = "x"\n' });
const APPLY = "/api/v1/config/apply";

const REFUSED = [
  {
    name: "a write from over the network",
    path: APPLY,
    init: { method: "POST", body: BODY, headers: JSON_TYPE },
    remote: AFAR,
    status: 403,
    code: "local-only",
  },
  {
    name: "a ping from over the network",
    path: "/api/v1/diagnostics/ping",
    init: { method: "POST", body: "{}", headers: JSON_TYPE },
    remote: AFAR,
    status: 403,
    code: "local-only",
  },
  {
    name: "a write by another site's page",
    path: APPLY,
    init: {
      method: "POST",
      body: BODY,
      headers: { ...JSON_TYPE, origin: "https://evil.example" },
    },
    remote: LOOPBACK,
    status: 403,
    code: "foreign-origin",
  },
  {
    name: "a write by a page of another port of this host",
    path: APPLY,
    init: {
      method: "POST",
      body: BODY,
      headers: { ...JSON_TYPE, origin: "http://127.0.0.1:9999" },
    },
    remote: LOOPBACK,
    status: 403,
    code: "foreign-origin",
  },
  {
    name: "a write by a sandboxed page",
    path: APPLY,
    init: { method: "POST", body: BODY, headers: { ...JSON_TYPE, origin: "null" } },
    remote: LOOPBACK,
    status: 403,
    code: "foreign-origin",
  },
  {
    name: "a cross-site write without Origin",
    path: APPLY,
    init: { method: "POST", body: BODY, headers: { ...JSON_TYPE, "sec-fetch-site": "cross-site" } },
    remote: LOOPBACK,
    status: 403,
    code: "foreign-origin",
  },
  {
    name: "a form post",
    path: APPLY,
    init: { method: "POST", body: BODY, headers: { "content-type": "text/plain" } },
    remote: LOOPBACK,
    status: 415,
    code: "body-type",
  },
  {
    name: "a body that says it is too large",
    path: APPLY,
    init: {
      method: "POST",
      body: "{}",
      headers: { ...JSON_TYPE, "content-length": "99999999" },
    },
    remote: LOOPBACK,
    status: 413,
    code: "body-too-large",
  },
  {
    name: "a body that is too large without saying so",
    path: APPLY,
    init: {
      method: "POST",
      body: JSON.stringify({ toml: "#".repeat(300_000) }),
      headers: JSON_TYPE,
    },
    remote: LOOPBACK,
    status: 413,
    code: "body-too-large",
  },
  {
    name: "a rebound name on a read",
    path: "/api/v1/node",
    init: { headers: { host: "evil.example" } },
    remote: LOOPBACK,
    status: 421,
    code: "unknown-host",
  },
  {
    name: "a rebound name on a cached read",
    path: "/api/v1/mesh/originators",
    init: { headers: { host: "evil.example" } },
    remote: LOOPBACK,
    status: 421,
    code: "unknown-host",
  },
  {
    name: "an odd method",
    path: "/api/v1/node",
    init: { method: "PROPFIND" },
    remote: LOOPBACK,
    status: 405,
    code: "method-not-allowed",
  },
  {
    name: "a very long target",
    path: `/api/v1/events?search=${"a".repeat(3000)}`,
    init: {},
    remote: LOOPBACK,
    status: 414,
    code: "target-too-long",
  },
  {
    name: "JSON that is none",
    path: "/api/v1/diagnostics/traceroute",
    init: { method: "POST", body: "{", headers: JSON_TYPE },
    remote: LOOPBACK,
    status: 400,
    code: "bad-request",
  },
  {
    name: "JSON that is none, on a validated route",
    path: "/api/v1/diagnostics/ping",
    init: { method: "POST", body: "{", headers: JSON_TYPE },
    remote: LOOPBACK,
    status: 400,
    code: "bad-request",
  },
] as const;

for (const { name, path, init, remote, status, code } of REFUSED) {
  Deno.test(`guard() refuses ${name}`, async () => {
    const fixture = await fixtureApp();
    const response = await fixture.ask(path, init, remote);
    assertEquals(response.headers.get("content-type"), "application/problem+json");
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
    const problem = await response.json();
    assertEquals([response.status, problem.status, problem.code], [status, status, code]);
    assertMatch(problem.detail, /^Cannot /);
    assertEquals(fixture.config.status().state, "idle");
    assertEquals(fixture.unexpected, []);
  });
}

Deno.test("guard() says plainly why the network may not write", async () => {
  const { post } = await fixtureApp();
  const problem = await (await post(APPLY, {}, AFAR)).json();
  assertMatch(problem.detail, /cannot authenticate yet.*unix socket.*loopback/);
});

Deno.test("guard() lets the unix socket name any host, and the own page write", async () => {
  const { ask, config } = await fixtureApp();
  const overUnix = await ask("/api/v1/node", { headers: { host: "daemon" } }, UNIX);
  assertEquals((await overUnix.json()).writable, true);
  const own = await ask(APPLY, {
    method: "POST",
    body: BODY,
    headers: { ...JSON_TYPE, origin: "http://127.0.0.1:8080", "sec-fetch-site": "same-origin" },
  });
  assertEquals(own.status, 200);
  await own.body?.cancel();
  await config.close();
});

Deno.test("guard() lets reads in from anywhere, and tells them they may only read", async () => {
  const { ask } = await fixtureApp();
  const response = await ask("/api/v1/node", {}, AFAR);
  assertEquals((await response.json()).writable, false);
});
