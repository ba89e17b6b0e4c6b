import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { documents, MESH } from "./_arbitrary.ts";
import { baseRules, startingPolicy } from "./base.ts";
import { diffPolicies } from "./diff.ts";
import { MAX_NOTE, MAX_RULES } from "./limits.ts";
import { parsePolicy, parsePolicyValue, policyValue, writePolicy } from "./text.ts";

const HEAD = { trustDomain: MESH, version: 3, madeMs: 5 };

function errors(text: string): readonly string[] {
  const read = parsePolicy(text, HEAD);
  return read.ok ? [] : read.errors.map(({ message }) => message);
}

function warnings(text: string): readonly string[] {
  const read = parsePolicy(text, HEAD);
  assert(read.ok, JSON.stringify(read));
  return read.warnings.map(({ message }) => message);
}

const rule = (lines: string) =>
  `[[rules]]\nname = "r"\neffect = "allow"\nfrom = ["role:a"]\nto = ["role:b"]\n${lines}`;

Deno.test("parsePolicy() reads what a person writes into its one order", () => {
  const read = parsePolicy(
    `mesh = "${MESH}"
services = [{ name = "ssh", ports = ["tcp/2222", "tcp/22"] }]

[[rules]]
name = "z"
effect = "deny"
from = ["role:guest", "role:guest"]
to = ["spiffe://${MESH}/node/*", "role:node"]
services = ["ssh", "icmp"] # ping
note = "not yet"

[[rules]]
name = "a"
effect = "allow"
from = ["role:node"]
to = ["role:node"]
services = ["fabric:status"]
`,
    HEAD,
  );
  assert(read.ok);
  assertEquals(read.warnings, []);
  assertEquals(read.document, {
    ...HEAD,
    services: [{ name: "ssh", ports: ["tcp/22", "tcp/2222"] }],
    rules: [
      {
        name: "a",
        effect: "allow",
        from: ["role:node"],
        to: ["role:node"],
        services: ["fabric:status"],
        note: "",
      },
      {
        name: "z",
        effect: "deny",
        from: ["role:guest"],
        to: ["role:node", `spiffe://${MESH}/node/*`],
        services: ["icmp", "ssh"],
        note: "not yet",
      },
    ],
  });
  const empty = parsePolicy("", HEAD);
  assert(empty.ok);
  assertEquals([empty.document.services, empty.document.rules], [[], []]);
});

Deno.test("parsePolicy() names line, key, wish and finding of everything that is wrong", () => {
  const text = `mash = "x"
[[services]]
name = "Any"
ports = ["tcp/22", "tcp/99999"]
[[services]]
name = "web"
ports = []
[[rules]]
name = "r"
effect = "alow"
from = ["rolle:a"]
to = "role:b"
services = ["web"]
[[rules]]
name = "s"
from = ["role:a"]
to = ["role:b"]
services = ["web"]
note = 3
`;
  assertEquals(errors(text), [
    'line 1, column 1: mash: expected a known key, found unknown key "mash"; did you mean mesh?',
    "line 3, column 1: services[0].name: expected a name of 1 to 64 lower-case letters, digits and " +
    'hyphens that is not "any", "network", "icmp", "tcp", "udp" or "other", found "Any"',
    'line 4, column 20: services[0].ports[1]: expected "tcp/<port>", "udp/<port>", either with ' +
    '"<first>-<last>", or "icmp", found "tcp/99999"',
    'line 7, column 1: services[1].ports: expected 1 to 32 of "tcp/<port>", "udp/<port>", either with ' +
    '"<first>-<last>", or "icmp", found []',
    'line 10, column 1: rules[0].effect: expected one of "allow", "deny", found "alow"; did you mean ' +
    '"allow"?',
    'line 11, column 9: rules[0].from[0]: expected "role:<name>", a SPIFFE ID, or one that ends in ' +
    '"/*" (one step below) or "/**" (all below), found "rolle:a"',
    'line 12, column 6: rules[0].to: expected 1 to 32 of "role:<name>", a SPIFFE ID, or one that ' +
    'ends in "/*" (one step below) or "/**" (all below), found "role:b"',
    'line 14, column 3: rules[1].effect: expected one of "allow", "deny", found nothing',
    `line 19, column 1: rules[1].note: expected one line of at most ${MAX_NOTE} characters, found 3`,
  ]);
});

Deno.test("parsePolicy() finds what no single key can tell", () => {
  const rows: readonly [name: string, text: string, message: RegExp][] = [
    [
      "another mesh",
      'mesh = "other.mesh"',
      /^line 1, .* expected "test.mesh", this mesh, found "other/,
    ],
    [
      "a rule's name twice",
      `${rule('services = ["icmp"]\n')}${rule('services = ["icmp"]\n')}`,
      /"r" again/,
    ],
    [
      "an unknown service",
      rule('services = ["shh"]\n[[services]]\nname="ssh"\nports=["tcp/22"]\n'),
      /services\[0\]: expected a service of this policy.* found "shh"; did you mean "ssh"\?$/,
    ],
    [
      "an unknown offer",
      rule('services = ["api:wirte"]\n'),
      /found "api:wirte"; did you mean "api:write"\?/,
    ],
    ["a wrong port", rule('services = ["tcp/0"]\n'), /found "tcp\/0"/],
    ["a fixed service", rule('services = ["fabric:documents"]\n'), /which every member always has/],
    ["a direction mark", rule('services = ["icmp"]\nnote = "\\u202e"\n'), /expected one line of/],
    ["two lines", rule('services = ["icmp"]\nnote = "a\\nb"\n'), /expected one line of/],
    ["broken TOML", "[[rules]", /expected valid TOML/],
  ];
  for (const [name, text, message] of rows) {
    const found = errors(text);
    assertEquals(found.length, 1, `${name}: ${found.join(" | ")}`);
    assert(message.test(found[0] ?? ""), `${name}: ${found[0]}`);
  }
});

