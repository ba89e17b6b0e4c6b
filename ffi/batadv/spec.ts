// The generic netlink family "batadv", as data: commands, attributes, flag bits, enumerations.
// linux v6.12 include/uapi/linux/batman_adv.h, batadv_packet.h (flags), net/batman-adv/netlink.c
// (widths, privileges). Pure data; nothing here sends or parses.
import { type AttributeTable, table } from "../netlink/mod.ts";

/** BATADV_NL_NAME. */
export const FAMILY = "batadv";

/** Multicast groups: BATADV_NL_MCAST_GROUP_CONFIG, BATADV_NL_MCAST_GROUP_TPMETER. */
export const GROUPS = { config: "config", tpMeter: "tpmeter" } as const;

/** One command of the family. */
export interface CommandSpec {
  /** enum batadv_nl_commands. */
  readonly number: number;
  /** How it is asked for: one answer, a dump, either, or only an acknowledgement. */
  readonly form: "get" | "dump" | "getOrDump" | "set";
  /** Whether the caller needs CAP_NET_ADMIN in the interface's network namespace. */
  readonly privileged: boolean;
}

const command = (
  number: number,
  form: CommandSpec["form"],
  privileged: boolean,
): CommandSpec => ({ number, form, privileged });

/** enum batadv_nl_commands, with form and privilege from batadv_netlink_ops in netlink.c. */
export const COMMANDS = {
  getMesh: command(1, "get", false),
  tpMeter: command(2, "get", true),
  tpMeterCancel: command(3, "set", true),
  getRoutingAlgos: command(4, "dump", true),
  getHardif: command(5, "getOrDump", false),
  getTranstableLocal: command(6, "dump", true),
  getTranstableGlobal: command(7, "dump", true),
  getOriginators: command(8, "dump", true),
  getNeighbors: command(9, "dump", true),
  getGateways: command(10, "dump", true),
  getBlaClaim: command(11, "dump", true),
  getBlaBackbone: command(12, "dump", true),
  getDatCache: command(13, "dump", true),
  getMcastFlags: command(14, "dump", true),
  setMesh: command(15, "set", true),
  setHardif: command(16, "set", true),
  getVlan: command(17, "get", false),
  setVlan: command(18, "set", true),
} as const satisfies Record<string, CommandSpec>;

/** Name of a batadv command. */
export type CommandName = keyof typeof COMMANDS;

/** enum batadv_nl_attrs as the kernel's policy (batadv_netlink_policy) takes them in requests. */
export const REQUEST = table({
  version: [1, "string"],
  algoName: [2, "string"],
  meshIfindex: [3, "u32"],
  meshIfname: [4, "string"],
  meshAddress: [5, "mac"],
  hardIfindex: [6, "u32"],
  hardIfname: [7, "string"],
  hardAddress: [8, "mac"],
  origAddress: [9, "mac"],
  tpmeterResult: [10, "u8"],
  tpmeterTestTime: [11, "u32"],
  tpmeterBytes: [12, "u64"],
  tpmeterCookie: [13, "u32"],
  active: [15, "flag"],
  ttAddress: [16, "mac"],
  ttTtvn: [17, "u8"],
  ttLastTtvn: [18, "u8"],
  ttCrc32: [19, "u32"],
  ttVid: [20, "u16"],
  ttFlags: [21, "u32"],
  flagBest: [22, "flag"],
  lastSeenMsecs: [23, "u32"],
  neighAddress: [24, "mac"],
  tq: [25, "u8"],
  throughput: [26, "u32"],
  bandwidthUp: [27, "u32"],
  bandwidthDown: [28, "u32"],
  router: [29, "mac"],
  blaOwn: [30, "flag"],
  blaAddress: [31, "mac"],
  blaVid: [32, "u16"],
  blaBackbone: [33, "mac"],
  blaCrc: [34, "u16"],
  // A __be32 although its policy says NLA_U32 (distributed-arp-table.c).
  datCacheIp4Address: [35, "u32be"],
  datCacheHwAddress: [36, "mac"],
  datCacheVid: [37, "u16"],
  mcastFlags: [38, "u32"],
  mcastFlagsPriv: [39, "u32"],
  vlanId: [40, "u16"],
  aggregatedOgmsEnabled: [41, "u8"],
  apIsolationEnabled: [42, "u8"],
  isolationMark: [43, "u32"],
  isolationMask: [44, "u32"],
  bondingEnabled: [45, "u8"],
  bridgeLoopAvoidanceEnabled: [46, "u8"],
  distributedArpTableEnabled: [47, "u8"],
  fragmentationEnabled: [48, "u8"],
  gwBandwidthDown: [49, "u32"],
  gwBandwidthUp: [50, "u32"],
  gwMode: [51, "u8"],
  gwSelClass: [52, "u32"],
  hopPenalty: [53, "u8"],
  logLevel: [54, "u32"],
  multicastForcefloodEnabled: [55, "u8"],
  networkCodingEnabled: [56, "u8"],
  origInterval: [57, "u32"],
  elpInterval: [58, "u32"],
  throughputOverride: [59, "u32"],
  multicastFanout: [60, "u32"],
});

