import { assertEquals, assertThrows } from "@std/assert";
import type { Bss, RegDomain, Station, Wiphy } from "../../ffi/nl80211/mod.ts";
import { KernelFault } from "../ports/mod.ts";
import {
  rawChannel,
  rawMode,
  viewBss,
  viewDomain,
  viewInterface,
  viewMode,
  viewRadio,
  viewStation,
  whyNot,
} from "./radios_view.ts";

const CHANNEL = {
  frequencyMhz: 5180,
  offsetKhz: 0,
  number: 36,
  disabled: false,
  noIr: false,
  radar: false,
  dfsState: null,
  dfsStateMs: null,
  dfsCacMs: null,
  maxPowerMbm: 2000,
  indoorOnly: false,
  forbidden: [],
} as const;

const RADIO: Wiphy = {
  index: 3,
  name: "phy3",
  bands: [{
    band: "5GHz",
    channels: [
      CHANNEL,
      { ...CHANNEL, frequencyMhz: 5200, number: 40, disabled: true, maxPowerMbm: null },
      { ...CHANNEL, frequencyMhz: 5220, number: 44, noIr: true },
      { ...CHANNEL, frequencyMhz: 5260, number: 52, radar: true, dfsState: "usable" },
      { ...CHANNEL, frequencyMhz: 5280, number: 56, radar: true, dfsState: "unavailable" },
      { ...CHANNEL, frequencyMhz: 5240, number: 48, forbidden: ["80"] },
    ],
    bitratesKbps: [],
    ht: { capabilities: 2, width40: true, shortGi20: false, shortGi40: false, streams: 2 },
    vht: { capabilities: 0, width160: false, width80p80: false, streams: 2 },
    modeCapabilities: [{ modes: ["ap"], he: true, eht: false, hePhy: null, ehtPhy: null }],
    widthsMhz: [20, 40, 80],
  }, {
    band: "LC",
    channels: [],
    bitratesKbps: [],
    ht: null,
    vht: null,
    modeCapabilities: [],
    widthsMhz: [],
  }],
  modes: ["station", "ap", "ap-vlan", "mesh", "p2p-go"],
  softwareModes: [],
  combinations: [],
  ciphers: [],
  commands: [],
  maxScanSsids: 4,
  maxScanElementsBytes: 100,
  maxApStations: null,
  retryShort: null,
  retryLong: null,
  fragmentationThreshold: null,
  rtsThreshold: null,
  coverageClass: null,
  antennas: null,
  features: {
    sae: true,
    meshAuth: true,
    ibssRsn: false,
    userspaceMpm: true,
    dfsOffload: false,
    airtimeFairness: false,
    beaconProtection: false,
  },
  selfManagedRegulatory: false,
};

const DOMAIN: RegDomain = {
  alpha2: "US",
  dfsRegion: "fcc",
  wiphy: 3,
  selfManaged: true,
  rules: [{
    startKhz: 5_170_000,
    endKhz: 5_250_000,
    maxBandwidthKhz: 80_000,
    maxAntennaGainMbi: 600,
    maxEirpMbm: 2300,
    dfsCacMs: 0,
    flags: ["no-outdoor", "auto-bw"],
  }],
};

Deno.test("viewRadio() keeps known bands and modes, newest standard first", () => {
  const radio = viewRadio(RADIO, [DOMAIN], "pci0000:00/x");
  assertEquals(radio.bands.map((band) => [band.band, band.standards, band.maxWidthMhz]), [
    ["5GHz", ["ax", "ac", "n"], 80],
  ]);
  assertEquals(radio.modes, ["managed", "ap", "other", "mesh"]);
  assertEquals([radio.country, radio.path, radio.sae], ["US", "pci0000:00/x", true]);
  assertEquals(radio.bands[0]?.channels[1], {
    number: 40,
    frequencyMhz: 5200,
    maxTxPowerDbm: 0,
    disabled: true,
    noIr: false,
    radar: false,
    dfsState: null,
  });
  assertEquals(viewRadio(RADIO, [], null).country, null);
});

