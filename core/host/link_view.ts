// What rtnetlink reports, in the words of the Links port. Pure.
import { isMac } from "../base/mod.ts";
import type {
  Address,
  IpNeighbour,
  Link,
  LinkCounters,
  OperState,
  Route,
  RoutingRule,
} from "../ports/mod.ts";
import {
  type AddressMessage,
  IFA_F,
  IFF,
  type LinkMessage,
  type NeighbourMessage,
  type RouteMessage,
  type RuleMessage,
} from "../../ffi/rtnetlink/mod.ts";

/** Index → name; an index without a name is of a link that is gone. */
export type Names = ReadonlyMap<number, string>;

const OPER_STATES: readonly OperState[] = [
  "unknown",
  "not-present",
  "down",
  "lower-layer-down",
  "testing",
  "dormant",
  "up",
];

const NO_COUNTERS: LinkCounters = Object.freeze({
  rxBytes: 0,
  txBytes: 0,
  rxPackets: 0,
  txPackets: 0,
  rxErrors: 0,
  txErrors: 0,
  rxDropped: 0,
  txDropped: 0,
});

function lowerLink(link: LinkMessage): { parent: number | null; id: number | null } {
  switch (link.data?.kind) {
    case "vlan":
      return { parent: link.link, id: link.data.attributes.id ?? null };
    case "vxlan": {
      const { link: lower = 0, id } = link.data.attributes;
      return { parent: lower === 0 ? null : lower, id: id ?? null };
    }
    case "macvlan":
      return { parent: link.link, id: null };
    default:
      return { parent: null, id: null };
  }
}

/** A link of the port. */
export function viewLink(link: LinkMessage, names: Names): Link {
  const up = (link.flags & IFF.UP) !== 0;
  const { parent, id } = lowerLink(link);
  const { stats } = link;
  return {
    index: link.index,
    name: link.name,
    kind: link.kind ?? "device",
    mac: link.address !== null && isMac(link.address) ? link.address : null,
    mtu: link.mtu,
    up,
    // A device that is down keeps its last carrier bit; it carries nothing all the same.
    carrier: up && link.carrier,
    operState: OPER_STATES[link.operState] ?? "unknown",
    loopback: (link.flags & IFF.LOOPBACK) !== 0,
    master: link.master === null ? null : names.get(link.master) ?? null,
    // An index in another namespace means nothing here.
    parent: parent === null || link.linkNetnsId !== null ? null : names.get(parent) ?? null,
    id,
    counters: stats === null ? NO_COUNTERS : {
      rxBytes: stats.rxBytes,
      txBytes: stats.txBytes,
      rxPackets: stats.rxPackets,
      txPackets: stats.txPackets,
      rxErrors: stats.rxErrors,
      txErrors: stats.txErrors,
      rxDropped: stats.rxDropped,
      txDropped: stats.txDropped,
    },
  };
}

const SCOPES: ReadonlyMap<number, Address["scope"]> = new Map([
  [200, "site"],
  [253, "link"],
  [254, "host"],
  [255, "nowhere"],
]);

/** An address of the port; `null` when its link is gone. */
export function viewAddress(address: AddressMessage, names: Names): Address | null {
  const link = names.get(address.ifindex);
  if (link === undefined) return null;
  return {
    link,
    address: address.address,
    prefixLength: address.prefixLength,
    scope: SCOPES.get(address.scope) ?? "global",
    tentative: (address.flags & IFA_F.TENTATIVE) !== 0,
    duplicate: (address.flags & IFA_F.DADFAILED) !== 0,
  };
}

const ROUTE_TYPES: ReadonlySet<string> = new Set(
  [
    "unicast",
    "local",
    "broadcast",
    "multicast",
    "blackhole",
    "unreachable",
    "prohibit",
  ] satisfies Route["type"][],
);

/** A route of the port: one row a path, since the port has no multipath routes. */
export function viewRoute(route: RouteMessage, names: Names): Route[] {
  const type = ROUTE_TYPES.has(route.type) ? route.type as Route["type"] : "other";
  const paths = route.nexthops.length === 0 ? [route] : route.nexthops;
  return paths.map((path) => ({
    destination: route.destination,
    gateway: path.gateway,
    // The kernel hangs IPv6 routes that lead nowhere on the loopback device; they have no link.
    link: path.ifindex === null || LEADS_NOWHERE.has(type) ? null : names.get(path.ifindex) ?? null,
    table: route.table,
    metric: route.metric,
    protocol: route.protocol,
    type,
    source: route.preferredSource,
  }));
}

const LEADS_NOWHERE: ReadonlySet<string> = new Set(["blackhole", "unreachable", "prohibit"]);

/** A neighbour of the port; `null` when its link is gone. */
export function viewNeighbour(neighbour: NeighbourMessage, names: Names): IpNeighbour | null {
  const link = names.get(neighbour.ifindex);
  if (link === undefined) return null;
  const { linkAddress } = neighbour;
  return {
    link,
    address: neighbour.address,
    mac: linkAddress !== null && isMac(linkAddress) ? linkAddress : null,
    state: neighbour.state,
  };
}

/** A rule of the port. */
export function viewRule(rule: RuleMessage): RoutingRule {
  return {
    family: rule.family,
    priority: rule.priority,
    source: rule.source,
    destination: rule.destination,
    inputLink: rule.inputName,
    mark: rule.mark,
    table: rule.table,
  };
}
