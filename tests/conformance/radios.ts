// What every Radios port must do, real or simulated: one suite, run against two nodes with a radio each
// that hear one another. The real one runs it in the lab (tests/lab/radios_test.ts). Times are bounds of
// patience, not claims.
import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { isMac } from "../../core/base/mod.ts";
import {
  type ChannelSpec,
  KernelFault,
  type KernelFaultCode,
  type MeshJoin,
  type Radios,
  type WirelessInterface,
} from "../../core/ports/mod.ts";

/** One node. */
export interface RadiosFixtureNode {
  readonly radios: Radios;
  /** Name of its only radio. */
  readonly radio: string;
  /** Its only wireless interface; managed, link down, when the suite starts. */
  readonly interface: string;
  /** Brings the interface's link up or down. */
  setUp(up: boolean): Promise<void>;
}

/** Two nodes in reach of each other, with 2.4 GHz radios that can do mesh and IBSS. */
export interface RadiosFixture extends AsyncDisposable {
  readonly a: RadiosFixtureNode;
  readonly b: RadiosFixtureNode;
  /** A channel the radio has (or not) that the regulatory domain forbids. */
  readonly forbidden: ChannelSpec;
  /** A country that can be set, and that is not set yet. */
  readonly country: string;
  /** Lets time pass: real, or virtual. */
  settle(ms: number): Promise<void>;
  /** Takes B's radio away, as pulling a USB stick does. */
  unplugB(): Promise<void>;
}

const PATIENCE_STEPS = 160;
const STEP_MS = 250;
/** A scan listens for less than a beacon interval on each channel, and may miss a network. */
const SCANS = 10;
const NOBODY = "02:de:ad:00:00:01";
const CHANNEL: ChannelSpec = { frequencyMhz: 2412, widthMhz: 20 };
const MESH: MeshJoin = { ...CHANNEL, meshId: "x0 é conformance", forwarding: false };

async function eventually<T>(
  fixture: RadiosFixture,
  what: string,
  look: () => Promise<T | null>,
  steps: number = PATIENCE_STEPS,
): Promise<T> {
  for (let i = 0; i < steps; i++) {
    const found = await look();
    if (found !== null) return found;
    await fixture.settle(STEP_MS);
  }
  throw new Error(`Waited in vain for: ${what}`);
}

async function rejectsWith(
  code: KernelFaultCode,
  action: () => Promise<unknown>,
): Promise<KernelFault> {
  const error = await assertRejects(action, KernelFault);
  assertEquals(error.code, code, error.message);
  return error;
}

async function own(node: RadiosFixtureNode): Promise<WirelessInterface> {
  const found = (await node.radios.interfaces()).find((item) => item.name === node.interface);
  assert(found !== undefined, `${node.interface} is not listed`);
  return found;
}

/** Puts both nodes' links into a mode and up. */
async function prepare(fixture: RadiosFixture, mode: "managed" | "mesh" | "ibss"): Promise<void> {
  for (const node of [fixture.a, fixture.b]) {
    await node.setUp(false);
    await node.radios.setMode(node.interface, mode);
    await node.setUp(true);
  }
}

async function meet(fixture: RadiosFixture): Promise<void> {
  const { a, b } = fixture;
  await prepare(fixture, "mesh");
  for (const node of [a, b]) await node.radios.joinMesh(node.interface, MESH);
  const peer = (await own(b)).mac;
  await eventually(fixture, "an established peer", async () => {
    const stations = await a.radios.stations(a.interface);
    return stations.find((item) => item.mac === peer && item.peering === "established") ?? null;
  });
}

async function part(fixture: RadiosFixture): Promise<void> {
  for (const node of [fixture.a, fixture.b]) await node.radios.leaveMesh(node.interface);
}

type Check = (fixture: RadiosFixture) => Promise<void>;

