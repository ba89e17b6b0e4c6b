// What every Wireguard port must do, real or simulated. The real one runs it in the lab
// (tests/lab/wireguard_test.ts).
import { assert, assertEquals, assertRejects } from "@std/assert";
import { KernelFault, type KernelFaultCode, type Wireguard } from "../../core/ports/mod.ts";
import type { WireguardPeerChange } from "../../core/ports/mod.ts";

/** A node with one WireGuard interface that nobody has configured yet. */
export interface WireguardFixture extends AsyncDisposable {
  readonly wireguard: Wireguard;
  /** Name of the interface. */
  readonly device: string;
  /** Name of a link that is no WireGuard interface. */
  readonly otherLink: string;
}

/** Opens a fixture; each test closes what it opened. */
export type OpenWireguard = () => Promise<WireguardFixture>;

const hex = (text: string) =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

// RFC 7748 §6.1: Alice's keys. A port that derives nothing cannot pass.
const PRIVATE = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
const PUBLIC = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";

/** A public key nobody holds: 32 octets from a number. */
function peerKey(n: number): string {
  const bytes = new Uint8Array(32).fill(7);
  new DataView(bytes.buffer).setUint32(0, n);
  return btoa(String.fromCharCode(...bytes));
}

async function rejectsWith(
  code: KernelFaultCode,
  action: () => Promise<unknown>,
): Promise<KernelFault> {
  const error = await assertRejects(action, KernelFault);
  assertEquals(error.code, code, error.message);
  return error;
}

type Check = (fixture: WireguardFixture) => Promise<void>;

/** Peers as the port tells them, by key; their order is the kernel's. */
async function peersOf({ wireguard, device }: WireguardFixture) {
  const { peers } = await wireguard.device(device);
  return new Map(peers.map((peer) => [peer.publicKey, peer]));
}

const startsEmpty: Check = async ({ wireguard, device, otherLink }) => {
  assertEquals(await wireguard.device(device), {
    name: device,
    publicKey: null,
    listenPort: 0,
    fwmark: 0,
    peers: [],
  });
  await rejectsWith("no-such-link", () => wireguard.device("no-such-link"));
  await rejectsWith("not-supported", () => wireguard.device(otherLink));
};

const keepsDeviceSettings: Check = async ({ wireguard, device }) => {
  await wireguard.configure(device, { privateKey: PRIVATE, listenPort: 51_820, fwmark: 0x42 });
  const after = await wireguard.device(device);
  assertEquals([after.publicKey, after.listenPort, after.fwmark], [PUBLIC, 51_820, 0x42]);
  await wireguard.configure(device, { fwmark: 0 });
  const again = await wireguard.device(device);
  assertEquals([again.publicKey, again.listenPort, again.fwmark], [PUBLIC, 51_820, 0]);
};

const keepsPeers: Check = async (fixture) => {
  const { wireguard, device } = fixture;
  const peers: readonly WireguardPeerChange[] = [
    {
      publicKey: peerKey(1),
      presharedKey: new Uint8Array(32).fill(9),
      endpoint: { address: "192.0.2.1", port: 51_820 },
      keepaliveS: 25,
      allowedIps: ["10.1.0.0/24", "fd01::/64"],
    },
    { publicKey: peerKey(2), endpoint: { address: "2001:db8::2", port: 4_242 } },
  ];
  await wireguard.configure(device, { peers });
  const read = await peersOf(fixture);
  assertEquals(read.get(peerKey(1)), {
    publicKey: peerKey(1),
    hasPresharedKey: true,
    endpoint: { address: "192.0.2.1", port: 51_820 },
    allowedIps: read.get(peerKey(1))?.allowedIps ?? [],
    keepaliveS: 25,
    lastHandshakeMs: null,
    rxBytes: 0,
    txBytes: 0,
  });
  assertEquals([...read.get(peerKey(1))?.allowedIps ?? []].sort(), ["10.1.0.0/24", "fd01::/64"]);
  const second = read.get(peerKey(2));
  assertEquals(second?.endpoint, { address: "2001:db8::2", port: 4_242 });
  assertEquals([second?.hasPresharedKey, second?.keepaliveS, second?.allowedIps], [false, 0, []]);
};

const changesPeers: Check = async (fixture) => {
  const { wireguard, device } = fixture;
  const change = (...peers: WireguardPeerChange[]) => wireguard.configure(device, { peers });
  await change({ publicKey: peerKey(1), allowedIps: ["10.9.0.0/24"] });
  assertEquals((await peersOf(fixture)).get(peerKey(1))?.allowedIps.length, 3, "added");
  await change({ publicKey: peerKey(1), replaceAllowedIps: true, allowedIps: ["10.8.0.0/24"] });
  assertEquals((await peersOf(fixture)).get(peerKey(1))?.allowedIps, ["10.8.0.0/24"], "replaced");
  await change({ publicKey: peerKey(2), allowedIps: ["10.8.0.0/24"] });
  const moved = await peersOf(fixture);
  assertEquals(moved.get(peerKey(1))?.allowedIps, [], "an allowed IP has one owner");
  assertEquals(moved.get(peerKey(2))?.allowedIps, ["10.8.0.0/24"]);
  await change({ publicKey: peerKey(1), presharedKey: new Uint8Array(32), keepaliveS: 0 });
  const cleared = (await peersOf(fixture)).get(peerKey(1));
  assertEquals([cleared?.hasPresharedKey, cleared?.keepaliveS], [false, 0]);
  assertEquals(cleared?.endpoint?.port, 51_820, "what is left out stays");
};

