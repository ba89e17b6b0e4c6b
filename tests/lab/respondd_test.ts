// Runs in a lab guest. respondd on the mesh: a map on one node asks the groups on its bat0 or its bridge,
// and the node on the other end of the wire answers through the link the question came from, although it
// has others with link-local addresses.
import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { startDaemons } from "./daemons.ts";
import { line, type Topology, wireTopology } from "./topology.ts";

const ALL = "GET nodeinfo statistics neighbours";

/** The first node answers maps, the second does not. The map that asks runs on a node itself, whose filter
 * has to let answers in: they come from an address that nothing was sent to, so none belongs to a known
 * flow. */
function document(id: number): string {
  return `[node]
name = "n${id}"
[mesh]
bridge_loop_avoidance = false
originator_interval_ms = 300
[[mesh.wired]]
interface = "to${3 - id}"
[lan]
addresses = ["fd09::${id}/64"]
[[firewall.rules]]
comment = "Answers to this node's map"
protocol = "udp"
ports = ["32768-60999"]
source = "fe80::/10"
[[firewall.rules]]
comment = "Answers to this node's map"
protocol = "udp"
ports = ["32768-60999"]
source = "fd09::/64"
[respondd]
enabled = ${id === 1}
`;
}

/** Asks from a node until an answer comes; `null` after `tries`. */
async function ask(
  mesh: Topology,
  from: number,
  address: string,
  request: string,
  tries = 20,
): Promise<Record<string, unknown> | null> {
  const program = "tests/integration/respondd_client.ts";
  for (let i = 0; i < tries; i++) {
    const argv = ["deno", "run", "-A", "--no-check", "--cached-only", program];
    const said = await mesh.exec(from, ...argv, address, "1001", request, "4000");
    if (said.trim() !== "") return JSON.parse(said);
  }
  return null;
}

Deno.test("a node answers maps in both groups on the mesh, and not where respondd is off", async () => {
  await using mesh = await wireTopology(2, line(2));
  await using daemons = await startDaemons(mesh, { config: document });
  await daemons.ready();
  const mac = await mesh.mac(1, "to2");
  for (const group of ["ff02::2:1001%br-lan", "ff05::2:1001%br-lan"]) {
    const answer = await ask(mesh, 2, group, ALL);
    assert(answer !== null, `no answer from ${group}`);
    assertObjectMatch(answer, { nodeinfo: { hostname: "n1", node_id: mac.replaceAll(":", "") } });
    assertEquals(Object.keys(answer).sort(), ["neighbours", "nodeinfo", "statistics"]);
    const plain = await ask(mesh, 2, group, "nodeinfo");
    assertEquals(plain?.["hostname"], "n1");
  }
  assertEquals((await ask(mesh, 2, "fd09::1", "nodeinfo"))?.["hostname"], "n1");
  await mesh.exec(1, "ping", "-c1", "-W5", "-q", "fd09::2");
  assertEquals(await ask(mesh, 1, "fd09::2", "nodeinfo", 1), null);
});
