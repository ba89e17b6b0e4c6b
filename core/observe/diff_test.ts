import { assert, assertEquals } from "@std/assert";
import type { MeshSnapshot, NodeSnapshot } from "../node/mod.ts";
import type { Link, MeshNeighbour, Originator, Radio, Station } from "../ports/mod.ts";
import { diff, summarise } from "./diff.ts";
import { assessQuality, type QualityMemory } from "./quality.ts";
import { NOTHING } from "./reader.ts";
import { same } from "./same.ts";
import { samplesOf } from "./samples.ts";

const COUNTERS = {
  rxBytes: 0,
  txBytes: 0,
  rxPackets: 0,
  txPackets: 0,
  rxErrors: 0,
  txErrors: 0,
  rxDropped: 0,
  txDropped: 0,
};

const LINK: Link = {
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

const MESH: MeshSnapshot = {
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

const N1 = "02:00:00:00:00:02";

function neighbour(lastSeenMs = 100): MeshNeighbour {
  return { neighbour: N1, hardInterface: "wlan0", lastSeenMs, throughputKbps: null };
}

function originator(more: Partial<Originator> = {}): Originator {
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

function station(more: Partial<Station> = {}): Station {
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

const RADIO: Radio = {
  index: 0,
  name: "phy0",
  bands: [],
  modes: ["mesh"],
  sae: true,
  maxScanSsids: 4,
  country: null,
};

function snapshot(more: Partial<NodeSnapshot> = {}): NodeSnapshot {
  return { ...NOTHING, revision: 1, takenAtMs: 0, links: [LINK], mesh: MESH, ...more };
}

function mesh(more: Partial<MeshSnapshot>): Partial<NodeSnapshot> {
  return { mesh: { ...MESH, ...more } };
}

const gateway = (best: boolean, originator = N1) => ({
  originator,
  router: N1,
  hardInterface: "wlan0",
  best,
  downKbps: 1,
  upKbps: 1,
  tq: 255,
  throughputKbps: null,
});

const ROWS: readonly {
  readonly name: string;
  readonly before: Partial<NodeSnapshot>;
  readonly after: Partial<NodeSnapshot>;
  /** "severity type subject" of each event. */
  readonly events: readonly string[];
}[] = [
  { name: "nothing", before: {}, after: {}, events: [] },
  {
    name: "link appears",
    before: { links: [] },
    after: {},
    events: ["info link.added wlan0"],
  },
  {
    name: "device goes",
    before: {},
    after: { links: [] },
    events: ["warning link.removed wlan0"],
  },
  {
    name: "carrier lost",
    before: {},
    after: { links: [{ ...LINK, carrier: false }] },
    events: ["warning link.carrier-lost wlan0"],
  },
  {
    name: "carrier back",
    before: { links: [{ ...LINK, carrier: false }] },
    after: {},
    events: ["info link.carrier wlan0"],
  },
  {
    name: "switched off, which takes the carrier along",
    before: {},
    after: { links: [{ ...LINK, up: false, carrier: false }] },
    events: ["notice link.down wlan0"],
  },
  {
    name: "master and MAC",
    before: {},
    after: { links: [{ ...LINK, master: "bat0", mac: N1 }] },
    events: ["info link.master-changed wlan0", "notice link.mac-changed wlan0"],
  },
  {
    name: "counters alone",
    before: {},
    after: { links: [{ ...LINK, counters: { ...COUNTERS, rxBytes: 9 } }] },
    events: [],
  },
  {
    name: "address and duplicate",
    before: {
      addresses: [{
        link: "wlan0",
        address: "10.0.0.1",
        prefixLength: 24,
        scope: "global",
        tentative: false,
        duplicate: false,
      }],
    },
    after: {
      addresses: [
        {
          link: "wlan0",
          address: "10.0.0.1",
          prefixLength: 24,
          scope: "global",
          tentative: false,
          duplicate: true,
        },
        {
          link: "wlan0",
          address: "fd00::1",
          prefixLength: 64,
          scope: "global",
          tentative: false,
          duplicate: false,
        },
      ],
    },
    events: ["info address.added wlan0", "error address.duplicate wlan0"],
  },
  {
    name: "mesh goes",
    before: {},
    after: { mesh: null, problems: [{ part: "mesh", code: "x", message: "gone" }] },
    events: ["error mesh.down bat0"],
  },
  { name: "mesh comes", before: { mesh: null }, after: {}, events: ["notice mesh.up bat0"] },
  {
    name: "settings changed by somebody",
    before: {},
    after: mesh({
      info: { ...MESH.info, settings: { ...MESH.info.settings, gatewayMode: "server" } },
    }),
    events: ["notice mesh.settings-changed bat0"],
  },
  {
    name: "hard interface inactive",
    before: {},
    after: mesh({
      hardInterfaces: MESH.hardInterfaces.map((entry) => ({ ...entry, active: false })),
    }),
    events: ["warning mesh.interface-inactive wlan0"],
  },
  {
    name: "hard interface taken out",
    before: {},
    after: mesh({ hardInterfaces: [] }),
    events: ["warning mesh.interface-removed wlan0"],
  },
  {
    name: "neighbour appears",
    before: {},
    after: mesh({ neighbours: [neighbour()] }),
    events: [`info neighbour.appeared wlan0/${N1}`],
  },
  {
    name: "neighbour silent for less than the limit",
    before: mesh({ neighbours: [neighbour()] }),
    after: mesh({ neighbours: [neighbour(5_000)] }),
    events: [],
  },
  {
    name: "neighbour silent, though the kernel still lists it",
    before: mesh({ neighbours: [neighbour(4_990)] }),
    after: mesh({ neighbours: [neighbour(5_990)] }),
    events: [`warning neighbour.lost wlan0/${N1}`],
  },
  {
    name: "originator appears and goes",
    before: mesh({ originators: [originator({ originator: "02:00:00:00:00:09" })] }),
    after: mesh({ originators: [originator()] }),
    events: [`info originator.appeared ${N1}`, "notice originator.lost 02:00:00:00:00:09"],
  },
  {
    name: "another route to the same originator",
    before: mesh({ originators: [originator()] }),
    after: mesh({ originators: [originator({ nextHop: "02:00:00:00:00:09", tq: 9 })] }),
    events: [],
  },
  {
    name: "gateway chosen",
    before: mesh({ gateways: [gateway(false)] }),
    after: mesh({ gateways: [gateway(true)] }),
    events: [`notice gateway.changed ${N1}`],
  },
  {
    name: "last gateway gone",
    before: mesh({ gateways: [gateway(true)] }),
    after: {},
    events: [`warning gateway.changed ${N1}`],
  },
  {
    name: "radio unplugged",
    before: { radios: [RADIO] },
    after: {},
    events: ["error radio.unplugged phy0"],
  },
  {
    name: "radio plugged",
    before: {},
    after: { radios: [RADIO] },
    events: ["notice radio.plugged phy0"],
  },
  {
    name: "country",
    before: { regulatoryDomain: { country: "00", rules: [] } },
    after: { regulatoryDomain: { country: "DE", rules: [] } },
    events: ["notice radio.country-changed DE"],
  },
  {
    name: "station joins",
    before: {},
    after: { stations: [station()] },
    events: [`info station.joined wlan0/${N1}`],
  },
  {
    name: "station leaves",
    before: { stations: [station()] },
    after: {},
    events: [`info station.left wlan0/${N1}`],
  },
  {
    name: "service fails",
    before: {
      services: [{ name: "a", kind: "hostapd", state: "running", detail: "", restarts: 0 }],
    },
    after: {
      services: [{ name: "a", kind: "hostapd", state: "failed", detail: "x", restarts: 0 }],
    },
    events: ["error service.failed a"],
  },
  {
    name: "part cannot be read",
    before: {},
    after: { problems: [{ part: "links", code: "not-permitted", message: "no" }] },
    events: ["warning observe.failed links"],
  },
];

Deno.test("`diff()` tells what happened, and nothing else", async (t) => {
  for (const { name, before, after, events } of ROWS) {
    await t.step(name, () => {
      const found = diff(snapshot(before), snapshot({ ...after, revision: 2 }));
      assertEquals(
        found.map(({ severity, type, subject }) => `${severity} ${type} ${subject}`),
        [...events],
      );
      for (const { message } of found) {
        assert(message.length > 10 && !message.includes("undefined"));
      }
    });
  }
});

Deno.test("`diff()` says nothing of what the first snapshot finds", () => {
  assertEquals(diff(snapshot({ revision: 0, links: [], mesh: null }), snapshot()), []);
});

Deno.test("`summarise()` tells many events of a type as one", () => {
  const many = Array.from({ length: 300 }, (_, n) => ({
    severity: "info" as const,
    type: "originator.appeared",
    subject: `${n}`,
    message: `Node ${n}`,
  }));
  const [one, ...rest] = summarise(many);
  assertEquals(rest, []);
  assertEquals(one?.message, "Node 0, and 299 more like it");
  assertEquals(one?.data?.["count"], 300);
  assertEquals(summarise(many.slice(0, 12)).length, 12);
});

Deno.test("`assessQuality()` believes a class after three readings, with hysteresis", () => {
  let memory: QualityMemory = new Map();
  const told: string[] = [];
  const read = (tq: number) => {
    const state = { ...MESH, neighbours: [neighbour()], originators: [originator({ tq })] };
    const result = assessQuality(memory, state);
    memory = result.memory;
    told.push(...result.events.map(({ data }) => `${data?.["from"]} ${data?.["to"]}`));
  };
  for (const tq of [250, 190, 190, 190, 190]) read(tq);
  assertEquals(told, [], "within the margin of good");
  for (const tq of [170, 170, 250, 170, 170]) read(tq);
  assertEquals(told, [], "never three in a row");
  read(170);
  assertEquals(told, ["good fair"]);
  for (const tq of [210, 210, 210, 210]) read(tq);
  assertEquals(told.length, 1, "not yet above good by the margin");
  for (const tq of [220, 220, 220, 10, 10, 10]) read(tq);
  assertEquals(told, ["good fair", "fair good", "good poor"]);
  assessQuality(memory, null);
});

Deno.test("`samplesOf()` makes rates of counters and leaves out those that went back", () => {
  const before = snapshot({
    links: [{ ...LINK, counters: { ...COUNTERS, rxBytes: 1_000, txBytes: 9 } }],
  });
  const after = snapshot({
    revision: 2,
    links: [{ ...LINK, counters: { ...COUNTERS, rxBytes: 3_000, txBytes: 3 } }],
  });
  const found = new Map(
    samplesOf(before, after, 2_000).map((s) => [`${s.subject} ${s.metric}`, s.value]),
  );
  assertEquals(found.get("wlan0 rxBytesPerS"), 1_000);
  assertEquals(found.has("wlan0 txBytesPerS"), false);
  assertEquals(found.get("bat0 neighbours"), 0);
});

Deno.test("`samplesOf()` makes shares of stations and surveys", () => {
  const survey = {
    interface: "wlan0",
    frequencyMhz: 2412,
    noiseDbm: -95,
    inUse: true,
    activeMs: 1_000,
    busyMs: 100,
    receiveMs: null,
    transmitMs: 10,
  };
  const before = snapshot({ stations: [station()], surveys: [survey] });
  const after = snapshot({
    stations: [station({ txPackets: 200, txRetries: 60, txFailed: 1 })],
    surveys: [{ ...survey, activeMs: 2_000, busyMs: 350, transmitMs: 20 }],
  });
  const found = Object.fromEntries(
    samplesOf(before, after, 1_000).map((s) => [`${s.subject} ${s.metric}`, s.value]),
  );
  assertEquals(found[`wlan0/${N1} txRetryPercent`], 50);
  assertEquals(found[`wlan0/${N1} signalDbm`], -51);
  assertEquals(found["wlan0 busyPercent"], 25);
  assertEquals(found["wlan0 transmitPercent"], 1);
  assertEquals("wlan0 receivePercent" in found, false);
});

Deno.test("`same()` compares structure", () => {
  assert(same({ a: [1, { b: null }] }, { a: [1, { b: null }] }));
  assert(!same({ a: [1] }, { a: [2] }));
  assert(!same({ a: undefined }, { b: undefined }));
  assert(!same([], {}));
  assert(!same(null, {}));
  assert(!same({ a: 1 }, { a: 1, b: 2 }));
});
