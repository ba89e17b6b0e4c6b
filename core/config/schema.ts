// The node's one configuration document as one table: every key's type, bounds, default and explanation.
// The TOML file, the TypeScript type, JSON Schema, the error messages and docs/configuration.md are all
// made from it. Keys are camelCase here and in JSON, snake_case in TOML (names.ts). Every key has a
// default or may be left out, except the few that make a list's item what it is (an interface, an SSID).
import { z } from "zod";
import { MAX_LIST_ITEMS } from "./limits.ts";
import {
  cidr,
  country,
  domainName,
  hostName,
  interfaceName,
  ipAddress,
  ipv4,
  key,
  line,
  listen,
  passphrase,
  ports,
  radioMatch,
  ssid,
  whole,
} from "./primitives.ts";

const list = <T extends z.ZodType>(item: T) => z.array(item).max(MAX_LIST_ITEMS);
const yes = z.boolean().default(true);
const no = z.boolean().default(false);

const location = z.strictObject({
  latitude: key(z.number().min(-90).max(90), "Degrees north."),
  longitude: key(z.number().min(-180).max(180), "Degrees east."),
  altitudeM: key(z.number().min(-500).max(9000).optional(), "Metres above sea level."),
});

const node = z.strictObject({
  name: key(hostName.default("node"), "Name of this node, shown on maps and to its neighbours."),
  contact: key(line(200).optional(), "Whom to ask about this node. Public: maps show it."),
  location: key(location.optional(), "Where the node stands. Public: maps show it."),
});

const wireless = z.strictObject({
  country: key(
    country.optional(),
    "Country whose radio rules apply to all radios. Left out: the kernel's own setting stays.",
  ),
});

const hardInterfaceKeys = {
  hopPenalty: key(
    whole(0, 255).optional(),
    "Penalty for paths that leave through here, added to the mesh's own.",
  ),
  elpIntervalMs: key(
    whole(20, 60_000).optional(),
    "BATMAN_V: time between two ELP packets here. Left out: mesh.elp_interval_ms.",
  ),
  throughputOverrideKbps: key(
    whole(0, 4_000_000_000).optional(),
    "BATMAN_V: throughput to assume here; 0 measures it. Needed where the driver cannot tell.",
  ),
};

const radio = z.strictObject({
  match: key(
    radioMatch.default("any"),
    'Which radio: "any" is the first one no other entry names; else "phy0", a MAC address of the ' +
      'radio, or "path:" and its device path.',
  ),
  band: key(z.enum(["2.4GHz", "5GHz", "6GHz"]).default("2.4GHz"), "Band to use."),
  channel: key(
    whole(1, 233).optional(),
    "Channel. Left out: 1 at 2.4 GHz, 36 at 5 GHz, 37 at 6 GHz. All nodes of a mesh need the same.",
  ),
  widthMhz: key(
    z.union([z.literal(20), z.literal(40), z.literal(80), z.literal(160)]).default(20),
    "Channel width.",
  ),
  txPowerDbm: key(
    whole(0, 40).optional(),
    "Fixed transmit power. Left out: as much as the rules allow.",
  ),
  required: key(yes, "Whether a missing radio is reported as a fault."),
  mesh: key(yes, "Whether this radio carries the mesh."),
  mode: key(
    z.enum(["mesh", "ibss"]).default("mesh"),
    "How radios find each other: 802.11s without its own forwarding, or IBSS (ad hoc) for old drivers.",
  ),
  interface: key(
    interfaceName.optional(),
    "Name of the mesh interface made on the radio. Left out: mesh0 on phy0, mesh1 on phy1 …",
  ),
  passphrase: key(
    passphrase.optional(),
    "Encrypts the radio links of the mesh with SAE. Needs wpa_supplicant; all nodes need the same.",
  ),
  multicastRateKbps: key(
    whole(1000, 54_000).optional(),
    "Rate of broadcasts, which carry the routing protocol.",
  ),
  ...hardInterfaceKeys,
});

