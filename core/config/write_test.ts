import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { defaultOf, fromTomlKey, metaOf, shapeOf, toTomlKey } from "../document/mod.ts";
import { configs } from "./_arbitrary.ts";
import { readValue, setKey } from "./edit.ts";
import { equal } from "./equal.ts";
import { defaultConfig, parseConfig, parseConfigValue } from "./parse.ts";
import { diffConfigs, redact, REDACTED, redactText } from "./redact.ts";
import { allKeys } from "./schema_walk.ts";
import { configJsonSchema, valueAt, writeConfig } from "./write.ts";

function parsed(text: string) {
  const result = parseConfig(text);
  assert(result.ok, result.ok ? "" : result.errors.map(({ message }) => message).join("\n"));
  return result.config;
}

Deno.test("writeConfig() then parseConfig() gives the same configuration", () => {
  fc.assert(
    fc.property(configs, fc.boolean(), (config, withDefaults) => {
      assertEquals(parsed(writeConfig(config, { withDefaults })), config);
    }),
    { numRuns: 100 },
  );
});

Deno.test("writeConfig() of the defaults is empty", () => {
  assertEquals(writeConfig(defaultConfig()), "");
});

Deno.test("parseConfigValue() takes a configuration as JSON", () => {
  fc.assert(
    fc.property(configs, (config) => {
      const result = parseConfigValue(JSON.parse(JSON.stringify(config)));
      assert(result.ok);
      assertEquals(result.config, config);
    }),
    { numRuns: 50 },
  );
  const wrong = parseConfigValue({ mesh: { hop_penalty: 3, hopPenalty: 999 } });
  assert(!wrong.ok);
  assertEquals(wrong.errors.map(({ key }) => key).sort(), ["mesh", "mesh.hop_penalty"]);
});

Deno.test("every key has a description, one TOML name, and a default that its own schema takes", () => {
  const keys = allKeys();
  assert(keys.length > 100);
  for (const { name, path, schema } of keys) {
    const last = path.at(-1) ?? "";
    assert((metaOf(schema).description ?? "") !== "", `${name} is not explained`);
    assertEquals(fromTomlKey(toTomlKey(last)), last, name);
    const byDefault = defaultOf(schema);
    if (byDefault !== undefined) assert(schema.safeParse(byDefault).success, name);
  }
  assertEquals(new Set(keys.map(({ name }) => name)).size, keys.length);
});

Deno.test("configJsonSchema() describes every top-level table", () => {
  const { properties } = configJsonSchema() as { properties: Record<string, unknown> };
  assertEquals(Object.keys(properties).sort(), Object.keys(defaultConfig()).sort());
});

const COMMENTED = `# my node
[node] # here
name = "a" # the name

# mesh stuff
[mesh]
hop_penalty = 15   # low
gateway = { mode = "client" } # inline

[[radios]]
match = "phy0"

[[radios]]
match = "phy1"
`;

Deno.test("setKey() changes one key and keeps every other line", () => {
  const rows: readonly [key: string, value: unknown, added: string[], removed: string[]][] = [
    ["node.name", "b", ['name = "b" # the name'], ['name = "a" # the name']],
    ["mesh.hop_penalty", 20, ["hop_penalty = 20   # low"], ["hop_penalty = 15   # low"]],
    ["mesh.gateway.mode", "off", ['gateway = { mode = "off" } # inline'], [
      'gateway = { mode = "client" } # inline',
    ]],
    ["radios[0].channel", 3, ["channel = 3"], []],
    ["radios.1.channel", 4, ["channel = 4"], []],
    ["radios[2].match", "phy2", ['match = "phy2"'], []],
    ["lan.bridge", "br0", ["[lan]", 'bridge = "br0"'], []],
    ["lan.dhcp.lease_s", 300, ["[lan.dhcp]", "lease_s = 300"], []],
    ["mesh.hop_penalty", undefined, [], ["hop_penalty = 15   # low"]],
    ["node.contact", 'he said "hi" \\ \u00e9', ['contact = "he said \\"hi\\" \\\\ \u00e9"'], []],
  ];
  for (const [key, value, added, removed] of rows) {
    const result = setKey(COMMENTED, key, value);
    assert(result.ok, key);
    const [before, after] = [COMMENTED, result.text].map((text) => text.split("\n"));
    assertEquals(after?.filter((line) => !before?.includes(line)), added, key);
    assertEquals(before?.filter((line) => !after?.includes(line)), removed, key);
  }
});

