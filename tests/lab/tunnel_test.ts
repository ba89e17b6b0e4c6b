// Runs in a lab guest. Tunnels over real WireGuard, batman-adv, TUN and nftables: the first packet waits
// and is not lost, idle tunnels go and come back, strangers get nothing, what passes outside is dropped.
import { assert, assertEquals } from "@std/assert";
import { TIMING } from "../../core/handshake/mod.ts";
import { loadLibnftables } from "../../ffi/sys/libnftables.ts";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { shell, type Topology, wireTopology } from "./topology.ts";
import { startTunnels, type TunnelNode, until } from "./tunnel_fixture.ts";

loadLibc();
loadLibnftables();
await shell(["modprobe -a wireguard tun nf_tables nf_conntrack"]);

const ping = (mesh: Topology, from: number, to: string, ...more: string[]) =>
  mesh.tryExec(from, "ping", "-6", "-n", "-c1", "-W15", ...more, to);

async function pings(mesh: Topology, from: number, to: string, ...more: string[]): Promise<void> {
  const { code, stdout, stderr } = await ping(mesh, from, to, ...more);
  assertEquals(code, 0, `n${from} ping ${more.join(" ")} ${to}: ${stdout}${stderr}`);
}

/** Link-local addresses are usable, and bat0 carries frames. */
async function ready(mesh: Topology, ids: readonly number[]): Promise<void> {
  for (const to of ids.slice(1)) assert(await mesh.pings(1, to, 60), `no way to n${to}`);
  for (const id of ids) {
    await until(async () => {
      const text = await mesh.exec(id, "ip", "-6", "addr", "show", "dev", "bat0", "scope", "link");
      return text.includes("fe80::") && !text.includes("tentative");
    }, "the link-local address");
  }
}

const peers = async (node: TunnelNode) => (await node.tunnels.status()).peers;

Deno.test("tunnels: first packet, MTU, drops, idle, revocation", async (t) => {
  await using mesh = await wireTopology(3, [[1, 2], [2, 3]]);
  await mesh.startBatman("BATMAN_V");
  await ready(mesh, [1, 2, 3]);
  // Node 3 is a LAN client at first: it takes part in the mesh and has no tunnels.
  await using a = await startTunnels(mesh, 1, { openUdp: [53] });
  await using b = await startTunnels(mesh, 2, { openUdp: [53] });

  await t.step("the first packet waits for the tunnel and is not lost", async () => {
    await pings(mesh, 1, b.address);
    const [peer] = await peers(a);
    assertEquals([peer?.nodeId, peer?.state, peer?.psk.kind], [b.nodeId, "up", "agreed"]);
    assert((await a.tunnels.status()).waiting?.released === 1);
    await pings(mesh, 2, a.address);
    const text = await mesh.exec(1, "wg", "show", "x0wg", "preshared-keys");
    assert(!text.includes("(none)"), "a peer without a preshared key");
  });

  await t.step("the MTU is right over bat0", async () => {
    const { mtu } = await a.kernel.links.get("x0wg");
    assertEquals(mtu, 1420);
    await pings(mesh, 1, b.address, "-M", "do", "-s", String(mtu - 48));
    const tooLong = await ping(mesh, 1, b.address, "-M", "do", "-s", String(mtu - 47));
    assert(tooLong.code !== 0);
    await shell(["ip -n n1 link set bat0 mtu 1400"]);
    await until(async () => (await a.kernel.links.get("x0wg")).mtu === 1320, "the MTU to follow");
    await shell(["ip -n n1 link set bat0 mtu 1500"]);
    await until(async () => (await a.kernel.links.get("x0wg")).mtu === 1420, "the MTU to follow");
  });

  await t.step("overlay packets outside the tunnel are dropped and counted", async () => {
    const drops = async () => (await a.tunnels.status()).drops;
    const before = await drops();
    assertEquals(before, { cameOutside: 0, leftOutside: 0, inTheClear: 0 });
    const leaving = await ping(mesh, 1, "fd09::2", "-I", a.address, "-W1");
    assert(leaving.code !== 0);
    await until(async () => ((await drops())?.leftOutside ?? 0) > 0, "the count of what left");
    const { network } = await a.tunnels.status();
    const forged = network.replace("::/48", "::66");
    await shell([
      `ip -n n3 addr add ${forged}/128 dev bat0 nodad`,
      `ip -n n3 route add ${a.address}/128 via fd09::1`,
    ]);
    await ping(mesh, 3, a.address, "-I", forged, "-W1");
    await until(async () => ((await drops())?.cameOutside ?? 0) > 0, "the count of what came");
  });

  await t.step("a node's clear traffic is dropped and counted, a client's is not", async () => {
    const count = async () => (await a.tunnels.status()).drops?.inTheClear ?? -1;
    const before = await count();
    const send = (from: number, port: number) =>
      mesh.exec(from, "bash", "-c", `echo x >/dev/udp/10.9.0.1/${port}`);
    await until(async () => {
      await send(2, 9999);
      return await count() > before;
    }, "the count of the node's");
    const counted = await count();
    await send(3, 9999);
    await send(2, 53);
    await pings(mesh, 2, "fd09::1");
    assertEquals(await count(), counted, "client, DNS, ping");
    const { code } = await mesh.tryExec(
      2,
      "bash",
      "-c",
      "timeout 3 bash -c '</dev/tcp/10.9.0.1/22'",
    );
    assert(code !== 0);
    assert(await count() > counted, "TCP to a port that isn't open to nodes");
  });

  await t.step("a packet to a node that isn't there is answered", async () => {
    const { network } = await a.tunnels.status();
    const nobody = network.replace("::/48", ":1:2:3:4:5");
    const { code, stdout } = await ping(mesh, 1, nobody, "-W12");
    assert(code !== 0);
    assert(/Address unreachable/i.test(stdout), stdout);
  });

  await t.step("a revoked node is cut off within a second", async () => {
    const begunMs = performance.now();
    await a.tunnels.revoked(b.nodeId);
    assert(performance.now() - begunMs < 1_000);
    assertEquals((await a.kernel.wireguard.device("x0wg")).peers, []);
    assert((await ping(mesh, 2, a.address, "-W3")).code !== 0);
    assert((await ping(mesh, 1, b.address, "-W3")).code !== 0);
    assertEquals((await a.kernel.wireguard.device("x0wg")).peers, []);
  });
});

