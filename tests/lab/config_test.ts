// Runs in a lab guest. Documents applied to the real kernel with hwsim radios: what comes of it is read
// with the reference tools, and nothing is done twice.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Config,
  ConfigManager,
  defaultConfig,
  KernelApplier,
  parseConfig,
} from "../../core/config/mod.ts";
import {
  hostClock,
  hostFiles,
  type HostServices,
  hostServices,
  openHostKernel,
} from "../../core/host/mod.ts";
import type { Kernel } from "../../core/ports/mod.ts";
import { loadLibnftables } from "../../ffi/nftables/mod.ts";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { installRegulatoryDatabase } from "./radios/fixture.ts";
import { radioTopology, shell, type Topology } from "./topology.ts";

// The libraries stay open for the life of the process and belong to no test.
loadLibc();
loadLibnftables();

const clock = hostClock();

interface Node {
  readonly ns: string;
  readonly kernel: Kernel;
  readonly services: HostServices;
  readonly applier: KernelApplier;
}

interface Lab extends AsyncDisposable {
  readonly topology: Topology;
  readonly a: Node;
  readonly b: Node;
}

async function openNode(ns: string): Promise<Node> {
  const services = hostServices({
    clock,
    files: hostFiles(),
    directory: `/run/x0-config-${ns}`,
    netns: ns,
  });
  const kernel = await openHostKernel({ netns: ns, meshIdOf: (name) => services.meshIdOf(name) });
  return { ns, kernel, services, applier: new KernelApplier({ kernel, services, clock }) };
}

async function openLab(): Promise<Lab> {
  await installRegulatoryDatabase();
  const topology = await radioTopology(2, [[1, 2]], { joinMesh: false });
  await shell([
    "iw reg set 00",
    "ip -n n1 link add eth0 type veth peer name eth1",
    "ip -n n1 link set eth1 up",
  ]);
  const [a, b] = [await openNode("n1"), await openNode("n2")];
  return {
    topology,
    a,
    b,
    async [Symbol.asyncDispose]() {
      for (const { kernel, services } of [a, b]) {
        await services.close();
        await kernel.close();
      }
      await topology[Symbol.asyncDispose]();
    },
  };
}

function config(text: string): Config {
  const result = parseConfig(text);
  assert(result.ok, result.ok ? "" : result.errors.map(({ message }) => message).join("\n"));
  return result.config;
}

/** Waits until `found` is true, for at most `withinS`. */
async function eventually(what: string, withinS: number, found: () => Promise<boolean>) {
  for (let tries = 0; tries < withinS * 5; tries++) {
    if (await found()) return;
    await clock.sleep(200);
  }
  throw new Error(`Not within ${withinS} s: ${what}`);
}

/** A document for quick tests: loop avoidance would hold the first broadcasts for half a minute. */
function quick(mesh = "", radio = ""): string {
  return `[[radios]]
interface = "mesh0"
${radio}
[mesh]
bridge_loop_avoidance = false
originator_interval_ms = 200
${mesh}
`;
}
const QUICK = quick();

const FULL = config(`
[wireless]
country = "DE"
[[radios]]
interface = "mesh0"
channel = 6
tx_power_dbm = 10
hop_penalty = 3
[mesh]
id = "village"
hop_penalty = 20
bridge_loop_avoidance = false
distributed_arp_table = false
isolation_mark = 16
isolation_mask = 255
multicast_fanout = 8
[mesh.gateway]
mode = "server"
down_kbps = 50_099
up_kbps = 10_000
[[mesh.vlans]]
id = 3
ap_isolation = true
bridge = "br-guest"
[lan]
addresses = ["10.7.0.1/16", "fd00:7::1/64"]
[lan.dhcp]
enabled = true
range_start = "10.7.0.10"
range_end = "10.7.9.1"
[lan.router_advertisement]
enabled = true
[wan]
interface = "eth0"
method = "static"
addresses = ["192.0.2.2/24"]
gateway = "192.0.2.1"
`);

