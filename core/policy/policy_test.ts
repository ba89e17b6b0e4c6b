import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { documents, flows, MESH, principals, ruleNamed } from "./_arbitrary.ts";
import { closedPolicy, startingPolicy } from "./base.ts";
import { canonical, type PolicyDocument, type PolicyRule } from "./document.ts";
import { explain, parseAsked } from "./explain.ts";
import { parsePattern, type Principal } from "./pattern.ts";
import { decide, type Flow, Policy } from "./policy.ts";
import {
  APPLICATION_SERVICES,
  type Asked,
  FIXED_SERVICES,
  joinRanges,
  parsePorts,
} from "./service.ts";

const RUNS = { numRuns: Number(Deno.env.get("POLICY_RUNS") ?? 300) };
const CARRIERS = {
  "api:read": ["tcp/25"],
  "api:write": ["tcp/25-26"],
  "fabric:status": ["udp/30"],
};

const node = (letter: string, ...roles: string[]): Principal => ({
  spiffeId: `spiffe://${MESH}/node/${letter.repeat(16)}`,
  roles,
});

function documentOf(...rules: (Partial<PolicyRule> & { name: string })[]): PolicyDocument {
  return canonical({
    ...closedPolicy(MESH),
    version: 1,
    services: [{ name: "ssh", ports: ["tcp/22"] }, {
      name: "media",
      ports: ["udp/6000-6010", "icmp"],
    }],
    rules: rules.map((rule) => ({
      effect: "allow" as const,
      from: ["role:operator"],
      to: ["role:node"],
      services: ["ssh"],
      note: "",
      ...rule,
    })),
  });
}

Deno.test("parsePattern() means exactly whom it names", () => {
  const rows: readonly [pattern: string, id: string, matches: boolean][] = [
    [`spiffe://${MESH}/node/*`, `spiffe://${MESH}/node/a`, true],
    [`spiffe://${MESH}/node/*`, `spiffe://${MESH}/node/a/b`, false],
    [`spiffe://${MESH}/node/*`, `spiffe://${MESH}/node/`, false],
    [`spiffe://${MESH}/node/*`, `spiffe://${MESH}/node`, false],
    [`spiffe://${MESH}/node/*`, `spiffe://${MESH}/nodes/a`, false],
    [`spiffe://${MESH}/node/*`, `spiffe://${MESH}.evil/node/a`, false],
    [`spiffe://${MESH}/w/**`, `spiffe://${MESH}/w/a/b`, true],
    [`spiffe://${MESH}/w/**`, `spiffe://${MESH}/w`, false],
    [`spiffe://${MESH}/**`, `spiffe://${MESH}/a`, true],
    [`spiffe://${MESH}/**`, `spiffe://${MESH}evil/a`, false],
    [`spiffe://${MESH}/*`, `spiffe://${MESH}/a/b`, false],
    [`spiffe://${MESH}/w/x`, `spiffe://${MESH}/w/x`, true],
    [`spiffe://${MESH}/w/x`, `spiffe://${MESH}/w/xy`, false],
  ];
  for (const [text, spiffeId, matches] of rows) {
    const pattern = parsePattern(text);
    assertEquals(pattern?.matches({ spiffeId, roles: [] }, MESH), matches, `${text} ${spiffeId}`);
  }
});

Deno.test("parsePattern() refuses whatever is no pattern", () => {
  const bad = [
    ..."* ** role: role:A role:a_b any spiffe:// spiffe://* spiffe://Mesh/a http://a/b".split(" "),
    `spiffe://${MESH}/*/a`,
    `spiffe://${MESH}/a*`,
    `spiffe://${MESH}/***`,
    `spiffe://${MESH}/a/../b`,
    `spiffe://${MESH}//a`,
    `spiffe://${MESH}/a/`,
    `spiffe://${MESH}/a b`,
    `spiffe://${MESH}/a\n`,
    `role:${"a".repeat(65)}`,
    `spiffe://${MESH}/${"a".repeat(600)}`,
    "",
  ];
  for (const text of bad) assertEquals(parsePattern(text), null, text);
});

