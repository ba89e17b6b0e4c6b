import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ManualClock } from "../../tests/fixtures/clock.ts";
import {
  canonical,
  count,
  heard,
  isUp,
  marks,
  mesh,
  native,
  overlayOf,
  packet,
  pair,
  peerOf,
  until,
} from "../../tests/fixtures/tunnel_mesh.ts";
import { TIMING, type Timing } from "../handshake/mod.ts";
import { countingRandom } from "../handshake/testing.ts";
import { SimNetwork, SimPackets, simulate } from "../sim/mod.ts";
import { TunnelError } from "./errors.ts";
import { testMember, type TestMemberOptions } from "./testing.ts";
import { Tunnels } from "./tunnels.ts";

Deno.test("Tunnels: the first packet brings the tunnel up, and waits for it in order", async () => {
  const m = await mesh(2);
  const [a, b] = pair(m);
  await heard(m);
  assertEquals((await a.tunnels.status()).peers, [], "a beacon alone begins nothing");
  for (const mark of [1, 2, 3]) assert(a.packets.route("x0wait", await packet(a, b, mark)));
  await until(m, isUp(a, b), "the tunnel here");
  await until(m, () => a.packets.sent.length === 3, "the packets");
  assertEquals(marks(a), [1, 2, 3]);
  assertEquals(a.packets.sent.map(({ link }) => link), ["x0wg", "x0wg", "x0wg"]);
  await until(m, isUp(b, a), "the tunnel there");
  const { peers } = await a.kernel.wireguard.device("x0wg");
  assertEquals(peers.length, 1);
  assertEquals(peers[0]?.publicKey, b.keys.wireguardPublic.toBase64());
  assertEquals(peers[0]?.hasPresharedKey, true);
  assertEquals(peers[0]?.allowedIps.length, 1);
  assertEquals(peers[0]?.endpoint?.port, 6470);
  assert(peers[0]?.endpoint?.address.endsWith("%bat0"));
  const address = await overlayOf(b);
  const routes = await a.kernel.links.routes();
  assert(routes.some((route) => route.link === "x0wg" && /\/128$/.test(route.destination)));
  assertEquals(a.peers.map(({ nodeId, address: at }) => [nodeId, at]), [[b.nodeId, address]]);
  const status = await a.tunnels.status();
  assertEquals(status.waiting?.released, 3);
  assertEquals([status.mode, status.mtu, status.error], ["on-demand", 1420, null]);
  assertEquals(status.peers[0]?.psk.kind, "agreed");
  await m.stop();
  assertEquals(m.clock.waiting, 0);
});

Deno.test("Tunnels: rekeys, expires without a peer, comes back on demand", async () => {
  const m = await mesh(2);
  const [a, b] = pair(m);
  await heard(m);
  a.tunnels.demand(b.nodeId);
  await until(m, isUp(b, a), "the tunnel");
  // Something flows, as far as the kernel's counters say.
  count(a.kernel, () => m.clock.monotonicMs());
  count(b.kernel, () => m.clock.monotonicMs());
  await m.clock.advance(120_000);
  await until(m, async () => (await peerOf(a, b))?.completed === 2, "the second handshake");
  m.network.cut(0, 1);
  await m.clock.advance(181_000);
  await until(m, async () => (await peerOf(a, b))?.state === "down", "the expiry");
  assertEquals((await peerOf(a, b))?.psk.kind, "random");
  const destination = `${canonical(await overlayOf(b))}/128`;
  const routes = await a.kernel.links.routes();
  assert(!routes.some((route) => route.destination === destination), "its packets wait again");
  m.network.heal(0, 1);
  await m.clock.advance(12_000);
  await until(m, isUp(a, b), "the tunnel after the outage");
  await m.stop();
});