Deno.test("parsePolicy() bounds the number of rules and the whole", () => {
  const many = Array.from(
    { length: MAX_RULES + 1 },
    (_, i) => rule('services = ["icmp"]\n').replace('"r"', `"r${i}"`),
  );
  assertEquals(errors(many.join("")), [
    `line 1, column 3: rules: expected at most ${MAX_RULES} items, found ${MAX_RULES + 1}`,
  ]);
  const long = Array.from({ length: 30 }, (_, i) => `"spiffe://${MESH}/${"a".repeat(400)}/${i}"`);
  const large = many.slice(0, 6).map((text) => text.replace('["role:a"]', `[${long.join(", ")}]`));
  const [only, ...more] = errors(large.join(""));
  assert(only?.includes("a smaller policy"), only);
  assertEquals(more, []);
});

Deno.test("parsePolicy() warns of what is probably not meant", () => {
  assertEquals(warnings(rule('services = ["any"]\n')), [
    'line 6, column 1: rules[0].services: expected "network", if packets are meant, found "any", which ' +
    "lets them change each other through the API too",
  ]);
  const text = rule('services = ["icmp"]\n[[services]]\nname = "ssh"\nports = ["tcp/22"]\n')
    .replace("role:a", "spiffe://other.mesh/**");
  assertEquals(warnings(text), [
    'line 4, column 9: rules[0].from[0]: expected somebody of "test.mesh", found another mesh\'s ' +
    '"spiffe://other.mesh/**"',
    'line 8, column 1: services[0].name: expected a service that a rule uses, found "ssh"',
  ]);
  assertEquals(warnings(rule('services = ["any"]\n').replace("allow", "deny")), []);
});

Deno.test("writePolicy() and policyValue() read back the same", () =>
  fc.assert(
    fc.property(documents, (document) => {
      const head = {
        trustDomain: document.trustDomain,
        version: document.version,
        madeMs: document.madeMs,
      };
      for (
        const read of [
          parsePolicy(writePolicy(document), head),
          parsePolicyValue(JSON.parse(JSON.stringify(policyValue(document))), head),
        ]
      ) {
        assert(read.ok, JSON.stringify(read));
        assertEquals(read.document, document);
      }
    }),
    { numRuns: 200 },
  ));

Deno.test("parsePolicyValue() explains without a place", () => {
  const read = parsePolicyValue({ rules: [{ name: "x" }], other: 1 }, HEAD);
  assert(!read.ok);
  assertEquals(read.errors.map(({ line, key }) => [line, key]).sort(), [
    [0, ""],
    [0, "rules[0].effect"],
    [0, "rules[0].from"],
    [0, "rules[0].services"],
    [0, "rules[0].to"],
  ]);
});

Deno.test("writePolicy() shows the program's own rules", () => {
  const text = writePolicy(startingPolicy(MESH));
  for (const { rule: { name } } of baseRules(MESH)) assert(text.includes(`#   ${name}: allow`));
  assert(text.startsWith("# What holds in test.mesh without a signed policy."));
});

Deno.test("diffPolicies() names what is new, gone and changed", () => {
  const read = (text: string) => {
    const reading = parsePolicy(text, HEAD);
    assert(reading.ok, JSON.stringify(reading));
    return reading.document;
  };
  const ssh = '[[services]]\nname = "ssh"\nports = ["tcp/22"]\n';
  const before = read(ssh + rule('services = ["ssh"]\n'));
  const after = read(
    ssh.replace("22", "2222") +
      rule('services = ["icmp", "ssh"]\nnote = "x"\n').replace("role:a", "role:c")
        .replace("allow", "deny") +
      rule('services = ["icmp"]\n').replace('"r"', '"new"'),
  );
  assertEquals(diffPolicies(before, after), [
    'Service "ssh" changes: ports +tcp/2222 -tcp/22',
    'Rule "new" is new: allow role:a → role:b: icmp',
    'Rule "r" changes: allow becomes deny; from +role:c -role:a; services +icmp; another note',
  ]);
  assertEquals(diffPolicies(after, startingPolicy(MESH)).filter((line) => line.includes("gone")), [
    'Service "ssh" is gone: tcp/2222',
    'Rule "new" is gone: allow role:a → role:b: icmp',
    'Rule "r" is gone: deny role:c → role:b: icmp, ssh',
  ]);
  fc.assert(
    fc.property(documents, documents, (a, b) => {
      assertEquals(diffPolicies(a, { ...a, version: 9, rules: a.rules.toReversed() }), []);
      const same = JSON.stringify([a.rules, a.services]) === JSON.stringify([b.rules, b.services]);
      assertEquals(diffPolicies(a, b).length === 0, same);
    }),
    { numRuns: 200 },
  );
});
