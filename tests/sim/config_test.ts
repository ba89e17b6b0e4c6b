// The configuration applied to a simulated kernel: least changes, nothing lost, and back again.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { configs } from "../../core/config/_arbitrary.ts";
import {
  type Config,
  ConfigManager,
  defaultConfig,
  KernelApplier,
  parseConfig,
} from "../../core/config/mod.ts";
import { type Clock, type Kernel, KernelFault, type Services } from "../../core/ports/mod.ts";
import type { ServiceSpec } from "../../core/ports/mod.ts";
import { simulate } from "../../core/sim/mod.ts";
import { memoryFiles } from "../fixtures/config.ts";
import { ManualClock } from "../fixtures/clock.ts";

/** Waiting for the kernel takes no time here: the simulated one has done all when it answers. */
const instant: Clock = { monotonicMs: () => 0, wallMs: () => 0, sleep: () => Promise.resolve() };

/** Services that run whatever they are given. */
function fakeServices(installed = true) {
  const running = new Map<string, ServiceSpec>();
  const started: string[] = [];
  const services: Services = {
    installed: () =>
      Promise.resolve(
        installed ? { ok: true, detail: "1.0" } : { ok: false, detail: "it is not installed" },
      ),
    ensure(spec) {
      running.set(spec.name, spec);
      started.push(spec.name);
      return Promise.resolve();
    },
    stop(name) {
      running.delete(name);
      return Promise.resolve();
    },
    status: () =>
      Promise.resolve([...running.values()].map(({ name, kind }) => ({
        name,
        kind,
        state: "running" as const,
        detail: "",
        restarts: 0,
      }))),
    close: () => Promise.resolve(),
  };
  return { services, running, started };
}

function node(options: { readonly installed?: boolean } = {}) {
  const simulation = simulate({ nodes: 1, seed: 7, bare: true });
  const kernel = simulation.kernel(0);
  const fake = fakeServices(options.installed ?? true);
  const applier = new KernelApplier({ kernel, services: fake.services, clock: instant });
  return { simulation, kernel, applier, ...fake };
}

function config(text: string): Config {
  const result = parseConfig(text);
  assert(result.ok, result.ok ? "" : result.errors.map(({ message }) => message).join("\n"));
  return result.config;
}

const FULL = config(`
[wireless]
country = "DE"
[[radios]]
band = "5GHz"
tx_power_dbm = 15
[mesh]
id = "village"
hop_penalty = 20
hard_mtu = 1600
[mesh.gateway]
mode = "server"
down_kbps = 50_099
[[mesh.vlans]]
id = 3
ap_isolation = true
bridge = "br-guest"
[[client_ap]]
ssid = "village"
[lan]
addresses = ["10.7.0.1/16", "fd00:7::1/64"]
[lan.dhcp]
enabled = true
range_start = "10.7.0.10"
range_end = "10.7.9.1"
[wan]
interface = "eth0"
method = "static"
addresses = ["192.0.2.2/24"]
gateway = "192.0.2.1"
`);

/** All that a document can change, for comparing. */
async function state(kernel: Kernel): Promise<unknown> {
  const links = await kernel.links.list();
  const mesh = links.find(({ kind }) => kind === "batadv")?.name;
  return {
    links: links
      .map(({ name, kind, up, mtu, master }) => ({ name, kind, up, mtu, master }))
      .sort((a, b) => a.name.localeCompare(b.name)),
    addresses: (await kernel.links.addresses())
      .filter(({ scope }) => scope === "global")
      .map(({ link, address }) => `${link} ${address}`).sort(),
    mesh: mesh === undefined ? null : (await kernel.mesh.info(mesh)).settings,
    wireless: (await kernel.radios.interfaces()).map(({ name, mode, ssid, frequencyMhz }) => ({
      name,
      mode,
      ssid,
      frequencyMhz,
    })),
    firewall: await kernel.firewall.table("inet", "x0tta6bl4"),
  };
}

Deno.test("KernelApplier.apply() brings a bare machine to the defaults, and then has nothing to do", async () => {
  const { kernel, applier } = node();
  const report = await applier.apply(defaultConfig(), null);
  assertEquals(report.differing, []);
  assert(report.changed.length > 5);
  const links = new Map((await kernel.links.list()).map((link) => [link.name, link]));
  assertEquals(links.get("mesh0")?.master, "bat0");
  assertEquals(links.get("bat0")?.master, "br-lan");
  assertEquals(links.get("br-lan")?.up, true);
  assertEquals(links.get("wlan0")?.up, false, "the computer's own Wi-Fi is left alone");
  const wlan = (await kernel.radios.interfaces()).find(({ name }) => name === "mesh0");
  assertEquals([wlan?.ssid, wlan?.frequencyMhz], ["x0tta6bl4", 2412]);
  assertEquals((await applier.plan(defaultConfig(), null)).steps, []);
  const again = await applier.apply(defaultConfig(), defaultConfig());
  assertEquals([again.changed, again.differing], [[], []]);
  assert(again.unchanged > 15);
});

