// Regulatory rules of a few countries, and the channels of a two-band radio under them.
// Source: wireless-regdb 2024 (db.txt), abridged: rules the two bands have no channel for are left out.
import type {
  Band,
  Channel,
  ChannelSpec,
  RadioBand,
  RegulatoryDomain,
  RegulatoryRule,
} from "../../ports/mod.ts";
import { fault } from "./state.ts";

type Flag = "noIr" | "dfs" | "noOutdoor";

function rule(
  startMhz: number,
  endMhz: number,
  maxBandwidthMhz: number,
  maxEirpDbm: number,
  ...flags: readonly Flag[]
): RegulatoryRule {
  return {
    startKhz: startMhz * 1000,
    endKhz: endMhz * 1000,
    maxBandwidthKhz: maxBandwidthMhz * 1000,
    maxEirpDbm,
    noIr: flags.includes("noIr"),
    dfs: flags.includes("dfs"),
    noOutdoor: flags.includes("noOutdoor"),
  };
}

const WORLD = [
  rule(2402, 2472, 40, 20),
  rule(2457, 2482, 20, 20, "noIr"),
  rule(2474, 2494, 20, 20, "noIr"),
  rule(5170, 5250, 80, 20, "noIr"),
  rule(5250, 5330, 80, 20, "noIr", "dfs"),
  rule(5490, 5730, 160, 20, "noIr", "dfs"),
  rule(5735, 5835, 80, 20, "noIr"),
];
const EUROPE = [
  rule(2400, 2483.5, 40, 20),
  rule(5150, 5250, 80, 23, "noOutdoor"),
  rule(5250, 5350, 80, 20, "noOutdoor", "dfs"),
  rule(5470, 5725, 160, 26, "dfs"),
  rule(5725, 5875, 80, 13),
];
const RULES: Readonly<Record<string, readonly RegulatoryRule[]>> = {
  "00": WORLD,
  AT: EUROPE,
  BE: EUROPE,
  CH: EUROPE,
  CZ: EUROPE,
  DE: EUROPE,
  ES: EUROPE,
  FI: EUROPE,
  FR: EUROPE,
  GB: EUROPE,
  IT: EUROPE,
  NL: EUROPE,
  NO: EUROPE,
  PL: EUROPE,
  SE: EUROPE,
  US: [
    rule(2400, 2472, 40, 30),
    rule(5150, 5250, 80, 23),
    rule(5250, 5350, 80, 24, "dfs"),
    rule(5470, 5730, 160, 24, "dfs"),
    rule(5730, 5850, 80, 30),
    rule(5850, 5895, 40, 27, "noIr", "noOutdoor"),
  ],
  JP: [
    rule(2402, 2482, 40, 20),
    rule(2474, 2494, 20, 20),
    rule(5150, 5250, 80, 20, "noOutdoor"),
    rule(5250, 5350, 80, 20, "noOutdoor", "dfs"),
    rule(5470, 5725, 160, 23, "dfs"),
  ],
  CN: [
    rule(2400, 2483.5, 40, 20),
    rule(5150, 5250, 80, 23),
    rule(5250, 5350, 80, 20, "dfs"),
    rule(5725, 5850, 80, 33),
  ],
  RU: [
    rule(2400, 2483.5, 40, 20),
    rule(5150, 5350, 160, 20, "noOutdoor"),
    rule(5650, 5850, 160, 20),
  ],
  UA: [
    rule(2400, 2483.5, 40, 20),
    rule(5150, 5350, 80, 20, "noOutdoor"),
    rule(5490, 5670, 160, 20, "dfs"),
    rule(5735, 5835, 80, 20),
  ],
};

/** The domain of a country, or `null` when this table has none. */
export function domainOf(country: string): RegulatoryDomain | null {
  const rules = RULES[country];
  return rules === undefined ? null : { country, rules };
}

const HARDWARE_DBM = 23;
const NUMBERS_5GHZ = [
  ...[36, 40, 44, 48, 52, 56, 60, 64],
  ...[100, 104, 108, 112, 116, 120, 124, 128, 132, 136, 140, 144],
  ...[149, 153, 157, 161, 165, 169, 173, 177],
];

function frequencyOf(band: Band, number: number): number {
  if (band === "2.4GHz") return number === 14 ? 2484 : 2407 + 5 * number;
  return 5000 + 5 * number;
}