const gateway = z.strictObject({
  mode: key(
    z.enum(["off", "client", "server"]).default("off"),
    '"server" offers this node\'s Internet access to the mesh, "client" picks the best server for DHCP.',
  ),
  downKbps: key(
    whole(100, 4_000_000_000).default(10_000),
    "Download speed that a server announces.",
  ),
  upKbps: key(whole(100, 4_000_000_000).default(2000), "Upload speed that a server announces."),
  selectionClass: key(
    whole(1, 65_535).default(20),
    "When a client changes its server. BATMAN_IV: 1 to 255, 20 changes only for a link quality better " +
      "by 20. BATMAN_V: in 100 kbit/s.",
  ),
});

const vlan = z.strictObject({
  id: key(whole(1, 4094), "VLAN id on the mesh."),
  apIsolation: key(no, "Wireless clients of this VLAN cannot talk to each other."),
  bridge: key(interfaceName.optional(), "Bridge that the VLAN is put in; it is made if missing."),
});

const wired = z.strictObject({
  interface: key(interfaceName, "Interface with a cable to other mesh nodes."),
  ...hardInterfaceKeys,
});

const mesh = z.strictObject({
  enabled: key(yes, "Whether this node takes part in the mesh."),
  interface: key(interfaceName.default("bat0"), "Name of the mesh interface."),
  id: key(ssid.default("x0tta6bl4"), "Name of the mesh on the air; all nodes need the same."),
  algorithm: key(
    z.enum(["BATMAN_IV", "BATMAN_V"]).default("BATMAN_IV"),
    "Routing by link quality (IV) or by throughput (V); all nodes need the same.",
  ),
  originatorIntervalMs: key(
    whole(40, 60_000).default(1000),
    "Time between two originator messages: shorter heals sooner and uses more airtime.",
  ),
  elpIntervalMs: key(whole(20, 60_000).default(500), "BATMAN_V: time between two ELP packets."),
  hopPenalty: key(whole(0, 255).default(30), "How much worse a path gets with each hop."),
  gateway: key(gateway.prefault({}), "Internet gateways."),
  aggregatedOgms: key(yes, "Puts several originator messages into one packet."),
  bridgeLoopAvoidance: key(
    yes,
    "Prevents loops where two nodes share a LAN. Holds broadcasts back for the first half minute.",
  ),
  distributedArpTable: key(yes, "Answers ARP from a shared table in place of flooding the mesh."),
  fragmentation: key(yes, "Splits packets that are too long for a hard interface."),
  bonding: key(no, "Sends over several links to a neighbour in turn."),
  apIsolation: key(no, "Wireless clients cannot talk to each other across the mesh."),
  isolationMark: key(whole(0, 0xffff_ffff).default(0), "Packet mark of clients to isolate."),
  isolationMask: key(whole(0, 0xffff_ffff).default(0), "Bits of the mark that count; 0 is off."),
  multicastForceflood: key(no, "Floods multicast in place of sending it to its listeners."),
  multicastFanout: key(
    whole(1, 1000).default(16),
    "Up to so many listeners, multicast is sent as unicast packets.",
  ),
  mtu: key(whole(1280, 9000).default(1500), "Largest packet on the mesh interface."),
  hardMtu: key(
    whole(1280, 9200).default(1560),
    "Largest packet on hard interfaces: mtu and 32 octets for batman-adv, 28 spare for a VLAN tag and more.",
  ),
  vlans: key(list(vlan).default([]), "VLANs on the mesh."),
  wired: key(list(wired).default([]), "Cables to other mesh nodes."),
});

const clientAp = z.strictObject({
  radio: key(radioMatch.default("any"), "Which radio, as radios.match."),
  interface: key(
    interfaceName.optional(),
    "Name of the interface made on the radio. Left out: ap0 on phy0, ap1 on phy1 …",
  ),
  ssid: key(ssid, "Network name that clients see."),
  security: key(
    z.enum(["open", "owe", "wpa3", "wpa2-wpa3"]).default("owe"),
    "OWE encrypts without a passphrase; wpa2-wpa3 lets old devices in.",
  ),
  passphrase: key(passphrase.optional(), "Needed for wpa3 and wpa2-wpa3."),
  bridge: key(
    interfaceName.optional(),
    "Bridge that clients are put in. Left out: lan.bridge.",
  ),
  isolateClients: key(no, "Clients of this access point cannot talk to each other."),
});

