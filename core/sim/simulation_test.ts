// The mesh as a whole: convergence, cuts, asymmetry, purging, determinism. Seeds are fixed; a failure
// is reproduced by the seed in the test's name or message.
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import type { Originator } from "../ports/mod.ts";
import { InvariantError, type Mac } from "../base/mod.ts";
import { simulate, type Simulation, type Topology } from "./mod.ts";

async function originatorOf(sim: Simulation, node: number): Promise<Mac> {
  return (await sim.kernel(node).mesh.info("bat0")).originator ?? "";
}

async function table(sim: Simulation, node: number): Promise<readonly Originator[]> {
  return await sim.kernel(node).mesh.originators("bat0");
}

async function bestHop(sim: Simulation, from: number, to: number): Promise<Originator | null> {
  const target = await originatorOf(sim, to);
  return (await table(sim, from)).find((row) => row.best && row.originator === target) ?? null;
}

/** Share of ordered pairs with a route. */
async function reach(sim: Simulation): Promise<number> {
  let routes = 0;
  for (let node = 0; node < sim.nodes; node++) {
    routes += (await table(sim, node)).filter((row) => row.best).length;
  }
  return routes / (sim.nodes * (sim.nodes - 1));
}

/** Whether following the tables from `from` arrives at `to`, hop by hop. */
async function walks(sim: Simulation, from: number, to: number): Promise<boolean> {
  const nodeOf = new Map<Mac, number>();
  for (let node = 0; node < sim.nodes; node++) nodeOf.set(await originatorOf(sim, node), node);
  let here = from;
  for (let hop = 0; hop < sim.nodes; hop++) {
    if (here === to) return true;
    const next = await bestHop(sim, here, to);
    if (next === null) return false;
    here = nodeOf.get(next.nextHop) ?? -1;
  }
  return here === to;
}

const ROWS: readonly { name: string; topology: Topology; nodes: number; afterMs: number }[] = [
  { name: "line", topology: "line", nodes: 6, afterMs: 40_000 },
  { name: "grid", topology: "grid", nodes: 25, afterMs: 40_000 },
  { name: "random", topology: "random", nodes: 30, afterMs: 60_000 },
  { name: "full", topology: "full", nodes: 10, afterMs: 15_000 },
];

for (const algorithm of ["BATMAN_IV", "BATMAN_V"] as const) {
  for (const { name, topology, nodes, afterMs } of ROWS) {
    Deno.test(`${algorithm} converges on a ${name}, and the tables lead to the destination`, async () => {
      const sim = simulate({ nodes, seed: 11, topology, mesh: { algorithm } });
      await sim.run(500);
      assertLess(await reach(sim), 1, "knowledge takes time to travel");
      await sim.run(afterMs);
      assertEquals(await reach(sim), 1);
      for (const to of [1, nodes >> 1, nodes - 1]) {
        assert(await walks(sim, 0, to), `from 0 to ${to}`);
      }
    });
  }

  Deno.test(`${algorithm} routes around a cut within OGM intervals, and back`, async () => {
    const positions = [{ x: 0, y: 0 }, { x: 90, y: 60 }, { x: 90, y: -60 }, { x: 180, y: 0 }];
    const sim = simulate({ nodes: 4, seed: 4, topology: { positions }, mesh: { algorithm } });
    sim.cut(0, 3);
    await sim.run(60_000);
    const before = (await bestHop(sim, 0, 3))?.nextHop;
    const via = before === await originatorOf(sim, 1) ? 1 : 2;
    const other = 3 - via;
    sim.cut(0, via);
    await sim.run(200);
    assertEquals((await bestHop(sim, 0, 3))?.nextHop, before, "nobody tells a node of a cut");
    await sim.run(10_000);
    assertEquals((await bestHop(sim, 0, 3))?.nextHop, await originatorOf(sim, other));
    sim.heal(0, via);
    sim.cut(0, other);
    await sim.run(15_000);
    assertEquals((await bestHop(sim, 0, 3))?.nextHop, before);
  });

  Deno.test(`${algorithm} purges a silent node after 200 s and not before`, async () => {
    const sim = simulate({ nodes: 3, seed: 2, topology: "line", mesh: { algorithm } });
    await sim.run(30_000);
    sim.failNode(2);
    await sim.run(180_000);
    const stale = await bestHop(sim, 0, 2);
    assertGreater(stale?.lastSeenMs ?? 0, 170_000);
    await sim.run(40_000);
    assertEquals(await bestHop(sim, 0, 2), null);
    assertEquals((await sim.kernel(1).mesh.neighbours("bat0")).length, 1);
  });

  Deno.test(`${algorithm}: a node that restarts is found again`, async () => {
    const sim = simulate({ nodes: 3, seed: 9, topology: "line", mesh: { algorithm } });
    await sim.run(30_000);
    sim.failNode(1);
    await sim.run(5_000);
    sim.restartNode(1);
    await sim.run(60_000);
    assertLess((await bestHop(sim, 0, 2))?.lastSeenMs ?? Infinity, 5_000);
    assert(await walks(sim, 2, 0));
  });
}