/** Rules that cover a span, or `null` when part of it is under none. */
function covering(
  rules: readonly RegulatoryRule[],
  lowKhz: number,
  highKhz: number,
): readonly RegulatoryRule[] | null {
  const whole = rules.filter((entry) => entry.startKhz <= lowKhz && entry.endKhz >= highKhz);
  if (whole.length > 0) return [whole.find((entry) => !entry.noIr) ?? whole[0] as RegulatoryRule];
  const found: RegulatoryRule[] = [];
  let atKhz = lowKhz;
  while (atKhz < highKhz) {
    const next = rules.find((entry) => entry.startKhz <= atKhz && entry.endKhz > atKhz);
    if (next === undefined) return null;
    found.push(next);
    atKhz = next.endKhz;
  }
  return found;
}

function channel(rules: readonly RegulatoryRule[], band: Band, number: number): Channel {
  const frequencyMhz = frequencyOf(band, number);
  const found = covering(rules, (frequencyMhz - 10) * 1000, (frequencyMhz + 10) * 1000);
  const dfs = found?.some((entry) => entry.dfs) ?? false;
  return {
    number,
    frequencyMhz,
    maxTxPowerDbm: found === null
      ? 0
      : Math.min(HARDWARE_DBM, ...found.map((entry) => entry.maxEirpDbm)),
    disabled: found === null,
    noIr: found?.some((entry) => entry.noIr) ?? false,
    radar: dfs,
    dfsState: dfs ? "usable" : null,
  };
}

/** The bands of the simulated radio under a country's rules. */
export function bandsUnder(country: string): readonly RadioBand[] {
  const rules = domainOf(country)?.rules ?? WORLD;
  return [
    {
      band: "2.4GHz",
      channels: Array.from({ length: 14 }, (_, at) => channel(rules, "2.4GHz", at + 1)),
      standards: ["ax", "n"],
      maxWidthMhz: 40,
    },
    {
      band: "5GHz",
      channels: NUMBERS_5GHZ.map((number) => channel(rules, "5GHz", number)),
      standards: ["ax", "ac", "n"],
      maxWidthMhz: 160,
    },
  ];
}

/** Centre of the standard channel of `widthMhz` that holds `frequencyMhz`. */
function centerOf(frequencyMhz: number, widthMhz: number): number {
  if (widthMhz <= 20 || frequencyMhz < 5000) return frequencyMhz;
  const base = frequencyMhz >= 5735 ? 5735 : 5170;
  const block = Math.floor((frequencyMhz - 10 - base + 0.5) / widthMhz);
  return base + block * widthMhz + widthMhz / 2;
}

/** A channel that may be sent on, with its centre and power limit. @throws {KernelFault} "invalid" */
export function checkChannel(
  country: string,
  spec: ChannelSpec,
  name: string,
): { readonly centerFrequencyMhz: number; readonly maxTxPowerDbm: number } {
  const refuse = (why: string) =>
    fault(
      "invalid",
      `Cannot use ${spec.frequencyMhz} MHz, ${spec.widthMhz} MHz wide, on "${name}": ${why}`,
    );
  const band = bandsUnder(country).find((entry) =>
    entry.channels.some((one) => one.frequencyMhz === spec.frequencyMhz)
  );
  if (band === undefined) throw refuse("the radio has no such channel");
  if (![5, 10, 20, 40, 80, 160, 320].includes(spec.widthMhz)) {
    throw refuse("there is no such width");
  }
  if (spec.widthMhz > band.maxWidthMhz) {
    throw refuse(`the radio does at most ${band.maxWidthMhz} MHz there`);
  }
  const center = spec.widthMhz === 20 || spec.centerFrequencyMhz === undefined
    ? centerOf(spec.frequencyMhz, spec.widthMhz) +
      (band.band === "2.4GHz" && spec.widthMhz === 40 ? 10 : 0)
    : spec.centerFrequencyMhz;
  if (Math.abs(center - spec.frequencyMhz) > spec.widthMhz / 2) {
    throw refuse(`its centre ${center} MHz does not hold it`);
  }
  const rules = domainOf(country)?.rules ?? WORLD;
  const found = covering(
    rules,
    (center - spec.widthMhz / 2) * 1000,
    (center + spec.widthMhz / 2) * 1000,
  );
  if (found === null) throw refuse(`country "${country}" forbids it`);
  if (found.length === 1 && (found[0]?.maxBandwidthKhz ?? 0) < spec.widthMhz * 1000) {
    throw refuse(`country "${country}" allows no such width there`);
  }
  if (found.some((entry) => entry.noIr)) {
    throw refuse(`country "${country}" lets nobody start there`);
  }
  if (found.some((entry) => entry.dfs)) throw refuse("radar detection has not been done there");
  return {
    centerFrequencyMhz: center,
    maxTxPowerDbm: Math.min(HARDWARE_DBM, ...found.map((entry) => entry.maxEirpDbm)),
  };
}
