// The files and rulesets that a document implies. What the kernel and the programs make of them is tested
// in tests/host and tests/lab.
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { configs } from "./_arbitrary.ts";
import { centerChannel, channelObstacle, channelSpec, frequencyMhz } from "./channel.ts";
import { dnsmasqConfig } from "./dnsmasq.ts";
import { fingerprint } from "./fingerprint.ts";
import { firewallRuleset } from "./firewall.ts";
import { hostapdConfig } from "./hostapd.ts";
import { parseConfig } from "./parse.ts";
import type { Config } from "./schema.ts";
import { wpaSupplicantConfig } from "./wpa_supplicant.ts";

function config(text: string): Config {
  const result = parseConfig(text);
  assert(result.ok, result.ok ? "" : result.errors.map(({ message }) => message).join("\n"));
  return result.config;
}

/** Rules of one chain, without indentation. */
function chain(text: string, name: string): readonly string[] {
  const lines = text.split("\n");
  const start = lines.indexOf(`  chain ${name} {`);
  if (start < 0) return [];
  return lines.slice(start + 1, lines.indexOf("  }", start)).map((line) => line.trim());
}

const GATEWAY = `
[mesh.gateway]
mode = "server"
[wan]
interface = "eth0"
method = "dhcp"
`;

Deno.test("firewallRuleset() filters only the interfaces that the document names", () => {
  const { text } = firewallRuleset(config(""));
  assertEquals(chain(text, "input"), [
    "type filter hook input priority filter; policy accept;",
    'iifname { "br-lan", "bat0" } jump input_lan',
  ]);
  assertEquals(chain(text, "input_wan"), []);
  assertEquals(chain(text, "postrouting"), []);
});

Deno.test("firewallRuleset() lets the WAN in for replies, ICMP and DHCP, and drops the rest", () => {
  const rules = chain(firewallRuleset(config(GATEWAY)).text, "input_wan");
  assertEquals(
    rules[0],
    "ct state vmap { established : accept, related : accept, invalid : drop }",
  );
  assertEquals(rules.at(-1), "counter drop");
  const open = rules.filter((rule) => rule.includes("dport"));
  assertEquals(open, [
    'udp sport 67 udp dport 68 accept comment "DHCP client"',
    'ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment "DHCPv6 client"',
    'tcp dport { 6470, 6473 } accept comment "members"',
    'udp dport 6470 accept comment "tunnels"',
  ]);
});

Deno.test("firewallRuleset() forwards and masquerades when the node is a gateway, and only then", () => {
  const on = firewallRuleset(config(GATEWAY)).text;
  assertEquals(chain(on, "postrouting").at(-1), 'meta nfproto ipv4 oifname "eth0" masquerade');
  assert(chain(on, "forward_lan").includes('oifname "eth0" accept comment "Internet"'));
  assertEquals(chain(on, "forward_wan").at(-1), "counter drop");
  for (
    const text of [
      '[wan]\ninterface = "eth0"\n',
      `${GATEWAY}[firewall]\nforward_to_wan = "never"\n`,
    ]
  ) {
    const off = firewallRuleset(config(text)).text;
    assertEquals(chain(off, "postrouting"), []);
    assert(!chain(off, "forward_lan").some((rule) => rule.includes("Internet")));
  }
});

Deno.test("firewallRuleset() opens API, SSH, DHCP and DNS where the document says", () => {
  const { text } = firewallRuleset(config(`
[firewall]
ssh_from = ["wan"]
[api]
listen = ["0.0.0.0:8080", "[::]:8080", "0.0.0.0:443"]
[lan]
addresses = ["10.0.0.1/24"]
dhcp = { enabled = true, range_start = "10.0.0.9", range_end = "10.0.0.99" }
[wan]
interface = "eth0"
`));
  const lan = chain(text, "input_lan");
  assert(lan.includes('tcp dport { 8080, 443 } accept comment "API"'));
  assert(lan.includes('udp dport { 53, 67, 547 } accept comment "DHCP and DNS"'));
  assert(!lan.some((rule) => rule.includes("SSH")));
  assert(chain(text, "input_wan").includes('tcp dport 22 accept comment "SSH"'));
  assert(!chain(text, "input_wan").some((rule) => rule.includes("API")));
});

Deno.test("firewallRuleset() puts the document's own rules first", () => {
  const { text } = firewallRuleset(config(`
[[firewall.rules]]
comment = 'x" } ; flush ruleset #'
protocol = "tcp"
ports = ["443", "5000-5010"]
source = "10.2.3.4/8"
[[firewall.rules]]
protocol = "icmp"
source = "fd00::/8"
action = "drop"
[[firewall.rules]]
chain = "forward"
action = "reject"
`));
  assertEquals(chain(text, "input_lan").slice(1, 3), [
    'ip saddr 10.2.3.4/8 tcp dport { 443, 5000-5010 } counter accept comment "x? ? ; flush ruleset ?"',
    "ip6 saddr fd00::/8 meta l4proto 58 counter drop",
  ]);
  assertEquals(chain(text, "forward_lan")[1], "counter reject");
});

Deno.test("firewallRuleset() has a mark that changes with its rules alone", () => {
  const mark = (text: string) => firewallRuleset(config(text)).mark;
  assertEquals(mark(""), mark('[node]\nname = "other"\n'));
  assert(mark("") !== mark('[firewall]\nssh_from = ["lan"]\n'));
  assert(firewallRuleset(config("")).text.includes(`chain ${mark("")} {`));
});

