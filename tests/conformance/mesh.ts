// What every Mesh port must do, real or simulated: one suite, run against a line of three nodes A–B–C.
// The real one runs it in the lab (tests/lab/mesh_test.ts). Times are bounds of patience, not claims.
import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { isMac, type Mac } from "../../core/base/mod.ts";
import { KernelFault, type KernelFaultCode, type Mesh } from "../../core/ports/mod.ts";
import type { MeshAlgorithm, MeshSettings } from "../../core/ports/mod.ts";

/** One node of the line. */
export interface MeshFixtureNode {
  readonly mesh: Mesh;
  /** Name of its mesh interface; up, with traffic allowed. */
  readonly name: string;
  /** MAC address of the mesh interface. */
  readonly mac: Mac;
  /** Names of its hard interfaces, all up: one towards each neighbour, or one for all. */
  readonly hardInterfaces: readonly string[];
}

/** A line of three nodes, routing from the start. */
export interface MeshFixture extends AsyncDisposable {
  readonly algorithm: MeshAlgorithm;
  readonly a: MeshFixtureNode;
  readonly b: MeshFixtureNode;
  readonly c: MeshFixtureNode;
  /** Lets time pass: real, or virtual. */
  settle(ms: number): Promise<void>;
  /** Breaks the edge between B and C. */
  cut(): Promise<void>;
  /** Mends it. */
  heal(): Promise<void>;
  /** Puts a VLAN on A's mesh interface; absent where the implementation has no links. */
  readonly addVlan?: (vlan: number) => Promise<void>;
}

/** Opens a fixture; each test closes what it opened. */
export type OpenMesh = (algorithm: MeshAlgorithm) => Promise<MeshFixture>;

const PATIENCE_STEPS = 240;
const STEP_MS = 250;
const NOBODY = "02:de:ad:00:00:01";

/** Waits until `look` returns a value other than `null`. */
async function eventually<T>(
  fixture: MeshFixture,
  what: string,
  look: () => Promise<T | null>,
): Promise<T> {
  for (let i = 0; i < PATIENCE_STEPS; i++) {
    const found = await look();
    if (found !== null) return found;
    await fixture.settle(STEP_MS);
  }
  throw new Error(`Waited in vain for: ${what}`);
}

async function rejectsWith(code: KernelFaultCode, action: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(action, KernelFault);
  assertEquals(error.code, code, error.message);
}

async function originatorOf(node: MeshFixtureNode): Promise<Mac> {
  const { originator } = await node.mesh.info(node.name);
  assert(originator !== null, `${node.name} has no originator address`);
  return originator;
}

/** Waits until A and C know a best route to each other. */
async function converge(fixture: MeshFixture): Promise<void> {
  for (const [from, to] of [[fixture.a, fixture.c], [fixture.c, fixture.a]] as const) {
    const target = await originatorOf(to);
    await eventually(fixture, `route to ${target}`, async () => {
      const rows = await from.mesh.originators(from.name);
      return rows.find((row) => row.best && row.originator === target) ?? null;
    });
  }
}

type Check = (fixture: MeshFixture) => Promise<void>;

const describesItself: Check = async (fixture) => {
  for (const node of [fixture.a, fixture.b, fixture.c]) {
    const info = await node.mesh.info(node.name);
    assertEquals([info.mesh, info.algorithm, info.mac], [node.name, fixture.algorithm, node.mac]);
    assert(info.originator !== null && isMac(info.originator));
    assertGreater(info.version.length, 0);
  }
  const algorithms = await fixture.a.mesh.algorithms();
  assert(algorithms.includes(fixture.algorithm), `have ${algorithms}`);
  await rejectsWith("no-such-link", () => fixture.a.mesh.info("no-such-mesh"));
  await rejectsWith("no-such-link", () => fixture.a.mesh.originators("no-such-mesh"));
};

const listsHardInterfaces: Check = async (fixture) => {
  const v = fixture.algorithm === "BATMAN_V";
  for (const node of [fixture.a, fixture.b, fixture.c]) {
    const hard = await node.mesh.hardInterfaces(node.name);
    assertEquals(hard.map((item) => item.name).sort(), [...node.hardInterfaces].sort());
    for (const item of hard) {
      assertEquals([item.mesh, item.active, isMac(item.mac)], [node.name, true, true]);
      assertEquals(item.elpIntervalMs !== null, v, "elpIntervalMs is BATMAN_V's");
      assertEquals(item.throughputOverrideKbps !== null, v, "throughput override is BATMAN_V's");
    }
    const primary = await originatorOf(node);
    assert(hard.some((item) => item.mac === primary), "the originator is a hard interface");
  }
};

