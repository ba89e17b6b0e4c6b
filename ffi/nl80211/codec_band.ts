// One band of a radio between raw attributes and an object: channels and what its capabilities allow.
// Widths by IEEE 802.11-2020 §9.4.2.55 (HT), §9.4.2.157 (VHT), 802.11ax §9.4.2.248 (HE) and 802.11be
// §9.4.2.313 (EHT); attributes of linux v6.12 net/wireless/nl80211.c nl80211_send_wiphy().
import type { Attributes } from "../netlink/mod.ts";
import { channelNumber } from "./channel.ts";
import {
  type BandName,
  BANDS,
  DFS_STATES,
  type DfsState,
  type InterfaceModeName,
} from "./names.ts";
import type { bandIftypeTable, bandTable, frequencyTable } from "./spec.ts";
import { modesOf } from "./values.ts";

/** Raw attributes of one band. */
export type RawBand = Attributes<typeof bandTable>;
/** Raw attributes of one channel. */
export type RawChannel = Attributes<typeof frequencyTable>;
type RawBandModes = Attributes<typeof bandIftypeTable>;

/** One channel of a radio, as hardware and regulatory domain leave it. */
export interface WiphyChannel {
  /** Whole MHz; `offsetKhz` is the rest (sub-1 GHz channels). */
  readonly frequencyMhz: number;
  readonly offsetKhz: number;
  /** Channel number; `null` where none is defined. */
  readonly number: number | null;
  /** Must not be used at all; the other limits then mean nothing. */
  readonly disabled: boolean;
  /** May not start to transmit by itself. */
  readonly noIr: boolean;
  /** Radar detection is required. */
  readonly radar: boolean;
  readonly dfsState: DfsState | `unknown-${number}` | null;
  readonly dfsStateMs: number | null;
  readonly dfsCacMs: number | null;
  /** Hundredths of a dBm; `null` when disabled. */
  readonly maxPowerMbm: number | null;
  readonly indoorOnly: boolean;
  /** Widths in MHz this channel may not be part of, of those that a flag can forbid. */
  readonly forbidden: readonly ("ht40-" | "ht40+" | "20" | "80" | "160" | "320" | "he" | "eht")[];
}

/** High throughput (802.11n) of a band. */
export interface HtCapabilities {
  /** The element's capability field. */
  readonly capabilities: number;
  readonly width40: boolean;
  readonly shortGi20: boolean;
  readonly shortGi40: boolean;
  readonly streams: number;
}

/** Very high throughput (802.11ac) of a band. */
export interface VhtCapabilities {
  readonly capabilities: number;
  readonly width160: boolean;
  readonly width80p80: boolean;
  readonly streams: number;
}

/** What a band can do in certain interface modes (802.11ax, 802.11be). */
export interface BandModeCapabilities {
  readonly modes: readonly InterfaceModeName[];
  readonly he: boolean;
  readonly eht: boolean;
  readonly hePhy: Uint8Array | null;
  readonly ehtPhy: Uint8Array | null;
}

/** One band of a radio. */
export interface WiphyBand {
  readonly band: BandName | `unknown-${number}`;
  readonly channels: readonly WiphyChannel[];
  readonly bitratesKbps: readonly number[];
  readonly ht: HtCapabilities | null;
  readonly vht: VhtCapabilities | null;
  readonly modeCapabilities: readonly BandModeCapabilities[];
  /** Widths the hardware can do here, ascending; each channel may forbid some. */
  readonly widthsMhz: readonly number[];
}

const FORBIDDING = [
  ["noHt40Minus", "ht40-"],
  ["noHt40Plus", "ht40+"],
  ["no20Mhz", "20"],
  ["no80Mhz", "80"],
  ["no160Mhz", "160"],
  ["no320Mhz", "320"],
  ["noHe", "he"],
  ["noEht", "eht"],
] as const;

