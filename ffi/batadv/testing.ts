// One message of every kind as the kernel of linux v6.12 sends it, for tests and the fuzz corpus. Values
// are chosen so that no two fields of a sample could be swapped unnoticed.
import { encodeAttributes } from "../netlink/mod.ts";
import type { Raw } from "./fields.ts";
import { ANSWER } from "./spec.ts";

/** Attributes of one message. */
export type Sample = Raw;

const encode = (raw: Raw): Uint8Array => encodeAttributes(ANSWER, raw);

/** GET_MESH of a BATMAN_IV node that is a gateway server. */
export const MESH: Raw = {
  version: "2024.2",
  algoName: "BATMAN_IV",
  meshIfindex: 7,
  meshIfname: "bat0",
  meshAddress: "02:00:00:00:00:07",
  ttTtvn: 3,
  blaCrc: 0x1234,
  mcastFlags: 0b11001,
  mcastFlagsPriv: 0b1,
  hardIfindex: 5,
  hardIfname: "mesh0",
  hardAddress: "02:ba:00:00:00:05",
  aggregatedOgmsEnabled: 1,
  apIsolationEnabled: 0,
  isolationMark: 0xdead,
  isolationMask: 0xffff,
  bondingEnabled: 0,
  bridgeLoopAvoidanceEnabled: 1,
  distributedArpTableEnabled: 1,
  fragmentationEnabled: 1,
  gwBandwidthDown: 100,
  gwBandwidthUp: 20,
  gwMode: 2,
  gwSelClass: 20,
  hopPenalty: 30,
  multicastForcefloodEnabled: 0,
  multicastFanout: 16,
  origInterval: 1000,
};

/** GET_HARDIF under BATMAN_V. */
export const HARD_INTERFACE: Raw = {
  meshIfindex: 7,
  meshIfname: "bat0",
  hardIfindex: 5,
  hardIfname: "mesh0",
  hardAddress: "02:ba:00:00:00:05",
  active: true,
  hopPenalty: 9,
  elpInterval: 500,
  throughputOverride: 120,
};

/** GET_VLAN: the id as a u32. */
export const VLAN: Raw = {
  meshIfindex: 7,
  meshIfname: "bat0",
  vlanId: 42,
  apIsolationEnabled: 1,
};

/** GET_TRANSTABLE_LOCAL. */
export const LOCAL_CLIENT: Raw = {
  ttAddress: "02:cc:00:00:00:01",
  ttCrc32: 0xcafe_f00d,
  ttVid: 0x8000 | 42,
  ttFlags: 0b0000_0010_0001_0010,
  lastSeenMsecs: 1234,
};

/** GET_TRANSTABLE_GLOBAL. */
export const GLOBAL_CLIENT: Raw = {
  ttAddress: "02:cc:00:00:00:02",
  origAddress: "02:ba:00:00:00:09",
  ttTtvn: 4,
  ttLastTtvn: 5,
  ttCrc32: 0x1234_5678,
  ttVid: 0,
  ttFlags: 1 << 11,
  flagBest: true,
};

/** GET_ORIGINATORS under BATMAN_IV. */
export const ORIGINATOR_IV: Raw = {
  origAddress: "02:ba:00:00:00:09",
  neighAddress: "02:ba:00:00:00:08",
  hardIfname: "mesh0",
  hardIfindex: 5,
  tq: 251,
  lastSeenMsecs: 320,
  flagBest: true,
};

/** GET_ORIGINATORS under BATMAN_V. */
export const ORIGINATOR_V: Raw = {
  origAddress: "02:ba:00:00:00:09",
  neighAddress: "02:ba:00:00:00:08",
  hardIfname: "mesh0",
  hardIfindex: 5,
  throughput: 12_300,
  lastSeenMsecs: 320,
};

/** GET_NEIGHBORS under BATMAN_V. */
export const NEIGHBOR: Raw = {
  neighAddress: "02:ba:00:00:00:08",
  hardIfname: "mesh0",
  hardIfindex: 5,
  lastSeenMsecs: 77,
  throughput: 54_000,
};

/** GET_GATEWAYS under BATMAN_V. */
export const GATEWAY: Raw = {
  origAddress: "02:ba:00:00:00:09",
  throughput: 120,
  router: "02:ba:00:00:00:08",
  hardIfname: "mesh0",
  hardIfindex: 5,
  bandwidthDown: 500,
  bandwidthUp: 50,
  flagBest: true,
};

/** GET_BLA_CLAIM. */
export const BLA_CLAIM: Raw = {
  blaOwn: true,
  blaAddress: "02:cc:00:00:00:03",
  blaVid: 0x8000 | 7,
  blaBackbone: "02:00:00:00:00:0b",
  blaCrc: 0xbeef,
};

/** GET_BLA_BACKBONE. */
export const BLA_BACKBONE: Raw = {
  blaBackbone: "02:00:00:00:00:0b",
  blaVid: 0,
  blaCrc: 0xfeed,
  lastSeenMsecs: 4_321,
};

/** GET_DAT_CACHE. */
export const DAT_ENTRY: Raw = {
  datCacheIp4Address: 0x0a01_0203,
  datCacheHwAddress: "02:cc:00:00:00:04",
  datCacheVid: 0x8000 | 2,
  lastSeenMsecs: 99,
};

/** GET_MCAST_FLAGS. */
export const MCAST: Raw = { origAddress: "02:ba:00:00:00:09", mcastFlags: 0b100001 };

/** The "tpmeter" group's message. */
export const TP_RESULT: Raw = {
  tpmeterCookie: 0xabcdef,
  tpmeterTestTime: 2_000,
  tpmeterBytes: 3_000_000n,
  tpmeterResult: 3,
  origAddress: "02:ba:00:00:00:09",
};

/** GET_ROUTING_ALGOS. */
export const ALGORITHM: Raw = { algoName: "BATMAN_V" };

/** A sample in octets. */
export function sample(raw: Raw): Uint8Array {
  return encode(raw);
}