/**
 * The same attributes as the kernel writes them in answers and events. They differ in one place:
 * batadv_netlink_vlan_fill() puts VLANID as a u32, while the policy takes a u16; "uint" reads both.
 */
export const ANSWER = table({ ...REQUEST, vlanId: [40, "uint"] });

/** Bits of a set of flags by name. */
export type FlagTable = Readonly<Record<string, number>>;

/** enum batadv_tt_client_flags. */
export const TT_FLAGS = {
  /** BATADV_TT_CLIENT_DEL: to be deleted from the table. */
  deleted: 1 << 0,
  /** BATADV_TT_CLIENT_ROAM: roamed; its new place is not announced yet. */
  roam: 1 << 1,
  /** BATADV_TT_CLIENT_WIFI: connected by Wi-Fi (AP isolation looks at it). */
  wireless: 1 << 4,
  /** BATADV_TT_CLIENT_ISOLA: isolated (extended isolation). */
  isolated: 1 << 5,
  /** BATADV_TT_CLIENT_NOPURGE: never removed from the table. */
  noPurge: 1 << 8,
  /** BATADV_TT_CLIENT_NEW: in the local table, not announced yet. */
  new: 1 << 9,
  /** BATADV_TT_CLIENT_PENDING: marked for removal, kept for one more originator interval. */
  pending: 1 << 10,
  /** BATADV_TT_CLIENT_TEMP: seen in the mesh, but announced by no node yet. */
  temporary: 1 << 11,
} as const satisfies FlagTable;

/** enum batadv_mcast_flags (batadv_packet.h). */
export const MCAST_FLAGS = {
  wantAllUnsnoopables: 1 << 0,
  wantAllIpv4: 1 << 1,
  wantAllIpv6: 1 << 2,
  wantNoRouter4: 1 << 3,
  wantNoRouter6: 1 << 4,
  haveMulticastPacketType: 1 << 5,
} as const satisfies FlagTable;

/** enum batadv_mcast_flags_priv. The querier bits mean nothing unless `bridged` is set. */
export const MCAST_PRIVATE_FLAGS = {
  bridged: 1 << 0,
  querierIpv4Exists: 1 << 1,
  querierIpv6Exists: 1 << 2,
  querierIpv4Shadowing: 1 << 3,
  querierIpv6Shadowing: 1 << 4,
} as const satisfies FlagTable;

/** enum batadv_gw_modes, by number. */
export const GATEWAY_MODES = ["off", "client", "server"] as const;

/** enum batadv_vlan_flags: BATADV_VLAN_HAS_TAG, and the mask of the id itself (VLAN_VID_MASK). */
export const VLAN_HAS_TAG = 0x8000;
export const VLAN_ID_MASK = 0x0fff;

/** enum batadv_tp_meter_reason. Values from 128 on are failures (batadv_tp_is_error()). */
export const TP_REASONS = {
  3: "complete",
  4: "cancelled",
  128: "destinationUnreachable",
  129: "resendLimit",
  130: "alreadyOngoing",
  131: "outOfMemory",
  132: "cannotSend",
  133: "tooManySessions",
} as const;

/** The unit of gateway bandwidths, gateway throughputs and THROUGHPUT_OVERRIDE: 100 kbit/s. */
export const THROUGHPUT_UNIT_KBPS = 100;

/** The attribute tables' common shape, for functions that take either. */
export type BatadvTable = typeof REQUEST & AttributeTable;
