// Stations (neighbours, clients) between octets and objects.
// linux v6.12 net/wireless/nl80211.c nl80211_send_station(), nl80211_put_sta_rate().
import { type Attributes, decodeAttributes, DecodeError } from "../netlink/mod.ts";
import { MESH_POWER_MODES, type MeshPowerMode, PLINK_STATES, type PlinkState } from "./names.ts";
import { attributeTable, type rateTable, type stationInfoTable } from "./spec.ts";
import { counter, type Present, present } from "./values.ts";

/** A bitrate and how it is made up. */
export interface Rate {
  /** `null` when the kernel cannot work it out. */
  readonly kbps: number | null;
  readonly standard: "legacy" | "n" | "ac" | "ax" | "be";
  /** Modulation and coding scheme; `null` for legacy rates. For "n" it includes the streams (0–31). */
  readonly mcs: number | null;
  /** Spatial streams; `null` for legacy rates. */
  readonly streams: number | null;
  readonly widthMhz: 5 | 10 | 20 | 40 | 80 | 160 | 320;
  /** Two segments of 80 MHz. */
  readonly split: boolean;
  readonly shortGuard: boolean;
  /** Guard interval in ns for 802.11ax and later. */
  readonly guardNs: number | null;
}

/** NL80211_STA_FLAG_*: `null` where the kernel does not say. */
export interface StationFlags {
  readonly authorized: boolean | null;
  readonly shortPreamble: boolean | null;
  readonly wme: boolean | null;
  readonly mfp: boolean | null;
  readonly authenticated: boolean | null;
  readonly tdls: boolean | null;
  readonly associated: boolean | null;
}

/** One station. A field is absent when the driver does not report it. */
export type Station = Present<ReturnType<typeof stationOf>>;

type RawRate = Attributes<typeof rateTable>;
type RawInfo = Attributes<typeof stationInfoTable>;

const HE_GUARD_NS = [800, 1600, 3200] as const;

function widthOf(raw: RawRate): Rate["widthMhz"] {
  if (raw.width320) return 320;
  if (raw.width160 || raw.width80p80) return 160;
  if (raw.width80) return 80;
  if (raw.width40) return 40;
  if (raw.width10) return 10;
  return raw.width5 ? 5 : 20;
}

/** Reads a nested rate. */
export function rateOf(raw: RawRate): Rate {
  const units = raw.bitrate32 ?? raw.bitrate16;
  const common = {
    kbps: units === undefined ? null : units * 100,
    widthMhz: widthOf(raw),
    split: raw.width80p80 ?? false,
    shortGuard: raw.shortGi ?? false,
    guardNs: null,
  };
  if (raw.ehtMcs !== undefined) {
    const guardNs = HE_GUARD_NS[raw.ehtGi ?? -1] ?? null;
    return { ...common, standard: "be", mcs: raw.ehtMcs, streams: raw.ehtNss ?? 1, guardNs };
  }
  if (raw.heMcs !== undefined) {
    const guardNs = HE_GUARD_NS[raw.heGi ?? -1] ?? null;
    return { ...common, standard: "ax", mcs: raw.heMcs, streams: raw.heNss ?? 1, guardNs };
  }
  if (raw.vhtMcs !== undefined) {
    return { ...common, standard: "ac", mcs: raw.vhtMcs, streams: raw.vhtNss ?? 1 };
  }
  if (raw.mcs !== undefined) {
    return { ...common, standard: "n", mcs: raw.mcs, streams: (raw.mcs >> 3) + 1 };
  }
  return { ...common, standard: "legacy", mcs: null, streams: null };
}