const describesRadios: Check = async ({ a }) => {
  const list = await a.radios.list();
  assertEquals(list.map((radio) => radio.name), [a.radio]);
  const [radio] = list;
  assert(radio !== undefined && radio.bands.length > 0);
  assert(radio.modes.includes("mesh") && radio.modes.includes("managed"));
  assertEquals(new Set(radio.modes).size, radio.modes.length, "each mode once");
  const low = radio.bands.find((band) => band.band === "2.4GHz");
  assert(low !== undefined, "a 2.4 GHz band");
  const first = low.channels.find((channel) => channel.number === 1);
  assert(first !== undefined, "channel 1");
  assertEquals([first.frequencyMhz, first.disabled, first.noIr], [2412, false, false]);
  assertGreater(first.maxTxPowerDbm, 0);
  for (const band of radio.bands) {
    assert(band.maxWidthMhz >= 20);
    const order = (["be", "ax", "ac", "n"] as const).filter((s) => band.standards.includes(s));
    assertEquals(band.standards, order, "standards, newest first");
    const frequencies = band.channels.map((channel) => channel.frequencyMhz);
    assertEquals(new Set(frequencies).size, frequencies.length, "each channel once");
    for (const channel of band.channels) {
      if (!channel.radar) assertEquals(channel.dfsState, null, `DFS state of ${channel.number}`);
    }
  }
};

const describesInterfaces: Check = async (fixture) => {
  const { a } = fixture;
  await prepare(fixture, "managed");
  const [radio] = await a.radios.list();
  const found = await own(a);
  assert(isMac(found.mac) && found.index > 0);
  assertEquals([found.radio, found.mode, found.ssid], [radio?.name, "managed", null]);
  const missing = ["stations", "survey", "leaveMesh", "meshParameters", "deleteInterface"] as const;
  for (const method of missing) {
    const error = await rejectsWith("no-such-link", () => a.radios[method]("no-such"));
    assertStringIncludes(error.message, "no-such");
  }
  await rejectsWith("no-such-link", () => a.radios.joinMesh("no-such", MESH));
  await rejectsWith("no-such-link", () => a.radios.scan("no-such", { timeoutMs: 1000 }));
};

const createsInterfaces: Check = async ({ a }) => {
  await a.radios.createInterface(a.radio, "x0test0", "mesh");
  const made = (await a.radios.interfaces()).find((item) => item.name === "x0test0");
  assertEquals([made?.mode, made?.radio, made?.frequencyMhz], ["mesh", a.radio, null]);
  await a.radios.deleteInterface("x0test0");
  assert(!(await a.radios.interfaces()).some((item) => item.name === "x0test0"));
  const create = () => a.radios.createInterface("no-such-radio", "x0test1", "mesh");
  assertStringIncludes((await rejectsWith("no-such-link", create)).message, "no-such-radio");
  await rejectsWith("no-such-link", () => a.radios.setTxPower("no-such-radio", "auto"));
};

const joinsMesh: Check = async (fixture) => {
  const { a, b } = fixture;
  await meet(fixture);
  const view = await own(a);
  assertEquals(
    [view.mode, view.frequencyMhz, view.widthMhz, view.centerFrequencyMhz, view.ssid],
    ["mesh", 2412, 20, 2412, MESH.meshId],
  );
  const [station] = await a.radios.stations(a.interface);
  assert(station !== undefined);
  assertEquals([station.interface, station.mac], [a.interface, (await own(b)).mac]);
  assert(station.signalDbm !== null && station.signalDbm < 0, `signal ${station.signalDbm}`);
  assert(station.inactiveMs !== null && station.inactiveMs >= 0);
  const counters = [station.rxBytes, station.txBytes, station.rxPackets, station.txPackets];
  assert(counters.every((count) => Number.isSafeInteger(count) && count >= 0));
  await part(fixture);
  assertEquals(await a.radios.stations(a.interface), []);
  assertEquals([(await own(a)).ssid, (await own(a)).frequencyMhz], [null, null]);
};

const keepsMeshParameters: Check = async (fixture) => {
  const { a } = fixture;
  await meet(fixture);
  const before = await a.radios.meshParameters(a.interface);
  assertEquals(before.forwarding, false);
  const change = { maxPeerLinks: 17, ttl: 9, rssiThresholdDbm: -80, forwarding: true };
  await a.radios.setMeshParameters(a.interface, change);
  assertEquals(await a.radios.meshParameters(a.interface), change);
  await a.radios.setMeshParameters(a.interface, { forwarding: false });
  assertEquals(await a.radios.meshParameters(a.interface), { ...change, forwarding: false });
  await part(fixture);
};