const REASONS = [
  { frequencyMhz: 5180, widthMhz: 80, reason: null },
  { frequencyMhz: 5180, widthMhz: 160, reason: "at most 80 MHz" },
  { frequencyMhz: 5200, widthMhz: 20, reason: "forbids it" },
  { frequencyMhz: 5220, widthMhz: 20, reason: "listening only" },
  { frequencyMhz: 5240, widthMhz: 80, reason: "forbids 80 MHz" },
  { frequencyMhz: 5260, widthMhz: 20, reason: "radar detection" },
  { frequencyMhz: 5280, widthMhz: 20, reason: "radar was seen" },
  { frequencyMhz: 2412, widthMhz: 20, reason: "no such channel" },
] as const;

for (const { frequencyMhz, widthMhz, reason } of REASONS) {
  Deno.test(`whyNot() judges ${frequencyMhz} MHz at ${widthMhz} MHz: ${reason ?? "allowed"}`, () => {
    const said = whyNot(RADIO, { frequencyMhz, widthMhz }, "US");
    assertEquals(
      said === null ? null : said.includes(reason ?? "?"),
      reason === null ? null : true,
    );
  });
}

Deno.test("viewMode() and rawMode() agree, and other cannot be asked for", () => {
  for (const mode of ["managed", "ap", "ibss", "mesh", "monitor"] as const) {
    assertEquals(viewMode(rawMode(mode)), mode);
  }
  assertEquals(viewMode("p2p-device"), "other");
  assertEquals(viewMode("unknown-77"), "other");
  assertThrows(() => rawMode("other"), KernelFault, "other");
});

Deno.test("rawChannel() words the width as nl80211 does", () => {
  assertEquals(rawChannel({ frequencyMhz: 5180, widthMhz: 80, centerFrequencyMhz: 5210 }), {
    frequencyMhz: 5180,
    width: "80",
    center1Mhz: 5210,
  });
});

Deno.test("viewInterface() words channel and power, and knows no device without a name", () => {
  const raw = {
    wiphy: 3,
    ifindex: 7,
    name: "mesh0",
    mode: "mesh",
    mac: "02:00:00:00:00:01",
    channel: { frequencyMhz: 5180, number: 36, width: "80+80", center1Mhz: 5210 },
    txPowerMbm: 1550,
    ssid: null,
    fourAddress: false,
  } as const;
  const joined = viewInterface(raw, "phy3", "net");
  assertEquals(
    [joined?.ssid, joined?.widthMhz, joined?.centerFrequencyMhz, joined?.txPowerDbm],
    ["net", 160, 5210, 15.5],
  );
  const left = viewInterface({ ...raw, channel: null }, "phy3", null);
  assertEquals([left?.ssid, left?.frequencyMhz, left?.centerFrequencyMhz], [null, null, null]);
  assertEquals(viewInterface({ ...raw, name: null }, "phy3", null), null);
});

Deno.test("viewStation() fills what the driver does not report", () => {
  const raw: Station = { mac: "02:00:00:00:00:01", ifindex: 7, plinkState: "unknown-9" };
  const { rxBytes, signalDbm, authorized, peering, txBitrateKbps } = viewStation(raw, "mesh0");
  assertEquals([rxBytes, signalDbm, authorized, peering, txBitrateKbps], [
    0,
    null,
    false,
    null,
    null,
  ]);
});

Deno.test("viewDomain() and viewBss() turn hundredths into whole units", () => {
  assertEquals(viewDomain(DOMAIN).rules[0], {
    startKhz: 5_170_000,
    endKhz: 5_250_000,
    maxBandwidthKhz: 80_000,
    maxEirpDbm: 23,
    noIr: false,
    dfs: false,
    noOutdoor: true,
  });
  const bss = {
    bssid: "02:00:00:00:00:01",
    frequencyMhz: 5180,
    signalMbm: -4550,
    seenMsAgo: null,
    ssid: "a",
    meshId: null,
    security: "owe",
  } as Bss;
  assertEquals([viewBss(bss).signalDbm, viewBss(bss).lastSeenMs], [-45.5, 0]);
});