Deno.test("the same seed gives the same tables, octet for octet; another seed does not", async () => {
  const run = async (seed: number) => {
    const sim = simulate({ nodes: 40, seed, topology: "random" });
    await sim.run(20_000);
    sim.cut(3, 4);
    await sim.run(10_000);
    const all = [];
    for (let node = 0; node < sim.nodes; node++) {
      const kernel = sim.kernel(node);
      all.push(await table(sim, node), await kernel.radios.stations("wlan0"));
    }
    return JSON.stringify(all);
  };
  assertEquals(await run(1), await run(1));
  assertNotEquals(await run(1), await run(2));
});

Deno.test("BATMAN_IV counts an asymmetric link down in both directions", async () => {
  const sim = simulate({ nodes: 2, seed: 5, topology: "full" });
  await sim.run(90_000);
  const good = (await bestHop(sim, 0, 1))?.tq ?? 0;
  sim.setLoss(0, 1, 0.7, { oneWay: true });
  await sim.run(90_000);
  const sender = (await bestHop(sim, 0, 1))?.tq ?? 255;
  const receiver = (await bestHop(sim, 1, 0))?.tq ?? 255;
  assertGreater(good, 240);
  assertLess(sender, 150, "few of its OGMs are echoed");
  assertLess(receiver, 200, "few of the other's OGMs arrive");
});

Deno.test("lossy links have a lower metric, and ping sees a dead one", async () => {
  const sim = simulate({ nodes: 2, seed: 5, topology: "full", mesh: { algorithm: "BATMAN_V" } });
  await sim.run(20_000);
  const good = (await bestHop(sim, 0, 1))?.throughputKbps ?? 0;
  sim.setLoss(0, 1, 0.6);
  await sim.run(30_000);
  assertLess((await bestHop(sim, 0, 1))?.throughputKbps ?? Infinity, good * 0.7);
  sim.cut(0, 1);
  const target = await originatorOf(sim, 1);
  const answer = sim.kernel(0).mesh.ping("bat0", target, { timeoutMs: 500 })
    .then(() => "answered", (error: { code: string }) => error.code);
  await sim.run(600);
  assertEquals(await answer, "timeout");
});

Deno.test("clients and gateways are known only to those who heard of them", async () => {
  const sim = simulate({ nodes: 3, seed: 6, topology: "line" });
  await sim.run(40_000);
  const client = "02:11:22:33:44:55";
  sim.addClient(2, client, { wireless: true });
  await sim.run(50);
  const { mesh } = sim.kernel(0);
  assertEquals(await mesh.translate("bat0", client), null);
  await sim.run(10_000);
  assertEquals(await mesh.translate("bat0", client), await originatorOf(sim, 2));
  sim.removeClient(2, client);
  await sim.run(10_000);
  assertEquals(await mesh.translate("bat0", client), null);
});

