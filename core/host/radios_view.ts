// nl80211's objects in the words of the Radios port. Pure.
import type {
  Bss,
  ChannelWidth,
  InterfaceModeName,
  Rate,
  RegDomain,
  Station as RawStation,
  Survey as RawSurvey,
  Wiphy,
  WiphyBand,
  WirelessInterface as RawInterface,
} from "../../ffi/nl80211/mod.ts";
import type {
  Band,
  Channel,
  ChannelSpec,
  ChannelWidthMhz,
  InterfaceMode,
  Radio,
  RadioBand,
  RegulatoryDomain,
  ScanEntry,
  Station,
  Survey,
  WirelessInterface,
} from "../ports/mod.ts";
import { KernelFault } from "../ports/mod.ts";

const MODES: Readonly<Record<Exclude<InterfaceMode, "other">, InterfaceModeName>> = {
  managed: "station",
  ap: "ap",
  ibss: "ibss",
  mesh: "mesh",
  monitor: "monitor",
};

/** The port's word for a mode. */
export function viewMode(mode: InterfaceModeName): InterfaceMode {
  for (const [name, raw] of Object.entries(MODES)) {
    if (raw === mode) return name as InterfaceMode;
  }
  return "other";
}

/** nl80211's word for a mode that can be asked for. @throws {KernelFault} "invalid" */
export function rawMode(mode: InterfaceMode): "station" | "ap" | "ibss" | "mesh" | "monitor" {
  if (mode === "other") {
    throw new KernelFault("invalid", 'Cannot use mode "other": it names no certain mode');
  }
  return MODES[mode] as "station" | "ap" | "ibss" | "mesh" | "monitor";
}

const BANDS: Readonly<Record<string, Band>> = {
  "2.4GHz": "2.4GHz",
  "5GHz": "5GHz",
  "6GHz": "6GHz",
  "60GHz": "60GHz",
  S1G: "S1GHz",
};

const WIDTHS: readonly ChannelWidthMhz[] = [5, 10, 20, 40, 80, 160, 320];

function viewWidth(width: ChannelWidth | `unknown-${number}`): ChannelWidthMhz | null {
  if (width === "80+80") return 160;
  const mhz = Number.parseInt(width, 10);
  return WIDTHS.find((known) => known === mhz) ?? null;
}

/** A channel as nl80211 wants it. */
export function rawChannel(
  spec: ChannelSpec,
): { frequencyMhz: number; width: ChannelWidth; center1Mhz?: number } {
  return {
    frequencyMhz: spec.frequencyMhz,
    width: `${spec.widthMhz}`,
    ...(spec.centerFrequencyMhz === undefined ? {} : { center1Mhz: spec.centerFrequencyMhz }),
  };
}

function viewChannels(band: WiphyBand): Channel[] {
  return band.channels.flatMap((raw) =>
    raw.number === null ? [] : [{
      number: raw.number,
      frequencyMhz: raw.frequencyMhz,
      maxTxPowerDbm: (raw.maxPowerMbm ?? 0) / 100,
      disabled: raw.disabled,
      noIr: raw.noIr,
      radar: raw.radar,
      dfsState: raw.dfsState === "usable" || raw.dfsState === "unavailable" ||
          raw.dfsState === "available"
        ? raw.dfsState
        : null,
    }]
  );
}

function viewBand(raw: WiphyBand): RadioBand[] {
  const band = BANDS[raw.band];
  if (band === undefined) return [];
  const standards: ("n" | "ac" | "ax" | "be")[] = [];
  if (raw.modeCapabilities.some((mode) => mode.eht)) standards.push("be");
  if (raw.modeCapabilities.some((mode) => mode.he)) standards.push("ax");
  if (raw.vht !== null) standards.push("ac");
  if (raw.ht !== null) standards.push("n");
  const widest = Math.max(20, ...raw.widthsMhz);
  return [{
    band,
    channels: viewChannels(raw),
    standards,
    maxWidthMhz: WIDTHS.find((width) => width === widest) ?? 20,
  }];
}

/** One radio. `domains` tell whether it has a regulatory domain of its own; `path` is its device's. */
export function viewRadio(raw: Wiphy, domains: readonly RegDomain[], path: string | null): Radio {
  const modes = new Set(raw.modes.map(viewMode));
  return {
    index: raw.index,
    name: raw.name,
    path,
    bands: raw.bands.flatMap(viewBand),
    modes: [...modes],
    sae: raw.features.sae,
    maxScanSsids: raw.maxScanSsids,
    country: domains.find((domain) => domain.wiphy === raw.index)?.alpha2 ?? null,
  };
}

