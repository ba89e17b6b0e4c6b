// The packet filter as nft text, from the document alone. Only interfaces the document names are
// filtered: what arrives elsewhere (a management port, a container bridge) is left to whoever made it.
// LAN and mesh are one side, since they are one Ethernet segment by way of the bridge.
//
// Everything from the document that enters the text is an interface name, a number, an address or a
// word of a closed list; comments are reduced to harmless characters. nft syntax: nft(8), 1.0.
import { fingerprint } from "./fingerprint.ts";
import { parseCidr } from "./ip.ts";
import type { Config } from "./schema.ts";

/** The table that holds all of it. */
export const FIREWALL_TABLE = "x0tta6bl4";

/** Interfaces of the LAN and mesh side. */
export function lanInterfaces(config: Config): readonly string[] {
  const names = new Set<string>();
  if (config.lan.enabled) names.add(config.lan.bridge);
  if (config.mesh.enabled) {
    names.add(config.mesh.interface);
    for (const vlan of config.mesh.vlans) {
      names.add(vlan.bridge ?? `${config.mesh.interface}.${vlan.id}`);
    }
  }
  for (const ap of config.clientAp) if (ap.bridge !== undefined) names.add(ap.bridge);
  return [...names];
}

/** Whether LAN and mesh may reach the Internet through this node. */
export function forwardsToWan(config: Config): boolean {
  if (config.wan.interface === undefined) return false;
  const { forwardToWan } = config.firewall;
  return forwardToWan === "always" ||
    (forwardToWan === "gateway" && config.mesh.gateway.mode === "server");
}

const quote = (name: string): string => `"${name}"`;
/** By number: small systems have no /etc/protocols to look names up in. */
const PROTOCOL_NUMBERS = { tcp: 6, udp: 17 } as const;

const set = (items: readonly string[]): string => `{ ${items.join(", ")} }`;

function comment(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9 .,:;/()_+-]/g, "?").slice(0, 64).trim();
  return plain === "" ? "" : ` comment ${quote(plain)}`;
}

/** Ports the API listens on, as nft set items. */
function apiPorts(config: Config): readonly string[] {
  const ports = config.api.listen.map((text) => text.slice(text.lastIndexOf(":") + 1));
  return [...new Set(ports)].filter((port) => port !== "0");
}

function matches(rule: Config["firewall"]["rules"][number]): readonly string[] {
  const source: string[] = [];
  const network = rule.source === undefined ? null : parseCidr(rule.source);
  if (network !== null) {
    const family = network.octets.length === 4 ? "ip" : "ip6";
    source.push(`${family} saddr ${network.address}/${network.prefixLength}`);
  }
  const ports = rule.ports.length === 0 ? "" : ` dport ${set(rule.ports)}`;
  switch (rule.protocol) {
    case "any":
      return [source.join(" ")];
    case "icmp": {
      const protocols = network === null
        ? ["meta l4proto { 1, 58 }"]
        : [network.octets.length === 4 ? "meta l4proto 1" : "meta l4proto 58"];
      return protocols.map((protocol) => [...source, protocol].join(" "));
    }
    default:
      return [
        [
          ...source,
          ports === "" ? `meta l4proto ${PROTOCOL_NUMBERS[rule.protocol]}` : rule.protocol + ports,
        ]
          .join(" "),
      ];
  }
}

function ownRules(config: Config, chain: "input" | "forward", from: "lan" | "wan"): string[] {
  return config.firewall.rules
    .filter((rule) => rule.chain === chain && rule.from === from)
    .flatMap((rule) =>
      matches(rule).map((match) =>
        `${match} counter ${rule.action}${comment(rule.comment)}`.trimStart()
      )
    );
}

const ESTABLISHED = "ct state vmap { established : accept, related : accept, invalid : drop }";

/** What IPv6 cannot do without (RFC 4890 §4.4.1), and path MTU discovery. */
const ICMP_NEEDED = [
  "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, " +
  "mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report, " +
  "destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept",
  "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
];

/** What nodes say to each other outside of the tunnels: each of it proves who it is from. */
function fromMembers({ overlay }: Config, side: "lan" | "wan"): string[] {
  if (!overlay.enabled) return [];
  const udp = side === "lan"
    ? set([overlay.port, overlay.discoveryPort].map(String))
    : String(overlay.port);
  return [
    `tcp dport ${set([overlay.port, overlay.fabricPort].map(String))} accept comment "members"`,
    `udp dport ${udp} accept comment "tunnels"`,
  ];
}