Deno.test("Tunnels: an idle tunnel goes on both ends and comes back with the next packet", async () => {
  const m = await mesh(2);
  const [a, b] = pair(m);
  await heard(m);
  a.packets.route("x0wait", await packet(a, b, 1));
  await until(m, isUp(b, a), "the tunnel");
  for (let step = 0; step < 8; step++) {
    await m.clock.advance(10_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until(m, async () => (await peerOf(a, b)) === undefined, "its end here");
  await until(m, async () => (await peerOf(b, a)) === undefined, "its end there");
  assertEquals((await a.kernel.wireguard.device("x0wg")).peers, []);
  assertEquals((await a.tunnels.status()).totals.idled, 1);
  a.packets.route("x0wait", await packet(a, b, 2));
  await until(m, () => marks(a).length === 2, "the second packet");
  assertEquals(marks(a), [1, 2]);
  await m.stop();
});

Deno.test("Tunnels: a packet to nobody is answered with unreachable, and counted", async () => {
  const m = await mesh(2);
  const [a, b] = pair(m);
  const lost = await packet(a, b, 9);
  lost[39] = (lost[39] ?? 0) ^ 1;
  a.packets.route("x0wait", lost);
  await until(m, async () => (await a.tunnels.status()).waiting?.held === 1, "the packet");
  await m.clock.advance(9_000);
  await until(m, () => a.packets.arrived.length === 1, "the answer");
  const answer = a.packets.arrived[0]?.packet;
  assertEquals([answer?.[6], answer?.[40], answer?.[41]], [58, 1, 3]);
  assertEquals((await a.tunnels.status()).waiting?.expired, 1);
  const foreign = await packet(a, b, 1);
  foreign[24] = 0x20;
  a.packets.route("x0wait", foreign);
  await until(m, async () => (await a.tunnels.status()).waiting?.foreign === 1, "the foreign one");
  await m.stop();
});

Deno.test("Tunnels.revoked() cuts the peer off at once, and for good", async () => {
  const m = await mesh(2);
  const [a, b] = pair(m);
  await heard(m);
  a.tunnels.demand(b.nodeId);
  await until(m, isUp(b, a), "the tunnel");
  await a.tunnels.revoked(b.nodeId);
  assertEquals((await a.kernel.wireguard.device("x0wg")).peers, []);
  assertEquals(assertThrows(() => a.tunnels.demand(b.nodeId), TunnelError).code, "untrusted");
  a.packets.route("x0wait", await packet(a, b, 1));
  await until(m, async () => (await a.tunnels.status()).totals.refused === 1, "the refusal");
  // The revoked node dials again and again, and gets nowhere.
  await b.tunnels.revoked(a.nodeId);
  await m.stop();
});

Deno.test("Tunnels.membershipChanged() cuts off whom the state calls revoked", async () => {
  const m = await mesh(2);
  const [a, b] = pair(m);
  await heard(m);
  b.tunnels.demand(a.nodeId);
  await until(m, isUp(a, b), "the tunnel");
  a.revoked.add(b.nodeId);
  await a.tunnels.membershipChanged();
  assertEquals((await a.kernel.wireguard.device("x0wg")).peers, []);
  for (let step = 0; step < 20; step++) await m.clock.advance(10_000);
  assertEquals((await a.kernel.wireguard.device("x0wg")).peers, []);
  await m.stop();
});

const STRANGERS: readonly { readonly name: string; readonly options: TestMemberOptions }[] = [
  { name: "of another authority", options: { authority: 2 } },
  { name: "of another mesh secret", options: { meshPsk: 8 } },
  { name: "whose credential ran out", options: { notAfterMs: 1_780_000_000_000 } },
];

for (const { name, options } of STRANGERS) {
  Deno.test(`Tunnels: a node ${name} gets no tunnel, from either side`, async () => {
    const m = await mesh(2, { member: (index) => index === 2 ? options : {} });
    const [a, b] = pair(m);
    for (const [from, to] of [[a, b], [b, a]] as const) {
      from.tunnels.addPeerAddress(to.nodeId, `2001:db8::${m.nodes[0] === to ? 1 : 2}`, 6470);
      from.tunnels.addPeerAddress(to.nodeId, `2001:db8::${m.nodes[0] === to ? 2 : 1}`, 6470);
      from.tunnels.demand(to.nodeId);
    }
    for (let step = 0; step < 12; step++) {
      await m.clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const node of m.nodes) {
      assertEquals((await node.kernel.wireguard.device("x0wg")).peers, []);
      assertEquals(node.peers, []);
    }
    const failures = (await a.tunnels.status()).peers[0]?.failures ?? 0;
    assert(failures > 0, "it was tried");
    await m.stop();
  });
}

Deno.test("Tunnels: a member that claims another's WireGuard key gets no tunnel", async () => {
  const m = await mesh(3, { member: (index) => index === 3 ? { wireguardOf: 2 } : {} });
  const members = await Promise.all(
    [1, 2, 3].map((i) => testMember(native, i, i === 3 ? { wireguardOf: 2 } : {})),
  );
  const [own, honest, thief] = members.map(({ nodeId }) =>
    m.nodes.find((node) => node.nodeId === nodeId)
  );
  assert(own !== undefined && honest !== undefined && thief !== undefined);
  await heard(m);
  own.tunnels.demand(honest.nodeId);
  await until(m, isUp(own, honest), "the honest tunnel");
  own.tunnels.demand(thief.nodeId);
  await until(
    m,
    async () => (await peerOf(own, thief))?.lastError?.code === "TunnelError",
    "refusal",
  );
  const { peers } = await own.kernel.wireguard.device("x0wg");
  assertEquals(peers.length, 1);
  assertEquals(peers[0]?.allowedIps, [`${canonical(await overlayOf(honest))}/128`]);
  await m.stop();
});

Deno.test("Tunnels: where packets can't wait known peers are kept up, to a bound", async () => {
  const m = await mesh(3, { waiting: false, maxKept: 1 });
  const settled = async () => {
    const all = await Promise.all(m.nodes.map(({ tunnels }) => tunnels.status()));
    return all.some(({ totals }) => totals.up === 1);
  };
  // Each may have chosen another at first: whoever proves itself displaces a mere attempt.
  for (let step = 0; step < 30 && !await settled(); step++) {
    await m.clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert(await settled(), "no tunnel");
  for (const { tunnels } of m.nodes) {
    const status = await tunnels.status();
    assertEquals(status.mode, "kept");
    assert(status.modeReason !== null);
    assert(status.totals.kept <= 1);
  }
  await m.stop();
});

Deno.test("Tunnels: there are never more than may be; the longest silent makes room", async () => {
  const m = await mesh(4, { maxTunnels: 2 });
  const [a, b, c, d] = m.nodes;
  assert(a !== undefined && b !== undefined && c !== undefined && d !== undefined);
  await heard(m);
  for (const peer of [b, c]) {
    a.tunnels.demand(peer.nodeId);
    await until(m, isUp(a, peer), "a tunnel");
  }
  assertEquals(assertThrows(() => a.tunnels.demand(d.nodeId), TunnelError).code, "full");
  await m.clock.advance(10_000);
  a.tunnels.demand(d.nodeId);
  await until(m, isUp(a, d), "the third tunnel");
  const status = await a.tunnels.status();
  assertEquals([status.totals.kept, status.totals.displaced], [2, 1]);
  assertEquals((await a.kernel.wireguard.device("x0wg")).peers.length, 2);
  await m.stop();
});

Deno.test("Tunnels: a peer that moved is followed after a handshake", async () => {
  const m = await mesh(2, { links: [] });
  const [a, b] = pair(m);
  const first = b.host.number + 1;
  a.tunnels.addPeerAddress(b.nodeId, `2001:db8::${first}`, 6470);
  a.tunnels.demand(b.nodeId);
  await until(m, isUp(a, b), "the tunnel");
  const endpoint = async () =>
    (await a.kernel.wireguard.device("x0wg")).peers[0]?.endpoint?.address;
  assertEquals(await endpoint(), `2001:db8::${first}`);
  assertEquals((await a.kernel.wireguard.device("x0wg")).peers[0]?.keepaliveS, 25);
  count(a.kernel, () => m.clock.monotonicMs() * 1000);
  count(b.kernel, () => m.clock.monotonicMs() * 1000);
  b.host.move(["2001:db8::77"]);
  // The higher node id takes over when the lower one can't reach it.
  for (let step = 0; step < 40 && await endpoint() !== "2001:db8::77"; step++) {
    await m.clock.advance(5_000);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(await endpoint(), "2001:db8::77");
  assertEquals(a.peers.at(-1)?.underlay?.host, "2001:db8::77");
  await m.stop();
});

Deno.test("Tunnels.addPeerAddress() without a name asks who is there", async () => {
  const m = await mesh(2, { links: [] });
  const [a, b] = pair(m);
  a.tunnels.addPeerAddress(null, `2001:db8::${b.host.number + 1}`, 6470);
  await until(m, async () => (await a.tunnels.status()).totals.known === 1, "the answer");
  assertEquals((await a.tunnels.status()).totals.unnamed, 0);
  assertEquals((await b.tunnels.status()).peers, [], "who asks says nothing of itself");
  a.packets.route("x0wait", await packet(a, b, 1));
  await until(m, isUp(a, b), "the tunnel");
  const bad: readonly (readonly [string, number])[] = [
    ["a b", 1],
    ["::1", 0],
    [await overlayOf(b), 6470],
  ];
  for (const [host, port] of bad) {
    const error = assertThrows(() => a.tunnels.addPeerAddress(b.nodeId, host, port), TunnelError);
    assertEquals(error.code, "invalid");
  }
  assertThrows(() => a.tunnels.demand("nobody"), TunnelError);
  assertThrows(() => a.tunnels.demand(a.nodeId), TunnelError);
  await m.stop();
});

Deno.test("Tunnels: peers that nobody made are removed from the device, a lost link is made again", async () => {
  const m = await mesh(2);
  const [a, b] = pair(m);
  await heard(m);
  a.tunnels.demand(b.nodeId);
  await until(m, isUp(a, b), "the tunnel");
  const publicKey = new Uint8Array(32).fill(9).toBase64();
  await a.kernel.wireguard.configure("x0wg", { peers: [{ publicKey }] });
  await m.clock.advance(10_000);
  await until(
    m,
    async () => (await a.kernel.wireguard.device("x0wg")).peers.length === 1,
    "the sweep",
  );
  await a.kernel.links.delete("x0wg");
  await m.clock.advance(10_000);
  await until(m, async () => {
    const link = (await a.kernel.links.list()).find(({ name }) => name === "x0wg");
    return link?.up === true;
  }, "the link");
  await until(m, isUp(a, b), "the tunnel on the new link");
  await m.stop();
});

Deno.test("Tunnels.start() leaves nothing behind when it fails", async () => {
  const clock = new ManualClock();
  const sim = simulate({ nodes: 1, seed: 1 });
  const kernel = sim.kernel(0);
  const member = await testMember(native, 1);
  const host = new SimNetwork(clock).host({ addresses: ["::1"] });
  const ports = {
    clock,
    random: countingRandom(1),
    kernel,
    network: host,
    keys: member.keys,
    state: member.state,
    backend: native,
    packets: new SimPackets(kernel.links),
  };
  await kernel.links.create({ kind: "dummy", name: "x0wg" });
  const taken = await assertRejects(() => Tunnels.start(ports), TunnelError);
  assertEquals(taken.code, "name-taken");
  assertEquals((await kernel.links.get("x0wg")).kind, "dummy", "another's link is left alone");
  await kernel.links.delete("x0wg");
  const listener = await host.listen({ host: "::", port: 6470 });
  assertEquals((await assertRejects(() => Tunnels.start(ports), TunnelError)).code, "listen");
  listener.close();
  const names = (await kernel.links.list()).map(({ name }) => name);
  assert(!names.includes("x0wg") && !names.includes("x0wait"), names.join());
  assertEquals(await kernel.firewall.table("inet", "x0_overlay"), null);
  assertEquals(
    (await assertRejects(() => Tunnels.start(ports, { port: 0 }), TunnelError)).code,
    "invalid",
  );
  assertEquals(clock.waiting, 0);
});

Deno.test("Tunnels: the MTU follows the mesh's link", async () => {
  const m = await mesh(2);
  const [a] = pair(m);
  await a.kernel.links.change("bat0", { mtu: 1400 });
  await until(m, async () => (await a.kernel.links.get("x0wg")).mtu === 1320, "the MTU");
  assertEquals((await a.kernel.links.get("x0wait")).mtu, 1320);
  await m.stop();
});

const QUICK: Timing = {
  ...TIMING,
  rekeyMs: 2_000,
  jitterMs: 200,
  takeoverMs: 2_500,
  expiryMs: 4_000,
};

Deno.test("Tunnels take other timings for tests of rekeying", async () => {
  const m = await mesh(2, { timing: QUICK });
  const [a, b] = pair(m);
  await heard(m);
  a.tunnels.demand(b.nodeId);
  await until(m, isUp(b, a), "the tunnel");
  for (let step = 0; step < 10; step++) {
    await m.clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await until(m, async () => ((await peerOf(a, b))?.completed ?? 0) >= 3, "two rekeys");
  await m.stop();
});
