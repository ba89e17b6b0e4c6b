// Runs in a lab guest. The appliance's main job, seen from outside: three nodes with the project's own
// program and a radio each form a mesh, tell the same as batctl, see a link go, and undo a bad
// configuration by themselves. Nodes are in a line: n1 and n3 hear only n2.

import { assert, assertEquals } from "@std/assert";
import { type Daemons, meshConfig, startDaemons } from "./daemons.ts";
import { line, radioTopology, type Topology } from "./topology.ts";

const LIMIT_MS = 180_000;

interface List<T> {
  readonly items: readonly T[];
}

interface Originator {
  readonly originator: string;
  readonly nextHop: string;
  readonly hardInterface: string;
  readonly best: boolean;
}

/** Asks again until `read` gives a value; fails with `what` and the last error after LIMIT_MS. */
async function eventually<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
  const deadlineMs = performance.now() + LIMIT_MS;
  let last: unknown = "no value";
  do {
    try {
      const value = await read();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  } while (performance.now() < deadlineMs);
  throw new Error(`Not in ${LIMIT_MS / 1000} s: ${what}: ${last}`);
}

async function items<T>(daemons: Daemons, id: number, path: string): Promise<readonly T[]> {
  return (await daemons.get(id, path) as List<T>).items;
}

/** Address of a node's mesh interface, as its neighbours know it. */
async function meshMac(mesh: Topology, id: number): Promise<string> {
  return await mesh.mac(id, "mesh0");
}

/** Best routes of a node by batctl: "originator via next hop on interface". */
async function batctlRoutes(mesh: Topology, id: number): Promise<string[]> {
  const json = await mesh.exec(id, "batctl", "meshif", "bat0", "originators_json");
  const entries = JSON.parse(json) as readonly {
    readonly orig_address: string;
    readonly neigh_address: string;
    readonly hard_ifname: string;
    readonly best?: boolean;
  }[];
  return entries.filter((entry) => entry.best === true)
    .map((entry) => `${entry.orig_address} via ${entry.neigh_address} on ${entry.hard_ifname}`)
    .sort();
}

async function apiRoutes(daemons: Daemons, id: number): Promise<string[]> {
  const entries = await items<Originator>(daemons, id, "/api/v1/mesh/originators");
  return entries.filter((entry) => entry.best)
    .map((entry) => `${entry.originator} via ${entry.nextHop} on ${entry.hardInterface}`)
    .sort();
}

async function hasEvent(daemons: Daemons, id: number, type: string): Promise<true | undefined> {
  const events = await items<{ readonly type: string }>(
    daemons,
    id,
    `/api/v1/events?type=${type}&limit=5`,
  );
  return events.some((event) => event.type.startsWith(type)) ? true : undefined;
}

/** Posts a document to a node's unix socket, from where alone changes are accepted. */
async function apply(mesh: Topology, daemons: Daemons, id: number, toml: string): Promise<void> {
  const file = `/run/x0/apply-${id}.json`;
  await Deno.writeTextFile(file, JSON.stringify({ toml, confirmWithinS: 5 }));
  await mesh.exec(
    id,
    ...["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "120"],
    ...["--unix-socket", `${daemons.of(id).dataDir}/api.sock`],
    ...["--header", "content-type: application/json", "--data", `@${file}`],
    "http://localhost/api/v1/config/apply",
  );
}

Deno.test("three nodes mesh, tell the truth, see a cut and undo a bad configuration", async (t) => {
  const said: string[] = [];
  await using mesh = await radioTopology(3, line(3), { joinMesh: false });
  await using daemons = await startDaemons(mesh, {
    log: (id, text) => said.push(`n${id}: ${text}`),
  });

  await t.step("the mesh forms over two hops", async () => {
    await daemons.ready();
    const [near, far] = [await meshMac(mesh, 2), await meshMac(mesh, 3)];
    await eventually("n1 reaches n3 through n2", async () => {
      const routes = await apiRoutes(daemons, 1);
      return routes.includes(`${far} via ${near} on mesh0`) ? true : undefined;
    });
    assert(await mesh.pings(1, 3, 60), "no ping from n1 to n3 through n2");
  });

  await t.step("every node's routes equal batctl's", async () => {
    for (const { id } of mesh.nodes) {
      await eventually(`n${id} agrees with batctl`, async () => {
        const [ours, theirs] = [await apiRoutes(daemons, id), await batctlRoutes(mesh, id)];
        assertEquals(ours, theirs);
        assertEquals(theirs.length, 2);
        return true;
      });
    }
  });

  await t.step("a cut link shows in the tables and in the events", async () => {
    assertEquals(await hasEvent(daemons, 1, "neighbour.lost"), undefined);
    await mesh.cut(1, 2);
    await eventually("n1 tells that n2 is lost", () => hasEvent(daemons, 1, "neighbour.lost"));
    await mesh.heal(1, 2);
    assert(await mesh.pings(1, 3, 60), "no ping after the link healed");
  });

  await t.step("a configuration that isolates a node is undone by itself", async () => {
    const bad = meshConfig(1).replace('id = "lab"', 'id = "elsewhere"');
    await apply(mesh, daemons, 1, bad);
    assertEquals(await hasEvent(daemons, 1, "config.applied"), true);
    assertEquals(await mesh.pings(1, 3, 1), false, "the bad configuration was not in force");
    await eventually("n1 undid it", () => hasEvent(daemons, 1, "config.rolled-back"));
    assert(await mesh.pings(1, 3, 90), "no ping after the rollback");
  });

  assertEquals(said.filter((text) => /panic|Uncaught|InvariantError/.test(text)), []);
});