const dhcp = z.strictObject({
  enabled: key(no, "Whether this node gives addresses to clients. Needs dnsmasq."),
  rangeStart: key(ipv4.optional(), "First address to give. Needed when enabled."),
  rangeEnd: key(ipv4.optional(), "Last address to give. Needed when enabled."),
  leaseS: key(whole(120, 2_592_000).default(3600), "How long an address is lent."),
  dns: key(
    list(ipAddress).default([]),
    "Name servers told to clients. Empty: this node itself.",
  ),
  domain: key(hostName.default("mesh"), "Domain of the clients' names."),
});

const lan = z.strictObject({
  enabled: key(yes, "Whether a bridge joins the mesh interface, access points and LAN ports."),
  bridge: key(interfaceName.default("br-lan"), "Name of the bridge."),
  ports: key(list(interfaceName).default([]), "Wired interfaces in the bridge."),
  addresses: key(list(cidr).default([]), "Addresses of this node on the LAN, with prefix length."),
  dhcp: key(dhcp.prefault({}), "IPv4 addresses for clients."),
  routerAdvertisement: key(
    z.strictObject({
      enabled: key(
        no,
        "Whether this node announces its IPv6 prefix. Needs dnsmasq and an IPv6 address.",
      ),
    }).prefault({}),
    "IPv6 addresses for clients.",
  ),
});

const wan = z.strictObject({
  interface: key(interfaceName.optional(), "Interface towards the Internet."),
  method: key(
    z.enum(["none", "dhcp", "static"]).default("none"),
    '"dhcp" leaves the address to the system\'s DHCP client and only brings the interface up.',
  ),
  addresses: key(list(cidr).default([]), "Addresses for the method static."),
  gateway: key(ipAddress.optional(), "Next hop to the Internet for the method static."),
  dns: key(list(ipAddress).default([]), "Name servers that dnsmasq asks. Empty: the system's own."),
});

const zone = z.enum(["lan", "wan"]);

const rule = z.strictObject({
  comment: key(line(64).default(""), "What the rule is for."),
  chain: key(
    z.enum(["input", "forward"]).default("input"),
    "Traffic to this node, or through it.",
  ),
  from: key(zone.default("lan"), "Side that the packet comes from; lan includes the mesh."),
  protocol: key(z.enum(["any", "tcp", "udp", "icmp"]).default("any"), "Protocol."),
  ports: key(list(ports).default([]), "Destination ports; empty means all. For tcp and udp."),
  source: key(cidr.optional(), "Network or address that the packet comes from."),
  action: key(z.enum(["accept", "drop", "reject"]).default("accept"), "What happens."),
});

const firewall = z.strictObject({
  enabled: key(
    yes,
    "Whether this node filters on the interfaces this document names; others are left alone.",
  ),
  apiFrom: key(
    list(zone).default(["lan"]),
    "Sides from which the API and web page can be reached.",
  ),
  sshFrom: key(list(zone).default([]), "Sides from which SSH (port 22) can be reached."),
  lanInput: key(
    z.enum(["accept", "drop"]).default("drop"),
    "Other packets from LAN and mesh to this node.",
  ),
  forwardToWan: key(
    z.enum(["gateway", "always", "never"]).default("gateway"),
    'Whether LAN and mesh reach the Internet through this node: "gateway" if mesh.gateway.mode is server.',
  ),
  masquerade: key(yes, "Hides IPv4 clients behind this node's WAN address."),
  pingRatePerS: key(
    whole(1, 10_000).default(50),
    "ICMP echo requests from the WAN answered a second.",
  ),
  rules: key(list(rule).default([]), "Rules that come before the defaults, in order."),
});

const api = z.strictObject({
  listen: key(
    list(listen).default(["127.0.0.1:8080"]),
    "Addresses and ports of API and web page, besides the local socket.",
  ),
  hostNames: key(
    list(domainName).default([]),
    "Names browsers may use for this node, beside its addresses, localhost and its own name.",
  ),
});

