// Runs in a lab guest. The topologies that other lab tests build on, seen by the reference tools.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { NETLINK_GENERIC, openNetlink } from "../../ffi/netlink/mod.ts";
import {
  airTopology,
  diamond,
  line,
  radioTopology,
  type Topology,
  wireTopology,
} from "./topology.ts";

// The bindings load libc once and keep it; done here, no test is blamed for it.
openNetlink(NETLINK_GENERIC).close();

async function stations(topology: Topology, id: number): Promise<number> {
  const dump = await topology.exec(id, "iw", "dev", "wlan0", "station", "dump");
  return dump.split("\n").filter((text) => text.startsWith("Station ")).length;
}

Deno.test("radioTopology() carries a ping over three hops and stops at a cut edge", async () => {
  await using topology = await radioTopology(4, line(4));
  await topology.startBatman("BATMAN_V");
  assert(await topology.pings(1, 4, 60), "no ping from n1 to n4");
  assertEquals(await Promise.all([1, 2, 3, 4].map((id) => stations(topology, id))), [1, 2, 2, 1]);
  await topology.cut(2, 3);
  assertEquals(await topology.pings(2, 3, 2), false);
  await topology.heal(2, 3);
  assert(await topology.pings(1, 4, 60), "no ping after the edge healed");
});

Deno.test("wireTopology() takes the carrier from both ends of a cut edge", async () => {
  await using topology = await wireTopology(4, diamond);
  assertEquals(topology.node(1).devices, ["to2", "to3"]);
  await topology.startBatman("BATMAN_IV");
  assert(await topology.pings(1, 4, 60), "no ping from n1 to n4");
  const carrier = async (id: number, device: string) =>
    (await topology.exec(id, "cat", `/sys/class/net/${device}/carrier`)).trim();
  await topology.cut(1, 2);
  assertEquals([await carrier(1, "to2"), await carrier(2, "to1")], ["0", "0"]);
  assert(await topology.pings(1, 4, 60), "no ping over n3");
  await topology.heal(1, 2);
  await topology.cutSilently(1, 3);
  assertEquals([await carrier(1, "to3"), await carrier(1, "to2")], ["1", "1"]);
  assert(await topology.pings(1, 4, 60), "no ping over n2");
  assertStringIncludes(await topology.exec(1, "batctl", "meshif", "bat0", "neighbors"), "to2");
});

Deno.test("airTopology() loses the share of broadcasts it was told to lose", async () => {
  await using topology = await airTopology(2, line(2));
  topology.setEdge(1, 2, { signalDbm: -71 });
  for (const id of [1, 2]) {
    await topology.exec(id, "ip", "addr", "add", `10.8.0.${id}/24`, "dev", "wlan0");
  }
  const answered = async (address: string) => {
    const { stdout } = await topology.tryExec(
      ...[1, "ping", "-b", "-c60", "-i0.05", "-W2", "-q", address] as const,
    );
    return Number(/(\d+) received/.exec(stdout)?.[1]);
  };
  for (let i = 0; i < 20 && await answered("10.8.0.2") === 0; i++);
  assertEquals(await answered("10.8.0.2"), 60);
  const dump = await topology.exec(1, "iw", "dev", "wlan0", "station", "dump");
  assertMatch(dump, /signal:\s+-71/);

  // Unicast is repeated by the sender, broadcast is not: only there does half of the loss show.
  topology.setEdge(1, 2, { loss: 0.5 });
  await topology.exec(2, "sysctl", "-q", "-w", "net.ipv4.icmp_echo_ignore_broadcasts=0");
  const received = await answered("10.8.0.255");
  assert(received > 10 && received < 50, `${received} of 60 broadcasts at half loss`);

  await topology.cut(1, 2);
  assertEquals(await answered("10.8.0.2"), 0);
  assert(topology.air.frames > 0 && topology.air.delivered > 0);
});