const keepsMeshesApart: Check = async (fixture) => {
  const { a, b } = fixture;
  await prepare(fixture, "mesh");
  await a.radios.joinMesh(a.interface, MESH);
  await b.radios.joinMesh(b.interface, { ...MESH, meshId: "another" });
  await fixture.settle(3_000);
  const peers = (await a.radios.stations(a.interface)).filter((s) => s.peering === "established");
  assertEquals(peers, []);
  await part(fixture);
};

const refusesChannels: Check = async (fixture) => {
  const { a, forbidden } = fixture;
  await prepare(fixture, "mesh");
  const join = () => a.radios.joinMesh(a.interface, { ...MESH, ...forbidden });
  const error = await rejectsWith("invalid", join);
  assertStringIncludes(error.message, String(forbidden.frequencyMhz));
  assertStringIncludes(error.message, a.interface);
  assertEquals((await own(a)).ssid, null, "nothing was joined");
  await rejectsWith(
    "invalid",
    () => a.radios.joinMesh(a.interface, { ...MESH, frequencyMhz: 2413 }),
  );
  await rejectsWith(
    "invalid",
    () => a.radios.joinMesh(a.interface, { ...MESH, meshId: "x".repeat(33) }),
  );
};

const needsTheLinkUp: Check = async (fixture) => {
  const { a } = fixture;
  await prepare(fixture, "mesh");
  await a.setUp(false);
  const error = await rejectsWith("invalid", () => a.radios.joinMesh(a.interface, MESH));
  assertStringIncludes(error.message, "down");
};

const setsPower: Check = async (fixture) => {
  const { a } = fixture;
  await meet(fixture);
  await a.radios.setTxPower(a.radio, { fixedDbm: 10 });
  await eventually(fixture, "10 dBm", async () => (await own(a)).txPowerDbm === 10 ? true : null);
  await a.radios.setTxPower(a.radio, "auto");
  await eventually(fixture, "the allowed power", async () => {
    const { txPowerDbm } = await own(a);
    return txPowerDbm !== null && txPowerDbm > 10 ? true : null;
  });
  await part(fixture);
};

const joinsIbss: Check = async (fixture) => {
  const { a, b } = fixture;
  await prepare(fixture, "ibss");
  // One after the other: two that start at the same time would each found one, and only the clocks of
  // real radios differ enough for these to merge.
  for (const node of [a, b]) {
    await node.radios.joinIbss(node.interface, { ...CHANNEL, ssid: "x0-ibss" });
    await eventually(
      fixture,
      "the IBSS",
      async () => (await own(node)).frequencyMhz === 2412 ? true : null,
    );
  }
  const peer = (await own(b)).mac;
  await eventually(fixture, "the other IBSS member", async () => {
    const stations = await a.radios.stations(a.interface);
    return stations.find((item) => item.mac === peer) ?? null;
  });
  const view = await own(a);
  assertEquals([view.mode, view.ssid, view.frequencyMhz], ["ibss", "x0-ibss", 2412]);
  assertEquals((await a.radios.stations(a.interface))[0]?.peering, null, "no 802.11s peering");
  for (const node of [a, b]) await node.radios.leaveIbss(node.interface);
  assertEquals((await own(a)).ssid, null);
};

const scans: Check = async (fixture) => {
  const { a, b } = fixture;
  await prepare(fixture, "managed");
  await b.setUp(false);
  await b.radios.setMode(b.interface, "mesh");
  await b.setUp(true);
  await b.radios.joinMesh(b.interface, MESH);
  const wanted = (await own(b)).mac;
  const entry = await eventually(fixture, "the mesh in a scan", async () => {
    const found = await a.radios.scan(a.interface, { timeoutMs: 30_000 });
    return found.find((item) => item.bssid === wanted) ?? null;
  }, SCANS);
  assertEquals(
    [entry.meshId, entry.ssid, entry.frequencyMhz, entry.security],
    [MESH.meshId, null, 2412, "open"],
  );
  assert(entry.signalDbm !== null && entry.signalDbm < 0 && entry.lastSeenMs >= 0);
  await b.radios.leaveMesh(b.interface);
  await a.setUp(false);
  await rejectsWith("invalid", () => a.radios.scan(a.interface, { timeoutMs: 1_000 }));
};

