// Links between octets and plain objects. Pure.
// linux v6.12 uapi/linux/if_link.h, net/core/rtnetlink.c.
import {
  type Attributes,
  type AttributeTable,
  decodeAttributes,
  DecodeError,
  encodeAttributes,
} from "../netlink/mod.ts";
import { decodeRt, encodeRt, LINK_HEADER, type LinkHeader } from "./header.ts";
import { ALT_NAME, IFF, LINK, LINK_DATA, RTEXT_FILTER_SKIP_STATS, VETH } from "./spec.ts";
import { MAX_ALT_NAMES } from "./limits.ts";

/** struct rtnl_link_stats64. Numbers are exact up to 2^53. */
export interface LinkStats {
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxErrors: number;
  readonly txErrors: number;
  readonly rxDropped: number;
  readonly txDropped: number;
  readonly multicast: number;
  readonly collisions: number;
  readonly rxOverErrors: number;
  readonly txCarrierErrors: number;
}

/** IFLA_INFO_DATA of the kinds that are understood. */
export type LinkData = {
  readonly [K in keyof typeof LINK_DATA]: {
    readonly kind: K;
    readonly attributes: Attributes<(typeof LINK_DATA)[K]>;
  };
}[keyof typeof LINK_DATA];

/** A link as the kernel reports it. */
export interface LinkMessage {
  /** AF_UNSPEC; AF_BRIDGE for a bridge's view of its port. */
  readonly family: number;
  readonly index: number;
  /** ARPHRD_* device type: 1 Ethernet, 772 loopback, 65534 none. */
  readonly deviceType: number;
  /** IFF_*. */
  readonly flags: number;
  readonly name: string;
  readonly mtu: number;
  /** Link-layer address; `null` for devices without one. */
  readonly address: string | null;
  readonly broadcast: string | null;
  readonly permanentAddress: string | null;
  /** Index of the bridge, bond or mesh interface it belongs to. */
  readonly master: number | null;
  /** Index of the lower link or veth peer, in the namespace `linkNetnsId` names. */
  readonly link: number | null;
  /** `null` when `link` is in the same namespace. */
  readonly linkNetnsId: number | null;
  /** RFC 2863, 0 unknown to 6 up. */
  readonly operState: number;
  readonly carrier: boolean;
  readonly carrierChanges: number;
  readonly carrierUpCount: number;
  readonly carrierDownCount: number;
  readonly txQueueLength: number;
  readonly qdisc: string | null;
  readonly group: number;
  readonly promiscuity: number;
  readonly minMtu: number | null;
  readonly maxMtu: number | null;
  readonly alias: string | null;
  readonly altNames: readonly string[];
  /** `null` for hardware and loopback. */
  readonly kind: string | null;
  readonly slaveKind: string | null;
  readonly data: LinkData | null;
  /** `null` when they were not asked for. */
  readonly stats: LinkStats | null;
}

/** rtnl_link_stats64 as of linux v4.6; later kernels append. */
const STATS_BYTES = 23 * 8;

function decodeStats(bytes: Uint8Array): LinkStats {
  if (bytes.length < STATS_BYTES) {
    throw new DecodeError("link.stats64", 0, STATS_BYTES, bytes.length);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = (position: number) => Number(view.getBigUint64(position * 8, true));
  return {
    rxPackets: at(0),
    txPackets: at(1),
    rxBytes: at(2),
    txBytes: at(3),
    rxErrors: at(4),
    txErrors: at(5),
    rxDropped: at(6),
    txDropped: at(7),
    multicast: at(8),
    collisions: at(9),
    rxOverErrors: at(11),
    txCarrierErrors: at(17),
  };
}

function decodeAltNames(bytes: Uint8Array): string[] {
  const names: string[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // Repeated attributes of one type: the walker would keep the last only, so each is read by itself.
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.length - at;
    if (rest < 4) throw new DecodeError("link.propertyList", at, 4, rest);
    const length = view.getUint16(at, true);
    if (length < 4 || length > rest) throw new DecodeError("link.propertyList", at, length, rest);
    if (names.length >= MAX_ALT_NAMES) {
      throw new DecodeError("link.propertyList", at, MAX_ALT_NAMES, names.length + 1);
    }
    const one = decodeAttributes(ALT_NAME, bytes.subarray(at, at + length), "link.propertyList");
    if (one.altName !== undefined) names.push(one.altName);
    at += (length + 3) & ~3;
  }
  return names;
}

/** Link-layer address as text; `null` when it is empty. */
export function formatLinkAddress(bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined || bytes.length === 0) return null;
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join(":");
}

function decodeData(kind: string | undefined, data: Uint8Array | undefined): LinkData | null {
  if (kind === undefined || data === undefined || !Object.hasOwn(LINK_DATA, kind)) return null;
  const known = kind as keyof typeof LINK_DATA;
  const attributes = decodeAttributes<AttributeTable>(LINK_DATA[known], data, `link.${known}`);
  return { kind: known, attributes } as LinkData;
}