function flagsOf(bytes: Uint8Array | undefined): StationFlags | undefined {
  if (bytes === undefined) return undefined;
  if (bytes.length < 8) throw new DecodeError("nl80211.station.flags", 0, 8, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mask = view.getUint32(0, true);
  const set = view.getUint32(4, true);
  const flag = (bit: number) => (mask >>> bit & 1) === 0 ? null : (set >>> bit & 1) === 1;
  return {
    authorized: flag(1),
    shortPreamble: flag(2),
    wme: flag(3),
    mfp: flag(4),
    authenticated: flag(5),
    tdls: flag(6),
    associated: flag(7),
  };
}

function powerMode(value: number | undefined): MeshPowerMode | `unknown-${number}` | undefined {
  return value === undefined ? undefined : MESH_POWER_MODES.name(value);
}

function plinkState(value: number | undefined): PlinkState | `unknown-${number}` | undefined {
  return value === undefined ? undefined : PLINK_STATES.name(value);
}

function yesNo(value: number | undefined): boolean | undefined {
  return value === undefined ? undefined : value !== 0;
}

function stationOf(mac: string, ifindex: number, info: RawInfo) {
  return {
    mac,
    ifindex,
    inactiveMs: info.inactiveMs,
    connectedS: info.connectedS,
    rxBytes: counter(info.rxBytes64) ?? info.rxBytes32,
    txBytes: counter(info.txBytes64) ?? info.txBytes32,
    rxPackets: info.rxPackets,
    txPackets: info.txPackets,
    txRetries: info.txRetries,
    txFailed: info.txFailed,
    rxDropMisc: counter(info.rxDropMisc),
    rxMpdus: info.rxMpdus,
    fcsErrors: info.fcsErrors,
    beaconLoss: info.beaconLoss,
    beaconsReceived: counter(info.beaconsReceived),
    signalDbm: info.signalDbm,
    signalAvgDbm: info.signalAvgDbm,
    /** One value an antenna. */
    chainSignalDbm: info.chainSignalDbm?.map(({ value }) => value),
    chainSignalAvgDbm: info.chainSignalAvgDbm?.map(({ value }) => value),
    beaconSignalAvgDbm: info.beaconSignalAvgDbm,
    ackSignalDbm: info.ackSignalDbm,
    ackSignalAvgDbm: info.ackSignalAvgDbm,
    txRate: info.txRate === undefined ? undefined : rateOf(info.txRate),
    rxRate: info.rxRate === undefined ? undefined : rateOf(info.rxRate),
    expectedThroughputKbps: info.expectedThroughputKbps,
    rxDurationUs: counter(info.rxDurationUs),
    txDurationUs: counter(info.txDurationUs),
    airtimeWeight: info.airtimeWeight,
    localLinkId: info.localLinkId,
    peerLinkId: info.peerLinkId,
    plinkState: plinkState(info.plinkState),
    localPowerMode: powerMode(info.localPowerMode),
    peerPowerMode: powerMode(info.peerPowerMode),
    nonPeerPowerMode: powerMode(info.nonPeerPowerMode),
    airtimeLinkMetric: info.airtimeLinkMetric,
    connectedToGate: yesNo(info.connectedToGate),
    connectedToAuthServer: yesNo(info.connectedToAuthServer),
    tsfOffset: info.tsfOffset,
    associatedAtBootNs: counter(info.associatedAtBootNs),
    dtimPeriod: info.bss?.dtimPeriod,
    beaconIntervalTu: info.bss?.beaconInterval,
    shortPreamble: info.bss?.shortPreamble,
    shortSlotTime: info.bss?.shortSlotTime,
    ctsProtection: info.bss?.ctsProtection,
    flags: flagsOf(info.flags),
  };
}

/** Reads one NEW_STATION message. @throws {DecodeError} */
export function decodeStation(attributes: Uint8Array): Station {
  const raw = decodeAttributes(attributeTable, attributes, "nl80211.station");
  if (raw.mac === undefined || raw.ifindex === undefined) {
    throw new DecodeError("nl80211.station", 0, 6, attributes.length);
  }
  return present(stationOf(raw.mac, raw.ifindex, raw.stationInfo ?? {}));
}
