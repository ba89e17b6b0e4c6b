// Routes between octets and plain objects. Pure.
// linux v6.12 uapi/linux/rtnetlink.h, net/ipv4/fib_frontend.c, net/ipv6/route.c.
import {
  align,
  type Attributes,
  concat,
  decodeAttributes,
  DecodeError,
  encodeAttributes,
  formatIp,
  parseIp,
  unsigned,
} from "../netlink/mod.ts";
import {
  decodeHeader,
  decodeRt,
  encodeRt,
  familyNumber,
  type IpFamily,
  ipFamily,
  parsePrefix,
  prefixText,
  ROUTE_HEADER,
  sameFamily,
} from "./header.ts";
import { MAX_NEXTHOPS } from "./limits.ts";
import { AF, METRICS, ROUTE } from "./spec.ts";

/** RTN_* route types by number. */
export const ROUTE_TYPES = Object.freeze(
  [
    "unspec",
    "unicast",
    "local",
    "broadcast",
    "anycast",
    "multicast",
    "blackhole",
    "unreachable",
    "prohibit",
    "throw",
    "nat",
    "xresolve",
  ] as const,
);

/** Name of a route type; "other" for one added by a later kernel. */
export type RouteType = (typeof ROUTE_TYPES)[number] | "other";

/** One path of a multipath route. */
export interface Nexthop {
  readonly gateway: string | null;
  readonly ifindex: number | null;
  /** 1–256. */
  readonly weight: number;
  /** RTNH_F_*: 1 dead, 4 onlink, 16 link down. */
  readonly flags: number;
}

/** A route as the kernel reports it. */
export interface RouteMessage {
  readonly family: IpFamily;
  /** "10.1.0.0/16", "::/0". */
  readonly destination: string;
  /** Source prefix (IPv6 source-specific routing); `null` for any. */
  readonly sourcePrefix: string | null;
  /** May be of the other IP version (RFC 8950). */
  readonly gateway: string | null;
  readonly ifindex: number | null;
  readonly preferredSource: string | null;
  /** 254 main, 255 local. */
  readonly table: number;
  /** RTPROT_*: 2 kernel, 3 boot, 4 static, 9 router advertisement, 16 DHCP. */
  readonly protocol: number;
  readonly scope: number;
  readonly type: RouteType;
  /** Priority: the least is taken. */
  readonly metric: number | null;
  readonly flags: number;
  readonly metrics: Attributes<typeof METRICS>;
  /** Paths of a multipath route; empty for a plain one. */
  readonly nexthops: readonly Nexthop[];
  /** Number of a nexthop object, which then holds the paths. */
  readonly nexthopId: number | null;
  /** RFC 4191 router preference (IPv6): 0 medium, 1 high, 3 low. */
  readonly preference: number | null;
}

const NEXTHOP_BYTES = 8;

function decodeVia(bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined) return null;
  if (bytes.length < 2) throw new DecodeError("route.via", 0, 2, bytes.length);
  const family = ipFamily(new DataView(bytes.buffer, bytes.byteOffset, 2).getUint16(0, true));
  if (family === null) return null;
  const need = family === "ipv4" ? 4 : 16;
  if (bytes.length !== 2 + need) throw new DecodeError("route.via", 2, need, bytes.length - 2);
  return formatIp(bytes.subarray(2));
}

function encodeVia(gateway: string): Uint8Array {
  const bytes = parseIp(gateway);
  if (bytes === null) throw new TypeError(`Cannot use "${gateway}" as a gateway`);
  const family = bytes.length === 4 ? AF.INET : AF.INET6;
  return concat([new Uint8Array(Uint16Array.of(family).buffer), bytes]);
}

/** Reads RTA_MULTIPATH. @throws {DecodeError} */
function decodeNexthops(bytes: Uint8Array, family: IpFamily): Nexthop[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out: Nexthop[] = [];
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.length - at;
    if (rest < NEXTHOP_BYTES) throw new DecodeError("route.nexthop", at, NEXTHOP_BYTES, rest);
    const length = view.getUint16(at, true);
    if (length < NEXTHOP_BYTES || length > rest) {
      throw new DecodeError("route.nexthop", at, length, rest);
    }
    if (out.length >= MAX_NEXTHOPS) {
      throw new DecodeError("route.nexthops", at, MAX_NEXTHOPS, out.length + 1);
    }
    const inner = bytes.subarray(at + NEXTHOP_BYTES, at + length);
    const a = decodeAttributes(ROUTE, inner, "route.nexthop");
    if (a.gateway !== undefined) sameFamily(a.gateway, family, "route.nexthop.gateway");
    const ifindex = view.getInt32(at + 4, true);
    out.push({
      gateway: a.gateway ?? decodeVia(a.via),
      ifindex: ifindex === 0 ? null : ifindex,
      weight: view.getUint8(at + 3) + 1,
      flags: view.getUint8(at + 2),
    });
    at += align(length);
  }
  return out;
}

