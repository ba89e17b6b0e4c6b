// Channel numbers and frequencies. IEEE 802.11-2020 Annex E, 802.11ax-2021 for 6 GHz.
import type { Band, ChannelSpec, Radio } from "../ports/mod.ts";
import { channelOf } from "./checks.ts";
import type { Config } from "./schema.ts";

type RadioConfig = Config["radios"][number];

/** Middle of a channel. */
export function frequencyMhz(band: RadioConfig["band"], channel: number): number {
  if (band === "2.4GHz") return channel === 14 ? 2484 : 2407 + 5 * channel;
  if (band === "6GHz") return channel === 2 ? 5935 : 5950 + 5 * channel;
  return 5000 + 5 * channel;
}

/** Channel number of the middle of the `widthMhz` block that `channel` lies in. */
export function centerChannel(
  band: RadioConfig["band"],
  channel: number,
  widthMhz: number,
): number {
  if (widthMhz === 20) return channel;
  // 40 MHz at 2.4 GHz has no fixed blocks: upwards where there is room, else downwards.
  if (band === "2.4GHz") return channel <= 7 ? channel + 2 : channel - 2;
  const first = band === "6GHz" ? 1 : channel >= 149 ? 149 : channel >= 96 ? 100 : 36;
  const count = widthMhz / 20;
  const block = Math.floor((channel - first) / 4 / count);
  return first + block * count * 4 + (count - 1) * 2;
}

/** Where a radio is to work. */
export function channelSpec(radio: RadioConfig): ChannelSpec {
  const channel = channelOf(radio);
  return {
    frequencyMhz: frequencyMhz(radio.band, channel),
    widthMhz: radio.widthMhz,
    centerFrequencyMhz: frequencyMhz(
      radio.band,
      centerChannel(radio.band, channel, radio.widthMhz),
    ),
  };
}

/** Why a radio may not send on a channel, or `null` when it may. */
export function channelObstacle(
  radio: Radio,
  band: Band,
  channel: number,
  country: string,
): string | null {
  const found = radio.bands.find((candidate) => candidate.band === band)
    ?.channels.find((candidate) => candidate.number === channel);
  const where = radio.country ?? country;
  const domain = where === "00" ? "the world domain (no country is set)" : `the country ${where}`;
  if (found === undefined) return `${radio.name} has no channel ${channel} at ${band}`;
  if (found.disabled) return `${domain} forbids channel ${channel} at ${band}`;
  if (found.noIr) return `${domain} forbids to start sending on channel ${channel} at ${band}`;
  if (found.radar && found.dfsState !== "available") {
    return `channel ${channel} at ${band} needs a radar check first, which has not been done`;
  }
  return null;
}
