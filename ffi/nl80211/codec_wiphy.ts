// Radios (wiphys) between octets and objects. The kernel splits one wiphy over many messages
// (NL80211_ATTR_SPLIT_WIPHY_DUMP) and even one band over several; mergeWiphys() puts them together.
// linux v6.12 net/wireless/nl80211.c nl80211_send_wiphy().
import { type Attributes, decodeAttributes, DecodeError } from "../netlink/mod.ts";
import { bandOf, type RawBand, type RawChannel, type WiphyBand } from "./codec_band.ts";
import { MAX_CHANNELS, MAX_WIPHYS } from "./limits.ts";
import { cipherName, type InterfaceModeName } from "./names.ts";
import { attributeTable, EXT_FEATURE, FEATURE_FLAG, wiphyNameTable } from "./spec.ts";
import { bitOf, modesOf } from "./values.ts";

/** A set of interfaces that can exist at the same time. */
export interface InterfaceCombination {
  readonly limits: readonly {
    readonly max: number;
    readonly modes: readonly InterfaceModeName[];
  }[];
  readonly maxInterfaces: number;
  /** Different channels at the same time. */
  readonly channels: number;
  readonly sameBeaconInterval: boolean;
}

/** One radio. */
export interface Wiphy {
  readonly index: number;
  readonly name: string;
  readonly bands: readonly WiphyBand[];
  readonly modes: readonly InterfaceModeName[];
  readonly softwareModes: readonly InterfaceModeName[];
  readonly combinations: readonly InterfaceCombination[];
  readonly ciphers: readonly string[];
  readonly commands: readonly number[];
  readonly maxScanSsids: number;
  readonly maxScanElementsBytes: number;
  /** Stations an access point can have; `null` when the driver sets no bound. */
  readonly maxApStations: number | null;
  readonly retryShort: number | null;
  readonly retryLong: number | null;
  /** Octets; `null` when off. */
  readonly fragmentationThreshold: number | null;
  /** Octets; `null` when off. */
  readonly rtsThreshold: number | null;
  readonly coverageClass: number | null;
  /** Bit masks. */
  readonly antennas: {
    readonly availableTx: number;
    readonly availableRx: number;
    readonly tx: number;
    readonly rx: number;
  } | null;
  readonly features: {
    /** SAE with user space (NL80211_FEATURE_SAE) or in the device. */
    readonly sae: boolean;
    /** Mesh authentication by user space. */
    readonly meshAuth: boolean;
    readonly ibssRsn: boolean;
    readonly userspaceMpm: boolean;
    readonly dfsOffload: boolean;
    readonly airtimeFairness: boolean;
    readonly beaconProtection: boolean;
  };
  readonly selfManagedRegulatory: boolean;
}

type Message = Attributes<typeof attributeTable>;

/** Attributes of one NEW_WIPHY message. @throws {DecodeError} */
export function decodeWiphyPart(attributes: Uint8Array): Message {
  return decodeAttributes(attributeTable, attributes, "nl80211.wiphy");
}

/** Index and name only, of any message about a radio. @throws {DecodeError} */
export function decodeWiphyName(attributes: Uint8Array): [index: number, name: string] {
  const { wiphy: index, wiphyName } = decodeAttributes(wiphyNameTable, attributes, "nl80211.wiphy");
  if (index === undefined) throw new DecodeError("nl80211.wiphy", 0, 4, 0);
  return [index, wiphyName ?? `phy${index}`];
}

interface Pending {
  message: Message;
  bands: Map<number, { band: RawBand; channels: Map<number, RawChannel> }>;
}

/** Puts the messages of a GET_WIPHY dump together, one radio for each wiphy. @throws {DecodeError} */
export function mergeWiphys(parts: readonly Message[]): Wiphy[] {
  const pending = new Map<number, Pending>();
  for (const part of parts) {
    if (part.wiphy === undefined) throw new DecodeError("nl80211.wiphy", 0, 4, 0);
    let radio = pending.get(part.wiphy);
    if (radio === undefined) {
      if (pending.size >= MAX_WIPHYS) {
        throw new DecodeError("nl80211.wiphy", 0, MAX_WIPHYS, pending.size + 1);
      }
      radio = { message: {}, bands: new Map() };
      pending.set(part.wiphy, radio);
    }
    mergePart(radio, part);
  }
  return [...pending].sort(([a], [b]) => a - b).map(([index, radio]) => wiphy(index, radio));
}