/** Reads a NEWLINK or DELLINK message. @throws {DecodeError} */
export function decodeLink(payload: Uint8Array): LinkMessage {
  const { header, attributes: a } = decodeRt(LINK_HEADER, LINK, payload, "link");
  if (a.name === undefined) throw new DecodeError("link.name", 0, 1, 0);
  return {
    family: header.family,
    index: header.index,
    deviceType: header.deviceType,
    flags: header.flags,
    name: a.name,
    mtu: a.mtu ?? 0,
    address: formatLinkAddress(a.address),
    broadcast: formatLinkAddress(a.broadcast),
    permanentAddress: formatLinkAddress(a.permanentAddress),
    master: a.master ?? null,
    link: a.link ?? null,
    linkNetnsId: a.linkNetnsId ?? null,
    operState: a.operState ?? 0,
    carrier: a.carrier === undefined ? (header.flags & IFF.LOWER_UP) !== 0 : a.carrier !== 0,
    carrierChanges: a.carrierChanges ?? 0,
    carrierUpCount: a.carrierUpCount ?? 0,
    carrierDownCount: a.carrierDownCount ?? 0,
    txQueueLength: a.txQueueLength ?? 0,
    qdisc: a.qdisc ?? null,
    group: a.group ?? 0,
    promiscuity: a.promiscuity ?? 0,
    minMtu: a.minMtu ?? null,
    maxMtu: a.maxMtu ?? null,
    alias: a.alias ?? null,
    altNames: a.propertyList === undefined ? [] : decodeAltNames(a.propertyList),
    kind: a.info?.kind ?? null,
    slaveKind: a.info?.slaveKind ?? null,
    data: decodeData(a.info?.kind, a.info?.data),
    stats: a.stats64 === undefined ? null : decodeStats(a.stats64),
  };
}

const ZERO: LinkHeader = { family: 0, deviceType: 0, index: 0, flags: 0, change: 0 };

/** A request for all links. @param withStats whether counters are wanted. */
export function encodeLinkDump(withStats: boolean): Uint8Array {
  return encodeRt(LINK_HEADER, LINK, {
    header: ZERO,
    attributes: withStats ? {} : { extMask: RTEXT_FILTER_SKIP_STATS },
  });
}

/** Longest interface name, IFNAMSIZ without its NUL. */
const MAX_NAME_BYTES = 15;

/** A request for one link, by index or by name (also an alternative one). */
export function encodeLinkGet(which: number | string, withStats: boolean): Uint8Array {
  const filter = withStats ? {} : { extMask: RTEXT_FILTER_SKIP_STATS };
  if (typeof which === "number") {
    return encodeRt(LINK_HEADER, LINK, { header: { ...ZERO, index: which }, attributes: filter });
  }
  const short = new TextEncoder().encode(which).length <= MAX_NAME_BYTES;
  const name = short ? { name: which } : { altName: which };
  return encodeRt(LINK_HEADER, LINK, { header: ZERO, attributes: { ...filter, ...name } });
}

/** What every new link may be given. */
export interface NewLinkCommon {
  readonly name: string;
  readonly mtu?: number;
  /** Six octets. */
  readonly address?: string;
  /** Index of the bridge or mesh interface to enslave it to. */
  readonly master?: number;
  /** Descriptor of the namespace to create it in. */
  readonly netnsFd?: number;
}

/** A link to create; indexes name other links. */
export type NewLink =
  & NewLinkCommon
  & (
    | { readonly kind: "bridge" | "dummy" | "wireguard" }
    | { readonly kind: "batadv"; readonly algorithm?: string }
    | { readonly kind: "veth"; readonly peer: NewLinkCommon }
    | {
      readonly kind: "vlan";
      readonly link: number;
      readonly id: number;
      readonly protocol?: 0x8100 | 0x88a8;
    }
    | { readonly kind: "macvlan"; readonly link: number; readonly mode?: number }
    | {
      readonly kind: "vxlan";
      readonly id: number;
      readonly link?: number;
      readonly local?: string;
      /** Unicast or multicast. */
      readonly remote?: string;
      readonly port?: number;
      readonly ttl?: number;
      readonly learning?: boolean;
    }
  );

/** Octets of a MAC address. @throws {TypeError} when `text` is none. */
export function macBytes(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) {
    throw new TypeError(`Cannot use "${text}" as a MAC address`);
  }
  return Uint8Array.from(text.split(":"), (octet) => Number.parseInt(octet, 16));
}