Deno.test("the default document meshes two bare nodes; again, it does nothing", async () => {
  await using lab = await openLab();
  for (const { applier } of [lab.a, lab.b]) {
    const report = await applier.apply(defaultConfig(), null);
    assertEquals(report.differing, []);
    const again = await applier.apply(defaultConfig(), defaultConfig());
    assertEquals([again.changed, again.differing], [[], []]);
    assertEquals((await applier.plan(defaultConfig(), null)).steps, []);
  }
  // Named after the radio, whose number depends on what ran in this guest before.
  const wireless = await lab.a.kernel.radios.interfaces();
  const name = wireless.find(({ mode }) => mode === "mesh")?.name ?? "";
  const links = JSON.parse(await lab.topology.exec(1, "ip", "-j", "link")) as {
    ifname: string;
    master?: string;
    mtu: number;
  }[];
  const link = (name: string) => links.find(({ ifname }) => ifname === name);
  assertEquals([link(name)?.master, link(name)?.mtu], ["bat0", 1560]);
  assertEquals(link("bat0")?.master, "br-lan");
  assertEquals(link("wlan0")?.master, undefined);
  await eventually("the nodes hear each other", 30, async () => {
    const seen = await lab.topology.exec(1, "batctl", "meshif", "bat0", "originators", "-H");
    return seen.trim() !== "";
  });
});

Deno.test("a document that says everything is in the kernel as batctl, iw and ip tell it", async () => {
  await using lab = await openLab();
  const { applier, services } = lab.a;
  const report = await applier.apply(FULL, null);
  assertEquals(report.differing, []);
  const again = await applier.apply(FULL, FULL);
  assertEquals([again.changed, again.differing], [[], []]);
  const batctl = async (...args: string[]) =>
    (await lab.topology.exec(1, "batctl", "meshif", "bat0", ...args)).trim();
  assertEquals(await batctl("hop_penalty"), "20");
  const hard = await lab.topology.exec(1, "batctl", "hardif", "mesh0", "hop_penalty");
  assertEquals(hard.trim(), "3");
  assertEquals(await batctl("distributed_arp_table"), "disabled");
  assertEquals(await batctl("isolation_mark"), "0x00000010/0x000000ff");
  assertEquals(await batctl("multicast_fanout"), "8");
  assertStringIncludes(await batctl("gw_mode"), "server (announced bw: 50.0/10.0 MBit)");
  assertEquals(await batctl("vid", "3", "ap_isolation"), "enabled");
  const wireless = await lab.topology.exec(1, "iw", "dev", "mesh0", "info");
  assertStringIncludes(wireless, "channel 6 (2437 MHz), width: 20 MHz");
  assertStringIncludes(wireless, "txpower 10.00 dBm");
  const forwarding = ["iw", "dev", "mesh0", "get", "mesh_param", "mesh_fwding"];
  assertEquals((await lab.topology.exec(1, ...forwarding)).trim(), "0");
  const addresses = await lab.topology.exec(1, "ip", "-o", "address");
  for (const address of ["10.7.0.1/16", "fd00:7::1/64", "192.0.2.2/24"]) {
    assertStringIncludes(addresses, address);
  }
  const route = await lab.topology.exec(1, "ip", "route", "show", "default");
  assertStringIncludes(route, "default via 192.0.2.1 dev eth0");
  const rules = await lab.topology.exec(1, "nft", "list", "table", "inet", "x0tta6bl4");
  assertStringIncludes(rules, "masquerade");
  assertEquals((await services.status()).map(({ name, state }) => [name, state]), [
    ["dnsmasq-br-lan", "running"],
  ]);
  const undone = await applier.apply(defaultConfig(), FULL);
  assertEquals(undone.differing, []);
  assertEquals(await services.status(), []);
  assertEquals(await batctl("hop_penalty"), "30");
  const left = await lab.topology.exec(1, "ip", "-o", "address");
  assert(!/10\.7\.0\.1|192\.0\.2\.2/.test(left), left);
  assert(!(await lab.topology.exec(1, "ip", "-br", "link")).includes("br-guest"));
});

