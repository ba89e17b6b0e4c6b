import { assert, assertEquals } from "@std/assert";
import { ManualClock, settled } from "../../tests/fixtures/clock.ts";
import { countingRandom } from "../handshake/testing.ts";
import { nobleBackend } from "../pq/mod.ts";
import type { SocketAddress } from "../ports/mod.ts";
import { SimNetwork } from "../sim/mod.ts";
import { beaconKey, sealBeacon } from "./beacon.ts";
import { Discovery } from "./discovery.ts";
import { DISCOVERY_GROUP, DISCOVERY_PORT, HEARD_BURST } from "./limits.ts";

// Its promises take no real time, so that a few turns of the event loop are enough for all that happens.
const portable = nobleBackend(countingRandom(99).bytes);
const key = beaconKey(new Uint8Array(32).fill(7));
const NODES = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"] as const;

/** Lets all be done that takes no time. */
async function turn(): Promise<void> {
  for (let i = 0; i < 20; i++) await settled();
}

function world() {
  const clock = new ManualClock();
  const network = new SimNetwork(clock);
  const host = (n: number) =>
    network.host({ links: { bat0: { segment: "mesh", address: `fe80::${n}` } } });
  const node = (n: number, links = ["bat0"], known = 0) => {
    const heard: { readonly nodeId: string; readonly address: SocketAddress }[] = [];
    const discovery = new Discovery({
      clock,
      random: { ...countingRandom(n), unit: () => 0.5 },
      network: host(n),
      backend: portable,
      key,
      nodeId: NODES[n] ?? "",
      port: 6470 + n,
      links,
      discoveryPort: DISCOVERY_PORT,
      known: () => known,
      heard: (nodeId, address) => heard.push({ nodeId, address }),
    });
    return { discovery, heard };
  };
  return { clock, network, host, node };
}

Deno.test("Discovery: nodes hear of each other, with the port and the link", async () => {
  const { clock, node } = world();
  const [a, b] = [node(0), node(1)];
  await turn();
  await clock.advance(10_000);
  await turn();
  assertEquals(a.heard[0], { nodeId: NODES[1], address: { host: "fe80::1%bat0", port: 6471 } });
  assertEquals(b.heard[0], { nodeId: NODES[0], address: { host: "fe80::0%bat0", port: 6470 } });
  await Promise.all([a.discovery.stop(), b.discovery.stop()]);
  assertEquals(clock.waiting, 0);
});

Deno.test("Discovery: the more nodes are known the rarer beacons are", async () => {
  const { clock, node } = world();
  const { discovery } = node(0, ["bat0"], 1_000);
  await turn();
  for (let second = 0; second < 300; second += 10) {
    await clock.advance(10_000);
    await turn();
  }
  // Three at the start, then one every 100 s.
  assertEquals(discovery.figures.sent, 5);
  await discovery.stop();
});

Deno.test("Discovery.seek() is answered by whoever it is for, and calls are few", async () => {
  const { clock, node } = world();
  const [a, b, c] = [node(0), node(1), node(2)];
  await turn();
  await clock.advance(2_000);
  a.heard.length = 0;
  assert(await a.discovery.seek(NODES[2]));
  await turn();
  assertEquals(a.heard.map(({ nodeId }) => nodeId), [NODES[2]]);
  const sent = c.discovery.figures.sent;
  let calls = 0;
  for (let i = 0; i < 100; i++) calls += Number(await a.discovery.seek(NODES[2]));
  await turn();
  assert(calls < 20, `${calls} calls`);
  assertEquals(c.discovery.figures.sent, sent, "a node answers once a second at most");
  await Promise.all([a, b, c].map(({ discovery }) => discovery.stop()));
});

Deno.test("Discovery: a flood is looked at in part, and believed not at all", async () => {
  const { clock, host, node } = world();
  const a = node(0);
  await turn();
  const evil = await host(66).multicast(DISCOVERY_GROUP, DISCOVERY_PORT, "bat0");
  for (let i = 0; i < 2_000; i++) {
    await evil.send(Uint8Array.from({ length: 42 }, () => i & 255));
    if (i % 100 === 0) await turn();
  }
  await turn();
  const { foreign, limited, heard } = a.discovery.figures;
  assert(foreign <= 25, `${foreign} of one source were looked at`);
  assert(limited > 0);
  assertEquals(heard, 0);
  // Another source is heard all the same.
  const good = await host(2).multicast(DISCOVERY_GROUP, DISCOVERY_PORT, "bat0");
  const beacon = { kind: "here", nodeId: NODES[2], port: 1 } as const;
  await good.send(await sealBeacon(portable, countingRandom(9), key, beacon));
  await turn();
  assertEquals(a.heard.map(({ nodeId }) => nodeId), [NODES[2]]);
  evil.close();
  good.close();
  await a.discovery.stop();
  assertEquals(clock.waiting, 0);
});

Deno.test("Discovery: true beacons of many sources are bounded too", async () => {
  const { host, node } = world();
  const a = node(0);
  await turn();
  const beacon = { kind: "here", nodeId: NODES[2], port: 1 } as const;
  const octets = await sealBeacon(portable, countingRandom(9), key, beacon);
  for (let i = 0; i < 600; i++) {
    const one = await host(1_000 + i).multicast(DISCOVERY_GROUP, DISCOVERY_PORT, "bat0");
    await one.send(octets);
    one.close();
    if (i % 50 === 0) await turn();
  }
  await turn();
  const { heard, limited } = a.discovery.figures;
  // The node's own first beacon took one place.
  assertEquals([heard, limited], [HEARD_BURST - 1, 600 - HEARD_BURST + 1]);
  await a.discovery.stop();
});

Deno.test("Discovery: a link that isn't there is told, and tried again", async () => {
  const { clock, node } = world();
  const { discovery } = node(0, ["bat9"]);
  await turn();
  const { links } = discovery.figures;
  assertEquals(links[0]?.link, "bat9");
  assert(links[0]?.error?.includes("bat9"));
  await clock.advance(20_000);
  assertEquals(await discovery.seek(NODES[1]), true);
  assertEquals(discovery.figures.sent, 0);
  await discovery.stop();
});
