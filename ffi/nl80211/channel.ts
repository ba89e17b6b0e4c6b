// Channels: numbers, frequencies, and the three frequencies by which the kernel is told a channel.
// Pure arithmetic of IEEE 802.11-2020 §17.3.8.4.2 and annex E, as in linux v6.12 net/wireless/util.c.
import { CHANNEL_WIDTHS, type ChannelWidth } from "./names.ts";

/** A channel as the kernel wants it (struct cfg80211_chan_def). */
export interface Channel {
  /** Centre of the primary 20 MHz channel in MHz. */
  readonly frequencyMhz: number;
  readonly width: ChannelWidth;
  /** Centre of the whole channel in MHz; worked out from the other two where there is one choice. */
  readonly center1Mhz?: number;
  /** Centre of the second segment in MHz; 80+80 only. */
  readonly center2Mhz?: number;
}

/** Channel number of a frequency in MHz; `null` where none is defined. */
export function channelNumber(frequencyMhz: number): number | null {
  const exact = (base: number): number | null =>
    (frequencyMhz - base) % 5 === 0 ? (frequencyMhz - base) / 5 : null;
  if (!Number.isInteger(frequencyMhz)) return null;
  if (frequencyMhz === 2484) return 14;
  if (frequencyMhz >= 2412 && frequencyMhz <= 2472) return exact(2407);
  if (frequencyMhz >= 4910 && frequencyMhz <= 4980) return exact(4000);
  if (frequencyMhz === 5935) return 2;
  if (frequencyMhz >= 5035 && frequencyMhz < 5945) return exact(5000);
  if (frequencyMhz >= 5955 && frequencyMhz <= 7115) return exact(5950);
  if (frequencyMhz >= 58320 && frequencyMhz <= 70200) {
    return (frequencyMhz - 56160) % 2160 === 0 ? (frequencyMhz - 56160) / 2160 : null;
  }
  return null;
}

/** Frequency in MHz of channel `number` in a band; `null` where none is defined. */
export function channelFrequencyMhz(
  number: number,
  band: "2.4GHz" | "5GHz" | "6GHz",
): number | null {
  if (!Number.isInteger(number) || number < 1) return null;
  if (band === "2.4GHz") return number === 14 ? 2484 : number <= 13 ? 2407 + number * 5 : null;
  if (band === "6GHz") {
    if (number === 2) return 5935;
    return number <= 233 ? 5950 + number * 5 : null;
  }
  if (number >= 182 && number <= 196) return 4000 + number * 5;
  return number >= 7 && number <= 188 ? 5000 + number * 5 : null;
}

/** First and last 20 MHz channel of each run of channels whose blocks are aligned, in MHz. */
const BLOCK_STARTS: readonly (readonly [first: number, last: number])[] = [
  [5180, 5320],
  [5500, 5720],
  [5745, 5885],
  [5955, 7115],
];

/**
 * Centre frequency in MHz of the aligned block of `widthMhz` that has `frequencyMhz` as one of its
 * 20 MHz channels; `null` where there are two (40 MHz in the 2.4 GHz band, 320 MHz) or none.
 */
export function blockCenterMhz(frequencyMhz: number, widthMhz: number): number | null {
  if (widthMhz > 160) return null;
  for (const [first, last] of BLOCK_STARTS) {
    if (frequencyMhz < first || frequencyMhz > last) continue;
    const offset = frequencyMhz - first;
    if (offset % 20 !== 0) return null;
    const blockStart = first + Math.floor(offset / widthMhz) * widthMhz;
    if (blockStart + widthMhz - 20 > last) return null;
    return blockStart - 10 + widthMhz / 2;
  }
  return null;
}

/** The channel attributes of a request. */
export interface ChannelAttributes {
  readonly frequencyMhz: number;
  readonly channelWidth: number;
  readonly centerFrequency1Mhz: number;
  readonly centerFrequency2Mhz?: number;
}

/**
 * Attributes that name `channel` to the kernel.
 *
 * @throws {TypeError} the centre is needed and neither given nor implied, or the width is unknown.
 */
export function channelAttributes(channel: Channel): ChannelAttributes {
  const { frequencyMhz, width } = channel;
  const widthMhz = Number.parseInt(width, 10);
  const implied = widthMhz <= 20 ? frequencyMhz : blockCenterMhz(frequencyMhz, widthMhz);
  const center = channel.center1Mhz ?? implied;
  if (center === null) {
    throw new TypeError(
      `Cannot place a ${width} MHz channel on ${frequencyMhz} MHz: its centre is not given`,
    );
  }
  if (width === "80+80" && channel.center2Mhz === undefined) {
    throw new TypeError(
      `Cannot place an 80+80 MHz channel on ${frequencyMhz} MHz: no second centre`,
    );
  }
  return {
    frequencyMhz,
    channelWidth: CHANNEL_WIDTHS.number(width),
    centerFrequency1Mhz: center,
    ...(channel.center2Mhz === undefined ? {} : { centerFrequency2Mhz: channel.center2Mhz }),
  };
}

/** Reads channel attributes back; `null` when the message carries no frequency. */
export function channelOf(
  attributes: {
    readonly frequencyMhz?: number;
    readonly channelWidth?: number;
    readonly channelType?: number;
    readonly centerFrequency1Mhz?: number;
    readonly centerFrequency2Mhz?: number;
  },
): ActiveChannel | null {
  const { frequencyMhz } = attributes;
  if (frequencyMhz === undefined) return null;
  const width = attributes.channelWidth === undefined
    ? (["20-noht", "20", "40", "40"] as const)[attributes.channelType ?? 0] ?? "unknown-0"
    : CHANNEL_WIDTHS.name(attributes.channelWidth);
  const center2 = attributes.centerFrequency2Mhz;
  return {
    frequencyMhz,
    number: channelNumber(frequencyMhz),
    width,
    ...(attributes.centerFrequency1Mhz === undefined
      ? {}
      : { center1Mhz: attributes.centerFrequency1Mhz }),
    ...(center2 === undefined || center2 === 0 ? {} : { center2Mhz: center2 }),
  };
}

/** The channel an interface is on. */
export interface ActiveChannel {
  readonly frequencyMhz: number;
  /** Channel number, `null` where none is defined. */
  readonly number: number | null;
  readonly width: ChannelWidth | `unknown-${number}`;
  readonly center1Mhz?: number;
  readonly center2Mhz?: number;
}
