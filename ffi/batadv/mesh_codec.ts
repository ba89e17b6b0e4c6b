// Mesh interface, hard interfaces, VLANs and routing algorithms: between attributes and plain objects.
// linux v6.12 net/batman-adv/netlink.c (batadv_netlink_mesh_fill, _hardif_fill, _vlan_fill, the setters),
// bat_algo.c. Pure.
import {
  type Attributes,
  decodeAttributes,
  DecodeError,
  encodeAttributes,
} from "../netlink/mod.ts";
import {
  type Flags,
  inRange,
  type Raw,
  readFlags,
  readThroughputUnits,
  required,
  writeThroughputUnits,
} from "./fields.ts";
import { ANSWER, GATEWAY_MODES, MCAST_FLAGS, MCAST_PRIVATE_FLAGS, REQUEST } from "./spec.ts";

const U32_MAX = 0xffff_ffff;
const INT_MAX = 0x7fff_ffff;

/** What this node does with gateways: ignores them, uses one, or is one. */
export type GatewayMode = typeof GATEWAY_MODES[number];

/** Everything SET_MESH can set. `null`: the kernel was built without the feature. */
export interface MeshSettings {
  /** Whether originator messages are sent together. */
  readonly aggregatedOgms: boolean;
  /** Whether Wi-Fi clients may not talk to each other (untagged traffic); `null` when not told. */
  readonly apIsolation: boolean | null;
  /** Packet mark that classifies clients as isolated, compared under the mask. */
  readonly isolationMark: number;
  readonly isolationMask: number;
  readonly bonding: boolean;
  readonly bridgeLoopAvoidance: boolean | null;
  readonly distributedArpTable: boolean | null;
  readonly fragmentation: boolean;
  /** Announced when gatewayMode is "server"; a multiple of 100. */
  readonly gatewayDownKbps: number;
  readonly gatewayUpKbps: number;
  readonly gatewayMode: GatewayMode;
  /**
   * BATMAN_IV: 1 fast, 2 stable, 3 fast-switch, above: TQ advantage that makes a client switch.
   * BATMAN_V: throughput advantage in units of 100 kbit/s. `null`: the algorithm has no gateways.
   */
  readonly gatewaySelectionClass: number | null;
  /** Taken off an originator message's metric at every hop, of 255. */
  readonly hopPenalty: number;
  /** Bits of BATADV_DBG_*; `null` without CONFIG_BATMAN_ADV_DEBUG. */
  readonly logLevel: number | null;
  /** Whether multicast is flooded like broadcast. */
  readonly multicastForceflood: boolean | null;
  /** Copies of a multicast packet sent as unicast before it is flooded. */
  readonly multicastFanout: number | null;
  readonly networkCoding: boolean | null;
  /** Time between originator messages; the kernel raises it to at least 40. */
  readonly origIntervalMs: number;
}

/** Settings to change; those left out stay. */
export type MeshChange = { readonly [K in keyof MeshSettings]?: NonNullable<MeshSettings[K]> };

/** A hard interface that a mesh interface sends through first. */
export interface PrimaryInterface {
  readonly ifindex: number;
  readonly name: string;
  readonly address: string;
}

/** A mesh interface (bat0) and its settings. */
export interface MeshInfo {
  readonly ifindex: number;
  readonly name: string;
  readonly address: string;
  /** batman-adv's version, e.g. "2024.2". */
  readonly version: string;
  /** Routing algorithm, e.g. "BATMAN_IV". */
  readonly algorithm: string;
  /** Translation table version number, modulo 256. */
  readonly ttvn: number;
  /** Bridge loop avoidance group id; `null` without BLA. */
  readonly blaGroup: number | null;
  /** What this node announces about multicast; `null` without multicast optimisation. */
  readonly mcast: {
    readonly flags: Flags<typeof MCAST_FLAGS>;
    readonly privateFlags: Flags<typeof MCAST_PRIVATE_FLAGS>;
  } | null;
  /** `null` while no hard interface is active. */
  readonly primary: PrimaryInterface | null;
  readonly settings: MeshSettings;
}

/** A hard interface of a mesh. */
export interface HardInterface {
  readonly meshIfindex: number;
  readonly meshName: string;
  readonly ifindex: number;
  readonly name: string;
  readonly address: string;
  /** Whether it takes part in the mesh: up, with a carrier and a valid address. */
  readonly active: boolean;
  /** Added to the mesh-wide hop penalty on this interface; `null` before 5.8. */
  readonly hopPenalty: number | null;
  /** BATMAN_V: time between echo location packets; `null` without BATMAN_V. */
  readonly elpIntervalMs: number | null;
  /** BATMAN_V: the throughput to assume, 0 to estimate it; `null` without BATMAN_V. */
  readonly throughputOverrideKbps: number | null;
}

