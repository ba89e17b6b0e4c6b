// How far a radio is heard. Log-distance path loss with log-normal shadowing (Rappaport, Wireless
// Communications, §4.9), thermal noise with a 6 dB receiver, a logistic frame success curve around
// the sensitivity of the 6 Mbit/s basic rate, and the 802.11ax rate table for two spatial streams.
// Deliberately not: antenna patterns, capture, per-frame length, per-symbol fading.

/** Path loss exponent: between free space (2) and dense indoor (4). */
export const PATH_LOSS_EXPONENT = 3;
/** Standard deviation of the shadowing a pair of places has for good. */
export const SHADOWING_DB = 3;
/** Standard deviation of the fading that moves in time. */
export const FADING_DB = 1.5;
/** Correlation of fading from one second to the next. */
export const FADING_CORRELATION = 0.9;
/** Pairs below this mean signal-to-noise ratio are not kept: 1 frame in 70 would pass. */
export const PAIR_SNR_MIN_DB = 0.5;
/** Signal to noise at which half of the broadcast frames pass. */
const BASIC_RATE_SNR_DB = 4;
/** Power above which a radio finds the channel busy (clear channel assessment of other frames). */
export const CCA_DBM = -88;

/** [minimum SNR in dB, kbit/s at 20 MHz with two streams], ascending. 802.11ax, 0.8 µs guard. */
const RATES: readonly (readonly [number, number])[] = [
  [3, 17_200],
  [7, 34_400],
  [10, 51_600],
  [13, 68_800],
  [17, 103_200],
  [21, 137_600],
  [23, 154_900],
  [25, 172_100],
  [30, 206_500],
  [33, 229_400],
];
/** Rate of the most robust modulation, used below the table. */
const LOWEST_RATE_KBPS = 6_000;
/** Share of the bitrate that a user sees: contention, preambles, acknowledgements. */
const EFFICIENCY = 0.6;

/** Thermal noise of `widthMhz` with a noise figure of 6 dB. */
export function noiseDbm(widthMhz: number): number {
  return -174 + 10 * Math.log10(widthMhz * 1e6) + 6;
}

/** Mean loss over `distanceM` metres (at least 1) at `frequencyMhz`. */
export function pathLossDb(distanceM: number, frequencyMhz: number): number {
  const firstMetre = 20 * Math.log10(frequencyMhz) - 27.55;
  return firstMetre + 10 * PATH_LOSS_EXPONENT * Math.log10(Math.max(1, distanceM));
}

/** The distance at which mean loss reaches `lossDb`: what the spatial index must cover. */
export function rangeM(lossDb: number, frequencyMhz: number): number {
  const firstMetre = 20 * Math.log10(frequencyMhz) - 27.55;
  return 10 ** ((lossDb - firstMetre) / (10 * PATH_LOSS_EXPONENT));
}

/** Chance that a broadcast frame at the basic rate arrives. */
export function broadcastChance(snrDb: number): number {
  return 1 / (1 + Math.exp(-(snrDb - BASIC_RATE_SNR_DB) * 1.2));
}

/** Chance that one attempt of a rate-adapted unicast frame is acknowledged. */
export function unicastChance(snrDb: number): number {
  return 0.97 / (1 + Math.exp(-(snrDb - 1) * 1.2));
}

/** Bitrate the rate control settles at; wider channels carry more and hear more noise. */
export function bitrateKbps(snrAt20MhzDb: number, widthMhz: number): number {
  const snr = snrAt20MhzDb - 10 * Math.log10(widthMhz / 20);
  let rate = LOWEST_RATE_KBPS;
  for (const [minimum, kbps] of RATES) {
    if (snr < minimum) break;
    rate = kbps;
  }
  return Math.round(rate * (widthMhz / 20));
}

/** What a user gets of `kbps` when each attempt passes with `chance` and `busy` of the air is taken. */
export function expectedThroughputKbps(kbps: number, chance: number, busy: number): number {
  return Math.round(kbps * EFFICIENCY * chance * Math.max(0.05, 1 - busy));
}

/** Milliwatts of a power in dBm. */
export function milliwatts(dbm: number): number {
  return 10 ** (dbm / 10);
}

/** dBm of a power in milliwatts. */
export function dbm(milliwatt: number): number {
  return 10 * Math.log10(milliwatt);
}
