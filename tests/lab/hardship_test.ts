// Runs in a lab guest. A node in a bad hour: it starts in 1970, as boards without a battery do, and its
// radio is pulled out. It meshes all the same, says what is wrong, and loses nothing that it had.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { type Daemons, meshConfig, startDaemons } from "./daemons.ts";
import { unplug } from "./radios/fixture.ts";
import { line, radioTopology, shell, type Topology } from "./topology.ts";

const TRIES = 240;

loadLibc();

interface Check {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
}

interface Happened {
  readonly type: string;
  readonly atMs: number;
  readonly message: string;
}

async function eventually<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < TRIES; tries++) {
    const value = await read();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`Did not come true: ${what}`);
}

/** A node that is not ready answers with status 503, which is what is to be read here. */
async function checkOf(daemons: Daemons, id: number, name: string): Promise<Check | undefined> {
  const response = await fetch(`${daemons.of(id).url}/health/ready`);
  const { checks } = await response.json() as { readonly checks: readonly Check[] };
  return checks.find((check) => check.name === name);
}

async function eventsOf(daemons: Daemons, id: number, type: string): Promise<readonly Happened[]> {
  const page = await daemons.get(
    id,
    `/api/v1/events?${type === "" ? "" : `type=${type}&`}limit=50`,
  );
  return (page as { readonly items: readonly Happened[] }).items;
}

async function exported(daemons: Daemons, id: number): Promise<string> {
  const response = await fetch(`${daemons.of(id).url}/api/v1/config/export`);
  assert(response.ok, `config export: status ${response.status}`);
  return await response.text();
}

/** Sets the guest's clock for one test. */
async function inYear1970(): Promise<AsyncDisposable & { heal(): Promise<void> }> {
  const before = { wallS: Math.floor(Date.now() / 1000), monotonicMs: performance.now() };
  await shell(["date -s @1000"]);
  const heal = async () => {
    const passedS = Math.floor((performance.now() - before.monotonicMs) / 1000);
    await shell([`date -s @${before.wallS + passedS}`]);
  };
  return { heal, [Symbol.asyncDispose]: heal };
}

async function meshes(mesh: Topology): Promise<void> {
  assert(await mesh.pings(1, 2, 120), "no ping over the mesh");
}

Deno.test("a node that starts in 1970 and loses its radio", async (t) => {
  await using clock = await inYear1970();
  // Not its own disposal: that would take back a radio that is gone. The kernel does it by itself.
  const mesh = await radioTopology(2, line(2), { joinMesh: false });
  try {
    await using daemons = await startDaemons(mesh);
    await daemons.ready();

    await t.step("in 1970 it meshes, and says that the clock is not set", async () => {
      await meshes(mesh);
      const check = await checkOf(daemons, 1, "clock");
      assertEquals(check?.state, "degraded");
      assertMatch(check?.reason ?? "", /1970/);
    });

    await t.step("once the clock is set it says so, and nothing of before is lost", async () => {
      const types = async () => (await eventsOf(daemons, 1, "")).map(({ type }) => type);
      const before = await types();
      assert(before.includes("node.started"), before.join());
      await clock.heal();
      await eventually("the clock counts as set", async () => {
        return (await checkOf(daemons, 1, "clock"))?.state === "ok" ? true : undefined;
      });
      const after = await types();
      for (const type of before) assert(after.includes(type), `${type} is forgotten`);
      await meshes(mesh);
    });

    const before = await exported(daemons, 1);
    const { phy, ns } = mesh.node(1);
    assert(phy !== undefined);

    await t.step("a radio that is pulled out is told, and the node goes on answering", async () => {
      await unplug(phy, ns);
      const [gone] = await eventually("an event tells it", async () => {
        const found = await eventsOf(daemons, 1, "radio.unplugged");
        return found.length > 0 ? found : undefined;
      });
      assertMatch(gone?.message ?? "", /is gone/);
      await eventually("the neighbour counts as lost", async () => {
        return (await eventsOf(daemons, 1, "neighbour.lost")).length > 0 ? true : undefined;
      });
      const radios = await daemons.get(1, "/api/v1/radios") as { readonly items: unknown[] };
      assertEquals(radios.items, []);
    });

    await t.step("its document is kept as it was", async () => {
      assertEquals(await exported(daemons, 1), before);
      assertEquals(await Deno.readTextFile(daemons.of(1).configFile), meshConfig(1));
    });
  } finally {
    await shell([
      ...mesh.nodes.map(({ ns }) => `ip netns delete ${ns}`),
      "modprobe -r mac80211_hwsim",
    ]);
  }
});
