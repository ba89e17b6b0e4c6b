// Radios, wireless interfaces, stations, surveys, scans.
import { z } from "@hono/zod-openapi";
import type {
  Radio,
  RegulatoryDomain,
  ScanEntry,
  Station,
  Survey,
  WirelessInterface,
} from "../../../core/ports/mod.ts";
import { count, mac, maybe, named } from "./common.ts";

// One literal each: the document's generator takes only the first of a literal with several values.
const widthMhz = z.union([
  z.literal(5),
  z.literal(10),
  z.literal(20),
  z.literal(40),
  z.literal(80),
  z.literal(160),
  z.literal(320),
]);
const mode = z.enum(["managed", "ap", "ibss", "mesh", "monitor", "other"]);
const dbm = z.number().openapi({ description: "dBm" });

const channel = z.object({
  number: z.int(),
  frequencyMhz: count,
  maxTxPowerDbm: dbm,
  disabled: z.boolean(),
  noIr: z.boolean(),
  radar: z.boolean(),
  dfsState: maybe(z.enum(["usable", "unavailable", "available"])),
});

export const radio = named<Radio>()(
  "Radio",
  z.object({
    index: z.int(),
    name: z.string(),
    bands: z.array(z.object({
      band: z.enum(["2.4GHz", "5GHz", "6GHz", "60GHz", "S1GHz"]),
      channels: z.array(channel),
      standards: z.array(z.enum(["n", "ac", "ax", "be"])),
      maxWidthMhz: widthMhz,
    })),
    modes: z.array(mode),
    sae: z.boolean(),
    maxScanSsids: count,
    country: maybe(z.string()),
  }),
);

export const wirelessInterface = named<WirelessInterface>()(
  "WirelessInterface",
  z.object({
    name: z.string(),
    index: z.int(),
    radio: z.string(),
    mac,
    mode,
    frequencyMhz: maybe(count),
    widthMhz: maybe(widthMhz),
    centerFrequencyMhz: maybe(count),
    txPowerDbm: maybe(dbm),
    ssid: maybe(z.string()),
  }),
);

export const station = named<Station>()(
  "Station",
  z.object({
    interface: z.string(),
    mac,
    signalDbm: maybe(dbm),
    signalAverageDbm: maybe(dbm),
    inactiveMs: maybe(count),
    connectedS: maybe(count),
    rxBytes: count,
    txBytes: count,
    rxPackets: count,
    txPackets: count,
    txRetries: count,
    txFailed: count,
    rxDropped: count,
    txBitrateKbps: maybe(count),
    rxBitrateKbps: maybe(count),
    expectedThroughputKbps: maybe(count),
    authorized: z.boolean(),
    peering: maybe(z.enum([
      "listen",
      "open-sent",
      "open-received",
      "confirm-received",
      "established",
      "holding",
      "blocked",
    ])),
  }),
);

export const survey = named<Survey>()(
  "Survey",
  z.object({
    interface: z.string(),
    frequencyMhz: count,
    noiseDbm: maybe(dbm),
    inUse: z.boolean(),
    activeMs: maybe(count),
    busyMs: maybe(count),
    receiveMs: maybe(count),
    transmitMs: maybe(count),
  }),
);

export const scanEntry = named<ScanEntry>()(
  "ScanEntry",
  z.object({
    bssid: mac,
    frequencyMhz: count,
    signalDbm: maybe(dbm),
    ssid: maybe(z.string()),
    meshId: maybe(z.string()),
    lastSeenMs: count,
    security: z.enum(["open", "wep", "wpa", "wpa2", "wpa3", "owe", "unknown"]),
  }),
);

export const regulatoryDomain = named<RegulatoryDomain>()(
  "RegulatoryDomain",
  z.object({
    country: z.string(),
    rules: z.array(z.object({
      startKhz: count,
      endKhz: count,
      maxBandwidthKhz: count,
      maxEirpDbm: dbm,
      noIr: z.boolean(),
      dfs: z.boolean(),
      noOutdoor: z.boolean(),
    })),
  }),
);