Deno.test("parsePorts() gives one form to one meaning", () => {
  for (
    const bad of ["tcp", "tcp/", "tcp/0", "tcp/65536", "tcp/5-4", "tcp/5-5", "tcp/01", "sctp/5"]
  ) {
    assertEquals(parsePorts(bad), null, bad);
  }
  assertEquals(parsePorts("udp/1-65535"), { transport: "udp", first: 1, last: 65535 });
  const ranges = ["tcp/5-9", "tcp/7-12", "udp/8", "tcp/13", "tcp/20"].map(parsePorts);
  assertEquals(joinRanges(ranges.filter((range) => range !== null)), [
    { transport: "tcp", first: 5, last: 13 },
    { transport: "tcp", first: 20, last: 20 },
    { transport: "udp", first: 8, last: 8 },
  ]);
});

Deno.test("decide() by the rules of a document", () => {
  const document = documentOf(
    { name: "operators" },
    { name: "listen", from: ["role:guest"], services: ["media", "tcp/80"] },
    {
      name: "not-b",
      effect: "deny",
      from: [`spiffe://${MESH}/node/bbbbbbbbbbbbbbbb`],
      services: ["any"],
    },
    { name: "remote", from: ["role:admin"], services: ["api:read"] },
  );
  const to = node("z", "node");
  const port = (transport: "tcp" | "udp", number: number): Asked => ({ transport, port: number });
  const rows: readonly [string, Principal, Asked, boolean, string | null][] = [
    ["allowed", node("a", "operator"), port("tcp", 22), true, "operators"],
    ["another port", node("a", "operator"), port("tcp", 23), false, null],
    ["another transport", node("a", "operator"), port("udp", 22), false, null],
    ["no role", node("a"), port("tcp", 22), false, null],
    ["a role that no rule names", node("a", "stranger"), port("tcp", 22), false, null],
    ["a deny wins", node("b", "operator"), port("tcp", 22), false, "not-b"],
    ["range, first", node("a", "guest"), port("udp", 6000), true, "listen"],
    ["range, last", node("a", "guest"), port("udp", 6010), true, "listen"],
    ["range, beyond", node("a", "guest"), port("udp", 6011), false, null],
    ["echo by a service", node("a", "guest"), { transport: "icmp" }, true, "listen"],
    ["another protocol", node("a", "guest"), { transport: "other" }, false, null],
    ["handshake for all", node("a"), { application: "mesh:handshake" }, true, "base:handshake"],
    [
      "documents despite deny",
      node("b"),
      { application: "fabric:documents" },
      true,
      "base:documents",
    ],
    ["status can be denied", node("b"), { application: "fabric:status" }, false, "not-b"],
    ["API for admins", node("a", "admin"), { application: "api:write" }, true, "base:admin-write"],
    ["API for others", node("a", "node"), { application: "api:read" }, false, null],
    ["unknown service", node("a", "admin"), { application: "later:service" }, false, null],
    [
      "another mesh's role",
      { spiffeId: "spiffe://other.mesh/node/a", roles: ["operator"] },
      port("tcp", 22),
      false,
      null,
    ],
    [
      "no SPIFFE ID",
      { spiffeId: `spiffe://${MESH}/node/../x`, roles: ["operator"] },
      port("tcp", 22),
      false,
      null,
    ],
  ];
  for (const [name, from, asked, allowed, rule] of rows) {
    const decision = decide(document, { from, to, asked });
    assertEquals([decision.allowed, decision.rule], [allowed, rule], name);
  }
});

Deno.test("decide() with carriers opens the ports of what is allowed, and closes none", () => {
  const document = documentOf(
    { name: "guests", from: ["role:guest"], services: ["api:read"] },
    { name: "no-write", effect: "deny", from: ["role:guest"], services: ["api:write"] },
  );
  const ask = (role: string, asked: Asked) =>
    decide(document, { from: node("a", role), to: node("z", "node"), asked }, CARRIERS).allowed;
  assert(ask("guest", { transport: "tcp", port: 25 }));
  assert(!ask("guest", { transport: "tcp", port: 26 }));
  assert(!ask("node", { transport: "tcp", port: 25 }));
  assert(ask("admin", { transport: "tcp", port: 26 }), "the base gives admins the API");
  assert(!ask("guest", { application: "api:write" }));
});