const metrics = z.strictObject({
  intervalMs: key(
    whole(200, 60_000).default(1000),
    "Time between two samples while somebody watches; nobody watching, at least 5 s.",
  ),
  maxBytes: key(
    whole(1_048_576, 1_099_511_627_776).default(67_108_864),
    "Space on disk for metrics and events; the oldest go first.",
  ),
  secondsKeptS: key(
    whole(60, 3600).default(600),
    "How long samples are kept at full rate: in memory alone, never on the disk.",
  ),
  tenSecondsKeptS: key(whole(600, 8_640_000).default(86_400), "How long 10 s averages are kept."),
  minutesKeptS: key(
    whole(3600, 31_536_000).default(1_209_600),
    "How long 1 min averages are kept.",
  ),
  hoursKeptS: key(
    whole(86_400, 315_360_000).default(63_072_000),
    "How long 1 h averages are kept.",
  ),
  eventsKeptS: key(whole(3600, 315_360_000).default(7_776_000), "How long events are kept."),
});

const respondd = z.strictObject({
  enabled: key(no, "Answers mesh maps over UDP (respondd)."),
  port: key(whole(1, 65_535).default(1001), "UDP port."),
});

const port = (standard: number) => whole(1, 65_535).default(standard);

const overlay = z.strictObject({
  enabled: key(
    yes,
    "Whether a node that belongs to a mesh (x0tta6bl4 mesh join) keeps tunnels to its members.",
  ),
  interface: key(interfaceName.default("x0"), "Name of the WireGuard interface."),
  port: key(
    port(6470),
    "TCP port of handshakes and of nodes that enrol, and UDP port of the tunnels.",
  ),
  discoveryPort: key(port(6472), "UDP port on which members of a mesh link find each other."),
  fabricPort: key(port(6473), "TCP port of the fabric between nodes."),
  peers: key(
    list(listen).default([]),
    "Members to reach over the Internet: address and handshake port.",
  ),
  announce: key(
    list(listen).default([]),
    "Addresses of this node for invites. Empty: those it finds itself.",
  ),
  idleS: key(
    whole(30, 86_400).default(300),
    "A tunnel that nothing passed for so long is taken down.",
  ),
});

const spiffe = z.strictObject({
  workloadApi: key(
    no,
    "Gives programs on this node their identities over a unix socket (SPIFFE Workload API).",
  ),
  workloadSocket: key(
    line(100).default(""),
    'Where the socket lies; empty: "workload.sock" in the data directory.',
  ),
  bundleEndpoint: key(no, "Serves this mesh's trust bundle to other trust domains over HTTPS."),
  bundlePort: key(port(6474), "TCP port of the bundle endpoint."),
});

/** The whole document. `configSchema.parse({})` is the default configuration. */
export const configSchema = z.strictObject({
  node: key(node.prefault({}), "This node."),
  wireless: key(wireless.prefault({}), "What holds for all radios."),
  radios: key(
    list(radio).prefault([{ required: false }]),
    "Radios. One that no entry matches is left alone; left out, the first radio carries the mesh.",
  ),
  mesh: key(mesh.prefault({}), "The mesh: batman-adv."),
  clientAp: key(list(clientAp).default([]), "Access points for clients. Need hostapd."),
  lan: key(lan.prefault({}), "The local network that clients are in."),
  wan: key(wan.prefault({}), "The way to the Internet."),
  firewall: key(firewall.prefault({}), "Packet filter (nftables)."),
  api: key(api.prefault({}), "API and web page."),
  metrics: key(metrics.prefault({}), "What is measured and how long it is kept."),
  overlay: key(overlay.prefault({}), "Encrypted tunnels between the members of a mesh."),
  spiffe: key(spiffe.prefault({}), "Identities of programs."),
  respondd: key(respondd.prefault({}), "Status for existing mesh maps."),
});

type DeepReadonly<T> = T extends (infer E)[] ? readonly DeepReadonly<E>[]
  : T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
  : T;

/** A valid configuration with every default filled in. */
export type Config = DeepReadonly<z.output<typeof configSchema>>;