const routes: Check = async (fixture) => {
  const { a, b, c } = fixture;
  const [ownB, ownC] = [await originatorOf(b), await originatorOf(c)];
  const hopsToB = (await b.mesh.hardInterfaces(b.name)).map((item) => item.mac);
  const rows = await a.mesh.originators(a.name);
  for (const target of [ownB, ownC]) {
    const best = rows.filter((row) => row.best && row.originator === target);
    assertEquals(best.length, 1, `best routes to ${target}`);
    const [row] = best;
    assert(row !== undefined && hopsToB.includes(row.nextHop), "the next hop is B");
    assert(a.hardInterfaces.includes(row.hardInterface));
    assert(row.lastSeenMs >= 0);
    if (fixture.algorithm === "BATMAN_IV") {
      assert(row.tq !== null && row.tq > 0 && row.tq <= 255, `tq ${row.tq}`);
      assertEquals(row.throughputKbps, null);
    } else {
      assert(row.throughputKbps !== null && row.throughputKbps > 0, `${row.throughputKbps}`);
      assertEquals(row.tq, null);
    }
  }
  const own = await originatorOf(a);
  assert(!rows.some((row) => row.originator === own), "a node is no originator of its own table");
};

const neighbours: Check = async (fixture) => {
  const { a, b, c } = fixture;
  const macs = async (node: MeshFixtureNode) =>
    (await node.mesh.hardInterfaces(node.name)).map((item) => item.mac);
  const [ofA, ofB, ofC] = [await macs(a), await macs(b), await macs(c)];
  const seen = await a.mesh.neighbours(a.name);
  assertEquals(seen.length, 1, "A hears B alone");
  const both = await b.mesh.neighbours(b.name);
  assert(seen.every((row) => ofB.includes(row.neighbour)));
  assert(both.some((row) => ofA.includes(row.neighbour)), "B hears A");
  assert(both.some((row) => ofC.includes(row.neighbour)), "B hears C");
  for (const row of [...seen, ...both]) {
    assertEquals(row.throughputKbps !== null, fixture.algorithm === "BATMAN_V");
  }
};

const translates: Check = async (fixture) => {
  const { a, c } = fixture;
  const [ownA, ownC] = [await originatorOf(a), await originatorOf(c)];
  const local = await a.mesh.localClients(a.name);
  const self = local.find((client) => client.mac === a.mac && client.vlan === null);
  assert(self !== undefined, "the mesh interface is its own client");
  assert(self.flags.includes("no-purge"));
  assertEquals(self.lastSeenMs, null);
  const client = await eventually(fixture, "C's client at A", async () => {
    const rows = await a.mesh.globalClients(a.name);
    return rows.find((row) => row.mac === c.mac && row.vlan === null && row.best) ?? null;
  });
  assertEquals(client.originator, ownC);
  assert(!client.flags.includes("deleted"));
  assertEquals(await a.mesh.translate(a.name, c.mac), ownC);
  assertEquals(await a.mesh.translate(a.name, ownC), ownC);
  assertEquals(await a.mesh.translate(a.name, ownA), ownA);
  assertEquals(await a.mesh.translate(a.name, a.mac), ownA);
  assertEquals(await a.mesh.translate(a.name, NOBODY), null);
};

const pings: Check = async (fixture) => {
  const { a, b, c } = fixture;
  const [ownB, ownC] = [await originatorOf(b), await originatorOf(c)];
  const ask = (to: Mac) =>
    eventually(
      fixture,
      `answer of ${to}`,
      () => a.mesh.ping(a.name, to, { timeoutMs: 2000 }).catch(() => null),
    );
  const near = await ask(ownB);
  const far = await ask(ownC);
  assertEquals([near.originator, far.originator], [ownB, ownC]);
  assert(near.rttMs >= 0 && far.rttMs >= 0);
  assertEquals(near.ttl - far.ttl, 1, "every hop on the way takes one");
  await rejectsWith("unreachable", () => a.mesh.ping(a.name, NOBODY, { timeoutMs: 200 }));
};

const traces: Check = async (fixture) => {
  const { a, b, c } = fixture;
  const [ownB, ownC] = [await originatorOf(b), await originatorOf(c)];
  const path = await eventually(fixture, "a complete trace", async () => {
    const hops = await Array.fromAsync(a.mesh.traceroute(a.name, ownC, { timeoutMs: 2000 }));
    return hops.every((hop) => hop.originator !== null) ? hops : null;
  });
  assertEquals(path.map((hop) => [hop.hop, hop.originator, hop.reached]), [
    [1, ownB, false],
    [2, ownC, true],
  ]);
  assert(path.every((hop) => hop.rttsMs.length > 0 && hop.rttsMs.every((rtt) => rtt >= 0)));
  await rejectsWith(
    "unreachable",
    () => Array.fromAsync(a.mesh.traceroute(a.name, NOBODY, { timeoutMs: 200 })),
  );
};