Deno.test("startingPolicy() lets nodes reach nodes, and no other role anybody", () => {
  const policy = new Policy(startingPolicy(MESH));
  const ask = (from: Principal, to: Principal) =>
    policy.allows({ from, to, asked: { transport: "tcp", port: 5201 } });
  assert(ask(node("a", "node"), node("b", "node")));
  assert(!ask(node("a", "guest"), node("b", "node")));
  assert(!ask(node("a", "node"), node("b", "guest")));
  const all: Flow[] = (["icmp", "other"] as const).map((transport) => ({
    from: node("a", "node", "admin"),
    to: node("b", "node"),
    asked: { transport },
  }));
  for (const flow of all) assert(!new Policy(closedPolicy(MESH)).allows(flow));
});

const withRule = (document: PolicyDocument, rule: PolicyRule): PolicyDocument => ({
  ...document,
  rules: [...document.rules, rule],
});

Deno.test("decide() never takes access away for a further allow", () =>
  fc.assert(
    fc.property(documents, ruleNamed("new", ["allow"]), flows, (document, rule, flow) => {
      const before = decide(document, flow, CARRIERS).allowed;
      assert(!before || decide(withRule(document, rule), flow, CARRIERS).allowed);
    }),
    RUNS,
  ));

Deno.test("decide() never gives access for a further deny", () =>
  fc.assert(
    fc.property(documents, ruleNamed("new", ["deny"]), flows, (document, rule, flow) => {
      const after = decide(withRule(document, rule), flow, CARRIERS).allowed;
      assert(!after || decide(document, flow, CARRIERS).allowed);
    }),
    RUNS,
  ));

Deno.test("decide() does not depend on the order of anything, and allows() agrees with it", () =>
  fc.assert(
    fc.property(documents, flows, fc.infiniteStream(fc.nat()), (document, flow, stream) => {
      const shuffled = <T>(items: readonly T[]): T[] =>
        items.map((item) => [Number(stream.next().value), item] as const)
          .toSorted(([a], [b]) => a - b).map(([, item]) => item);
      const other: PolicyDocument = {
        ...document,
        services: shuffled(document.services),
        rules: shuffled(document.rules).map((rule) => ({
          ...rule,
          from: shuffled(rule.from),
          to: shuffled(rule.to),
          services: shuffled(rule.services),
        })),
      };
      const decision = decide(document, flow, CARRIERS);
      const again = decide(other, {
        ...flow,
        from: { ...flow.from, roles: shuffled(flow.from.roles) },
      }, CARRIERS);
      assertEquals([again.allowed, again.by, again.rule], [
        decision.allowed,
        decision.by,
        decision.rule,
      ]);
      assertEquals(new Policy(document, CARRIERS).allows(flow), decision.allowed);
    }),
    RUNS,
  ));

Deno.test("decide() gives a role that no rule names nothing", () =>
  fc.assert(
    fc.property(documents, flows, (document, flow) => {
      const plain = { ...flow, from: { ...flow.from, roles: [] } };
      const strange = { ...flow, from: { ...flow.from, roles: ["never-heard-of"] } };
      assertEquals(decide(document, strange).allowed, decide(document, plain).allowed);
    }),
    RUNS,
  ));

Deno.test("decide() lets members exchange what is signed under every policy, and nobody else", () =>
  fc.assert(
    fc.property(documents, principals, principals, (document, from, to) => {
      const member = ({ spiffeId }: Principal) => spiffeId.startsWith(`spiffe://${MESH}/node/`);
      for (const application of FIXED_SERVICES) {
        const { allowed } = decide(document, { from, to, asked: { application } });
        assertEquals(allowed, member(from) && member(to));
      }
    }),
    RUNS,
  ));

