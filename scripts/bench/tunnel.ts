// Throughput through our tunnels against WireGuard set up with `wg` between the same two nodes over the
// same mesh, in turns; and how long the first packet takes. `deno task bench tunnel` boots the guest.
import { loadLibnftables } from "../../ffi/sys/libnftables.ts";
import { command, shell, type Topology, wireTopology } from "../../tests/lab/topology.ts";
import { startTunnels, type TunnelNode, until } from "../../tests/lab/tunnel_fixture.ts";
import { type BenchOutcome, rowOf } from "../lib/bench.ts";
import { inGuest, leave, runInLab } from "./_lab.ts";

const ROUNDS = 4;
const SECONDS = 3;
const SETUPS = 5;
const REFERENCE_PORT = 51_820;
const PEER_ADDRESS = "fd99::";

/** The reference: WireGuard made by ip and wg, on another port. */
async function setUpReference(mesh: Topology): Promise<void> {
  const keys: string[] = [];
  for (const id of [1, 2]) {
    const key = (await mesh.exec(id, "wg", "genkey")).trim();
    await Deno.writeTextFile(`/run/wg${id}.key`, `${key}\n`);
    keys.push(key);
  }
  await shell(["wg genpsk >/run/wg.psk"]);
  for (const id of [1, 2]) {
    const other = 3 - id;
    const { stdout } = await command("bash", "-c", `wg pubkey </run/wg${other}.key`);
    const text = await mesh.exec(other, "ip", "-6", "-o", "addr", "show", "dev", "bat0");
    const host = /fe80::[0-9a-f:]+/.exec(text)?.[0] ?? "";
    await shell([
      `ip -n n${id} link add ref0 type wireguard`,
      `ip netns exec n${id} wg set ref0 private-key /run/wg${id}.key listen-port ${REFERENCE_PORT} peer ` +
      `'${stdout.trim()}' preshared-key /run/wg.psk endpoint '[${host}%bat0]:${REFERENCE_PORT}' ` +
      `allowed-ips ${PEER_ADDRESS}${other}/128`,
      `ip -n n${id} link set ref0 mtu 1420 up`,
      `ip -n n${id} addr add ${PEER_ADDRESS}${id}/64 dev ref0 nodad`,
    ]);
  }
}

/** Megabits a second from node 1 to an address of node 2. */
async function throughput(mesh: Topology, address: string): Promise<number> {
  const server = mesh.exec(2, "iperf3", "-s", "-1", "-B", address);
  await until(
    async () => (await mesh.tryExec(2, "ss", "-Hltn", "sport", "=", ":5201")).stdout !== "",
    "iperf3",
  );
  const text = await mesh.exec(1, "iperf3", "-J", "-c", address, "-t", String(SECONDS));
  await server;
  const result = JSON.parse(text) as { end: { sum_received: { bits_per_second: number } } };
  return result.end.sum_received.bits_per_second / 1e6;
}

/** Milliseconds until the first packet is answered, tunnel and all. */
async function firstPacketMs(mesh: Topology, b: TunnelNode): Promise<number> {
  const begunMs = performance.now();
  await mesh.exec(1, "ping", "-6", "-n", "-c1", "-W10", "-q", b.address);
  return performance.now() - begunMs;
}

async function measure(): Promise<BenchOutcome> {
  loadLibnftables();
  await shell(["modprobe -a wireguard tun nf_tables nf_conntrack"]);
  await using mesh = await wireTopology(2, [[1, 2]]);
  await mesh.startBatman("BATMAN_V");
  if (!await mesh.pings(1, 2, 60)) throw new Error("Cannot measure: no mesh");
  await setUpReference(mesh);
  const setups: number[] = [];
  const again: number[] = [];
  for (let i = 0; i < SETUPS; i++) {
    await using _a = await startTunnels(mesh, 1);
    await using b = await startTunnels(mesh, 2);
    setups.push(await firstPacketMs(mesh, b));
    again.push(await firstPacketMs(mesh, b));
  }
  // The reference runs in the clear as far as our packet filter knows.
  await using _a = await startTunnels(mesh, 1, { openUdp: [REFERENCE_PORT] });
  await using b = await startTunnels(mesh, 2, { openUdp: [REFERENCE_PORT] });
  await firstPacketMs(mesh, b);
  await mesh.exec(1, "ping", "-6", "-c1", "-W10", "-q", `${PEER_ADDRESS}2`);
  const ours: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // In turns, so that what else the machine does falls on both.
    const first = round % 2 === 0;
    if (first) ours.push(await throughput(mesh, b.address));
    reference.push(await throughput(mesh, `${PEER_ADDRESS}2`));
    if (!first) ours.push(await throughput(mesh, b.address));
  }
  return {
    name: "tunnel",
    method:
      `Two nodes in namespaces, joined by batman-adv over a wire in an emulated guest, Linux ` +
      `${Deno.osRelease()}: iperf3 for ${SECONDS} s in turns through our tunnel and through WireGuard ` +
      `made by wg, ${ROUNDS} rounds; ping of a peer without a tunnel, ping's own start included. Virtual time.`,
    rows: [
      rowOf("throughput", "Mbit/s", ours, { name: "WireGuard by wg", samples: reference }),
      rowOf("first packet answered, tunnel made for it", "ms", setups, {
        name: "the next one",
        samples: again,
      }),
    ],
    raw: { oursMbit: ours, referenceMbit: reference, firstMs: setups, nextMs: again },
  };
}

/** See the module's header. */
export function bench(): Promise<BenchOutcome> {
  return inGuest() ? measure() : runInLab("tunnel", { virtualTime: true });
}

if (import.meta.main) await leave(await bench());