Deno.test("a wire carries the mesh where no radio reaches", async () => {
  const positions = [{ x: 0, y: 0 }, { x: 50_000, y: 0 }];
  const sim = simulate({ nodes: 2, seed: 1, topology: { positions }, wires: [{ a: 0, b: 1 }] });
  await sim.run(10_000);
  assertEquals((await bestHop(sim, 0, 1))?.hardInterface, "eth0");
  sim.cut(0, 1);
  assertEquals((await sim.kernel(0).radios.stations("wlan0")).length, 0);
});

Deno.test("a bare node is silent until somebody configures it", async () => {
  const sim = simulate({ nodes: 2, seed: 1, topology: "full", bare: [0] });
  await sim.run(20_000);
  assertEquals((await sim.kernel(1).mesh.originators("bat0")).length, 0);
  const { links, radios } = sim.kernel(0);
  await radios.setMode("wlan0", "mesh");
  await links.change("wlan0", { up: true });
  const join = {
    meshId: "x0tta6bl4",
    frequencyMhz: 5180,
    widthMhz: 20,
    forwarding: false,
  } as const;
  await radios.joinMesh("wlan0", join);
  await links.create({ kind: "batadv", name: "bat0", algorithm: "BATMAN_IV" });
  await links.change("wlan0", { master: "bat0" });
  await links.change("bat0", { up: true });
  await sim.run(20_000);
  assertEquals((await sim.kernel(1).mesh.originators("bat0")).length, 1);
});

Deno.test("a thousand nodes fill their tables from what they hear", async () => {
  const sim = simulate({ nodes: 1000, seed: 1 });
  await sim.run(4_000);
  const rows = await table(sim, 500);
  assertGreater(rows.filter((row) => row.best).length, 8);
  assertLess(rows.filter((row) => row.best).length, 500, "far nodes are not known yet");
  assertGreater(sim.receptions, 10_000);
});

Deno.test("`simulate()` refuses what is no number of nodes", () => {
  for (const nodes of [0, -1, 1.5, 5000]) {
    assertThrows(() => simulate({ nodes, seed: 1 }), InvariantError);
  }
});

Deno.test("whatever happens to a mesh, its tables hold together", async () => {
  const nodes = 6;
  const node = fc.integer({ min: 0, max: nodes - 1 });
  const step = fc.oneof(
    fc.record({ act: fc.constant("cut" as const), a: node, b: node }),
    fc.record({ act: fc.constant("heal" as const), a: node, b: node }),
    fc.record({ act: fc.constant("fail" as const), a: node, b: node }),
    fc.record({ act: fc.constant("restart" as const), a: node, b: node }),
    fc.record({ act: fc.constant("move" as const), a: node, b: node }),
  );
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(step, { maxLength: 8 }), async (seed, steps) => {
      const sim = simulate({ nodes, seed });
      for (const { act, a, b } of steps) {
        if (act === "fail") sim.failNode(a);
        else if (act === "restart") sim.restartNode(a);
        else if (act === "move") sim.move(a, { x: b * 40, y: a * 40 });
        else if (a !== b) sim[act](a, b);
        await sim.run(3_000);
        await checkTables(sim);
      }
    }),
    { numRuns: 25, seed: 20 },
  );
});

async function checkTables(sim: Simulation): Promise<void> {
  for (let node = 0; node < sim.nodes; node++) {
    const own = await originatorOf(sim, node);
    const rows = await table(sim, node);
    const best = rows.filter((row) => row.best).map((row) => row.originator);
    assertEquals(new Set(best).size, best.length, "one best next hop each");
    for (const row of rows) {
      assertNotEquals(row.originator, own);
      assert(row.tq !== null && row.tq >= 0 && row.tq <= 255);
      assert(row.lastSeenMs >= 0);
    }
  }
}