/** Settings of a hard interface to change; those left out stay. */
export interface HardInterfaceChange {
  readonly hopPenalty?: number;
  readonly elpIntervalMs?: number;
  /** A multiple of 100; 0 lets the kernel estimate. */
  readonly throughputOverrideKbps?: number;
}

/** A VLAN on top of a mesh interface. */
export interface MeshVlan {
  readonly meshIfindex: number;
  readonly meshName: string;
  /** 0 to 4095. */
  readonly vid: number;
  readonly apIsolation: boolean;
}

const bool = (value: number | undefined): boolean | null =>
  value === undefined ? null : value !== 0;

function readGatewayMode(raw: Raw, what: string): GatewayMode {
  const number = required(raw, "gwMode", what);
  const mode = GATEWAY_MODES[number];
  if (mode === undefined) throw new DecodeError(`${what}.gwMode`, 0, GATEWAY_MODES.length, number);
  return mode;
}

function readSettings(raw: Raw, what: string): MeshSettings {
  const flag = (name: "aggregatedOgmsEnabled" | "bondingEnabled" | "fragmentationEnabled") =>
    required(raw, name, what) !== 0;
  return {
    aggregatedOgms: flag("aggregatedOgmsEnabled"),
    apIsolation: bool(raw.apIsolationEnabled),
    isolationMark: required(raw, "isolationMark", what),
    isolationMask: required(raw, "isolationMask", what),
    bonding: flag("bondingEnabled"),
    bridgeLoopAvoidance: bool(raw.bridgeLoopAvoidanceEnabled),
    distributedArpTable: bool(raw.distributedArpTableEnabled),
    fragmentation: flag("fragmentationEnabled"),
    gatewayDownKbps: readThroughputUnits(required(raw, "gwBandwidthDown", what)),
    gatewayUpKbps: readThroughputUnits(required(raw, "gwBandwidthUp", what)),
    gatewayMode: readGatewayMode(raw, what),
    gatewaySelectionClass: raw.gwSelClass ?? null,
    hopPenalty: required(raw, "hopPenalty", what),
    logLevel: raw.logLevel ?? null,
    multicastForceflood: bool(raw.multicastForcefloodEnabled),
    multicastFanout: raw.multicastFanout ?? null,
    networkCoding: bool(raw.networkCodingEnabled),
    origIntervalMs: required(raw, "origInterval", what),
  };
}

/** @throws {DecodeError} */
export function decodeMesh(attributes: Uint8Array): MeshInfo {
  const what = "batadv.mesh";
  const raw = decodeAttributes(ANSWER, attributes, what);
  const { mcastFlags, mcastFlagsPriv, hardIfindex } = raw;
  return {
    ifindex: required(raw, "meshIfindex", what),
    name: required(raw, "meshIfname", what),
    address: required(raw, "meshAddress", what),
    version: required(raw, "version", what),
    algorithm: required(raw, "algoName", what),
    ttvn: required(raw, "ttTtvn", what),
    blaGroup: raw.blaCrc ?? null,
    mcast: mcastFlags === undefined || mcastFlagsPriv === undefined ? null : {
      flags: readFlags(MCAST_FLAGS, mcastFlags),
      privateFlags: readFlags(MCAST_PRIVATE_FLAGS, mcastFlagsPriv),
    },
    primary: hardIfindex === undefined ? null : {
      ifindex: hardIfindex,
      name: required(raw, "hardIfname", what),
      address: required(raw, "hardAddress", what),
    },
    settings: readSettings(raw, what),
  };
}

/** @throws {DecodeError} */
export function decodeHardInterface(attributes: Uint8Array): HardInterface {
  const what = "batadv.hardif";
  const raw = decodeAttributes(ANSWER, attributes, what);
  return {
    meshIfindex: required(raw, "meshIfindex", what),
    meshName: required(raw, "meshIfname", what),
    ifindex: required(raw, "hardIfindex", what),
    name: required(raw, "hardIfname", what),
    address: required(raw, "hardAddress", what),
    active: raw.active === true,
    hopPenalty: raw.hopPenalty ?? null,
    elpIntervalMs: raw.elpInterval ?? null,
    throughputOverrideKbps: raw.throughputOverride === undefined
      ? null
      : readThroughputUnits(raw.throughputOverride),
  };
}

/** @throws {DecodeError} */
export function decodeVlan(attributes: Uint8Array): MeshVlan {
  const what = "batadv.vlan";
  const raw = decodeAttributes(ANSWER, attributes, what);
  const vid = required(raw, "vlanId", what);
  if (vid > 0x0fff) throw new DecodeError(`${what}.vlanId`, 0, 0x0fff, vid);
  return {
    meshIfindex: required(raw, "meshIfindex", what),
    meshName: required(raw, "meshIfname", what),
    vid,
    apIsolation: required(raw, "apIsolationEnabled", what) !== 0,
  };
}