Deno.test("KernelApplier.apply() applies everything a document can say", async () => {
  const { kernel, applier, running } = node();
  const report = await applier.apply(FULL, null);
  assertEquals(report.differing, []);
  assertEquals([...running.keys()].sort(), ["dnsmasq-br-lan", "hostapd-ap0"]);
  const { settings } = await kernel.mesh.info("bat0");
  assertEquals([settings.hopPenalty, settings.gatewayMode, settings.gatewayDownKbps], [
    20,
    "server",
    50_000,
  ]);
  assertEquals((await kernel.mesh.vlan("bat0", 3)).apIsolation, true);
  assertEquals(await kernel.sysctl.read("net.ipv4.conf.eth0.forwarding"), "1");
  assertEquals(await kernel.sysctl.read("net.ipv4.conf.br-lan.forwarding"), "1");
  const routes = await kernel.links.routes();
  assert(
    routes.some((route) => route.destination === "0.0.0.0/0" && route.gateway === "192.0.2.1"),
  );
  assertEquals((await applier.plan(FULL, FULL)).steps, []);
});

Deno.test("KernelApplier.apply() does only what changed", async () => {
  const { applier, started } = node();
  await applier.apply(FULL, null);
  const before = started.length;
  const changed = { ...FULL, mesh: { ...FULL.mesh, hopPenalty: 21 } };
  const report = await applier.apply(changed, FULL);
  assertEquals(report.changed, [{
    key: "mesh.hop_penalty",
    sentence: "set hopPenalty of bat0 to 21",
  }]);
  assertEquals(started.length, before, "a program was restarted without need");
});

Deno.test("KernelApplier.apply() of the document before leaves nothing of the one that failed", async () => {
  const { kernel, applier, running } = node();
  await applier.apply(defaultConfig(), null);
  const before = await state(kernel);
  await applier.apply(FULL, defaultConfig());
  const report = await applier.apply(defaultConfig(), FULL);
  assertEquals(report.differing, []);
  assertEquals([...running.keys()], []);
  const after = await state(kernel);
  assertEquals(await kernel.sysctl.read("net.ipv4.conf.eth0.forwarding"), "0");
  assertEquals(await kernel.sysctl.read("net.ipv6.conf.all.forwarding"), "0");
  assertEquals(leftAlone(after), leftAlone(before));
});

/** Without what an undone document may leave: a device up, and a bandwidth that nothing announces. */
function leftAlone(value: unknown): unknown {
  const { links, mesh, ...rest } = value as {
    links: { kind: string; up: boolean }[];
    mesh: { gatewayDownKbps: number; gatewayUpKbps: number };
  };
  return {
    ...rest,
    links: links.map((link) => link.kind === "device" ? { ...link, up: null } : link),
    mesh: { ...mesh, gatewayDownKbps: null, gatewayUpKbps: null },
  };
}

Deno.test("KernelApplier.apply() reports a radio that is not there and does the rest", async () => {
  const { kernel, applier } = node();
  const missing = config('[[radios]]\nmatch = "phy9"\n[[radios]]\nband = "5GHz"\nchannel = 36\n');
  const { differing } = await applier.apply(missing, null);
  assertEquals(differing.map(({ key }) => key), ["radios[0].match"]);
  assertEquals(differing[0]?.reason, "the radio is not there");
  assertEquals((await kernel.links.get("mesh0")).master, "bat0");
});

Deno.test("KernelApplier.apply() reports a channel that the country forbids and does the rest", async () => {
  const { kernel, applier } = node();
  const forbidden = config(
    '[wireless]\ncountry = "US"\n[[radios]]\nband = "2.4GHz"\nchannel = 13\n',
  );
  const { differing } = await applier.apply(forbidden, null);
  assertEquals(differing.map(({ key }) => key), ["radios[0].channel"]);
  assertStringIncludes(differing[0]?.reason ?? "", "the country US forbids");
  assertEquals((await kernel.links.get("bat0")).up, true);
});

/** The kernel without what a module would bring. */
function without(kernel: Kernel, part: "mesh" | "radios" | "firewall"): Kernel {
  const reject = () => Promise.reject(new KernelFault("not-supported", `no such module`));
  const absent = new Proxy({}, {
    get: (_target, name) =>
      part === "firewall" && name === "available"
        ? () => Promise.resolve({ ok: false, detail: "libnftables.so.1 is missing" })
        : reject,
  });
  return new Proxy(kernel, {
    get: (target, name) => name === part ? absent : Reflect.get(target, name),
  });
}