function fromLan(config: Config): string[] {
  const { firewall, lan, respondd } = config;
  const out = [...ICMP_NEEDED, "icmp type echo-request accept", "icmpv6 type echo-request accept"];
  if (firewall.lanInput === "accept") return [...out, "accept"];
  if (lan.enabled && (lan.dhcp.enabled || lan.routerAdvertisement.enabled)) {
    out.push('udp dport { 53, 67, 547 } accept comment "DHCP and DNS"');
    out.push('tcp dport 53 accept comment "DNS"');
  }
  const api = apiPorts(config);
  if (firewall.apiFrom.includes("lan") && api.length > 0) {
    out.push(`tcp dport ${set(api)} accept comment "API"`);
  }
  if (firewall.sshFrom.includes("lan")) out.push('tcp dport 22 accept comment "SSH"');
  if (respondd.enabled) out.push(`udp dport ${respondd.port} accept comment "respondd"`);
  out.push(...fromMembers(config, "lan"));
  return [...out, "counter drop"];
}

function fromWan(config: Config): string[] {
  const { firewall, wan } = config;
  const out = [
    ...ICMP_NEEDED,
    `icmp type echo-request limit rate ${firewall.pingRatePerS}/second accept`,
    `icmpv6 type echo-request limit rate ${firewall.pingRatePerS}/second accept`,
  ];
  if (wan.method === "dhcp") {
    out.push('udp sport 67 udp dport 68 accept comment "DHCP client"');
    out.push('ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment "DHCPv6 client"');
  }
  const api = apiPorts(config);
  if (firewall.apiFrom.includes("wan") && api.length > 0) {
    out.push(`tcp dport ${set(api)} accept comment "API"`);
  }
  if (firewall.sshFrom.includes("wan")) out.push('tcp dport 22 accept comment "SSH"');
  out.push(...fromMembers(config, "wan"));
  return [...out, "counter drop"];
}

function chain(name: string, hook: string | null, rules: readonly string[]): string {
  const lines = [...(hook === null ? [] : [hook]), ...rules].map((rule) => `    ${rule}`);
  return [`  chain ${name} {`, ...lines, "  }"].join("\n");
}

function chains(config: Config): string[] {
  const lan = set(lanInterfaces(config).map(quote));
  const hasLan = lanInterfaces(config).length > 0;
  const wan = config.wan.interface === undefined ? null : quote(config.wan.interface);
  const jumps = (prefix: string): string[] => [
    ...(hasLan ? [`iifname ${lan} jump ${prefix}_lan`] : []),
    ...(wan === null ? [] : [`iifname ${wan} jump ${prefix}_wan`]),
  ];
  const out: string[] = [];
  if (hasLan) {
    out.push(chain("input_lan", null, [
      ESTABLISHED,
      ...ownRules(config, "input", "lan"),
      ...fromLan(config),
    ]));
    const onward = wan === null || !forwardsToWan(config)
      ? []
      : [`oifname ${wan} accept comment "Internet"`];
    out.push(chain("forward_lan", null, [
      ESTABLISHED,
      ...ownRules(config, "forward", "lan"),
      `oifname ${lan} accept`,
      ...onward,
      ...(wan === null ? [] : [`oifname ${wan} counter reject with icmpx admin-prohibited`]),
    ]));
  }
  if (wan !== null) {
    out.push(chain("input_wan", null, [
      ESTABLISHED,
      ...ownRules(config, "input", "wan"),
      ...fromWan(config),
    ]));
    out.push(chain("forward_wan", null, [
      ESTABLISHED,
      ...ownRules(config, "forward", "wan"),
      "counter drop",
    ]));
  }
  out.push(
    chain("input", "type filter hook input priority filter; policy accept;", jumps("input")),
  );
  out.push(
    chain("forward", "type filter hook forward priority filter; policy accept;", [
      ...(forwardsToWan(config) && wan !== null
        ? [`oifname ${wan} tcp flags syn / syn,rst tcp option maxseg size set rt mtu`]
        : []),
      ...jumps("forward"),
    ]),
  );
  if (wan !== null && forwardsToWan(config) && config.firewall.masquerade) {
    out.push(chain("postrouting", "type nat hook postrouting priority srcnat; policy accept;", [
      `meta nfproto ipv4 oifname ${wan} masquerade`,
    ]));
  }
  return out;
}

/** A ruleset and how to recognise it in the kernel. */
export interface Ruleset {
  /** nft text that replaces the whole table in one transaction. */
  readonly text: string;
  /** Name of an empty chain in it that changes with the text. */
  readonly mark: string;
}

/** The ruleset of a configuration. */
export function firewallRuleset(config: Config): Ruleset {
  const body = chains(config).join("\n");
  const mark = `is_${fingerprint(body)}`;
  const name = `inet ${FIREWALL_TABLE}`;
  const text = [
    `table ${name}`,
    `delete table ${name}`,
    `table ${name} {`,
    `  chain ${mark} {`,
    "  }",
    body,
    "}",
    "",
  ].join("\n");
  return { text, mark };
}