/** Reads a NEWROUTE or DELROUTE message; `null` for a family that is not IP. @throws {DecodeError} */
export function decodeRoute(payload: Uint8Array): RouteMessage | null {
  const family = ipFamily(decodeHeader(ROUTE_HEADER, payload, "route").family);
  if (family === null) return null;
  const { header, attributes: a } = decodeRt(ROUTE_HEADER, ROUTE, payload, "route");
  if (a.gateway !== undefined) sameFamily(a.gateway, family, "route.gateway");
  if (a.preferredSource !== undefined) sameFamily(a.preferredSource, family, "route.source");
  const anySource = a.source === undefined && header.sourceLength === 0;
  return {
    family,
    destination: prefixText(a.destination, header.destinationLength, family, "route.destination"),
    sourcePrefix: anySource
      ? null
      : prefixText(a.source, header.sourceLength, family, "route.sourcePrefix"),
    gateway: a.gateway ?? decodeVia(a.via),
    ifindex: a.ifindex ?? null,
    preferredSource: a.preferredSource ?? null,
    table: a.table ?? header.table,
    protocol: header.protocol,
    scope: header.scope,
    type: ROUTE_TYPES[header.type] ?? "other",
    metric: a.metric ?? null,
    flags: header.flags,
    metrics: a.metrics ?? {},
    nexthops: a.multipath === undefined ? [] : decodeNexthops(a.multipath, family),
    nexthopId: a.nexthopId ?? null,
    preference: a.preference ?? null,
  };
}

/** One path of a multipath route to add. */
export interface NexthopSpec {
  readonly gateway?: string;
  readonly ifindex: number;
  /** 1–256, default 1. */
  readonly weight?: number;
}

/** A route to add or remove. */
export interface RouteSpec {
  readonly destination: string;
  readonly gateway?: string;
  readonly ifindex?: number;
  /** Default 254, main. */
  readonly table?: number;
  readonly metric?: number;
  /** Default 4 (static) when added; any when removed. */
  readonly protocol?: number;
  /** Default "unicast" when added; any when removed. */
  readonly type?: Exclude<RouteType, "other">;
  readonly preferredSource?: string;
  readonly scope?: number;
  /** RTAX_MTU. */
  readonly mtu?: number;
  /** Several paths instead of gateway and ifindex. */
  readonly nexthops?: readonly NexthopSpec[];
}

const RTPROT_STATIC = 4;
const SCOPE_UNIVERSE = 0;
const SCOPE_LINK = 253;
const SCOPE_HOST = 254;
const SCOPE_ANY = 255;
const TABLE_MAIN = 254;

function gatewayAttributes(gateway: string | undefined, family: IpFamily) {
  if (gateway === undefined) return {};
  const same = gateway.includes(":") === (family === "ipv6");
  return same ? { gateway } : { via: encodeVia(gateway) };
}

function encodeNexthop(hop: NexthopSpec, family: IpFamily): Uint8Array {
  const attributes = encodeAttributes(ROUTE, gatewayAttributes(hop.gateway, family));
  const bytes = new Uint8Array(NEXTHOP_BYTES + attributes.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, bytes.length, true);
  view.setUint8(3, unsigned((hop.weight ?? 1) - 1, 8));
  view.setInt32(4, hop.ifindex, true);
  bytes.set(attributes, NEXTHOP_BYTES);
  return bytes;
}

function defaultScope(spec: RouteSpec, family: IpFamily, type: string): number {
  if (family === "ipv6") return SCOPE_UNIVERSE;
  if (type === "local") return SCOPE_HOST;
  const direct = spec.gateway === undefined && spec.nexthops === undefined;
  return type === "unicast" && direct ? SCOPE_LINK : SCOPE_UNIVERSE;
}

/**
 * A NEWROUTE (`purpose` "add") or DELROUTE request.
 *
 * @throws {TypeError} for text that is no prefix or address.
 */
export function encodeRoute(spec: RouteSpec, purpose: "add" | "remove"): Uint8Array {
  const prefix = parsePrefix(spec.destination);
  const table = spec.table ?? TABLE_MAIN;
  const adding = purpose === "add";
  const type = spec.type ?? (adding ? "unicast" : "unspec");
  const scope = adding ? defaultScope(spec, prefix.family, type) : SCOPE_ANY;
  const hops = spec.nexthops?.map((hop) => encodeNexthop(hop, prefix.family));
  return encodeRt(ROUTE_HEADER, ROUTE, {
    header: {
      family: familyNumber(prefix.family),
      destinationLength: prefix.length,
      sourceLength: 0,
      tos: 0,
      // A table above 255 is named by its attribute alone (0 is RT_TABLE_UNSPEC).
      table: table < 256 ? table : 0,
      protocol: spec.protocol ?? (adding ? RTPROT_STATIC : 0),
      scope: spec.scope ?? scope,
      type: ROUTE_TYPES.indexOf(type),
      flags: 0,
    },
    attributes: {
      ...(prefix.length === 0 ? {} : { destination: prefix.address }),
      ...gatewayAttributes(spec.gateway, prefix.family),
      ...(spec.ifindex === undefined ? {} : { ifindex: spec.ifindex }),
      ...(spec.metric === undefined ? {} : { metric: spec.metric }),
      ...(spec.preferredSource === undefined ? {} : { preferredSource: spec.preferredSource }),
      ...(spec.mtu === undefined ? {} : { metrics: { mtu: spec.mtu } }),
      ...(hops === undefined ? {} : { multipath: concat(hops) }),
      table,
    },
  });
}

/** A request for all routes of one IP version. */
export function encodeRouteDump(family: IpFamily): Uint8Array {
  const header = {
    family: familyNumber(family),
    destinationLength: 0,
    sourceLength: 0,
    tos: 0,
    table: 0,
    protocol: 0,
    scope: 0,
    type: 0,
    flags: 0,
  };
  return encodeRt(ROUTE_HEADER, ROUTE, { header, attributes: {} });
}
