// What rtnetlink reports, in the shape of `ip -j`, and the comparison of the two in one namespace: the
// same facts, field by field. Used on this machine and in the lab.
import { assert, assertEquals } from "@std/assert";
import {
  type AddressMessage,
  IFA_F,
  IFF,
  type LinkMessage,
  type NeighbourMessage,
  openRtnetlink,
  type RouteMessage,
  type RuleMessage,
} from "../../ffi/rtnetlink/mod.ts";

type Row = Readonly<Record<string, unknown>>;

/** Runs `ip` in a namespace. With "-N" it gives numbers for protocols, tables and scopes. */
async function ip(netns: string, ...args: string[]): Promise<Row[]> {
  const command = new Deno.Command("ip", { args: ["-n", netns, "-j", ...args] });
  const { success, stdout, stderr } = await command.output();
  assert(success, `ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  const text = new TextDecoder().decode(stdout).trim();
  return text === "" ? [] : JSON.parse(text);
}

/** Every field of `ours` is the same in `theirs`; `undefined` means that it must not be there. */
function assertSame(theirs: Row, ours: Row, what: string): void {
  const picked = Object.fromEntries(Object.keys(ours).map((key) => [key, theirs[key]]));
  assertEquals(picked, ours, what);
}

const orAbsent = (value: unknown) => value === null || value === 0 ? undefined : value;

const OPER_STATES = ["UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP"];

const MACVLAN_MODES: Readonly<Record<number, string>> = {
  1: "private",
  2: "vepa",
  4: "bridge",
  8: "passthru",
};

function infoData(link: LinkMessage): Row | undefined {
  switch (link.data?.kind) {
    case "vlan":
      return {
        protocol: link.data.attributes.protocol === 0x8100 ? "802.1Q" : "802.1ad",
        id: link.data.attributes.id,
      };
    case "vxlan": {
      const a = link.data.attributes;
      return {
        id: a.id,
        group: undefined,
        remote: a.group,
        remote6: a.group6,
        local: a.local,
        local6: a.local6,
        port: a.port,
        learning: a.learning !== 0,
        ttl: a.ttl,
        ageing: a.ageingS,
        udp_csum: a.udpChecksum !== 0,
      };
    }
    case "bridge": {
      const a = link.data.attributes;
      return {
        forward_delay: a.forwardDelay,
        hello_time: a.helloTime,
        max_age: a.maxAge,
        ageing_time: a.ageingTime,
        stp_state: a.stpState,
        priority: a.priority,
        vlan_filtering: a.vlanFiltering,
        root_port: a.rootPort,
        group_addr: a.groupAddress,
        mcast_snooping: a.multicastSnooping,
        mcast_router: a.multicastRouter,
        mcast_querier: a.multicastQuerier,
      };
    }
    case "macvlan":
      return { mode: MACVLAN_MODES[link.data.attributes.mode ?? 0] };
    default:
      return undefined;
  }
}

function linkRow(link: LinkMessage): Row {
  return {
    ifindex: link.index,
    ifname: link.name,
    mtu: link.mtu,
    qdisc: link.qdisc ?? undefined,
    operstate: OPER_STATES[link.operState],
    txqlen: orAbsent(link.txQueueLength),
    address: link.address ?? undefined,
    broadcast: link.broadcast ?? undefined,
    promiscuity: link.promiscuity,
    min_mtu: link.minMtu,
    max_mtu: link.maxMtu,
    ifalias: link.alias ?? undefined,
    altnames: link.altNames.length === 0 ? undefined : link.altNames,
    permaddr: link.permanentAddress === link.address
      ? undefined
      : link.permanentAddress ?? undefined,
  };
}

const FLAGS = [
  ["UP", IFF.UP],
  ["LOWER_UP", IFF.LOWER_UP],
  ["LOOPBACK", IFF.LOOPBACK],
  ["BROADCAST", IFF.BROADCAST],
  ["MULTICAST", IFF.MULTICAST],
  ["NOARP", IFF.NOARP],
  ["POINTOPOINT", IFF.POINTOPOINT],
  ["PROMISC", IFF.PROMISC],
] as const;

type Counts = Readonly<Record<string, number>>;

function statsRow(link: LinkMessage): { rx: Counts; tx: Counts } {
  const { stats } = link;
  assert(stats !== null);
  return {
    rx: {
      bytes: stats.rxBytes,
      packets: stats.rxPackets,
      errors: stats.rxErrors,
      dropped: stats.rxDropped,
      over_errors: stats.rxOverErrors,
      multicast: stats.multicast,
    },
    tx: {
      bytes: stats.txBytes,
      packets: stats.txPackets,
      errors: stats.txErrors,
      dropped: stats.txDropped,
      carrier_errors: stats.txCarrierErrors,
      collisions: stats.collisions,
    },
  };
}

/** The kernel sends by itself (router solicitations): what `ip` reads in between lies in between. */
function assertBetween(before: Counts, theirs: Row, after: Counts, what: string): void {
  for (const [name, least] of Object.entries(before)) {
    const count = Number(theirs[name]);
    const most = after[name] ?? -1;
    assert(least <= count && count <= most, `${what} ${name}: ${least}, ip ${count}, ${most}`);
  }
}

/** Compares links with `ip -d -s link`, counters included. */
export async function compareLinks(netns: string): Promise<number> {
  using rtnetlink = openRtnetlink({ netns });
  const before = await rtnetlink.links();
  const theirs = await ip(netns, "-d", "-s", "link");
  const ours = await rtnetlink.links();
  const names = new Map(ours.map((link) => [link.index, link.name]));
  assertEquals(ours.map((link) => link.name), theirs.map((row) => row.ifname));
  for (const [i, link] of ours.entries()) {
    const row = theirs[i] ?? {};
    assertSame(row, linkRow(link), link.name);
    const flags = row.flags as string[];
    for (const [name, bit] of FLAGS) {
      assertEquals((link.flags & bit) !== 0, flags.includes(name), `${link.name} ${name}`);
    }
    assertEquals(row.master, link.master === null ? undefined : names.get(link.master));
    if (link.linkNetnsId !== null) {
      assertEquals([row.link_index, row.link_netnsid], [link.link, link.linkNetnsId], link.name);
    } else assertEquals(row.link, link.link === null ? undefined : names.get(link.link));
    const info = row.linkinfo as { info_kind?: string; info_data?: Row } | undefined;
    assertEquals(info?.info_kind, link.kind ?? undefined, link.name);
    const data = infoData(link);
    if (data !== undefined) assertSame(info?.info_data ?? {}, data, link.name);
    if (link.data?.kind === "vxlan" && link.data.attributes.link !== undefined) {
      assertEquals(info?.info_data?.link, names.get(link.data.attributes.link), link.name);
    }
    const { rx, tx } = row.stats64 as { rx: Row; tx: Row };
    const earlier = before[i];
    assert(earlier?.index === link.index);
    const [least, most] = [statsRow(earlier), statsRow(link)];
    assertBetween(least.rx, rx, most.rx, `${link.name} received`);
    assertBetween(least.tx, tx, most.tx, `${link.name} sent`);
  }
  return ours.length;
}

const FOR_EVER = 4_294_967_295;

function addressRow(address: AddressMessage): Row {
  const flag = (bit: number) => (address.flags & bit) !== 0 ? true : undefined;
  return {
    family: address.family === "ipv4" ? "inet" : "inet6",
    local: address.address,
    address: address.peer ?? undefined,
    prefixlen: address.prefixLength,
    broadcast: address.broadcast ?? undefined,
    scope: String(address.scope),
    label: address.label ?? undefined,
    valid_life_time: address.validS ?? FOR_EVER,
    preferred_life_time: address.preferredS ?? FOR_EVER,
    tentative: flag(IFA_F.TENTATIVE),
    nodad: flag(IFA_F.NODAD),
    noprefixroute: flag(IFA_F.NOPREFIXROUTE),
  };
}

/** Compares addresses with `ip addr`. */
export async function compareAddresses(netns: string): Promise<number> {
  const theirs = await ip(netns, "-N", "addr");
  using rtnetlink = openRtnetlink({ netns });
  const ours = await rtnetlink.addresses();
  let compared = 0;
  for (const row of theirs) {
    const mine = ours.filter((address) => address.ifindex === row.ifindex);
    const rows = row.addr_info as Row[];
    assertEquals(mine.length, rows.length, String(row.ifname));
    for (const [i, address] of mine.entries()) {
      assertSame(rows[i] ?? {}, addressRow(address), `${row.ifname} ${address.address}`);
      compared++;
    }
  }
  assertEquals(compared, ours.length);
  return compared;
}

/** `ip` says "default" for /0 and leaves the length of a single address out. */
function destination(route: RouteMessage): string {
  if (route.destination === "0.0.0.0/0" || route.destination === "::/0") return "default";
  return route.destination.replace(route.family === "ipv4" ? /\/32$/ : /\/128$/, "");
}

const ROUTE_NUMBERS: Readonly<Record<string, string>> = {
  local: "2",
  broadcast: "3",
  anycast: "4",
  multicast: "5",
  blackhole: "6",
  unreachable: "7",
  prohibit: "8",
  throw: "9",
};

const PREFERENCES: Readonly<Record<number, string>> = { 0: "medium", 1: "high", 3: "low" };

function gatewayFields(gateway: string | null, family: RouteMessage["family"]): Row {
  if (gateway === null) return { gateway: undefined, via: undefined };
  const six = gateway.includes(":");
  if (six === (family === "ipv6")) return { gateway, via: undefined };
  return { gateway: undefined, via: { family: six ? "inet6" : "inet", host: gateway } };
}

function routeRow(route: RouteMessage, names: ReadonlyMap<number, string>): Row {
  const nameOf = (index: number | null) => index === null ? undefined : names.get(index);
  return {
    type: ROUTE_NUMBERS[route.type],
    dst: destination(route),
    ...gatewayFields(route.gateway, route.family),
    dev: nameOf(route.ifindex),
    table: route.table === 254 ? undefined : String(route.table),
    protocol: route.protocol === 3 ? undefined : String(route.protocol),
    scope: route.scope === 0 ? undefined : String(route.scope),
    prefsrc: route.preferredSource ?? undefined,
    metric: route.metric ?? undefined,
    metrics: route.metrics.mtu === undefined ? undefined : [{ mtu: route.metrics.mtu }],
    nexthops: route.nexthops.length === 0 ? undefined : route.nexthops.map((hop) => ({
      ...(hop.gateway === null ? {} : { gateway: hop.gateway }),
      dev: nameOf(hop.ifindex),
      weight: hop.weight,
      flags: [],
    })),
    pref: route.preference === null ? undefined : PREFERENCES[route.preference],
  };
}

/** Compares routes of all tables with `ip route`. */
export async function compareRoutes(netns: string): Promise<number> {
  const theirs = [
    ...await ip(netns, "-N", "-4", "route", "show", "table", "all"),
    ...await ip(netns, "-N", "-6", "route", "show", "table", "all"),
  ];
  using rtnetlink = openRtnetlink({ netns });
  const ours = await rtnetlink.routes();
  const links = await rtnetlink.links({ stats: false });
  const names = new Map(links.map((link) => [link.index, link.name]));
  assertEquals(ours.map(destination), theirs.map((row) => row.dst));
  for (const [i, route] of ours.entries()) {
    assertSame(theirs[i] ?? {}, routeRow(route, names), route.destination);
  }
  return ours.length;
}

function neighbourRow(neighbour: NeighbourMessage, names: ReadonlyMap<number, string>): Row {
  return {
    dst: neighbour.address,
    dev: names.get(neighbour.ifindex),
    lladdr: neighbour.linkAddress ?? undefined,
    state: [neighbour.state.toUpperCase()],
  };
}

/** Compares neighbours with `ip neigh show nud all`. */
export async function compareNeighbours(netns: string): Promise<number> {
  const theirs = await ip(netns, "neigh", "show", "nud", "all");
  using rtnetlink = openRtnetlink({ netns });
  const ours = await rtnetlink.neighbours();
  const links = await rtnetlink.links({ stats: false });
  const names = new Map(links.map((link) => [link.index, link.name]));
  assertEquals(ours.length, theirs.length);
  for (const neighbour of ours) {
    const row = neighbourRow(neighbour, names);
    const same = theirs.find(({ dst, dev }) => dst === row.dst && dev === row.dev);
    assert(same !== undefined, `ip does not have ${neighbour.address}`);
    assertSame(same, row, neighbour.address);
  }
  return ours.length;
}

function ruleRow(rule: RuleMessage): Row {
  const [source, sourceLength] = rule.source?.split("/") ?? [];
  const [target, targetLength] = rule.destination?.split("/") ?? [];
  const hex = (mark: number | null) =>
    mark === null || mark === 0 ? undefined : `0x${mark.toString(16)}`;
  const exact = rule.markMask === 0xffffffff;
  return {
    priority: rule.priority,
    src: source ?? "all",
    srclen: sourceLength === undefined ? undefined : Number(sourceLength),
    dst: target,
    dstlen: targetLength === undefined ? undefined : Number(targetLength),
    iif: rule.inputName ?? undefined,
    oif: rule.outputName ?? undefined,
    fwmark: hex(rule.mark),
    fwmask: exact ? undefined : hex(rule.markMask),
    table: String(rule.table),
    suppress_prefixlen: rule.suppressPrefixLength ?? undefined,
  };
}

/** Compares rules with `ip rule`. */
export async function compareRules(netns: string): Promise<number> {
  const theirs = [...await ip(netns, "-N", "-4", "rule"), ...await ip(netns, "-N", "-6", "rule")];
  using rtnetlink = openRtnetlink({ netns });
  const ours = await rtnetlink.rules();
  assertEquals(ours.length, theirs.length);
  for (const [i, rule] of ours.entries()) {
    assertSame(theirs[i] ?? {}, ruleRow(rule), String(rule.priority));
  }
  return ours.length;
}
