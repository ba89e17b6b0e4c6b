// The kernel's tables: translation, originators, neighbours, gateways, bridge loop avoidance, ARP cache
// and multicast flags; one function a row. Pure.
// linux v6.12 net/batman-adv: translation-table.c, bat_iv_ogm.c, bat_v.c, bridge_loop_avoidance.c,
// distributed-arp-table.c, multicast.c (the *_dump_entry functions).
import { decodeAttributes, formatIp } from "../netlink/mod.ts";
import { type Flags, readFlags, readThroughputUnits, readVid, required } from "./fields.ts";
import { ANSWER, MCAST_FLAGS, TT_FLAGS } from "./spec.ts";

/** Flags of a client in a translation table. */
export type ClientFlags = Flags<typeof TT_FLAGS>;

/** A client of this node, as it announces it. */
export interface LocalClient {
  readonly address: string;
  /** `null` for untagged traffic. */
  readonly vid: number | null;
  readonly flags: ClientFlags;
  /** `null` for a client that is never purged. */
  readonly lastSeenMs: number | null;
  /** CRC32 over this node's clients in that VLAN. */
  readonly crc32: number;
}

/** A client of another node. */
export interface GlobalClient {
  readonly address: string;
  /** `null` for untagged traffic. */
  readonly vid: number | null;
  readonly flags: ClientFlags;
  /** The node that announces it. */
  readonly originator: string;
  /** Whether traffic goes to this originator when several announce the client. */
  readonly best: boolean;
  /** Table version with which the originator first announced it. */
  readonly ttvn: number;
  /** Newest table version of that originator. */
  readonly lastTtvn: number;
  readonly crc32: number;
}

/** One way to reach an originator. */
export interface Originator {
  readonly originator: string;
  /** The next hop. */
  readonly neighbor: string;
  readonly hardIfindex: number;
  /** `null` before 5.19, which tells the index alone. */
  readonly hardName: string | null;
  /** Whether this is the way in use. */
  readonly best: boolean;
  readonly lastSeenMs: number;
  /** BATMAN_IV: transmission quality, 0 to 255; `null` under BATMAN_V. */
  readonly tq: number | null;
  /** BATMAN_V: throughput of the path; `null` under BATMAN_IV. */
  readonly throughputKbps: number | null;
}

/** A node in direct reach. */
export interface Neighbor {
  readonly neighbor: string;
  readonly hardIfindex: number;
  readonly hardName: string | null;
  readonly lastSeenMs: number;
  /** BATMAN_V: throughput of the link; `null` under BATMAN_IV, which tells no metric of neighbours. */
  readonly throughputKbps: number | null;
}

/** A node that announces itself as a gateway. */
export interface Gateway {
  readonly originator: string;
  /** Next hop towards it. */
  readonly router: string;
  readonly hardIfindex: number | null;
  readonly hardName: string | null;
  /** Whether this node uses it. */
  readonly best: boolean;
  readonly downKbps: number;
  readonly upKbps: number;
  /** BATMAN_IV; `null` under BATMAN_V. */
  readonly tq: number | null;
  /** BATMAN_V; `null` under BATMAN_IV. */
  readonly throughputKbps: number | null;
}

/** A client behind a bridge, and the backbone gateway that answers for it. */
export interface BlaClaim {
  readonly address: string;
  readonly vid: number | null;
  readonly backbone: string;
  /** Whether this node claims it. */
  readonly own: boolean;
  readonly crc: number;
}

/** A node on the same bridged segment. */
export interface BlaBackbone {
  readonly backbone: string;
  readonly vid: number | null;
  readonly own: boolean;
  readonly crc: number;
  readonly lastSeenMs: number;
}

/** An entry of the distributed ARP table's local cache. */
export interface DatEntry {
  readonly ip: string;
  readonly address: string;
  readonly vid: number | null;
  readonly lastSeenMs: number;
}

/** What an originator says it wants of multicast. */
export interface McastFlags {
  readonly originator: string;
  /** `null`: it does not say. */
  readonly flags: Flags<typeof MCAST_FLAGS> | null;
  /** The same as bits, with those that have no name here. */
  readonly rawFlags: number | null;
}

/** @throws {DecodeError} */
export function decodeLocalClient(attributes: Uint8Array): LocalClient {
  const what = "batadv.transtableLocal";
  const raw = decodeAttributes(ANSWER, attributes, what);
  return {
    address: required(raw, "ttAddress", what),
    vid: readVid(required(raw, "ttVid", what)),
    flags: readFlags(TT_FLAGS, required(raw, "ttFlags", what)),
    lastSeenMs: raw.lastSeenMsecs ?? null,
    crc32: required(raw, "ttCrc32", what),
  };
}

