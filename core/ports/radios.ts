// Radios as the product needs them: nl80211. "Radio" is a wiphy (phy0), "wireless interface" a wlan0 on it.
import type { Mac } from "../base/mod.ts";

/** A frequency band, by its usual name. */
export type Band = "2.4GHz" | "5GHz" | "6GHz" | "60GHz" | "S1GHz";
/** What an interface is used as; "other" covers the modes the product never makes. */
export type InterfaceMode = "managed" | "ap" | "ibss" | "mesh" | "monitor" | "other";
/** Channel width. */
export type ChannelWidthMhz = 5 | 10 | 20 | 40 | 80 | 160 | 320;

/** A channel with what hardware and regulation allow there. */
export interface Channel {
  readonly number: number;
  readonly frequencyMhz: number;
  /** Maximum the regulatory domain and the hardware allow. */
  readonly maxTxPowerDbm: number;
  readonly disabled: boolean;
  /** May not start to transmit by itself (passive). */
  readonly noIr: boolean;
  readonly radar: boolean;
  /** `null` where radar detection does not apply. */
  readonly dfsState: "usable" | "unavailable" | "available" | null;
}

/** A band a radio can work in. */
export interface RadioBand {
  readonly band: Band;
  readonly channels: readonly Channel[];
  /** Newest first: "be", "ax", "ac", "n". */
  readonly standards: readonly ("n" | "ac" | "ax" | "be")[];
  readonly maxWidthMhz: ChannelWidthMhz;
}

/** A wiphy with its capabilities. */
export interface Radio {
  /** Wiphy index. */
  readonly index: number;
  /** "phy0". */
  readonly name: string;
  /** Device path below /sys/devices, stable over restarts ("platform/soc/18000000.wifi"), where it is known. */
  readonly path?: string | null;
  readonly bands: readonly RadioBand[];
  readonly modes: readonly InterfaceMode[];
  /** SAE is possible (in the driver or with user space's help). */
  readonly sae: boolean;
  readonly maxScanSsids: number;
  /** A self-managed or per-radio regulatory domain; `null` when it follows the global one. */
  readonly country: string | null;
}

/** A wireless interface and what it does now. */
export interface WirelessInterface {
  readonly name: string;
  readonly index: number;
  /** Name of its radio. */
  readonly radio: string;
  readonly mac: Mac;
  readonly mode: InterfaceMode;
  readonly frequencyMhz: number | null;
  readonly widthMhz: ChannelWidthMhz | null;
  readonly centerFrequencyMhz: number | null;
  readonly txPowerDbm: number | null;
  /** SSID, or mesh id; `null` when not joined. Octets that are no UTF-8 appear as \xNN. */
  readonly ssid: string | null;
}

/** A station that an interface exchanges frames with. `null` where the driver does not say. */
export interface Station {
  readonly interface: string;
  readonly mac: Mac;
  readonly signalDbm: number | null;
  readonly signalAverageDbm: number | null;
  readonly inactiveMs: number | null;
  readonly connectedS: number | null;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly txRetries: number;
  readonly txFailed: number;
  readonly rxDropped: number;
  readonly txBitrateKbps: number | null;
  readonly rxBitrateKbps: number | null;
  readonly expectedThroughputKbps: number | null;
  readonly authorized: boolean;
  /** 802.11s peering; `null` outside a mesh. */
  readonly peering:
    | "listen"
    | "open-sent"
    | "open-received"
    | "confirm-received"
    | "established"
    | "holding"
    | "blocked"
    | null;
}

/** Channel use since the interface came up. `null` where the driver does not say. */
export interface Survey {
  readonly interface: string;
  readonly frequencyMhz: number;
  readonly noiseDbm: number | null;
  readonly inUse: boolean;
  readonly activeMs: number | null;
  readonly busyMs: number | null;
  readonly receiveMs: number | null;
  readonly transmitMs: number | null;
}

/** A network seen in a scan. */
export interface ScanEntry {
  readonly bssid: Mac;
  readonly frequencyMhz: number;
  readonly signalDbm: number | null;
  readonly ssid: string | null;
  readonly meshId: string | null;
  readonly lastSeenMs: number;
  readonly security: "open" | "wep" | "wpa" | "wpa2" | "wpa3" | "owe" | "unknown";
}

/** A frequency range and what may be done in it. */
export interface RegulatoryRule {
  readonly startKhz: number;
  readonly endKhz: number;
  readonly maxBandwidthKhz: number;
  readonly maxEirpDbm: number;
  readonly noIr: boolean;
  readonly dfs: boolean;
  readonly noOutdoor: boolean;
}

/** The rules in force. */
export interface RegulatoryDomain {
  /** ISO 3166 code, or "00" for the world domain. */
  readonly country: string;
  readonly rules: readonly RegulatoryRule[];
}

/** Where in the spectrum: primary channel, width, centre. */
export interface ChannelSpec {
  readonly frequencyMhz: number;
  readonly widthMhz: ChannelWidthMhz;
  /** Centre of the whole width; derived for 20 MHz. */
  readonly centerFrequencyMhz?: number;
}

/** What is needed to join an open 802.11s mesh. SAE goes through wpa_supplicant. */
export interface MeshJoin extends ChannelSpec {
  readonly meshId: string;
  /** 802.11s forwarding; false under batman-adv, which routes itself. */
  readonly forwarding: boolean;
  readonly beaconIntervalMs?: number;
  readonly multicastRateKbps?: number;
}

/** 802.11s parameters of a joined interface. */
export interface MeshParameters {
  readonly forwarding: boolean;
  readonly maxPeerLinks: number;
  readonly rssiThresholdDbm: number;
  readonly ttl: number;
}

/** nl80211. Every method rejects with KernelFault. */
export interface Radios {
  /** Empty when there is no radio; "not-supported" when the kernel has no cfg80211. */
  list(): Promise<readonly Radio[]>;
  interfaces(): Promise<readonly WirelessInterface[]>;
  createInterface(radio: string, name: string, mode: InterfaceMode): Promise<void>;
  deleteInterface(name: string): Promise<void>;
  /** The link must be down. */
  setMode(name: string, mode: InterfaceMode): Promise<void>;
  setChannel(name: string, channel: ChannelSpec): Promise<void>;
  /** "auto", or a fixed power. */
  setTxPower(radio: string, power: { readonly fixedDbm: number } | "auto"): Promise<void>;
  joinMesh(name: string, join: MeshJoin): Promise<void>;
  leaveMesh(name: string): Promise<void>;
  meshParameters(name: string): Promise<MeshParameters>;
  setMeshParameters(name: string, change: Partial<MeshParameters>): Promise<void>;
  joinIbss(name: string, join: ChannelSpec & { readonly ssid: string }): Promise<void>;
  leaveIbss(name: string): Promise<void>;
  stations(name: string): Promise<readonly Station[]>;
  removeStation(name: string, mac: Mac): Promise<void>;
  survey(name: string): Promise<readonly Survey[]>;
  /** Starts a scan and resolves with its results. */
  scan(name: string, options: { readonly timeoutMs: number }): Promise<readonly ScanEntry[]>;
  regulatoryDomain(): Promise<RegulatoryDomain>;
  /** ISO 3166 code. The kernel takes it up asynchronously. */
  setRegulatoryDomain(country: string): Promise<void>;
}