Deno.test("a change of the routing algorithm makes the mesh interface again", async () => {
  await using lab = await openLab();
  const { applier, kernel } = lab.a;
  await applier.apply(config(QUICK), null);
  const five = config(
    quick('algorithm = "BATMAN_V"\nelp_interval_ms = 300', "throughput_override_kbps = 5000"),
  );
  const report = await applier.apply(five, config(QUICK));
  assertEquals(report.differing, []);
  assertEquals((await kernel.mesh.info("bat0")).algorithm, "BATMAN_V");
  const [hard] = await kernel.mesh.hardInterfaces("bat0");
  assertEquals([hard?.elpIntervalMs, hard?.throughputOverrideKbps], [300, 5000]);
  assertEquals((await applier.plan(five, null)).steps, []);
});

Deno.test("a mesh with a passphrase meshes, and wpa_supplicant is not started twice", async () => {
  await using lab = await openLab();
  const secret = config(quick("", `passphrase = 'a "secret" of ours'`));
  for (const { applier } of [lab.a, lab.b]) {
    assertEquals((await applier.apply(secret, null)).differing, []);
  }
  await eventually("the nodes hear each other", 60, async () => {
    const seen = await lab.topology.exec(1, "batctl", "meshif", "bat0", "originators", "-H");
    return seen.trim() !== "";
  });
  assertEquals((await lab.a.applier.apply(secret, secret)).changed, []);
  assertEquals((await lab.a.services.status()).map(({ restarts }) => restarts), [0]);
});

Deno.test("a forbidden channel and a missing radio are reported, the rest is applied", async () => {
  await using lab = await openLab();
  const { applier, kernel } = lab.a;
  const report = await applier.apply(
    config('[[radios]]\nchannel = 14\n[[radios]]\nmatch = "phy77"\n[mesh]\nhop_penalty = 9\n'),
    null,
  );
  assertEquals(report.differing.map(({ key }) => key), ["radios[0].channel", "radios[1].match"]);
  assertStringIncludes(report.differing[0]?.reason ?? "", "channel 14");
  assertEquals((await kernel.mesh.info("bat0")).settings.hopPenalty, 9);
  assertEquals((await kernel.links.get("bat0")).master, "br-lan");
});

Deno.test("a bad apply is rolled back by itself", async () => {
  await using lab = await openLab();
  const { applier, topology } = { ...lab.a, topology: lab.topology };
  const directory = await Deno.makeTempDir();
  const manager = new ConfigManager({
    files: hostFiles(),
    clock,
    applier,
    history: { append: () => {}, list: () => [], get: () => null },
    paths: { document: `${directory}/config.toml`, directory: `${directory}/records` },
    bootId: "lab",
  });
  await Deno.writeTextFile(`${directory}/config.toml`, QUICK);
  await manager.start();
  await lab.b.applier.apply(config(QUICK), null);
  const meshed = async () =>
    (await topology.exec(1, "batctl", "meshif", "bat0", "neighbors", "-H")).trim() !== "";
  await eventually("the nodes hear each other", 30, meshed);
  // The wrong mesh: whoever came over the air is cut off and cannot confirm.
  await manager.apply(quick('id = "wrong"'), { author: "lab", confirmWithinS: 3 });
  assertStringIncludes(await topology.exec(1, "iw", "dev", "mesh0", "info"), "type mesh");
  await eventually("rolled back", 20, () => Promise.resolve(manager.status().state === "idle"));
  assertEquals(manager.status().report?.differing, []);
  await eventually("the nodes hear each other again", 30, meshed);
  assertEquals(await Deno.readTextFile(`${directory}/config.toml`), QUICK);
  await manager.close();
  await Deno.remove(directory, { recursive: true });
});
