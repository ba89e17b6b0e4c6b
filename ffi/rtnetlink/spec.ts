// rtnetlink: message types, groups and attribute tables as data.
// linux v6.12 include/uapi/linux/{rtnetlink,if_link,if_addr,neighbour,fib_rules,veth}.h.
import { nest, table } from "../netlink/mod.ts";

/** RTM_* message types. */
export const RTM = Object.freeze({
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
  NEWLINKPROP: 108,
  DELLINKPROP: 109,
});

/** RTNLGRP_* multicast groups. */
export const RTNLGRP = Object.freeze({
  LINK: 1,
  NEIGH: 3,
  IPV4_IFADDR: 5,
  IPV4_ROUTE: 7,
  IPV4_RULE: 8,
  IPV6_IFADDR: 9,
  IPV6_ROUTE: 11,
  IPV6_RULE: 19,
});

/** Address families of linux/socket.h that rtnetlink speaks of here. */
export const AF = Object.freeze({ UNSPEC: 0, INET: 2, BRIDGE: 7, INET6: 10 });

/** IFF_* of linux v6.12 uapi/linux/if.h. */
export const IFF = Object.freeze({
  UP: 0x1,
  BROADCAST: 0x2,
  LOOPBACK: 0x8,
  POINTOPOINT: 0x10,
  RUNNING: 0x40,
  NOARP: 0x80,
  PROMISC: 0x100,
  MULTICAST: 0x1000,
  LOWER_UP: 0x10000,
  DORMANT: 0x20000,
});

/** RTEXT_FILTER_SKIP_STATS: leave the counters out of an answer. */
export const RTEXT_FILTER_SKIP_STATS = 8;

/** IFLA_INFO_*. The data's table depends on the kind: {@link LINK_DATA}. */
export const LINK_INFO = table({
  kind: [1, "string"],
  data: [2, "bytes"],
  slaveKind: [4, "string"],
});

/** IFLA_PROP_LIST: one attribute a name, all of the same type. */
export const ALT_NAME = table({ altName: [53, "string"] });

/** IFLA_*. */
export const LINK = table({
  address: [1, "bytes"],
  broadcast: [2, "bytes"],
  name: [3, "string"],
  mtu: [4, "u32"],
  link: [5, "u32"],
  qdisc: [6, "string"],
  master: [10, "u32"],
  txQueueLength: [13, "u32"],
  operState: [16, "u8"],
  info: [18, nest(LINK_INFO)],
  netnsPid: [19, "u32"],
  alias: [20, "string"],
  stats64: [23, "bytes"],
  group: [27, "u32"],
  netnsFd: [28, "u32"],
  extMask: [29, "u32"],
  promiscuity: [30, "u32"],
  txQueues: [31, "u32"],
  rxQueues: [32, "u32"],
  carrier: [33, "u8"],
  carrierChanges: [35, "u32"],
  linkNetnsId: [37, "s32"],
  carrierUpCount: [47, "u32"],
  carrierDownCount: [48, "u32"],
  minMtu: [50, "u32"],
  maxMtu: [51, "u32"],
  propertyList: [52, "bytes"],
  altName: [53, "string"],
  permanentAddress: [54, "bytes"],
});

/** IFLA_VLAN_*. */
export const VLAN = table({
  id: [1, "u16"],
  /** 0x8100 (802.1Q) or 0x88a8 (802.1ad). */
  protocol: [5, "u16be"],
});

/** IFLA_VXLAN_*. */
export const VXLAN = table({
  id: [1, "u32"],
  group: [2, "ip"],
  link: [3, "u32"],
  local: [4, "ip"],
  ttl: [5, "u8"],
  tos: [6, "u8"],
  learning: [7, "u8"],
  ageingS: [8, "u32"],
  port: [15, "u16be"],
  group6: [16, "ip"],
  local6: [17, "ip"],
  udpChecksum: [18, "u8"],
  udpZeroChecksum6Tx: [19, "u8"],
  udpZeroChecksum6Rx: [20, "u8"],
});

