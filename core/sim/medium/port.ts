// The ends of the medium: a port is a network interface's plug into the air or into a wire.
import type { Mac } from "../../base/mod.ts";

/** What a radio is tuned to. Frames pass between equal `network`s on the same channel alone. */
export interface Tuning {
  /** "mesh:ID" or "ibss:SSID". */
  readonly network: string;
  readonly frequencyMhz: number;
  readonly widthMhz: number;
  readonly centerFrequencyMhz: number;
}

/** A peer a radio has heard. */
export interface HeardStation {
  readonly mac: Mac;
  readonly sinceMs: number;
  lastHeardMs: number;
  signalDbm: number;
  signalAverageDbm: number;
}

/** One direction between two ports. Numbers are refreshed by the medium. */
export interface AirLink {
  readonly from: Port;
  readonly to: Port;
  readonly wired: boolean;
  /** Frames may pass at all: same network, same channel, not cut. */
  talks: boolean;
  /** Chance of a broadcast frame, and of one unicast attempt. */
  broadcast: number;
  unicast: number;
  signalDbm: number;
  bitrateKbps: number;
  throughputKbps: number;
  /** Frames that arrived. */
  packets: number;
  bytes: number;
}

/** A plug of node `node` into the medium. Made by Medium alone. */
export class Port {
  readonly links = new Map<number, AirLink>();
  readonly stations = new Map<Mac, HeardStation>();
  tuning: Tuning | null = null;
  /** Administratively up, on a node that runs. */
  active = false;
  txPowerDbm = 20;
  /** Share of time this port sent in the last second, and found the air taken. */
  duty = 0;
  busy = 0;
  noiseDbm = -95;
  /** Airtime used since the last second began, in milliseconds. */
  airtimeMs = 0;
  activeMs = 0;
  busyMs = 0;
  transmitMs = 0;
  receiveMs = 0;
  rxBytes = 0;
  txBytes = 0;
  rxPackets = 0;
  txPackets = 0;

  constructor(
    readonly id: number,
    readonly node: number,
    readonly kind: "radio" | "wire",
    public mac: Mac,
  ) {}
}
