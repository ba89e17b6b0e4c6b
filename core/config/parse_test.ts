import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { MAX_DOCUMENT_BYTES, MAX_REPORTED_ERRORS } from "../document/mod.ts";
import type { ConfigError } from "./errors.ts";
import { defaultConfig, parseConfig } from "./parse.ts";
import { allKeys } from "./schema_walk.ts";

function errorsOf(text: string): readonly ConfigError[] {
  const result = parseConfig(text);
  return result.ok ? [] : result.errors;
}

const messages = (text: string) => errorsOf(text).map(({ message }) => message);

Deno.test("parseConfig() of an empty document gives the defaults", () => {
  for (const text of ["", "\n", "# only a comment\n", "[mesh]\n", "\ufeff"]) {
    const result = parseConfig(text);
    assert(result.ok, text);
    assertEquals(result.config, defaultConfig());
  }
});

Deno.test("parseConfig() reads every form of a key the same", () => {
  const forms = [
    "[mesh.gateway]\ndown_kbps = 500\n",
    "[mesh]\ngateway.down_kbps = 500\n",
    "[mesh]\ngateway = { down_kbps = 500 }\n",
    "mesh.gateway.down_kbps = 5_00\n",
    'mesh."gateway".down_kbps = 0x1f4\n',
    "mesh = { gateway = { down_kbps = 500 } }\r\n",
  ];
  for (const text of forms) {
    const result = parseConfig(text);
    assert(result.ok, text);
    assertEquals(result.config.mesh.gateway.downKbps, 500, text);
  }
});

Deno.test("parseConfig() reports all errors at once, in order, with place, key, wish and finding", () => {
  const text = `[node]
nam = "x"
[mesh]
hop_penalty = 900
hopPenalty = 3
algorithm = "BATMAN_VI"
mtu = 99999999999999999999
[mesh.gateway]
mode = 1
[[radios]]
match = "phy0"
  channel = "x"
[[client_ap]]
[[wan]]
a = 1
`;
  assertEquals(messages(text), [
    'line 2, column 1: node.nam: expected a key of node, found unknown key "nam"; did you mean name?',
    "line 4, column 1: mesh.hop_penalty: expected a whole number from 0 to 255, found 900",
    'line 5, column 1: mesh.hopPenalty: expected a key of mesh, found unknown key "hopPenalty"; ' +
    "did you mean hop_penalty?",
    'line 6, column 1: mesh.algorithm: expected one of "BATMAN_IV", "BATMAN_V", found "BATMAN_VI"; ' +
    'did you mean "BATMAN_IV"?',
    "line 7, column 1: mesh.mtu: expected a whole number from 1280 to 9000, found 99999999999999999999",
    'line 9, column 1: mesh.gateway.mode: expected one of "off", "client", "server", found 1',
    'line 12, column 3: radios[0].channel: expected a whole number from 1 to 233, found "x"',
    "line 13, column 3: client_ap[0].ssid: expected a network name of 1 to 32 octets without control " +
    "characters, found nothing",
    "line 14, column 3: wan: expected a table, found a list of tables ([[…]])",
  ]);
});

Deno.test("parseConfig() explains broken TOML by its place", () => {
  const rows: readonly [text: string, line: number, column: number][] = [
    ["a = ", 1, 5],
    ["[mesh]\nmtu = 1\nmtu = 2\n", 3, 1],
    ["[mesh\n", 2, 1],
    ['[node]\nname = "x\n', 2, 10],
    ["a=1 b=2", 1, 5],
    ["\u0000", 1, 1],
    ["\ud800", 1, 1],
  ];
  for (const [text, line, column] of rows) {
    const [error, ...more] = errorsOf(text);
    assertEquals([error?.line, error?.column, more.length], [line, column, 0], text);
    assertStringIncludes(error?.message ?? "", "expected");
  }
});

Deno.test("parseConfig() bounds what it reads and reports", () => {
  assertStringIncludes(messages("#".repeat(MAX_DOCUMENT_BYTES + 1))[0] ?? "", "octets");
  const many = Array.from({ length: 500 }, (_, i) => `x${i} = 1\n`).join("");
  assertEquals(errorsOf(many).length, MAX_REPORTED_ERRORS + 1);
  assertStringIncludes(messages(many).at(-1) ?? "", "400 more");
  assert(errorsOf(`lan.ports = ${"[".repeat(60_000)}`).length > 0);
  assert(errorsOf(`lan.ports = ${"[".repeat(20_000)}${"]".repeat(20_000)}`).length > 0);
  const long = messages(`node.name = "${"y".repeat(5000)}"`)[0] ?? "";
  assert(long.length < 300, long);
  const list = `lan.ports = [${Array.from({ length: 65 }, (_, i) => `"e${i}"`).join(",")}]`;
  assertStringIncludes(messages(list)[0] ?? "", "expected at most 64 items, found 65");
});

Deno.test("parseConfig() never shows a secret in an error", () => {
  const text =
    '[[radios]]\npassphrase = "hunter2"\n[[client_ap]]\nssid = "x"\npassphrase = ["hunter2"]\n';
  const found = messages(text);
  assertEquals(found.length, 2);
  assert(!found.join().includes("hunter2"), found.join("\n"));
});