/** IFLA_BR_*; times in hundredths of a second. */
export const BRIDGE = table({
  forwardDelay: [1, "u32"],
  helloTime: [2, "u32"],
  maxAge: [3, "u32"],
  ageingTime: [4, "u32"],
  stpState: [5, "u32"],
  priority: [6, "u16"],
  vlanFiltering: [7, "u8"],
  vlanProtocol: [8, "u16be"],
  groupForwardMask: [9, "u16"],
  rootPort: [12, "u16"],
  groupAddress: [20, "mac"],
  multicastRouter: [22, "u8"],
  multicastSnooping: [23, "u8"],
  multicastQuerier: [25, "u8"],
  defaultPvid: [39, "u16"],
});

/** IFLA_BATADV_*, linux v6.12 uapi/linux/batman_adv.h. */
export const BATADV = table({ algorithm: [1, "string"] });

/** IFLA_MACVLAN_*. */
export const MACVLAN = table({
  /** 1 private, 2 vepa, 4 bridge, 8 passthru, 16 source. */
  mode: [1, "u32"],
  flags: [2, "u16"],
});

/** VETH_INFO_*: the peer is a link message of its own. */
export const VETH = table({ peer: [1, "bytes"] });

/** Tables of IFLA_INFO_DATA by kind. */
export const LINK_DATA = Object.freeze({
  vlan: VLAN,
  vxlan: VXLAN,
  bridge: BRIDGE,
  batadv: BATADV,
  macvlan: MACVLAN,
});

/** IFA_*. */
export const ADDRESS = table({
  address: [1, "ip"],
  local: [2, "ip"],
  label: [3, "string"],
  broadcast: [4, "ip"],
  cacheInfo: [6, "bytes"],
  flags: [8, "u32"],
  metric: [9, "u32"],
  protocol: [11, "u8"],
});

/** IFA_F_*. */
export const IFA_F = Object.freeze({
  SECONDARY: 0x01,
  NODAD: 0x02,
  DADFAILED: 0x08,
  DEPRECATED: 0x20,
  TENTATIVE: 0x40,
  PERMANENT: 0x80,
  NOPREFIXROUTE: 0x200,
});

/** RTAX_*. */
export const METRICS = table({
  lock: [1, "u32"],
  mtu: [2, "u32"],
  window: [3, "u32"],
  rtt: [4, "u32"],
  rttVariance: [5, "u32"],
  slowStartThreshold: [6, "u32"],
  congestionWindow: [7, "u32"],
  advertisedMss: [8, "u32"],
  reordering: [9, "u32"],
  hopLimit: [10, "u32"],
  initialCongestionWindow: [11, "u32"],
  features: [12, "u32"],
  minRto: [13, "u32"],
  initialReceiveWindow: [14, "u32"],
  quickAck: [15, "u32"],
  congestionAlgorithm: [16, "string"],
});

/** RTA_*. */
export const ROUTE = table({
  destination: [1, "ip"],
  source: [2, "ip"],
  inputIfindex: [3, "u32"],
  ifindex: [4, "u32"],
  gateway: [5, "ip"],
  metric: [6, "u32"],
  preferredSource: [7, "ip"],
  metrics: [8, nest(METRICS)],
  multipath: [9, "bytes"],
  flow: [11, "u32"],
  cacheInfo: [12, "bytes"],
  table: [15, "u32"],
  mark: [16, "u32"],
  via: [18, "bytes"],
  preference: [20, "u8"],
  expiresS: [23, "u32"],
  nexthopId: [30, "u32"],
});

/** NDA_*. */
export const NEIGHBOUR = table({
  address: [1, "ip"],
  linkAddress: [2, "bytes"],
  cacheInfo: [3, "bytes"],
  probes: [4, "u32"],
  ifindex: [8, "u32"],
  master: [9, "u32"],
  protocol: [12, "u8"],
});

/** NUD_* states. */
export const NUD = Object.freeze({
  NONE: 0,
  INCOMPLETE: 0x01,
  REACHABLE: 0x02,
  STALE: 0x04,
  DELAY: 0x08,
  PROBE: 0x10,
  FAILED: 0x20,
  NOARP: 0x40,
  PERMANENT: 0x80,
});

/** FRA_*. */
export const RULE = table({
  destination: [1, "ip"],
  source: [2, "ip"],
  inputName: [3, "string"],
  goto: [4, "u32"],
  priority: [6, "u32"],
  mark: [10, "u32"],
  suppressPrefixLength: [14, "s32"],
  table: [15, "u32"],
  markMask: [16, "u32"],
  outputName: [17, "string"],
  protocol: [21, "u8"],
});