Deno.test("decide() traces each rule once, and what matched first decides", () =>
  fc.assert(
    fc.property(documents, flows, (document, flow) => {
      const { allowed, by, rule, trace } = decide(document, flow);
      assertEquals(new Set(trace.map((one) => one.rule)).size, document.rules.length + 5);
      const first = trace.find(({ matched }) => matched);
      assertEquals(first?.rule ?? null, rule);
      assertEquals(allowed, first?.effect === "allow");
      assertEquals(by === "default deny", first === undefined);
    }),
    RUNS,
  ));

Deno.test("explain() says what decided and why every other rule did not", () => {
  const policy = new Policy(documentOf(
    { name: "operators" },
    { name: "no-ssh-to-z", effect: "deny", to: [`spiffe://${MESH}/node/zzzzzzzzzzzzzzzz`] },
  ));
  const flow: Flow = {
    from: node("a", "operator"),
    to: node("y", "node"),
    asked: { transport: "tcp", port: 22 },
  };
  assertEquals(
    explain(policy, flow).sentences.slice(0, 1).concat(explain(policy, flow).sentences.slice(3, 5)),
    [
      `Allowed: tcp/22 from spiffe://${MESH}/node/aaaaaaaaaaaaaaaa (roles operator) to ` +
      `spiffe://${MESH}/node/yyyyyyyyyyyyyyyy (roles node): rule "operators".`,
      'Rule "no-ssh-to-z" (deny) does not match: it is not about this receiver.',
      'Rule "operators" (allow) matches: from role:operator, to role:node, service ssh.',
    ],
  );
  const denied = explain(policy, { ...flow, to: node("z", "node") });
  assert(denied.sentences[0]?.endsWith('rule "no-ssh-to-z", since a deny wins over every allow.'));
  const nobody = explain(policy, { ...flow, from: node("a"), asked: { transport: "other" } });
  assert(
    nobody.sentences[0]?.endsWith(
      "(no role) to spiffe://test.mesh/node/yyyyyyyyyyyyyyyy (roles node): " +
        "no rule allows it (default deny).",
    ),
    nobody.sentences[0],
  );
  assertEquals(nobody.sentences.length, 1 + 2 + 5);
  const stranger = explain(policy, { ...flow, from: { spiffeId: "me", roles: [] } });
  assert(stranger.sentences[0]?.includes("nobody without a SPIFFE ID"));
});

Deno.test("parseAsked() asks a range wherever the answer may change", () => {
  const policy = new Policy(documentOf(
    { name: "a", services: ["tcp/10-19"] },
    { name: "b", effect: "deny", services: ["tcp/15", "udp/12"] },
  ));
  const ports = (text: string) => {
    const read = parseAsked(policy, text);
    return read.ok ? read.asked.map((asked) => "port" in asked ? asked.port : 0) : read.why;
  };
  assertEquals(ports("tcp/5-30"), [5, 10, 15, 16, 20]);
  assertEquals(ports("tcp/12-14"), [12]);
  assertEquals(ports("media"), [0, 6000]);
  assertEquals(ports("ssh"), [22]);
  assertEquals(parseAsked(policy, "api:read"), { ok: true, asked: [{ application: "api:read" }] });
  assertEquals(ports("sssh"), 'Cannot ask for "sssh": this policy defines no such service');
  assertEquals(ports("any"), 'Cannot ask for "any": it is many services; name one');
  fc.assert(
    fc.property(documents, flows, (document, flow) => {
      const { asked } = flow;
      if (!("port" in asked)) return;
      const world = new Policy(document);
      const read = parseAsked(world, `${asked.transport}/20-32`);
      assert(read.ok);
      // The answer at a port is that of the nearest asked port at or below it.
      const nearest = read.asked.filter((one) => "port" in one && one.port <= asked.port).at(-1);
      assert(nearest !== undefined);
      assertEquals(world.allows({ ...flow, asked: nearest }), world.allows(flow));
    }),
    RUNS,
  );
});

Deno.test("APPLICATION_SERVICES each have a meaning, and the fixed ones are among them", () => {
  for (const name of FIXED_SERVICES) assert(Object.hasOwn(APPLICATION_SERVICES, name));
});
