// Runs in a lab guest. The Wireguard port over the real kernel: the simulator's suite, and every field
// against `wg show all dump` with two peers that talk.
import { assert, assertEquals } from "@std/assert";
import { hostWireguard } from "../../core/host/wireguard.ts";
import { rtnetlinkNames } from "../../core/host/names.ts";
import { openRtnetlink } from "../../ffi/rtnetlink/mod.ts";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { type Device, Wireguard } from "../../ffi/wireguard/mod.ts";
import { testWireguard, type WireguardFixture } from "../conformance/wireguard.ts";
import { command, shell } from "./topology.ts";

loadLibc();

async function openLabWireguard(): Promise<WireguardFixture> {
  await shell([
    "modprobe -a wireguard dummy",
    "ip netns add wgc",
    "ip -n wgc link add wg0 type wireguard",
    "ip -n wgc link add other0 type dummy",
  ]);
  const rtnetlink = openRtnetlink({ netns: "wgc" });
  const wireguard = hostWireguard({ names: rtnetlinkNames(rtnetlink), netns: "wgc" });
  return {
    wireguard,
    device: "wg0",
    otherLink: "other0",
    async [Symbol.asyncDispose]() {
      await wireguard.close();
      rtnetlink.close();
      await shell(["ip netns delete wgc"]);
    },
  };
}

testWireguard("core/host wireguard", openLabWireguard);

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

async function run(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await command(program, ...args);
  assertEquals(code, 0, `${program} ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** A device as lines of `wg show all dump` (wireguard-tools, show.c dump_print). */
function dumpLines(device: Device): string[] {
  const off = "off";
  const none = "(none)";
  const first = [
    device.name,
    device.privateKey === null ? none : base64(device.privateKey),
    device.publicKey ?? none,
    device.listenPort,
    device.fwmark === 0 ? off : `0x${device.fwmark.toString(16)}`,
  ];
  const peers = device.peers.map((peer) => {
    const { endpoint } = peer;
    const host = endpoint === null
      ? none
      : endpoint.address.includes(":")
      ? `[${endpoint.address}]:${endpoint.port}`
      : `${endpoint.address}:${endpoint.port}`;
    return [
      device.name,
      peer.publicKey,
      peer.presharedKey === null ? none : base64(peer.presharedKey),
      host,
      peer.allowedIps.length === 0 ? none : peer.allowedIps.join(","),
      peer.lastHandshakeMs === null ? 0 : Math.floor(peer.lastHandshakeMs / 1000),
      peer.rxBytes,
      peer.txBytes,
      peer.keepaliveS === 0 ? off : peer.keepaliveS,
    ];
  });
  return [first, ...peers].map((fields) => fields.join("\t"));
}

/** Counters move: both are read again until they agree, a bounded number of times. */
async function equalsDump(netns: string, client: Wireguard, index: number): Promise<Device> {
  let ours: string[] = [];
  let theirs: string[] = [];
  let device = await client.device(index);
  for (let attempt = 0; attempt < 10; attempt++) {
    device = await client.device(index);
    ours = dumpLines(device).sort();
    theirs = (await run("ip", "netns", "exec", netns, "wg", "show", "all", "dump"))
      .split("\n").sort();
    if (JSON.stringify(ours) === JSON.stringify(theirs)) return device;
  }
  assertEquals(ours, theirs);
  return device;
}

Deno.test("ffi/wireguard equals wg show all dump, over IPv4 and a link-local address", async () => {
  await shell([
    "modprobe -a wireguard veth",
    "ip netns add wga",
    "ip netns add wgb",
    "ip link add wire0 netns wga type veth peer name wire0 netns wgb",
    ...["wga", "wgb"].flatMap((ns, i) => [
      `ip -n ${ns} link set wire0 up`,
      `ip -n ${ns} addr add 192.0.2.${i + 1}/24 dev wire0`,
      `ip -n ${ns} addr add fe80::${i + 1}/64 dev wire0 nodad`,
      `ip -n ${ns} link add wg0 type wireguard`,
      `ip -n ${ns} addr add 10.77.0.${i + 1}/24 dev wg0`,
    ]),
  ]);
  try {
    using rtA = openRtnetlink({ netns: "wga" });
    using rtB = openRtnetlink({ netns: "wgb" });
    using a = await Wireguard.open({ netns: "wga" });
    using b = await Wireguard.open({ netns: "wgb" });
    const [indexA, indexB] = [await rtA.index("wg0"), await rtB.index("wg0")];
    const scopeId = await rtA.index("wire0");
    const random = () => crypto.getRandomValues(new Uint8Array(32));
    const presharedKey = random();
    await a.setDevice(indexA, { privateKey: random(), listenPort: 51_820, fwmark: 0x51 });
    await b.setDevice(indexB, { privateKey: random(), listenPort: 51_821 });
    const keyA = (await a.device(indexA)).publicKey;
    const keyB = (await b.device(indexB)).publicKey;
    assert(keyA !== null && keyB !== null);
    await a.setDevice(indexA, {
      peers: [{
        publicKey: keyB,
        presharedKey,
        endpoint: { address: "192.0.2.2", port: 51_821, scopeId: 0 },
        keepaliveS: 25,
        allowedIps: ["10.77.0.2/32", "fd77::/64"],
      }],
    });
    await b.setDevice(indexB, {
      peers: [{ publicKey: keyA, presharedKey, allowedIps: ["10.77.0.1/32"] }],
    });
    // A keepalive starts a handshake as soon as its end is up, and a lost one is repeated after 5 s.
    await shell(["ip -n wgb link set wg0 up", "ip -n wga link set wg0 up"]);
    const ping = () => run("ip", "netns", "exec", "wga", "ping", "-c2", "-W2", "-q", "10.77.0.2");
    await ping();
    const [atA] = (await equalsDump("wga", a, indexA)).peers;
    const [atB] = (await equalsDump("wgb", b, indexB)).peers;
    assert(atA !== undefined && atB !== undefined);
    assert(atA.lastHandshakeMs !== null && atB.lastHandshakeMs !== null);
    assert(atA.rxBytes > 0n && atA.txBytes > 0n);
    assertEquals(atB.endpoint, { address: "192.0.2.1", port: 51_820, scopeId: 0 });

    await a.setDevice(indexA, {
      peers: [{ publicKey: keyB, endpoint: { address: "fe80::2", port: 51_821, scopeId } }],
    });
    await ping();
    const [linkLocal] = (await a.device(indexA)).peers;
    assertEquals(linkLocal?.endpoint, { address: "fe80::2", port: 51_821, scopeId });
  } finally {
    await shell(["ip netns delete wga", "ip netns delete wgb"]);
  }
});