function channelOfRaw(raw: RawChannel): WiphyChannel {
  const frequencyMhz = raw.frequencyMhz ?? 0;
  const disabled = raw.disabled ?? false;
  return {
    frequencyMhz,
    offsetKhz: raw.offsetKhz ?? 0,
    number: channelNumber(frequencyMhz),
    disabled,
    noIr: raw.noIr ?? false,
    radar: raw.radar ?? false,
    dfsState: raw.dfsState === undefined ? null : DFS_STATES.name(raw.dfsState),
    dfsStateMs: raw.dfsStateMs ?? null,
    dfsCacMs: raw.dfsCacMs ?? null,
    maxPowerMbm: disabled ? null : raw.maxPowerMbm ?? null,
    indoorOnly: raw.indoorOnly ?? false,
    forbidden: FORBIDDING.filter(([flag]) => raw[flag] === true).map(([, name]) => name),
  };
}

function htOf(band: RawBand): HtCapabilities | null {
  const capabilities = band.htCapabilities;
  if (capabilities === undefined) return null;
  const rows = (band.htMcsSet ?? new Uint8Array(0)).subarray(0, 4);
  return {
    capabilities,
    width40: (capabilities & 0x02) !== 0,
    shortGi20: (capabilities & 0x20) !== 0,
    shortGi40: (capabilities & 0x40) !== 0,
    streams: rows.filter((row) => row !== 0).length,
  };
}

function vhtOf(band: RawBand): VhtCapabilities | null {
  const capabilities = band.vhtCapabilities;
  if (capabilities === undefined) return null;
  const mcs = band.vhtMcsSet ?? new Uint8Array(0);
  const map = mcs.length >= 2 ? (mcs[0] ?? 0) | (mcs[1] ?? 0) << 8 : 0xffff;
  const widths = capabilities >> 2 & 3;
  return {
    capabilities,
    width160: widths >= 1,
    width80p80: widths === 2,
    streams: [0, 1, 2, 3, 4, 5, 6, 7].filter((nss) => (map >> 2 * nss & 3) !== 3).length,
  };
}

function modeCapabilitiesOf(raw: RawBandModes): BandModeCapabilities {
  return {
    modes: modesOf(raw.iftypes),
    he: raw.hePhy !== undefined,
    eht: raw.ehtPhy !== undefined,
    hePhy: raw.hePhy ?? null,
    ehtPhy: raw.ehtPhy ?? null,
  };
}

/** Widths in MHz that a band's capabilities allow, ascending. None below 1 GHz, where 802.11ah counts otherwise. */
function widthsOf(
  name: string,
  ht: HtCapabilities | null,
  vht: VhtCapabilities | null,
  modes: readonly BandModeCapabilities[],
): number[] {
  if (name === "S1G") return [];
  const widths = new Set([20]);
  const low = name === "2.4GHz";
  if (ht?.width40) widths.add(40);
  if (vht !== null && !low) widths.add(80);
  if (vht?.width160 && !low) widths.add(160);
  for (const mode of modes) {
    const he = mode.hePhy?.[0] ?? 0;
    if ((he & (low ? 0x02 : 0x04)) !== 0) widths.add(40);
    if (!low && (he & 0x04) !== 0) widths.add(80);
    if (!low && (he & 0x18) !== 0) widths.add(160);
    if (name === "6GHz" && ((mode.ehtPhy?.[0] ?? 0) & 0x02) !== 0) widths.add(320);
  }
  return [...widths].sort((a, b) => a - b);
}

/** One band from its attributes and its channels, which may have come in several messages. */
export function bandOf(number: number, band: RawBand, channels: readonly RawChannel[]): WiphyBand {
  const name = BANDS.name(number);
  const ht = htOf(band);
  const vht = vhtOf(band);
  const modeCapabilities = (band.iftypeData ?? []).map(({ value }) => modeCapabilitiesOf(value));
  return {
    band: name,
    channels: channels.map(channelOfRaw),
    bitratesKbps: (band.rates ?? []).map(({ value }) => (value.rate100Kbps ?? 0) * 100),
    ht,
    vht,
    modeCapabilities,
    widthsMhz: widthsOf(name, ht, vht, modeCapabilities),
  };
}