const surveys: Check = async (fixture) => {
  const { a } = fixture;
  await meet(fixture);
  const rows = await a.radios.survey(a.interface);
  assert(rows.filter((row) => row.inUse).length <= 1);
  for (const row of rows) {
    assertEquals(row.interface, a.interface);
    assertGreater(row.frequencyMhz, 0);
    if (row.activeMs !== null && row.busyMs !== null) assert(row.busyMs <= row.activeMs);
  }
  await part(fixture);
};

const removesStations: Check = async (fixture) => {
  const { a, b } = fixture;
  await meet(fixture);
  await rejectsWith("not-found", () => a.radios.removeStation(a.interface, NOBODY));
  const peer = (await own(b)).mac;
  await a.radios.removeStation(a.interface, peer);
  await eventually(fixture, "the peer again", async () => {
    const stations = await a.radios.stations(a.interface);
    return stations.find((item) => item.mac === peer && item.peering === "established") ?? null;
  });
  await part(fixture);
};

const changesCountry: Check = async (fixture) => {
  const { a, country } = fixture;
  const before = await a.radios.regulatoryDomain();
  assertGreater(before.rules.length, 0);
  for (const rule of before.rules) assert(rule.startKhz < rule.endKhz);
  assert(before.country !== country, `${country} is set already`);
  await a.radios.setRegulatoryDomain(country);
  const after = await eventually(fixture, `country ${country}`, async () => {
    const domain = await a.radios.regulatoryDomain();
    return domain.country === country ? domain : null;
  });
  assertGreater(after.rules.length, 0);
  await rejectsWith("invalid", () => a.radios.setRegulatoryDomain("germany"));
};

const losesRadios: Check = async (fixture) => {
  const { b } = fixture;
  await fixture.unplugB();
  await eventually(
    fixture,
    "B without a radio",
    async () => (await b.radios.list()).length === 0 ? true : null,
  );
  assertEquals(await b.radios.interfaces(), []);
  const error = await rejectsWith("no-such-link", () => b.radios.stations(b.interface));
  assertStringIncludes(error.message, b.interface);
  await rejectsWith("no-such-link", () => b.radios.setTxPower(b.radio, "auto"));
};

const CHECKS: readonly (readonly [string, Check])[] = [
  ["list() describes bands, channels and modes", describesRadios],
  ["interfaces() describes them; an unknown name is no-such-link", describesInterfaces],
  ["createInterface() and deleteInterface() make and remove one", createsInterfaces],
  ["joinMesh() peers, stations() shows it, leaveMesh() ends it", joinsMesh],
  ["setMeshParameters() keeps every parameter", keepsMeshParameters],
  ["joinMesh() keeps meshes of different ids apart", keepsMeshesApart],
  ["joinMesh() refuses a forbidden or impossible channel and says which", refusesChannels],
  ["joinMesh() needs the link up and says so", needsTheLinkUp],
  ["setTxPower() fixes the power and lets it go", setsPower],
  ["joinIbss() meets, leaveIbss() ends it", joinsIbss],
  ["scan() finds a mesh, and needs the link up", scans],
  ["survey() reads channel occupancy", surveys],
  ["removeStation() drops a peer, and an unknown one is not-found", removesStations],
  ["setRegulatoryDomain() changes the country", changesCountry],
  ["a radio that is taken away is gone from all tables", losesRadios],
];

/** Registers one test; its steps share a fixture, because opening one may be slow. */
export function testRadios(subject: string, open: () => Promise<RadiosFixture>): void {
  Deno.test(`${subject} as Radios`, async (t) => {
    await using fixture = await open();
    for (const [name, check] of CHECKS) await t.step(name, () => check(fixture));
  });
}