Deno.test("KernelApplier.apply() without batman-adv, radios or nftables says so and does the rest", async () => {
  for (
    const [part, key, reason] of [
      ["mesh", "mesh.interface", "no batman-adv"],
      ["radios", "radios[0].match", "no radios"],
      ["firewall", "firewall.enabled", "libnftables.so.1 is missing"],
    ] as const
  ) {
    const { kernel, services } = node();
    const applier = new KernelApplier({ kernel: without(kernel, part), services, clock: instant });
    const { differing } = await applier.apply(config('[[radios]]\nmatch = "any"\n'), null);
    assertEquals(differing.map((difference) => difference.key), [key], part);
    assertStringIncludes(differing[0]?.reason ?? "", reason);
    assertEquals((await kernel.links.get("br-lan")).up, true);
  }
});

Deno.test("KernelApplier.apply() without hostapd and dnsmasq says so and does the rest", async () => {
  const { applier } = node({ installed: false });
  const { differing } = await applier.apply(FULL, null);
  assertEquals(differing.map(({ key, reason }) => [key, reason]), [
    ["client_ap[0]", "it is not installed"],
    ["lan.dhcp.enabled", "it is not installed"],
  ]);
});

Deno.test("KernelApplier.apply() says when the kernel accepts a setting and does not keep it", async () => {
  const { kernel, services } = node();
  const forgetful = new Proxy(kernel, {
    get: (target, name) =>
      name !== "mesh" ? Reflect.get(target, name) : new Proxy(target.mesh, {
        get: (mesh, method) => {
          if (method === "configure") return () => Promise.resolve();
          const value = Reflect.get(mesh, method);
          return typeof value === "function" ? value.bind(mesh) : value;
        },
      }),
  });
  const applier = new KernelApplier({ kernel: forgetful, services, clock: instant });
  const { differing } = await applier.apply(config("mesh.hop_penalty = 77\n"), null);
  assertEquals(differing, [{
    key: "mesh.hop_penalty",
    wanted: "77",
    found: "30",
    reason: "the kernel accepted it and did not keep it",
  }]);
});

Deno.test("any document, applied over any other: then nothing is left to do", async () => {
  await fc.assert(
    fc.asyncProperty(configs, configs, async (first, second) => {
      const { applier } = node();
      await applier.apply(first, null);
      const report = await applier.apply(second, first);
      const { steps, obstacles } = await applier.plan(second, null);
      assertEquals(steps.map(({ sentence }) => sentence), []);
      assertEquals(report.differing, obstacles);
      const again = await applier.apply(second, second);
      assertEquals(again.changed, []);
    }),
    { numRuns: 60 },
  );
});

Deno.test("any document, undone: the machine is as if it had never been applied", async () => {
  await fc.assert(
    fc.asyncProperty(configs, configs, async (good, bad) => {
      const { applier, kernel, running } = node();
      await applier.apply(good, null);
      const [before, programs] = [await state(kernel), new Map(running)];
      await applier.apply(bad, good);
      await applier.apply(good, bad);
      assertEquals(shape(await state(kernel)), shape(before));
      assertEquals(running, programs);
    }),
    { numRuns: 40 },
  );
});

/** What must come back exactly: links, addresses, wireless and rules. */
function shape(value: unknown): unknown {
  const { links, addresses, firewall } = value as Record<string, unknown>;
  const named = (links as { name: string; master: string | null; kind: string }[])
    .map(({ name, master, kind }) => ({ name, master, kind }));
  return { links: named, addresses, firewall };
}

Deno.test("ConfigManager undoes a bad apply on a simulated node by itself", async () => {
  const { applier, kernel } = node();
  const clock = new ManualClock();
  const manager = new ConfigManager({
    files: memoryFiles(),
    clock,
    applier,
    history: { append: () => {}, list: () => [], get: () => null },
    paths: { document: "/etc/node.toml", directory: "/var/lib/node" },
    bootId: "boot",
  });
  await manager.start();
  const before = await state(kernel);
  await manager.apply('[mesh]\nid = "lost"\ninterface = "bat7"\n', {
    author: "test",
    confirmWithinS: 30,
  });
  assertEquals((await kernel.links.get("mesh0")).master, "bat7");
  await clock.advance(30_000);
  while (manager.status().state !== "idle") await new Promise((done) => setTimeout(done, 1));
  assertEquals(shape(await state(kernel)), shape(before));
  await manager.close();
});