/** One interface; `null` for a device without a name (P2P). `network` is its SSID or mesh id. */
export function viewInterface(
  raw: RawInterface,
  radio: string,
  network: string | null,
): WirelessInterface | null {
  if (raw.name === null || raw.ifindex === null || raw.mac === null) return null;
  return {
    name: raw.name,
    index: raw.ifindex,
    radio,
    mac: raw.mac,
    mode: viewMode(raw.mode),
    frequencyMhz: raw.channel?.frequencyMhz ?? null,
    widthMhz: raw.channel === null ? null : viewWidth(raw.channel.width),
    centerFrequencyMhz: raw.channel?.center1Mhz ?? raw.channel?.frequencyMhz ?? null,
    txPowerDbm: raw.txPowerMbm === null ? null : raw.txPowerMbm / 100,
    ssid: network,
  };
}

const PEERINGS = [
  "listen",
  "open-sent",
  "open-received",
  "confirm-received",
  "established",
  "holding",
  "blocked",
] as const;

function kbps(rate: Rate | undefined): number | null {
  return rate?.kbps ?? null;
}

/** One station of interface `name`. */
export function viewStation(raw: RawStation, name: string): Station {
  return {
    interface: name,
    mac: raw.mac,
    signalDbm: raw.signalDbm ?? null,
    signalAverageDbm: raw.signalAvgDbm ?? null,
    inactiveMs: raw.inactiveMs ?? null,
    connectedS: raw.connectedS ?? null,
    rxBytes: raw.rxBytes ?? 0,
    txBytes: raw.txBytes ?? 0,
    rxPackets: raw.rxPackets ?? 0,
    txPackets: raw.txPackets ?? 0,
    txRetries: raw.txRetries ?? 0,
    txFailed: raw.txFailed ?? 0,
    rxDropped: raw.rxDropMisc ?? 0,
    txBitrateKbps: kbps(raw.txRate),
    rxBitrateKbps: kbps(raw.rxRate),
    expectedThroughputKbps: raw.expectedThroughputKbps ?? null,
    authorized: raw.flags?.authorized ?? false,
    peering: PEERINGS.find((state) => state === raw.plinkState) ?? null,
  };
}

/** Occupancy of one channel, seen by interface `name`. */
export function viewSurvey(raw: RawSurvey, name: string): Survey {
  return {
    interface: name,
    frequencyMhz: raw.frequencyMhz,
    noiseDbm: raw.noiseDbm ?? null,
    inUse: raw.inUse,
    activeMs: raw.activeMs ?? null,
    busyMs: raw.busyMs ?? null,
    receiveMs: raw.receiveMs ?? null,
    transmitMs: raw.transmitMs ?? null,
  };
}

/** One network found. */
export function viewBss(raw: Bss): ScanEntry {
  return {
    bssid: raw.bssid,
    frequencyMhz: raw.frequencyMhz,
    signalDbm: raw.signalMbm === null ? null : raw.signalMbm / 100,
    ssid: raw.ssid,
    meshId: raw.meshId,
    lastSeenMs: raw.seenMsAgo ?? 0,
    security: raw.security,
  };
}

/** A regulatory domain. */
export function viewDomain(raw: RegDomain): RegulatoryDomain {
  return {
    country: raw.alpha2,
    rules: raw.rules.map((rule) => ({
      startKhz: rule.startKhz,
      endKhz: rule.endKhz,
      maxBandwidthKhz: rule.maxBandwidthKhz,
      maxEirpDbm: rule.maxEirpMbm / 100,
      noIr: rule.flags.includes("no-ir"),
      dfs: rule.flags.includes("dfs"),
      noOutdoor: rule.flags.includes("no-outdoor"),
    })),
  };
}

/** Why a radio cannot use a channel, or `null` when its table allows it. */
export function whyNot(raw: Wiphy, spec: ChannelSpec, domain: string): string | null {
  const { frequencyMhz, widthMhz } = spec;
  for (const band of raw.bands) {
    const channel = band.channels.find((known) =>
      known.frequencyMhz === frequencyMhz && known.offsetKhz === 0
    );
    if (channel === undefined) continue;
    if (channel.disabled) return `regulatory domain "${domain}" forbids it`;
    if (channel.dfsState === "unavailable") return "radar was seen there";
    if (channel.radar) return "radar detection must clear it first";
    if (channel.noIr) return `regulatory domain "${domain}" allows listening only`;
    if (widthMhz > 20 && !band.widthsMhz.includes(widthMhz)) {
      return `radio "${raw.name}" does at most ${Math.max(20, ...band.widthsMhz)} MHz there`;
    }
    const width = `${widthMhz}`;
    if (channel.forbidden.some((name) => name === width)) {
      return `regulatory domain "${domain}" forbids ${widthMhz} MHz there`;
    }
    return null;
  }
  return `radio "${raw.name}" has no such channel`;
}