function mergePart(radio: Pending, part: Message): void {
  for (const { index, value } of part.bands ?? []) {
    let seen = radio.bands.get(index);
    if (seen === undefined) radio.bands.set(index, seen = { band: {}, channels: new Map() });
    Object.assign(seen.band, value);
    for (const channel of value.frequencies ?? []) seen.channels.set(channel.index, channel.value);
    if (seen.channels.size > MAX_CHANNELS) {
      throw new DecodeError("nl80211.wiphy.bands", 0, MAX_CHANNELS, seen.channels.size);
    }
  }
  Object.assign(radio.message, part);
}

/** The kernel's "no threshold" (u32)-1. */
const OFF = 0xffff_ffff;

function threshold(value: number | undefined): number | null {
  return value === undefined || value === OFF ? null : value;
}

function wiphy(index: number, { message, bands }: Pending): Wiphy {
  return {
    index,
    name: message.wiphyName ?? `phy${index}`,
    bands: [...bands].map(([number, { band, channels }]) =>
      bandOf(number, band, [...channels.values()])
    ),
    modes: modesOf(message.supportedIftypes),
    softwareModes: modesOf(message.softwareIftypes),
    combinations: (message.interfaceCombinations ?? []).map((combination) => ({
      limits: (combination.limits ?? []).map((limit) => ({
        max: limit.max ?? 0,
        modes: modesOf(limit.iftypes),
      })),
      maxInterfaces: combination.maxInterfaces ?? 0,
      channels: combination.channels ?? 0,
      sameBeaconInterval: combination.sameBeaconInterval ?? false,
    })),
    ciphers: (message.cipherSuites ?? []).map(cipherName),
    commands: message.supportedCommands ?? [],
    maxScanSsids: message.maxScanSsids ?? 0,
    maxScanElementsBytes: message.maxScanElementsBytes ?? 0,
    maxApStations: message.maxApStations ?? null,
    retryShort: message.retryShort ?? null,
    retryLong: message.retryLong ?? null,
    fragmentationThreshold: threshold(message.fragmentationThreshold),
    rtsThreshold: threshold(message.rtsThreshold),
    coverageClass: message.coverageClass ?? null,
    antennas: antennasOf(message),
    features: featuresOf(message),
    selfManagedRegulatory: message.selfManagedReg ?? false,
  };
}

function antennasOf(message: Message): Wiphy["antennas"] {
  if (message.antennaAvailableTx === undefined && message.antennaTx === undefined) return null;
  return {
    availableTx: message.antennaAvailableTx ?? 0,
    availableRx: message.antennaAvailableRx ?? 0,
    tx: message.antennaTx ?? 0,
    rx: message.antennaRx ?? 0,
  };
}

function featuresOf(message: Message): Wiphy["features"] {
  const flags = message.featureFlags ?? 0;
  const extended = message.extFeatures ?? new Uint8Array(0);
  return {
    sae: (flags & FEATURE_FLAG.sae) !== 0 || bitOf(extended, EXT_FEATURE.saeOffload) ||
      bitOf(extended, EXT_FEATURE.saeOffloadAp),
    meshAuth: message.meshAuth ?? false,
    ibssRsn: message.ibssRsn ?? false,
    userspaceMpm: (flags & FEATURE_FLAG.userspaceMpm) !== 0,
    dfsOffload: bitOf(extended, EXT_FEATURE.dfsOffload),
    airtimeFairness: bitOf(extended, EXT_FEATURE.airtimeFairness),
    beaconProtection: bitOf(extended, EXT_FEATURE.beaconProtection),
  };
}
