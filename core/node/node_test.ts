import { assert, assertEquals, assertRejects } from "@std/assert";
import { KernelFault } from "../ports/mod.ts";
import { simulate } from "../sim/mod.ts";
import { judgeHealth } from "./health.ts";
import { createNode } from "./node.ts";
import type { EventDraft, SnapshotSource } from "./ports.ts";
import type { Change, NodeIdentity, NodeSnapshot } from "./types.ts";

const IDENTITY: NodeIdentity = {
  name: "test",
  version: "0",
  kernel: { kind: "simulated", description: "test" },
  startedAtMs: 0,
  simulatedBecause: null,
};

const EMPTY: NodeSnapshot = {
  revision: 1,
  takenAtMs: 0,
  links: [],
  addresses: [],
  mesh: null,
  radios: [],
  wirelessInterfaces: [],
  stations: [],
  surveys: [],
  regulatoryDomain: null,
  services: [],
  problems: [],
};

async function meshNode() {
  const simulation = simulate({ nodes: 3, seed: 7, topology: "line" });
  await simulation.run(20_000);
  simulation.addClient(2, "02:c1:00:00:00:01", { ip: "10.0.0.9" });
  await simulation.run(10_000);
  const kernel = simulation.kernel(0);
  const name = simulation.meshInterface;
  const snapshot: NodeSnapshot = {
    ...EMPTY,
    mesh: {
      info: await kernel.mesh.info(name),
      hardInterfaces: await kernel.mesh.hardInterfaces(name),
      originators: await kernel.mesh.originators(name),
      neighbours: await kernel.mesh.neighbours(name),
      gateways: [],
      localClients: await kernel.mesh.localClients(name),
      globalClients: await kernel.mesh.globalClients(name),
    },
  };
  const listeners: ((change: Change) => void)[] = [];
  let wanted = 0;
  const source: SnapshotSource = {
    current: () => snapshot,
    wanted: () => wanted++,
    refresh: () => Promise.resolve(),
    subscribe(listener) {
      listeners.push(listener);
      return () => {};
    },
    checks: () => [],
  };
  const bugs: unknown[] = [];
  const node = createNode({
    identity: IDENTITY,
    kernel,
    clock: simulation.clock,
    observer: source,
    store: {
      events: {
        add: (drafts: readonly EventDraft[]) =>
          drafts.map((draft, id) => ({ id, atMs: 0, data: {}, ...draft })),
        query: () => [],
      },
      metrics: {
        record: () => {},
        names: () => [],
        query: () => ({ subject: "", metric: "", resolutionS: 1, points: [] }),
      },
      figures: () => ({ databaseBytes: 1, writtenBytes: 2 }),
      checks: () => [],
    },
    memory: () => ({ rssBytes: 3, heapUsedBytes: 4 }),
    onBug: (thrown) => bugs.push(thrown),
  });
  const tell = (change: Change) => listeners.forEach((listener) => listener(change));
  return { simulation, node, snapshot, tell, bugs, kernel, wanted: () => wanted };
}

Deno.test("`NodeService.resolve()` finds originators by MAC, client and IP", async (t) => {
  const { simulation, node, snapshot, kernel } = await meshNode();
  const far = snapshot.mesh?.globalClients.find(({ mac }) => mac === "02:c1:00:00:00:01")
    ?.originator;
  assert(far !== undefined, "the client is announced");
  const own = snapshot.mesh?.info.originator ?? "";
  const rows = [
    ["an originator", far, far],
    ["an originator in capitals and dashes", far.toUpperCase().replaceAll(":", "-"), far],
    ["a client", "02:c1:00:00:00:01", far],
    ["this node", own, own],
  ] as const;
  for (const [name, target, expected] of rows) {
    await t.step(name, async () => assertEquals(await node.resolve(target), expected));
  }
  for (const target of ["02:ff:ff:ff:ff:ff", "10.99.99.99", "fd00::99", "nobody", ""]) {
    await t.step(`not "${target}"`, async () => {
      const error = await assertRejects(() => node.resolve(target), KernelFault);
      assertEquals(error.code, "not-found");
    });
  }
  await t.step("and pings it", async () => {
    const pinging = node.ping("02:c1:00:00:00:01", { timeoutMs: 1_000 });
    await simulation.run(1_000);
    assertEquals((await pinging).originator, far);
  });
  await kernel.close();
});

Deno.test("`NodeService.subscribe()` calls back later, in order, and each on its own", async () => {
  const { node, tell, bugs, kernel, wanted } = await meshNode();
  const heard: number[] = [];
  const end = node.subscribe(({ revision }) => {
    if (revision === 1) tell({ topics: ["links"], revision: 2 });
    heard.push(revision);
  });
  node.subscribe(() => {
    throw new Error("a bug");
  });
  const before = wanted();
  tell({ topics: ["mesh"], revision: 1 });
  assertEquals(heard, []);
  await Promise.resolve();
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(heard, [1, 2]);
  assertEquals(bugs.length, 2);
  assert(wanted() > before, "whoever is told wants fresh readings");
  end();
  tell({ topics: ["mesh"], revision: 3 });
  node.record([{ severity: "info", type: "x", subject: "", message: "x" }]);
  await Promise.resolve();
  assertEquals(heard, [1, 2]);
  await kernel.close();
});

Deno.test("`NodeService.slowTable()` reads once for many", async () => {
  const { simulation, node, kernel } = await meshNode();
  const first = node.slowTable("routes");
  assert(node.slowTable("routes") === first);
  await first;
  await simulation.run(1_001);
  assert(node.slowTable("routes") !== first);
  await kernel.close();
});

Deno.test("`judgeHealth()` tells the truth", async (t) => {
  const { snapshot, kernel } = await meshNode();
  await kernel.close();
  const mesh = snapshot.mesh;
  assert(mesh !== null);
  const inactive = mesh.hardInterfaces.map((entry) => ({ ...entry, active: false }));
  const rows = [
    ["all well", snapshot, true, [], "ok", true],
    ["not started", snapshot, false, [], "degraded", false],
    ["no mesh", { ...snapshot, mesh: null }, true, [], "failed", false],
    ["nothing read", { ...EMPTY, revision: 0 }, true, [], "failed", false],
    [
      "no hard interface",
      { ...snapshot, mesh: { ...mesh, hardInterfaces: [] } },
      true,
      [],
      "failed",
      true,
    ],
    [
      "inactive",
      { ...snapshot, mesh: { ...mesh, hardInterfaces: inactive } },
      true,
      [],
      "failed",
      true,
    ],
    [
      "database",
      snapshot,
      true,
      [{ name: "database", state: "degraded", reason: "x" }],
      "degraded",
      true,
    ],
  ] as const;
  for (const [name, state, started, others, status, ready] of rows) {
    await t.step(name, () => {
      const health = judgeHealth({
        identity: IDENTITY,
        snapshot: state,
        others,
        started,
        stopping: false,
      });
      assertEquals([health.status, health.ready], [status, ready]);
      assert(health.checks.every(({ reason }) => reason.length > 0));
    });
  }
});
