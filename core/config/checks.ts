// What no single key can tell: keys that contradict or need each other.
import type { Finding, PathPart } from "../document/mod.ts";
import { compareIp, inNetwork, parseCidr, parseIp } from "./ip.ts";
import type { Config } from "./schema.ts";

type Report = (path: readonly PathPart[], expected: string, found: string) => void;

/** Channels a band has (IEEE 802.11-2020 Annex E; 6 GHz: 802.11ax). */
export function channelExists(band: Config["radios"][number]["band"], channel: number): boolean {
  if (band === "2.4GHz") return channel <= 14;
  if (band === "6GHz") return channel % 4 === 1 || channel === 2;
  return (channel >= 32 && channel <= 68 && channel % 4 === 0) ||
    (channel >= 96 && channel <= 144 && channel % 4 === 0) ||
    (channel >= 149 && channel <= 177 && channel % 4 === 1);
}

/** The channel of a radio: its own, or the band's usual one. */
export function channelOf(radio: Config["radios"][number]): number {
  return radio.channel ?? { "2.4GHz": 1, "5GHz": 36, "6GHz": 37 }[radio.band];
}

function checkRadios(config: Config, error: Report): void {
  const seen = new Set<string>();
  for (const [i, radio] of config.radios.entries()) {
    const path = ["radios", i];
    if (radio.channel !== undefined && !channelExists(radio.band, radio.channel)) {
      error([...path, "channel"], `a channel of the band ${radio.band}`, String(radio.channel));
    }
    const widest = radio.band === "2.4GHz" ? 40 : 160;
    if (radio.widthMhz > widest) {
      error([...path, "widthMhz"], `at most ${widest} at ${radio.band}`, String(radio.widthMhz));
    }
    if (radio.mode === "ibss" && radio.passphrase !== undefined) {
      error([...path, "passphrase"], "none with mode ibss (SAE needs mode mesh)", "a passphrase");
    }
    if (radio.match !== "any" && seen.has(radio.match)) {
      error([...path, "match"], "each radio in one entry", `"${radio.match}" again`);
    }
    seen.add(radio.match);
  }
}

function checkAccessPoints(config: Config, error: Report): void {
  for (const [i, ap] of config.clientAp.entries()) {
    const needed = ap.security === "wpa3" || ap.security === "wpa2-wpa3";
    if (needed && ap.passphrase === undefined) {
      error(["clientAp", i, "passphrase"], `a passphrase for ${ap.security}`, "nothing");
    }
    if (!needed && ap.passphrase !== undefined) {
      error(["clientAp", i, "passphrase"], `none with security ${ap.security}`, "a passphrase");
    }
  }
}

function checkMesh(config: Config, error: Report): void {
  const { mesh } = config;
  if (mesh.algorithm === "BATMAN_IV" && mesh.gateway.selectionClass > 255) {
    error(
      ["mesh", "gateway", "selectionClass"],
      "1 to 255 for BATMAN_IV",
      String(mesh.gateway.selectionClass),
    );
  }
  if (mesh.hardMtu < mesh.mtu && !mesh.fragmentation) {
    error(["mesh", "hardMtu"], "at least mesh.mtu, or fragmentation", String(mesh.hardMtu));
  }
  const ids = new Set<number>();
  for (const [i, vlan] of mesh.vlans.entries()) {
    if (ids.has(vlan.id)) error(["mesh", "vlans", i, "id"], "each VLAN once", `${vlan.id} again`);
    ids.add(vlan.id);
    if (`${mesh.interface}.${vlan.id}`.length > 15) {
      error(
        ["mesh", "vlans", i, "id"],
        `a mesh.interface short enough for ".${vlan.id}"`,
        mesh.interface,
      );
    }
  }
}

/** Each interface has one use only. */
function checkInterfaces(config: Config, error: Report): void {
  const uses = new Map<string, string>();
  const use = (name: string | undefined, path: readonly PathPart[], purpose: string): void => {
    if (name === undefined) return;
    const other = uses.get(name);
    if (name === "lo") error(path, "another interface than the loopback", `"${name}"`);
    else if (other !== undefined) {
      error(path, "an interface with no other use", `"${name}", which is ${other}`);
    }
    uses.set(name, purpose);
  };
  use(config.mesh.interface, ["mesh", "interface"], "the mesh interface");
  if (config.lan.enabled) use(config.lan.bridge, ["lan", "bridge"], "the LAN bridge");
  use(config.wan.interface, ["wan", "interface"], "the WAN");
  for (const [i, port] of config.lan.ports.entries()) use(port, ["lan", "ports", i], "a LAN port");
  for (const [i, wired] of config.mesh.wired.entries()) {
    use(wired.interface, ["mesh", "wired", i, "interface"], "a wired mesh interface");
  }
  for (const [i, radio] of config.radios.entries()) {
    use(radio.interface, ["radios", i, "interface"], "a radio's mesh interface");
  }
  for (const [i, ap] of config.clientAp.entries()) {
    use(ap.interface, ["clientAp", i, "interface"], "an access point");
  }
}