/** Name of a routing algorithm the kernel has. @throws {DecodeError} */
export function decodeRoutingAlgorithm(attributes: Uint8Array): string {
  const what = "batadv.algorithm";
  return required(decodeAttributes(ANSWER, attributes, what), "algoName", what);
}

type Request = Attributes<typeof REQUEST>;
type Writable = { -readonly [K in keyof Request]: Request[K] };

const octet = (value: boolean): number => value ? 1 : 0;

/** How each setting is checked and written; the table keeps MeshChange and encoder in step. */
const SETTERS: {
  readonly [K in keyof Required<MeshChange>]: (to: Writable, v: NonNullable<MeshChange[K]>) => void;
} = {
  aggregatedOgms: (to, v) => to.aggregatedOgmsEnabled = octet(v),
  apIsolation: (to, v) => to.apIsolationEnabled = octet(v),
  isolationMark: (to, v) => to.isolationMark = inRange(v, "isolationMark", 0, U32_MAX),
  isolationMask: (to, v) => to.isolationMask = inRange(v, "isolationMask", 0, U32_MAX),
  bonding: (to, v) => to.bondingEnabled = octet(v),
  bridgeLoopAvoidance: (to, v) => to.bridgeLoopAvoidanceEnabled = octet(v),
  distributedArpTable: (to, v) => to.distributedArpTableEnabled = octet(v),
  fragmentation: (to, v) => to.fragmentationEnabled = octet(v),
  gatewayDownKbps: (to, v) => to.gwBandwidthDown = writeThroughputUnits(v, "gatewayDownKbps"),
  gatewayUpKbps: (to, v) => to.gwBandwidthUp = writeThroughputUnits(v, "gatewayUpKbps"),
  gatewayMode: (to, v) =>
    to.gwMode = inRange(GATEWAY_MODES.indexOf(v), "gatewayMode", 0, GATEWAY_MODES.length - 1),
  gatewaySelectionClass: (to, v) => to.gwSelClass = inRange(v, "gatewaySelectionClass", 1, U32_MAX),
  hopPenalty: (to, v) => to.hopPenalty = inRange(v, "hopPenalty", 0, 255),
  logLevel: (to, v) => to.logLevel = inRange(v, "logLevel", 0, U32_MAX),
  multicastForceflood: (to, v) => to.multicastForcefloodEnabled = octet(v),
  multicastFanout: (to, v) => to.multicastFanout = inRange(v, "multicastFanout", 0, INT_MAX),
  networkCoding: (to, v) => to.networkCodingEnabled = octet(v),
  origIntervalMs: (to, v) => to.origInterval = inRange(v, "origIntervalMs", 1, INT_MAX),
};

/**
 * Attributes of SET_MESH. The kernel answers success even where it ignores a setting (a feature that is
 * not compiled in, a selection class out of range): read back what matters.
 *
 * @throws {RangeError} for a value the attribute cannot hold.
 * @throws {TypeError} for a name that is no setting.
 */
export function encodeMeshChange(meshIfindex: number, change: MeshChange): Uint8Array {
  const to: Writable = { meshIfindex };
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) continue;
    const set = SETTERS[name as keyof MeshSettings] as
      | ((to: Writable, value: unknown) => void)
      | undefined;
    if (set === undefined || !Object.hasOwn(SETTERS, name)) {
      throw new TypeError(`Cannot set "${name}": no such mesh setting`);
    }
    set(to, value);
  }
  return encodeAttributes(REQUEST, to);
}

/** Attributes of SET_HARDIF. @throws {RangeError} for a value the attribute cannot hold. */
export function encodeHardInterfaceChange(
  meshIfindex: number,
  hardIfindex: number,
  change: HardInterfaceChange,
): Uint8Array {
  const to: Writable = { meshIfindex, hardIfindex };
  const { hopPenalty, elpIntervalMs, throughputOverrideKbps } = change;
  if (hopPenalty !== undefined) to.hopPenalty = inRange(hopPenalty, "hopPenalty", 0, 255);
  if (elpIntervalMs !== undefined) {
    to.elpInterval = inRange(elpIntervalMs, "elpIntervalMs", 1, INT_MAX);
  }
  if (throughputOverrideKbps !== undefined) {
    to.throughputOverride = writeThroughputUnits(throughputOverrideKbps, "throughputOverrideKbps");
  }
  return encodeAttributes(REQUEST, to);
}

/** Attributes of GET_VLAN. */
export function encodeVlanQuery(meshIfindex: number, vid: number): Uint8Array {
  return encodeAttributes(REQUEST, { meshIfindex, vlanId: inRange(vid, "vid", 0, 0x0fff) });
}

/** Attributes of SET_VLAN. */
export function encodeVlanChange(
  meshIfindex: number,
  vid: number,
  apIsolation: boolean,
): Uint8Array {
  return encodeAttributes(REQUEST, {
    meshIfindex,
    vlanId: inRange(vid, "vid", 0, 0x0fff),
    apIsolationEnabled: octet(apIsolation),
  });
}
