// The overlay's packet filter in this machine's kernel: for policies, members and packets at random, what
// the kernel lets through is what decide() allows.
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { hostFirewall } from "../../core/host/firewall.ts";
import { documents, MESH, packets, principals } from "../../core/policy/_arbitrary.ts";
import {
  closedPolicy,
  OverlayFirewall,
  type OverlayMember,
  type OverlayView,
  Policy,
  POLICY_TABLE,
  type PolicyDocument,
  startingPolicy,
} from "../../core/policy/mod.ts";
import { encodeInet6Address, openUdp } from "../../ffi/sys/mod.ts";
import { ipv6Octets } from "../../core/policy/address.ts";
import {
  LINK,
  OverlayNode,
  packetOf,
  packetOverIpv4,
  type Probe,
  whyNot,
} from "./overlay_packets.ts";

const skip = await whyNot();
const SELF = "fd00:1:2:3:4:5:6:ff";
const address = (index: number) => `fd00:1:2:3:4:5:6:${(index + 1).toString(16)}`;

function kernelTest(
  name: string,
  fn: (node: OverlayNode, overlay: OverlayFirewall) => Promise<void>,
): void {
  const reason = skip === null ? "" : ` [skipped: ${skip}]`;
  Deno.test({
    name: `${name}${reason}`,
    ignore: skip !== null,
    async fn() {
      using node = await OverlayNode.open(SELF);
      const firewall = hostFirewall({ netns: node.netns });
      try {
        await fn(node, new OverlayFirewall(firewall, LINK));
      } finally {
        firewall.close();
      }
    },
  });
}

const worlds = fc.array(principals, { minLength: 1, maxLength: 5 });
let world = 0;

kernelTest(
  "overlayRules() in the kernel decides every first packet as decide() does",
  (node, overlay) =>
    fc.assert(
      fc.asyncProperty(
        documents,
        worlds,
        principals,
        fc.array(packets, { minLength: 1, maxLength: 6 }),
        async (document, identities, self, asks) => {
          // Addresses of its own for each world: connections of the last one are still tracked.
          world++;
          const known = identities.map((principal, index): OverlayMember => ({
            ...principal,
            address: `fd00:1:2:3:4:5:${world.toString(16)}:${(index + 1).toString(16)}`,
          }));
          const policy = new Policy(document, { "api:read": ["tcp/25"] });
          await overlay.update({ policy, self, members: known });
          const rows = known.flatMap((from) =>
            asks.flatMap((asked) => [
              {
                probe: { source: from.address, destination: SELF, asked },
                flow: { from, to: self, asked },
              },
              ...known.filter((to) => to.address !== from.address).map((to) => ({
                probe: { source: from.address, destination: to.address, asked },
                flow: { from, to, asked },
              })),
            ])
          );
          // What has no ports is tracked by addresses and protocol: what goes there and what comes back
          // must differ in one of them, or one would be the other's answer.
          const passed = await node.passed(
            rows.map(({ probe }, i) => ({ ...probe, protocol: 150 + (i % 100) })),
          );
          for (const [i, { probe, flow }] of rows.entries()) {
            assertEquals(passed[i], policy.decide(flow).allowed, JSON.stringify(probe));
          }
          const strangers = asks.map((asked): Probe => ({
            source: "fd00::bad",
            destination: SELF,
            asked,
          }));
          assert((await node.passed(strangers)).every((through) => !through));
        },
      ),
      { numRuns: Number(Deno.env.get("POLICY_KERNEL_RUNS") ?? 40) },
    ),
);

const node = (index: number, ...roles: string[]): OverlayMember => ({
  spiffeId: `spiffe://${MESH}/node/${"abcd"[index]?.repeat(16)}`,
  roles,
  address: address(index),
});
const self = { spiffeId: `spiffe://${MESH}/node/${"z".repeat(16)}`, roles: ["node"] };
const view = (document: PolicyDocument, ...known: OverlayMember[]): OverlayView => ({
  policy: new Policy(document),
  self,
  members: known,
});
const ssh = (index: number, more: Partial<Probe> = {}): Probe => ({
  source: address(index),
  destination: SELF,
  asked: { transport: "tcp", port: 22 },
  ...more,
});

kernelTest(
  "`OverlayFirewall` follows members that come and go, by elements",
  async (device, overlay) => {
    const document = startingPolicy(MESH);
    assertEquals(await overlay.update(view(document, node(0, "node"))), "replaced");
    assertEquals(await device.passed([ssh(0), ssh(1)]), [true, false]);
    assertEquals(
      await overlay.update(view(document, node(1, "node"), node(2, "guest"))),
      "elements",
    );
    assertEquals(await device.passed([ssh(0), ssh(1), ssh(2)]), [false, true, false]);
    assertEquals(await overlay.denied(), { arriving: 3, passing: 0 });
    const through = ssh(1, { destination: address(3) });
    assertEquals(await device.passed([through]), [false]);
    assertEquals(await overlay.denied(), { arriving: 3, passing: 1 });
    assert(await overlay.present());
    const firewall = hostFirewall({ netns: device.netns });
    await firewall.deleteTable("inet", POLICY_TABLE);
    firewall.close();
    assert(!await overlay.present());
    assertEquals(await overlay.update(view(document, node(1, "node"))), "replaced");
    await overlay.remove();
    assertEquals(await overlay.denied(), null);
    await overlay.remove();
  },
);

kernelTest(
  "overlayRules() let answers to this node through, and only those",
  async (device, overlay) => {
    await overlay.update(view(closedPolicy(MESH), node(0, "node")));
    using socket = openUdp({ port: 5000, netns: device.netns });
    socket.send(
      Uint8Array.of(1),
      encodeInet6Address({ address: ipv6Octets(address(0)), port: 6000, scopeId: 0 }),
    );
    assert(await device.outgoing() !== null);
    const answer = (source: number, sourcePort: number): Probe => ({
      source: address(source),
      destination: SELF,
      asked: { transport: "udp", port: 5000 },
      sourcePort,
    });
    assertEquals(await device.passed([answer(0, 6001)]), [false], "another port");
    assertEquals(await device.passed([answer(1, 6000)]), [false], "somebody else");
    assertEquals(await device.passed([answer(0, 6000)]), [true]);
  },
);

kernelTest("a new policy also ends what is open", async (device, overlay) => {
  const ping: Probe = { source: address(0), destination: SELF, asked: { transport: "icmp" } };
  await overlay.update(view(startingPolicy(MESH), node(0, "node")));
  assertEquals(await device.passed([ping]), [true]);
  // Answered by the kernel: connection tracking holds it for established.
  assertEquals(await device.passed([ping]), [true]);
  await overlay.update(view(closedPolicy(MESH), node(0, "node")));
  assertEquals(await device.passed([ping]), [false]);
});

kernelTest("a connection that nobody began is not answered into being", async (device, overlay) => {
  await overlay.update(view(closedPolicy(MESH), node(0, "node")));
  assertEquals(await device.passed([ssh(0, { answer: true })]), [false]);
  const reply: Probe = {
    source: address(0),
    destination: SELF,
    asked: { transport: "icmp" },
    answer: true,
  };
  assertEquals(await device.passed([reply]), [false]);
});

kernelTest("IPv4 never passes the overlay's link", async (device, overlay) => {
  await device.send([packetOverIpv4()]);
  assertEquals(device.ipv4(), 1, "without the filter it arrives");
  await overlay.update(view(startingPolicy(MESH), node(0, "node")));
  await device.send([packetOverIpv4(), packetOf(ssh(0))]);
  assertEquals(device.ipv4(), 1);
});