const measures: Check = async (fixture) => {
  const { a, c } = fixture;
  const ownC = await originatorOf(c);
  const result = await a.mesh.throughput(a.name, ownC, { durationMs: 1000 });
  assertEquals(result.originator, ownC);
  assert(result.bytes > 0 && result.kbps > 0 && result.durationMs > 0);
  assert(Math.abs(result.kbps - result.bytes * 8 / result.durationMs) < 1, "kbps fits bytes");
  await rejectsWith(
    "unreachable",
    () => a.mesh.throughput(a.name, NOBODY, { durationMs: 500 }),
  );
  const signal = AbortSignal.abort();
  await rejectsWith(
    "cancelled",
    () => a.mesh.throughput(a.name, ownC, { durationMs: 60_000, signal }),
  );
};

const announcesGateways: Check = async (fixture) => {
  const { a, c } = fixture;
  await c.mesh.configure(c.name, {
    gatewayMode: "server",
    gatewayDownKbps: 50_000,
    gatewayUpKbps: 10_000,
  });
  const ownC = await originatorOf(c);
  const gateway = await eventually(fixture, "C's gateway at A", async () => {
    const rows = await a.mesh.gateways(a.name);
    return rows.find((row) => row.originator === ownC && row.downKbps === 50_000) ?? null;
  });
  assertEquals(gateway.upKbps, 10_000);
  assert(a.hardInterfaces.includes(gateway.hardInterface) && isMac(gateway.router));
  assertEquals(gateway.tq !== null, fixture.algorithm === "BATMAN_IV");
  assertEquals(gateway.throughputKbps !== null, fixture.algorithm === "BATMAN_V");
  await c.mesh.configure(c.name, { gatewayMode: "off" });
  await eventually(fixture, "the gateway's end", async () => {
    const rows = await a.mesh.gateways(a.name);
    return rows.some((row) => row.originator === ownC) ? null : true;
  });
};

const keepsSettings: Check = async ({ a }) => {
  const before = (await a.mesh.info(a.name)).settings;
  const change: MeshSettings = {
    aggregatedOgms: !before.aggregatedOgms,
    apIsolation: !before.apIsolation,
    isolationMark: 0x10,
    isolationMask: 0xf0,
    bonding: !before.bonding,
    bridgeLoopAvoidance: before.bridgeLoopAvoidance,
    distributedArpTable: !before.distributedArpTable,
    fragmentation: !before.fragmentation,
    gatewayMode: "client",
    gatewayDownKbps: 20_000,
    gatewayUpKbps: 4_000,
    gatewaySelectionClass: 30,
    hopPenalty: 42,
    multicastForceflood: !before.multicastForceflood,
    multicastFanout: 7,
    originatorIntervalMs: 900,
  };
  await a.mesh.configure(a.name, change);
  assertEquals((await a.mesh.info(a.name)).settings, change);
  for (const [name, value] of Object.entries(before)) {
    await a.mesh.configure(a.name, { [name]: value });
  }
  assertEquals((await a.mesh.info(a.name)).settings, before);
};

const refusesSettings: Check = async ({ a }) => {
  const before = (await a.mesh.info(a.name)).settings;
  const rows: readonly { name: string; change: Partial<MeshSettings> }[] = [
    { name: "hop penalty above a byte", change: { hopPenalty: 256 } },
    { name: "bandwidth between units", change: { gatewayDownKbps: 150 } },
    { name: "selection class 0", change: { gatewaySelectionClass: 0 } },
    { name: "fraction", change: { originatorIntervalMs: 10.5 } },
  ];
  for (const { change } of rows) {
    await rejectsWith("invalid", () => a.mesh.configure(a.name, change));
  }
  assertEquals((await a.mesh.info(a.name)).settings, before);
};