function commonAttributes(link: NewLinkCommon): Attributes<typeof LINK> {
  return {
    name: link.name,
    ...(link.mtu === undefined ? {} : { mtu: link.mtu }),
    ...(link.address === undefined ? {} : { address: macBytes(link.address) }),
    ...(link.master === undefined ? {} : { master: link.master }),
    ...(link.netnsFd === undefined ? {} : { netnsFd: link.netnsFd }),
  };
}

function vxlanData(link: NewLink & { kind: "vxlan" }): Attributes<typeof LINK_DATA.vxlan> {
  const six = (address: string) => address.includes(":");
  return {
    id: link.id,
    ...(link.link === undefined ? {} : { link: link.link }),
    ...(link.remote === undefined
      ? {}
      : six(link.remote)
      ? { group6: link.remote }
      : { group: link.remote }),
    ...(link.local === undefined
      ? {}
      : six(link.local)
      ? { local6: link.local }
      : { local: link.local }),
    // Without it the kernel takes 8472, older than the assigned port (RFC 7348 §5).
    port: link.port ?? 4789,
    ...(link.ttl === undefined ? {} : { ttl: link.ttl }),
    learning: (link.learning ?? true) ? 1 : 0,
  };
}

function newLinkData(link: NewLink): Uint8Array | undefined {
  switch (link.kind) {
    case "batadv":
      if (link.algorithm === undefined) return undefined;
      return encodeAttributes(LINK_DATA.batadv, { algorithm: link.algorithm });
    case "veth": {
      const attributes = commonAttributes(link.peer);
      return encodeAttributes(VETH, {
        peer: encodeRt(LINK_HEADER, LINK, { header: ZERO, attributes }),
      });
    }
    case "vlan":
      return encodeAttributes(LINK_DATA.vlan, {
        id: link.id,
        ...(link.protocol === undefined ? {} : { protocol: link.protocol }),
      });
    case "macvlan":
      return encodeAttributes(LINK_DATA.macvlan, { mode: link.mode ?? 4 });
    case "vxlan":
      return encodeAttributes(LINK_DATA.vxlan, vxlanData(link));
    case "bridge":
    case "dummy":
    case "wireguard":
      return undefined;
  }
}

/** A request to create a link. @throws {TypeError} for an address that is none. */
export function encodeNewLink(link: NewLink): Uint8Array {
  const data = newLinkData(link);
  const lower = link.kind === "vlan" || link.kind === "macvlan" ? { link: link.link } : {};
  return encodeRt(LINK_HEADER, LINK, {
    header: ZERO,
    attributes: {
      ...commonAttributes(link),
      ...lower,
      info: { kind: link.kind, ...(data === undefined ? {} : { data }) },
    },
  });
}

/** What to change of a link; what is left out stays. */
export interface LinkSettings {
  readonly up?: boolean;
  readonly name?: string;
  readonly mtu?: number;
  readonly address?: string;
  /** `null` releases it from its master. */
  readonly master?: number | null;
  readonly txQueueLength?: number;
  readonly alias?: string;
  /** Descriptor of the namespace to move it to. */
  readonly netnsFd?: number;
}

/** A request to change the link with `index`. @throws {TypeError} for an address that is none. */
export function encodeSetLink(index: number, set: LinkSettings): Uint8Array {
  const changeUp = set.up !== undefined;
  return encodeRt(LINK_HEADER, LINK, {
    header: {
      ...ZERO,
      index,
      flags: set.up === true ? IFF.UP : 0,
      change: changeUp ? IFF.UP : 0,
    },
    attributes: {
      ...(set.name === undefined ? {} : { name: set.name }),
      ...(set.mtu === undefined ? {} : { mtu: set.mtu }),
      ...(set.address === undefined ? {} : { address: macBytes(set.address) }),
      ...(set.master === undefined ? {} : { master: set.master ?? 0 }),
      ...(set.txQueueLength === undefined ? {} : { txQueueLength: set.txQueueLength }),
      ...(set.alias === undefined ? {} : { alias: set.alias }),
      ...(set.netnsFd === undefined ? {} : { netnsFd: set.netnsFd }),
    },
  });
}

/** A request about the link with `index` alone, e.g. to delete it. */
export function encodeLinkIndex(index: number): Uint8Array {
  return encodeRt(LINK_HEADER, LINK, { header: { ...ZERO, index }, attributes: {} });
}

/** A request to add or remove an alternative name. */
export function encodeAltName(index: number, altName: string): Uint8Array {
  const NLA_F_NESTED = 0x8000;
  const inner = encodeAttributes(ALT_NAME, { altName });
  const outer = new Uint8Array(4 + inner.length);
  const view = new DataView(outer.buffer);
  view.setUint16(0, outer.length, true);
  view.setUint16(2, LINK.propertyList[0] | NLA_F_NESTED, true);
  outer.set(inner, 4);
  const head = encodeLinkIndex(index);
  const out = new Uint8Array(head.length + outer.length);
  out.set(head);
  out.set(outer, head.length);
  return out;
}