const updatesOnly: Check = async (fixture) => {
  const { wireguard, device } = fixture;
  const late = { presharedKey: new Uint8Array(32).fill(3), updateOnly: true };
  await wireguard.configure(device, { peers: [{ publicKey: peerKey(77), ...late }] });
  assertEquals((await peersOf(fixture)).has(peerKey(77)), false, "not brought to life");
  await wireguard.configure(device, { peers: [{ publicKey: peerKey(1), ...late }] });
  assertEquals((await peersOf(fixture)).get(peerKey(1))?.hasPresharedKey, true);
};

const removesPeers: Check = async (fixture) => {
  const { wireguard, device } = fixture;
  await wireguard.configure(device, { peers: [{ publicKey: peerKey(1), remove: true }] });
  assertEquals([...(await peersOf(fixture)).keys()], [peerKey(2)]);
  await wireguard.configure(device, { replacePeers: true, peers: [{ publicKey: peerKey(3) }] });
  assertEquals([...(await peersOf(fixture)).keys()], [peerKey(3)]);
  await wireguard.configure(device, { replacePeers: true });
  assertEquals((await peersOf(fixture)).size, 0);
};

const takesLargeConfigurations: Check = async (fixture) => {
  const { wireguard, device } = fixture;
  const many = (n: number, net: number) =>
    Array.from({ length: n }, (_, i) => `10.${net + (i >> 8)}.${i & 0xff}.0/24`);
  const peers: WireguardPeerChange[] = Array.from({ length: 400 }, (_, i) => ({
    publicKey: peerKey(1000 + i),
    presharedKey: new Uint8Array(32).fill(1),
    allowedIps: [`10.200.${i >> 8}.${i & 0xff}/32`],
  }));
  peers.push({ publicKey: peerKey(1), allowedIps: many(2000, 0) });
  await wireguard.configure(device, { replacePeers: true, peers });
  const read = await peersOf(fixture);
  assertEquals(read.size, 401);
  for (const { publicKey, allowedIps = [] } of peers) {
    assertEquals([...read.get(publicKey)?.allowedIps ?? []].sort(), [...allowedIps].sort());
  }
  await wireguard.configure(device, { replacePeers: true });
};

const refuses: Check = async (fixture) => {
  const { wireguard, device } = fixture;
  const before = await wireguard.device(device);
  const secret = new Uint8Array(31).fill(0x5a);
  const rows: readonly WireguardPeerChange[] = [
    { publicKey: "not a key" },
    { publicKey: peerKey(1), presharedKey: secret },
    { publicKey: peerKey(1), allowedIps: ["10.0.0.0/40"] },
    { publicKey: peerKey(1), endpoint: { address: "example.org", port: 1 } },
  ];
  for (const peer of rows) {
    const good = { publicKey: peerKey(2) };
    const error = await rejectsWith(
      "invalid",
      () => wireguard.configure(device, { peers: [good, peer] }),
    );
    assert(!/5a5a|90,90|WlpaWlpa/.test(`${error.message} ${error.stack}`), "a secret in an error");
  }
  await rejectsWith("invalid", () => wireguard.configure(device, { privateKey: secret }));
  await rejectsWith("no-such-link", () => wireguard.configure("no-such-link", { fwmark: 1 }));
  assertEquals(await wireguard.device(device), before, "a refused change changes nothing");
};

const forgetsKeys: Check = async ({ wireguard, device }) => {
  await wireguard.configure(device, { privateKey: new Uint8Array(32) });
  assertEquals((await wireguard.device(device)).publicKey, null);
};

const CHECKS: readonly (readonly [string, Check])[] = [
  ["device() of a new interface is empty; other links are refused", startsEmpty],
  ["configure() keeps key, port and mark", keepsDeviceSettings],
  ["configure() keeps every setting of a peer", keepsPeers],
  ["configure() adds, replaces and moves allowed IPs", changesPeers],
  ["configure() with updateOnly brings no peer to life", updatesOnly],
  ["configure() removes and replaces peers", removesPeers],
  ["configure() takes 400 peers and 2,000 allowed IPs of one", takesLargeConfigurations],
  ["configure() refuses malformed changes whole, without telling a secret", refuses],
  ["configure() with a zero key forgets the key", forgetsKeys],
];

/** Registers one test; its steps build on each other. */
export function testWireguard(subject: string, open: OpenWireguard): void {
  Deno.test(subject, async (t) => {
    await using fixture = await open();
    for (const [name, check] of CHECKS) await t.step(name, () => check(fixture));
  });
}