function checkDhcp(config: Config, error: Report): void {
  const { dhcp } = config.lan;
  if (!dhcp.enabled) return;
  const path = ["lan", "dhcp"];
  if (!config.lan.enabled) error([...path, "enabled"], "lan.enabled", "lan.enabled = false");
  const ends = (["rangeStart", "rangeEnd"] as const).map((name) => {
    const text = dhcp[name];
    if (text === undefined) error([...path, name], "an IPv4 address, since DHCP is on", "nothing");
    return text === undefined ? null : parseIp(text);
  });
  const [start, end] = ends;
  if (start === null || end === null || start === undefined || end === undefined) return;
  if (compareIp(start, end) > 0) {
    error([...path, "rangeEnd"], "an address at or after range_start", `"${dhcp.rangeEnd}"`);
  }
  const networks = config.lan.addresses.map(parseCidr).filter((network) => network !== null);
  const fits = networks.some((network) => inNetwork(start, network) && inNetwork(end, network));
  if (!fits) {
    error(
      [...path, "rangeStart"],
      "a range within a network of lan.addresses",
      `"${dhcp.rangeStart}"`,
    );
  }
}

function checkNetworks(config: Config, error: Report): void {
  const { lan, wan } = config;
  if (
    lan.routerAdvertisement.enabled &&
    !lan.addresses.some((address) => parseCidr(address)?.octets.length === 16)
  ) {
    error(["lan", "routerAdvertisement", "enabled"], "an IPv6 address in lan.addresses", "none");
  }
  if (wan.method !== "none" && wan.interface === undefined) {
    error(["wan", "interface"], `an interface for wan.method ${wan.method}`, "nothing");
  }
  if (wan.method === "static" && wan.addresses.length === 0) {
    error(["wan", "addresses"], "an address for wan.method static", "none");
  }
  if (wan.method !== "static" && wan.addresses.length > 0) {
    error(["wan", "addresses"], `none with wan.method ${wan.method}`, String(wan.addresses.length));
  }
  if (wan.method !== "static" && wan.gateway !== undefined) {
    error(["wan", "gateway"], `none with wan.method ${wan.method}`, `"${wan.gateway}"`);
  }
  for (const [i, rule] of config.firewall.rules.entries()) {
    if (rule.ports.length > 0 && rule.protocol !== "tcp" && rule.protocol !== "udp") {
      error(["firewall", "rules", i, "ports"], "none unless protocol is tcp or udp", "ports");
    }
  }
}

function warnings(config: Config, warn: Report): void {
  if (config.mesh.gateway.mode === "server" && config.wan.interface === undefined) {
    warn(["mesh", "gateway", "mode"], "wan.interface, to offer Internet access", '"server"');
  }
  for (const [i, radio] of config.radios.entries()) {
    if (radio.band !== "2.4GHz" && config.wireless.country === undefined) {
      warn(
        ["radios", i, "band"],
        "wireless.country (the world domain forbids to start a mesh there)",
        `"${radio.band}"`,
      );
    }
  }
  for (const [i, ap] of config.clientAp.entries()) {
    if (ap.security === "open") {
      warn(["clientAp", i, "security"], "owe, which needs no passphrase either", '"open"');
    }
  }
}

/** Everything that keys say against each other. */
export function findContradictions(config: Config): readonly Finding[] {
  const out: Finding[] = [];
  const report = (warning: boolean): Report => (path, expected, found) => {
    out.push({ path, expected, found, warning });
  };
  const error = report(false);
  checkRadios(config, error);
  checkAccessPoints(config, error);
  checkMesh(config, error);
  checkInterfaces(config, error);
  checkDhcp(config, error);
  checkNetworks(config, error);
  warnings(config, report(true));
  return out;
}