/** @throws {DecodeError} */
export function decodeGlobalClient(attributes: Uint8Array): GlobalClient {
  const what = "batadv.transtableGlobal";
  const raw = decodeAttributes(ANSWER, attributes, what);
  return {
    address: required(raw, "ttAddress", what),
    vid: readVid(required(raw, "ttVid", what)),
    flags: readFlags(TT_FLAGS, required(raw, "ttFlags", what)),
    originator: required(raw, "origAddress", what),
    best: raw.flagBest === true,
    ttvn: required(raw, "ttTtvn", what),
    lastTtvn: required(raw, "ttLastTtvn", what),
    crc32: required(raw, "ttCrc32", what),
  };
}

/** BATMAN_V's THROUGHPUT is in kbit/s here (bat_v.c multiplies by 100). @throws {DecodeError} */
export function decodeOriginator(attributes: Uint8Array): Originator {
  const what = "batadv.originator";
  const raw = decodeAttributes(ANSWER, attributes, what);
  return {
    originator: required(raw, "origAddress", what),
    neighbor: required(raw, "neighAddress", what),
    hardIfindex: required(raw, "hardIfindex", what),
    hardName: raw.hardIfname ?? null,
    best: raw.flagBest === true,
    lastSeenMs: required(raw, "lastSeenMsecs", what),
    tq: raw.tq ?? null,
    throughputKbps: raw.throughput ?? null,
  };
}

/** As with originators, THROUGHPUT is in kbit/s. @throws {DecodeError} */
export function decodeNeighbor(attributes: Uint8Array): Neighbor {
  const what = "batadv.neighbor";
  const raw = decodeAttributes(ANSWER, attributes, what);
  return {
    neighbor: required(raw, "neighAddress", what),
    hardIfindex: required(raw, "hardIfindex", what),
    hardName: raw.hardIfname ?? null,
    lastSeenMs: required(raw, "lastSeenMsecs", what),
    throughputKbps: raw.throughput ?? null,
  };
}

/** Here THROUGHPUT and the bandwidths are in units of 100 kbit/s. @throws {DecodeError} */
export function decodeGateway(attributes: Uint8Array): Gateway {
  const what = "batadv.gateway";
  const raw = decodeAttributes(ANSWER, attributes, what);
  return {
    originator: required(raw, "origAddress", what),
    router: required(raw, "router", what),
    hardIfindex: raw.hardIfindex ?? null,
    hardName: raw.hardIfname ?? null,
    best: raw.flagBest === true,
    downKbps: readThroughputUnits(required(raw, "bandwidthDown", what)),
    upKbps: readThroughputUnits(required(raw, "bandwidthUp", what)),
    tq: raw.tq ?? null,
    throughputKbps: raw.throughput === undefined ? null : readThroughputUnits(raw.throughput),
  };
}

/** @throws {DecodeError} */
export function decodeBlaClaim(attributes: Uint8Array): BlaClaim {
  const what = "batadv.blaClaim";
  const raw = decodeAttributes(ANSWER, attributes, what);
  return {
    address: required(raw, "blaAddress", what),
    vid: readVid(required(raw, "blaVid", what)),
    backbone: required(raw, "blaBackbone", what),
    own: raw.blaOwn === true,
    crc: required(raw, "blaCrc", what),
  };
}

/** @throws {DecodeError} */
export function decodeBlaBackbone(attributes: Uint8Array): BlaBackbone {
  const what = "batadv.blaBackbone";
  const raw = decodeAttributes(ANSWER, attributes, what);
  return {
    backbone: required(raw, "blaBackbone", what),
    vid: readVid(required(raw, "blaVid", what)),
    own: raw.blaOwn === true,
    crc: required(raw, "blaCrc", what),
    lastSeenMs: required(raw, "lastSeenMsecs", what),
  };
}

/** @throws {DecodeError} */
export function decodeDatEntry(attributes: Uint8Array): DatEntry {
  const what = "batadv.datCache";
  const raw = decodeAttributes(ANSWER, attributes, what);
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, required(raw, "datCacheIp4Address", what));
  return {
    ip: formatIp(octets),
    address: required(raw, "datCacheHwAddress", what),
    vid: readVid(required(raw, "datCacheVid", what)),
    lastSeenMs: required(raw, "lastSeenMsecs", what),
  };
}

/** @throws {DecodeError} */
export function decodeMcastFlags(attributes: Uint8Array): McastFlags {
  const what = "batadv.mcastFlags";
  const raw = decodeAttributes(ANSWER, attributes, what);
  return {
    originator: required(raw, "origAddress", what),
    flags: raw.mcastFlags === undefined ? null : readFlags(MCAST_FLAGS, raw.mcastFlags),
    rawFlags: raw.mcastFlags ?? null,
  };
}
