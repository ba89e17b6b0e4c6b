// respondd of a running daemon, asked over UDP as a map asks. Groups on real links: tests/lab.
import { assert, assertEquals, assertObjectMatch, assertThrows } from "@std/assert";
import { eventually, inTemporary, startDaemon } from "./daemon.ts";
import { askRespondd, readRespondd } from "./respondd_client.ts";

function freePort(): number {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "::", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  socket.close();
  return port;
}

async function writeConfig(directory: string, port: number, enabled: boolean): Promise<void> {
  await Deno.writeTextFile(
    `${directory}/config.toml`,
    `[node]\nname = "tower"\ncontact = "mesh@example.org"\n` +
      `[respondd]\nenabled = ${enabled}\nport = ${port}\n`,
  );
}

Deno.test("`run` answers maps, compressed and plain, over IPv6 and IPv4", () =>
  inTemporary(async (directory) => {
    const port = freePort();
    await writeConfig(directory, port, true);
    const daemon = await startDaemon(directory);
    const ask = async (request: string, address: string) => {
      const answer = await askRespondd(request, { address, port, timeoutMs: 20_000 });
      assert(answer !== null, `no answer to "${request}" over ${address}`);
      return answer;
    };
    await eventually("a neighbour is an originator too", async () => {
      const { items } = await daemon.json("/api/v1/mesh/originators") as {
        items: { originator: string; nextHop: string }[];
      };
      return items.some(({ originator, nextHop }) => originator === nextHop);
    });
    const all = "GET nodeinfo statistics neighbours";
    const compressed = await ask(all, "::1");
    assertThrows(() => JSON.parse(new TextDecoder().decode(compressed)));
    const { nodeinfo, statistics, neighbours } = readRespondd(all, compressed) as Record<
      string,
      Record<string, unknown>
    >;
    assertObjectMatch(nodeinfo ?? {}, {
      hostname: "tower",
      owner: { contact: "mesh@example.org" },
      hardware: { model: "simulated node" },
    });
    const ids = [nodeinfo, statistics, neighbours].map((section) => section?.["node_id"]);
    assertEquals(new Set(ids).size, 1);
    const heard = Object.values(neighbours?.["batadv"] as Record<string, { neighbours: object }>);
    assert(heard.some((one) => Object.keys(one.neighbours).length > 0), "no neighbour is told");
    const plain = readRespondd("nodeinfo", await ask("nodeinfo", "127.0.0.1"));
    assertEquals(plain, nodeinfo);
    const unknown = await askRespondd("GET rubbish", { address: "::1", port, timeoutMs: 500 });
    assertEquals(unknown, null);
    assertEquals((await daemon.stop()).code, 0);
  }));

Deno.test("`run` leaves the maps' port alone while respondd is off", () =>
  inTemporary(async (directory) => {
    const port = freePort();
    await writeConfig(directory, port, false);
    const daemon = await startDaemon(directory);
    // Free for somebody else: nobody listens there.
    Deno.listenDatagram({ transport: "udp", hostname: "::", port }).close();
    const health = await daemon.json("/health/ready") as { checks: { name: string }[] };
    assert(!health.checks.some(({ name }) => name === "respondd"));
    assertEquals((await daemon.stop()).code, 0);
  }));

Deno.test("`run` with the maps' port in use goes on and says so in health", () =>
  inTemporary(async (directory) => {
    const taken = Deno.listenDatagram({ transport: "udp", hostname: "::", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    await writeConfig(directory, port, true);
    const daemon = await startDaemon(directory);
    const health = await daemon.json("/health/ready") as {
      checks: { name: string; state: string; reason: string }[];
    };
    const check = health.checks.find(({ name }) => name === "respondd");
    assertEquals(check?.state, "degraded");
    assert(check?.reason.includes(`UDP port ${port}`), check?.reason);
    taken.close();
    assertEquals((await daemon.stop()).code, 0);
  }));