const keepsHardInterfaceSettings: Check = async (fixture) => {
  const { a } = fixture;
  const [name] = a.hardInterfaces;
  assert(name !== undefined);
  const read = async () => (await a.mesh.hardInterfaces(a.name)).find((item) => item.name === name);
  const before = await read();
  assert(before !== undefined);
  await a.mesh.configureHardInterface(a.name, name, { hopPenalty: 5 });
  assertEquals((await read())?.hopPenalty, 5);
  await a.mesh.configureHardInterface(a.name, name, { hopPenalty: before.hopPenalty });
  if (fixture.algorithm === "BATMAN_V") {
    const change = { elpIntervalMs: 700, throughputOverrideKbps: 54_000 };
    await a.mesh.configureHardInterface(a.name, name, change);
    const after = await read();
    assertEquals([after?.elpIntervalMs, after?.throughputOverrideKbps], [700, 54_000]);
    await a.mesh.configureHardInterface(a.name, name, {
      elpIntervalMs: before.elpIntervalMs ?? 500,
      throughputOverrideKbps: before.throughputOverrideKbps ?? 0,
    });
  }
  assertEquals(await read(), before);
  await rejectsWith(
    "no-such-link",
    () => a.mesh.configureHardInterface(a.name, "no-such-link", { hopPenalty: 1 }),
  );
};

const keepsVlanSettings: Check = async (fixture) => {
  const { a, addVlan } = fixture;
  await rejectsWith("not-found", () => a.mesh.vlan(a.name, 999));
  await rejectsWith("not-found", () => a.mesh.configureVlan(a.name, 999, { apIsolation: true }));
  if (addVlan === undefined) return;
  await addVlan(42);
  assertEquals(await a.mesh.vlan(a.name, 42), { vlan: 42, apIsolation: false });
  await a.mesh.configureVlan(a.name, 42, { apIsolation: true });
  assertEquals(await a.mesh.vlan(a.name, 42), { vlan: 42, apIsolation: true });
};

const readsOtherTables: Check = async (fixture) => {
  const { a, c } = fixture;
  const ownC = await originatorOf(c);
  assertEquals(await a.mesh.claims(a.name), [], "no claims without bridge loop avoidance");
  for (const backbone of await a.mesh.backbones(a.name)) {
    assert(backbone.own && isMac(backbone.backbone), "no backbone of others without it");
  }
  for (const entry of await a.mesh.datCache(a.name)) {
    assert(isMac(entry.mac) && entry.lastSeenMs >= 0);
  }
  await eventually(fixture, "C's multicast flags at A", async () => {
    const rows = await a.mesh.multicastFlags(a.name);
    return rows.find((row) => row.originator === ownC) ?? null;
  });
};

const noticesCuts: Check = async (fixture) => {
  const { a, c } = fixture;
  const ownC = await originatorOf(c);
  await fixture.cut();
  await eventually(
    fixture,
    "silence after the cut",
    () =>
      a.mesh.ping(a.name, ownC, { timeoutMs: 500 }).then(
        () => null,
        (error: unknown) => {
          assert(error instanceof KernelFault, String(error));
          assert(error.code === "timeout" || error.code === "unreachable", error.code);
          return true;
        },
      ),
  );
  await fixture.heal();
  await eventually(
    fixture,
    "an answer after the repair",
    () => a.mesh.ping(a.name, ownC, { timeoutMs: 1000 }).catch(() => null),
  );
};

const CHECKS: readonly (readonly [string, Check])[] = [
  ["info() and algorithms() describe the mesh; an unknown name is no-such-link", describesItself],
  ["hardInterfaces() lists what was put into the mesh", listsHardInterfaces],
  ["originators() has one best next hop to every node, with the algorithm's metric", routes],
  ["neighbours() lists direct neighbours only", neighbours],
  ["translate() finds clients and nodes; localClients() and globalClients() agree", translates],
  ["ping() reaches over two hops, and refuses without a route", pings],
  ["traceroute() names every hop and ends at the destination", traces],
  ["throughput() measures, refuses without a route, and can be cancelled", measures],
  ["gateways() shows a server while it is one", announcesGateways],
  ["configure() keeps every setting", keepsSettings],
  ["configure() refuses what cannot be and changes nothing", refusesSettings],
  ["configureHardInterface() keeps every setting", keepsHardInterfaceSettings],
  ["vlan() and configureVlan() keep isolation", keepsVlanSettings],
  ["claims(), backbones(), datCache() and multicastFlags() read", readsOtherTables],
  ["a cut silences ping(), and a repair brings it back", noticesCuts],
];

/** Registers one test an algorithm; its steps share a fixture, because opening one may be slow. */
export function testMesh(
  subject: string,
  open: OpenMesh,
  algorithms: readonly MeshAlgorithm[] = ["BATMAN_IV", "BATMAN_V"],
): void {
  for (const algorithm of algorithms) {
    Deno.test(`${subject} with ${algorithm}`, async (t) => {
      await using fixture = await open(algorithm);
      await converge(fixture);
      for (const [name, check] of CHECKS) await t.step(name, () => check(fixture));
    });
  }
}