Deno.test("parseConfig() is not fooled by names of JavaScript", () => {
  for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    assertStringIncludes(messages(`[${key}]\nx = 1\n`)[0] ?? "", "unknown key");
    assertStringIncludes(messages(`mesh.${key} = 1\n`)[0] ?? "", "unknown key");
    assertStringIncludes(messages(`mesh = { ${key} = 1 }\n`)[0] ?? "", "unknown key");
  }
  assertEquals(({} as Record<string, unknown>).x, undefined);
});

Deno.test("parseConfig() refuses text that could break out of a generated file", () => {
  const values = [
    "a\nb",
    "a b",
    'a"b',
    "a;b",
    "a{b",
    "a#b",
    "$(x)",
    "a\\u0000b",
    "../x",
    "-x",
    "é",
  ];
  const keys = ["lan.bridge", "mesh.interface", "wan.interface", "lan.dhcp.domain", "node.name"];
  for (const key of keys) {
    for (const value of values) {
      assert(errorsOf(`${key} = ${JSON.stringify(value)}\n`).length > 0, `${key} took ${value}`);
    }
  }
  for (
    const name of [
      'ssid = "a\\nb"',
      'ssid = "a\\u0000b"',
      'ssid = "x"\npassphrase = "eight888\\nx"',
    ]
  ) {
    assert(
      errorsOf(`[[client_ap]]\nsecurity = "wpa3"\npassphrase = "12345678"\n${name}\n`).length > 0,
    );
  }
});

const CONTRADICTIONS: readonly [name: string, text: string, key: string][] = [
  ["channel of another band", "[[radios]]\nchannel = 36\n", "radios[0].channel"],
  ["too wide", "[[radios]]\nwidth_mhz = 80\n", "radios[0].width_mhz"],
  [
    "one radio twice",
    '[[radios]]\nmatch = "phy0"\n[[radios]]\nmatch = "phy0"\n',
    "radios[1].match",
  ],
  [
    "SAE without a passphrase",
    '[[client_ap]]\nssid = "x"\nsecurity = "wpa3"\n',
    "client_ap[0].passphrase",
  ],
  [
    "OWE with a passphrase",
    '[[client_ap]]\nssid = "x"\npassphrase = "12345678"\n',
    "client_ap[0].passphrase",
  ],
  ["one interface twice", 'lan.ports = ["eth0"]\nwan.interface = "eth0"\n', "lan.ports[0]"],
  ["the loopback", 'wan.interface = "lo"\n', "wan.interface"],
  ["a VLAN twice", "[[mesh.vlans]]\nid = 3\n[[mesh.vlans]]\nid = 3\n", "mesh.vlans[1].id"],
  ["DHCP without a range", "lan.dhcp.enabled = true\n", "lan.dhcp.range_start"],
  [
    "DHCP outside the LAN",
    'lan.addresses = ["10.0.0.1/24"]\n[lan.dhcp]\nenabled = true\nrange_start = "10.0.1.5"\nrange_end = "10.0.1.9"\n',
    "lan.dhcp.range_start",
  ],
  [
    "advertisement without IPv6",
    "lan.router_advertisement.enabled = true\n",
    "lan.router_advertisement.enabled",
  ],
  ["static without an address", 'wan.interface = "eth0"\nwan.method = "static"\n', "wan.addresses"],
  ["a method without an interface", 'wan.method = "dhcp"\n', "wan.interface"],
  [
    "ports of ICMP",
    '[[firewall.rules]]\nprotocol = "icmp"\nports = ["80"]\n',
    "firewall.rules[0].ports",
  ],
  ["selection class of IV", "mesh.gateway.selection_class = 300\n", "mesh.gateway.selection_class"],
];

for (const [name, text, key] of CONTRADICTIONS) {
  Deno.test(`parseConfig() refuses keys that contradict each other: ${name}`, () => {
    assertEquals(errorsOf(text)[0]?.key, key, messages(text).join("\n"));
    assert((errorsOf(text)[0]?.line ?? 0) >= 1);
  });
}

Deno.test("parseConfig() warns of what is probably not meant", () => {
  const result = parseConfig(
    'mesh.gateway.mode = "server"\n[[client_ap]]\nssid = "x"\nsecurity = "open"\n',
  );
  assert(result.ok);
  assertEquals(result.warnings.map(({ key }) => key), [
    "mesh.gateway.mode",
    "client_ap[0].security",
  ]);
});

Deno.test("parseConfig() of any text gives a result, never an exception", () => {
  const names = allKeys().map(({ name }) => name.replaceAll("[]", ""));
  const value = fc.oneof(
    fc.json(),
    fc.string(),
    fc.constantFrom("1", "-1", "1e400", "nan", "07:32:00", "1979-05-27", "{}", "[[]]", "'''x'''"),
  );
  const line = fc.oneof(
    fc.tuple(fc.constantFrom(...names), value).map(([name, text]) => `${name} = ${text}`),
    fc.constantFrom(...names).map((name) => `[${name}]`),
    fc.constantFrom(...names).map((name) => `[[${name}]]`),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const result = parseConfig(lines.join("\n"));
      if (result.ok) return;
      assert(result.errors.length > 0);
      for (const error of result.errors) {
        assert(error.line >= 1 && error.column >= 1 && error.message !== "");
      }
    }),
    { numRuns: 1500 },
  );
});