Deno.test("tunnels: an idle tunnel goes on both ends, and the next packet brings it back", async () => {
  await using mesh = await wireTopology(2, [[1, 2]]);
  await mesh.startBatman("BATMAN_V");
  await ready(mesh, [1, 2]);
  await using a = await startTunnels(mesh, 1, { idleS: 4 });
  await using b = await startTunnels(mesh, 2, { idleS: 4 });
  for (let round = 1; round <= 2; round++) {
    await pings(mesh, 1, b.address);
    // WireGuard's last keepalive comes 10 s after what it answers.
    await until(async () => (await peers(a)).length + (await peers(b)).length === 0, "the end", 90);
    assertEquals((await a.kernel.wireguard.device("x0wg")).peers, []);
  }
  assertEquals((await a.tunnels.status()).waiting?.released, 2);
});

Deno.test("tunnels: a peer that restarted is found again", async () => {
  await using mesh = await wireTopology(2, [[1, 2]]);
  await mesh.startBatman("BATMAN_V");
  await ready(mesh, [1, 2]);
  await using a = await startTunnels(mesh, 1);
  const before = await startTunnels(mesh, 2);
  await pings(mesh, 1, before.address);
  await before[Symbol.asyncDispose]();
  await using b = await startTunnels(mesh, 2);
  await until(async () => (await ping(mesh, 1, b.address, "-W1")).code === 0, "an answer", 90);
  assert((await a.tunnels.status()).totals.lost >= 1);
  const links = await b.kernel.links.list();
  assertEquals(links.filter(({ name }) => name === "x0wg" || name === "x0wait").length, 2);
});

Deno.test("tunnels: strangers get nothing", async (t) => {
  for (
    const [name, member] of [["authority", { authority: 2 }], ["secret", { meshPsk: 8 }]] as const
  ) {
    await t.step(`of another ${name}`, async () => {
      await using mesh = await wireTopology(2, [[1, 2]]);
      await mesh.startBatman("BATMAN_V");
      await ready(mesh, [1, 2]);
      await using a = await startTunnels(mesh, 1);
      await using stranger = await startTunnels(mesh, 2, { member });
      for (const [node, other, id] of [[a, stranger, 2], [stranger, a, 1]] as const) {
        const text = await mesh.exec(
          id,
          "ip",
          "-6",
          "-o",
          "addr",
          "show",
          "dev",
          "bat0",
          "scope",
          "link",
        );
        const host = /fe80::[0-9a-f:]+/.exec(text)?.[0] ?? "";
        node.tunnels.addPeerAddress(other.nodeId, `${host}%bat0`, 6470);
        node.tunnels.demand(other.nodeId);
      }
      await until(async () => ((await peers(a))[0]?.failures ?? 0) >= 2, "failures");
      await until(async () => ((await peers(stranger))[0]?.failures ?? 0) >= 2, "failures");
      for (const node of [a, stranger]) {
        assertEquals((await node.kernel.wireguard.device("x0wg")).peers, []);
      }
    });
  }
});

const QUICK = {
  ...TIMING,
  rekeyMs: 3_000,
  jitterMs: 500,
  takeoverMs: 4_000,
  expiryMs: 20_000,
};

Deno.test("tunnels: rekeying with 5 % loss loses no flow", async () => {
  await using mesh = await wireTopology(2, [[1, 2]]);
  await mesh.startBatman("BATMAN_V");
  await ready(mesh, [1, 2]);
  await using a = await startTunnels(mesh, 1, { timing: QUICK });
  await using b = await startTunnels(mesh, 2, { timing: QUICK });
  await pings(mesh, 1, b.address);
  await shell([
    "modprobe sch_netem",
    "tc -n n1 qdisc add dev to2 root netem loss 5%",
    "tc -n n2 qdisc add dev to1 root netem loss 5%",
  ]);
  const server = mesh.exec(2, "iperf3", "-s", "-1", "-B", b.address);
  await until(
    async () => (await mesh.tryExec(2, "ss", "-Hltn", "sport", "=", ":5201")).stdout !== "",
    "iperf3",
  );
  await mesh.exec(1, "iperf3", "-c", b.address, "-t", "25", "-b", "2M");
  await server;
  const [peer] = await peers(a);
  assert((peer?.completed ?? 0) >= 4, `${peer?.completed} handshakes`);
  assertEquals(peer?.state, "up");
  await pings(mesh, 1, b.address);
});
