// dnsmasq's configuration: DHCP, DNS and router advertisement on the LAN bridge. dnsmasq(8) 2.89.
// Values are addresses, names and numbers that the schema has checked; none can hold a line break.
import { parseCidr } from "./ip.ts";
import type { Config } from "./schema.ts";

function rangeMask(config: Config): string {
  const { rangeStart } = config.lan.dhcp;
  const first = config.lan.addresses.map(parseCidr).find((network) => network?.octets.length === 4);
  if (rangeStart === undefined || first === undefined || first === null) return "";
  const mask = Array.from({ length: 4 }, (_, i) => {
    const bits = Math.min(8, Math.max(0, first.prefixLength - i * 8));
    return (0xff00 >> bits) & 0xff;
  });
  return `,${mask.join(".")}`;
}

/** The file's text, or `null` when nothing on this node needs dnsmasq. */
export function dnsmasqConfig(config: Config): string | null {
  const { lan, wan } = config;
  const advertise = lan.enabled && lan.routerAdvertisement.enabled;
  const dhcp = lan.enabled && lan.dhcp.enabled;
  if (!advertise && !dhcp) return null;
  const lines = [
    `interface=${lan.bridge}`,
    "except-interface=lo",
    "bind-dynamic",
    "no-hosts",
    "domain-needed",
    "bogus-priv",
    "cache-size=1000",
    `domain=${lan.dhcp.domain}`,
    `local=/${lan.dhcp.domain}/`,
    "expand-hosts",
    `host-record=${config.node.name}.${lan.dhcp.domain}${
      lan.addresses.map((address) => `,${parseCidr(address)?.address}`).join("")
    }`,
  ];
  if (wan.dns.length > 0) {
    lines.push("no-resolv", ...wan.dns.map((server) => `server=${server}`));
  }
  const dns4 = lan.dhcp.dns.filter((server) => !server.includes(":"));
  const dns6 = lan.dhcp.dns.filter((server) => server.includes(":"));
  if (dhcp) {
    const { rangeStart, rangeEnd, leaseS } = lan.dhcp;
    lines.push(
      `dhcp-range=${rangeStart},${rangeEnd}${rangeMask(config)},${leaseS}s`,
      "dhcp-authoritative",
      "dhcp-lease-max=10000",
    );
    if (dns4.length > 0) lines.push(`dhcp-option=option:dns-server,${dns4.join(",")}`);
  }
  if (advertise) {
    lines.push("enable-ra", `dhcp-range=::,constructor:${lan.bridge},ra-stateless,ra-names`);
    if (dns6.length > 0) {
      const servers = dns6.map((server) => `[${server}]`).join(",");
      lines.push(`dhcp-option=option6:dns-server,${servers}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