Deno.test("setKey() puts a key of a list's item where the item is", () => {
  const result = setKey(COMMENTED, "radios[0].channel", 11);
  assert(result.ok);
  assertEquals(result.config.radios.map(({ channel }) => channel), [11, undefined]);
});

Deno.test("setKey() refuses what it cannot do, and says why", () => {
  const rows: readonly [key: string, value: unknown, message: string][] = [
    ["mesh.hop_penalt", 3, "did you mean mesh.hop_penalty?"],
    ["mesh.hop_penalty", 3000, "expected a whole number from 0 to 255, found 3000"],
    ["node.location.latitude", 3, "node.location.longitude"],
    ["mesh", 3, "a single key"],
    ["../etc", 3, "an unknown one"],
    ["radios[0].passphrase", "short", "found a secret that is none"],
  ];
  for (const [key, value, message] of rows) {
    const result = setKey(COMMENTED, key, value);
    assert(!result.ok, key);
    assert(
      result.errors.some((error) => error.message.includes(message)),
      result.errors[0]?.message,
    );
  }
});

Deno.test("setKey() in any valid document changes that key alone", () => {
  const leaves = allKeys().filter(({ name, schema }) =>
    !name.includes("[]") && !name.startsWith("radios") && shapeOf(schema).type === "leaf"
  );
  fc.assert(
    fc.property(configs, configs, fc.constantFrom(...leaves), (base, other, { path, name }) => {
      const text = `# first\n${writeConfig(base)}# last\n`;
      const value = valueAt(other, path);
      const result = setKey(text, name, value);
      // The new value may contradict the rest: then nothing is changed, and it says so.
      if (!result.ok) return assert(result.errors.length > 0);
      assert(result.text.startsWith("# first\n") || path[0] === "node");
      assert(result.text.includes("# last\n"));
      const differences = diffConfigs(base, result.config).map(({ key }) => key);
      assertEquals(differences.filter((key) => key !== name), []);
      if (value !== undefined) assert(equal(valueAt(result.config, path), value));
    }),
    { numRuns: 100 },
  );
});

Deno.test("readValue() reads what a person types", () => {
  const rows: readonly [key: string, typed: string, value: unknown][] = [
    ["mesh.hop_penalty", "30", 30],
    ["node.name", "n30", "n30"],
    ["node.name", '"n30"', "n30"],
    ["node.name", "30", "30"],
    ["mesh.enabled", "false", false],
    ["lan.ports", "eth1, eth2", ["eth1", "eth2"]],
    ["lan.ports", '["eth1"]', ["eth1"]],
    ["mesh.wired", '[{ interface = "eth1", hop_penalty = 3 }]', [{
      interface: "eth1",
      hopPenalty: 3,
    }]],
  ];
  for (const [key, typed, value] of rows) {
    assertEquals(readValue(key, typed), { ok: true, value }, key);
  }
  const wrong = readValue("mesh.hop_penalty", "many");
  assertEquals(wrong, { ok: false, expected: "a whole number from 0 to 255" });
});

const SECRETS = `[[radios]]
passphrase = "mesh secret 1"
[[client_ap]]
ssid = "x"
security = "wpa3"
passphrase = "client secret"
`;

Deno.test("redact() and redactText() leave no secret", () => {
  const hidden = [JSON.stringify(redact(parsed(SECRETS))), redactText(SECRETS)];
  for (const text of hidden) {
    assert(!text.includes("secret"), text);
    assertEquals(text.split(REDACTED).length, 3);
  }
  assert(!redactText('passphrase = "hunter2\n').includes("hunter2"));
  assert(!redactText('client_ap = [{ ssid = "x", passphrase = "secret 1" }]').includes("secret"));
});

Deno.test("diffConfigs() names each changed key and hides secrets", () => {
  const before = parsed(SECRETS);
  const after = parsed(
    SECRETS.replace("mesh secret 1", "mesh secret 2").replace('"x"', '"y"') +
      '[lan]\nports = ["eth1"]\n[mesh]\nhop_penalty = 5\n',
  );
  assertEquals(diffConfigs(before, after), [
    { key: "radios[0].passphrase", before: REDACTED, after: REDACTED },
    { key: "mesh.hop_penalty", before: 30, after: 5 },
    { key: "client_ap[0].ssid", before: "x", after: "y" },
    { key: "lan.ports", before: [], after: ["eth1"] },
  ]);
  const gone = diffConfigs(before, defaultConfig());
  assert(!JSON.stringify(gone).includes("secret"));
  assertEquals(diffConfigs(before, before), []);
});
