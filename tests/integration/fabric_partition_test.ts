// The fabric over the simulated network, in real time: link-local addresses, crossing dials, partitions.
import { assert, assertEquals } from "@std/assert";
import type { Fabric } from "../../core/fabric/mod.ts";
import {
  startMember,
  testDocument,
  type TestMember,
  testMember,
  warmUp,
} from "../../core/fabric/testing.ts";
import { hostClock, hostNetwork } from "../../core/host/mod.ts";
import { webcryptoBackend } from "../../core/pq/mod.ts";
import { SimNetwork } from "../../core/sim/mod.ts";
import { eventually } from "../fixtures/eventually.ts";

const native = webcryptoBackend(crypto.subtle);
const clock = hostClock();
await warmUp(native, clock, hostNetwork());
const PORT = 6473;

interface Node {
  readonly member: TestMember;
  readonly fabric: Fabric;
  readonly document: ReturnType<typeof testDocument>;
  readonly host: string;
}

/** Nodes on one layer 2 segment, which discovery has introduced to each other. */
async function mesh(count: number, wantedConnections: number) {
  const network = new SimNetwork(clock, 2);
  const nodes: Node[] = [];
  for (let i = 0; i < count; i++) {
    const host = `fe80::${(i + 1).toString(16)}`;
    const sockets = network.host({ links: { bat0: { segment: "mesh", address: host } } });
    const member = await testMember(native, clock, sockets, i + 1);
    const document = testDocument("revocations");
    const fabric = await startMember(member, {
      listen: [{ host: "::", port: PORT }],
      links: () => ["bat0"],
      documents: [document],
      wantedConnections,
    });
    nodes.push({ member, fabric, document, host });
  }
  const introduceAll = () => {
    for (const { fabric } of nodes) {
      for (const { member, host } of nodes) {
        fabric.introduce(member.nodeId, { host: `${host}%bat0`, port: PORT });
      }
    }
  };
  return { network, nodes, introduceAll };
}

const peersOf = ({ fabric }: Node) => fabric.peers().map(({ nodeId }) => nodeId);

/** Stops all; libp2p's queues say that they are empty in a turn of their own, after that. */
async function stop(nodes: readonly Node[]): Promise<void> {
  await Promise.all(nodes.map(({ fabric }) => fabric.stop()));
  await clock.sleep(10);
}

Deno.test("Fabric: two nodes that dial each other at once end with one link", async () => {
  const { nodes, introduceAll } = await mesh(2, 4);
  introduceAll();
  const [a, b] = nodes;
  assert(a !== undefined && b !== undefined);
  await eventually("both are connected", () => peersOf(a).length === 1 && peersOf(b).length === 1);
  await clock.sleep(500);
  assertEquals([peersOf(a), peersOf(b)], [[b.member.nodeId], [a.member.nodeId]]);
  const [here, there] = [a.fabric.peers()[0], b.fabric.peers()[0]];
  assert(here !== undefined && there !== undefined);
  assert(here.direction !== there.direction);
  assert(here.address.host.endsWith("%bat0"));
  await stop(nodes);
});

Deno.test("Fabric: what was signed in one half of a parted mesh reaches the other when it heals", async () => {
  const { network, nodes, introduceAll } = await mesh(6, 3);
  const halves = [nodes.slice(0, 3), nodes.slice(3)] as const;
  for (let a = 0; a < 3; a++) for (let b = 3; b < 6; b++) network.cut(a, b);
  introduceAll();
  await eventually(
    "each half is connected",
    () => halves.every((half) => half.every((node) => peersOf(node).length >= 1)),
  );
  const [first] = nodes;
  assert(first !== undefined);
  first.document.value = 4;
  first.fabric.changed("revocations");
  await eventually(
    "one half has it",
    () => halves[0].every(({ document }) => document.value === 4),
  );
  assert(halves[1].every(({ document }) => document.value === 0));
  for (let a = 0; a < 3; a++) for (let b = 3; b < 6; b++) network.heal(a, b);
  await eventually(
    "the other has it",
    () => halves[1].every(({ document }) => document.value === 4),
  );
  await stop(nodes);
});

Deno.test("Fabric: connections beyond those wanted are few, and nobody is left out", async () => {
  const { nodes, introduceAll } = await mesh(12, 3);
  introduceAll();
  await eventually(
    "all are connected",
    () => nodes.every((node) => peersOf(node).length >= 3),
    20_000,
  );
  const [first] = nodes;
  assert(first !== undefined);
  first.document.value = 2;
  first.fabric.changed("revocations");
  await eventually("all have it", () => nodes.every(({ document }) => document.value === 2));
  const outbound = ({ fabric }: Node) =>
    fabric.peers().filter(({ direction }) => direction === "outbound").length;
  await eventually("connections are few", () => nodes.every((node) => outbound(node) <= 3 + 4));
  await stop(nodes);
});
