// What this folder's tests share: a snapshot to vary.
import type { MeshSnapshot, NodeSnapshot } from "../node/mod.ts";
import type { Link, MeshNeighbour, Originator, Radio, Station } from "../ports/mod.ts";
import { NOTHING } from "./reader.ts";

/** Part of the snapshot. */
export const COUNTERS = {
  rxBytes: 0,
  txBytes: 0,
  rxPackets: 0,
  txPackets: 0,
  rxErrors: 0,
  txErrors: 0,
  rxDropped: 0,
  txDropped: 0,
};

/** Part of the snapshot. */
export const LINK: Link = {
  index: 2,
  name: "wlan0",
  kind: "device",
  mac: "02:00:00:00:00:01",
  mtu: 1500,
  up: true,
  carrier: true,
  operState: "up",
  loopback: false,
  master: null,
  parent: null,
  id: null,
  counters: COUNTERS,
};

/** Part of the snapshot. */
export const MESH: MeshSnapshot = {
  info: {
    mesh: "bat0",
    version: "2025.1",
    algorithm: "BATMAN_IV",
    mac: "02:00:00:00:00:01",
    originator: "02:00:00:00:00:01",
    settings: {
      aggregatedOgms: true,
      apIsolation: false,
      isolationMark: 0,
      isolationMask: 0,
      bonding: false,
      bridgeLoopAvoidance: true,
      distributedArpTable: true,
      fragmentation: true,
      gatewayMode: "off",
      gatewayDownKbps: 10_000,
      gatewayUpKbps: 2_000,
      gatewaySelectionClass: 20,
      hopPenalty: 30,
      multicastForceflood: false,
      multicastFanout: 16,
      originatorIntervalMs: 1_000,
    },
  },
  hardInterfaces: [{
    mesh: "bat0",
    name: "wlan0",
    index: 2,
    mac: "02:00:00:00:00:01",
    active: true,
    hopPenalty: 0,
    elpIntervalMs: null,
    throughputOverrideKbps: null,
  }],
  originators: [],
  neighbours: [],
  gateways: [],
  localClients: [],
  globalClients: [],
};

/** Part of the snapshot. */
export const N1 = "02:00:00:00:00:02";

/** A part with some of it changed. */
export function neighbour(lastSeenMs = 100): MeshNeighbour {
  return { neighbour: N1, hardInterface: "wlan0", lastSeenMs, throughputKbps: null };
}

/** A part with some of it changed. */
export function originator(more: Partial<Originator> = {}): Originator {
  return {
    originator: N1,
    nextHop: N1,
    hardInterface: "wlan0",
    best: true,
    lastSeenMs: 100,
    tq: 250,
    throughputKbps: null,
    ...more,
  };
}

/** A part with some of it changed. */
export function station(more: Partial<Station> = {}): Station {
  return {
    interface: "wlan0",
    mac: N1,
    signalDbm: -50,
    signalAverageDbm: -51,
    inactiveMs: 10,
    connectedS: 5,
    rxBytes: 0,
    txBytes: 0,
    rxPackets: 0,
    txPackets: 100,
    txRetries: 10,
    txFailed: 1,
    rxDropped: 0,
    txBitrateKbps: 54_000,
    rxBitrateKbps: null,
    expectedThroughputKbps: null,
    authorized: true,
    peering: "established",
    ...more,
  };
}

/** Part of the snapshot. */
export const RADIO: Radio = {
  index: 0,
  name: "phy0",
  bands: [],
  modes: ["mesh"],
  sae: true,
  maxScanSsids: 4,
  country: null,
};

/** A part with some of it changed. */
export function snapshot(more: Partial<NodeSnapshot> = {}): NodeSnapshot {
  return { ...NOTHING, revision: 1, takenAtMs: 0, links: [LINK], mesh: MESH, ...more };
}

/** A part with some of it changed. */
export function mesh(more: Partial<MeshSnapshot>): Partial<NodeSnapshot> {
  return { mesh: { ...MESH, ...more } };
}