Deno.test("no generated line holds more than the document may say", () => {
  fc.assert(
    fc.property(configs, (any) => {
      const { text } = firewallRuleset(any);
      assertEquals(text.split("{").length, text.split("}").length);
      assertEquals(text.split('"').length % 2, 1);
      // deno-lint-ignore no-control-regex
      assert(!/[^\x0a\x20-\x7e]/.test(text));
      for (const line of dnsmasqConfig(any)?.split("\n") ?? []) {
        assert(line === "" || /^[a-z-]+(=[\x21-\x7e]+)?$/.test(line), line);
      }
    }),
    { numRuns: 100 },
  );
});

Deno.test("dnsmasqConfig() is made only when something needs it", () => {
  assertEquals(dnsmasqConfig(config("")), null);
  const text = dnsmasqConfig(config(`
[node]
name = "tower"
[lan]
addresses = ["10.7.0.1/16", "fd00:7::1/64"]
dhcp = { enabled = true, range_start = "10.7.1.0", range_end = "10.7.9.255", dns = ["9.9.9.9", "fd00::5"] }
router_advertisement = { enabled = true }
[wan]
dns = ["1.1.1.1"]
`)) ?? "";
  const lines = text.split("\n");
  for (
    const line of [
      "interface=br-lan",
      "host-record=tower.mesh,10.7.0.1,fd00:7::1",
      "server=1.1.1.1",
      "dhcp-range=10.7.1.0,10.7.9.255,255.255.0.0,3600s",
      "dhcp-option=option:dns-server,9.9.9.9",
      "dhcp-range=::,constructor:br-lan,ra-stateless,ra-names",
      "dhcp-option=option6:dns-server,[fd00::5]",
    ]
  ) assert(lines.includes(line), `${line} is missing in\n${text}`);
});

Deno.test("hostapdConfig() and wpaSupplicantConfig() keep names and passphrases in their lines", () => {
  const { clientAp, radios } = config(`
[[radios]]
band = "5GHz"
width_mhz = 80
passphrase = 'mesh "pass" # phrase'
[[client_ap]]
ssid = "a\\"b \u00fc"
security = "wpa2-wpa3"
passphrase = 'client|mac="#x'
`);
  const [ap, radio] = [clientAp[0], radios[0]];
  assert(ap !== undefined && radio !== undefined);
  const hostapd = hostapdConfig({
    ap,
    radio,
    interface: "ap0",
    bridge: "br-lan",
    country: "DE",
    standards: ["ax", "ac", "n"],
  }).split("\n");
  for (
    const line of [
      "ssid2=61226220c3bc",
      'wpa_passphrase=client|mac="#x',
      "vht_oper_centr_freq_seg0_idx=42",
      "ht_capab=[HT40+]",
      "country_code=DE",
    ]
  ) assert(hostapd.includes(line), line);
  const mesh = wpaSupplicantConfig(radio, "x}", null);
  assert(mesh.includes("  ssid=787d\n"));
  assert(!mesh.includes("phrase"));
});

Deno.test("channelSpec() finds the middle of each block", () => {
  const rows: readonly [
    band: "2.4GHz" | "5GHz" | "6GHz",
    channel: number,
    width: number,
    center: number,
  ][] = [
    ["2.4GHz", 1, 20, 1],
    ["2.4GHz", 1, 40, 3],
    ["2.4GHz", 11, 40, 9],
    ["5GHz", 36, 40, 38],
    ["5GHz", 40, 40, 38],
    ["5GHz", 48, 80, 42],
    ["5GHz", 64, 160, 50],
    ["5GHz", 104, 80, 106],
    ["5GHz", 128, 160, 114],
    ["5GHz", 132, 80, 138],
    ["5GHz", 157, 80, 155],
    ["5GHz", 177, 160, 163],
    ["6GHz", 37, 80, 39],
    ["6GHz", 1, 160, 15],
  ];
  for (const [band, channel, width, center] of rows) {
    assertEquals(centerChannel(band, channel, width), center, `${channel} ${width}`);
  }
  assertEquals([frequencyMhz("2.4GHz", 14), frequencyMhz("5GHz", 36), frequencyMhz("6GHz", 37)], [
    2484,
    5180,
    6135,
  ]);
  const [radio] = config('[[radios]]\nband = "5GHz"\nchannel = 44\nwidth_mhz = 80\n').radios;
  assert(radio !== undefined);
  assertEquals(channelSpec(radio), { frequencyMhz: 5220, widthMhz: 80, centerFrequencyMhz: 5210 });
});

Deno.test("channelObstacle() says why a radio may not send", () => {
  const channel = {
    number: 36,
    frequencyMhz: 5180,
    maxTxPowerDbm: 20,
    disabled: false,
    noIr: false,
    radar: false,
    dfsState: null,
  };
  const radio = (change: object) => ({
    index: 0,
    name: "phy0",
    bands: [{
      band: "5GHz" as const,
      channels: [{ ...channel, ...change }],
      standards: [],
      maxWidthMhz: 80 as const,
    }],
    modes: [],
    sae: false,
    maxScanSsids: 4,
    country: null,
  });
  const say = (change: object, number = 36) =>
    channelObstacle(radio(change), "5GHz", number, "00") ?? "";
  assertEquals(say({}), "");
  assert(say({}, 40).includes("has no channel 40"));
  assert(say({ disabled: true }).includes("the world domain"));
  assert(say({ noIr: true }).includes("forbids to start sending"));
  assert(say({ radar: true, dfsState: "usable" }).includes("radar check"));
  assertEquals(say({ radar: true, dfsState: "available" }), "");
});

Deno.test("fingerprint() is FNV-1a", () => {
  // Vectors of draft-eastlake-fnv-17 §6: the empty text, "a", "foobar".
  assertEquals(["", "a", "foobar"].map(fingerprint), [
    "cbf29ce484222325",
    "af63dc4c8601ec8c",
    "85944171f73967e8",
  ]);
});
