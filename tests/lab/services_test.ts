// Runs in a lab guest. hostapd, wpa_supplicant and dnsmasq as the Services port runs them, with the files
// that core/config writes: a SAE mesh, access points with WPA3, the transition mode and OWE.
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { hostapdConfig } from "../../core/config/hostapd.ts";
import { type Config, parseConfig } from "../../core/config/mod.ts";
import { wpaSupplicantConfig } from "../../core/config/wpa_supplicant.ts";
import {
  hostClock,
  hostFiles,
  type HostServices,
  hostServices,
  openHostKernel,
} from "../../core/host/mod.ts";
import { type Kernel, KernelFault, type ServiceSpec, type Station } from "../../core/ports/mod.ts";
import { installRegulatoryDatabase } from "./radios/fixture.ts";
import { radioTopology, type Topology } from "./topology.ts";

const PASSPHRASE = 'correct "horse" |id=1 #b';
/** Emulated machines on a busy host are slow. */
const START_TIMEOUT_MS = 60_000;
const clock = hostClock();

interface Node {
  readonly kernel: Kernel;
  readonly services: HostServices;
}

interface Lab extends AsyncDisposable {
  readonly topology: Topology;
  readonly nodes: readonly [Node, Node, Node];
}

async function openNode(ns: string): Promise<Node> {
  const services = hostServices({
    clock,
    files: hostFiles(),
    directory: `/run/x0-${ns}`,
    netns: ns,
    startTimeoutMs: START_TIMEOUT_MS,
  });
  const kernel = await openHostKernel({ netns: ns, meshIdOf: (name) => services.meshIdOf(name) });
  return { kernel, services };
}

async function openLab(): Promise<Lab> {
  await installRegulatoryDatabase();
  const topology = await radioTopology(3, [[1, 2], [2, 3], [1, 3]], { joinMesh: false });
  const nodes = [await openNode("n1"), await openNode("n2"), await openNode("n3")] as const;
  return {
    topology,
    nodes,
    async [Symbol.asyncDispose]() {
      for (const { kernel, services } of nodes) {
        await services.close();
        await kernel.close();
      }
      await topology[Symbol.asyncDispose]();
    },
  };
}

function configOf(toml: string): Config {
  const parsed = parseConfig(toml);
  assert("config" in parsed && parsed.config !== undefined, JSON.stringify(parsed));
  return parsed.config;
}

function radioOf(extra: string): Config["radios"][number] {
  const [radio] = configOf(`[[radios]]\nband = "2.4GHz"\nchannel = 1\n${extra}`).radios;
  assert(radio !== undefined);
  return radio;
}

function meshSpec(passphrase: string, channel = 1): ServiceSpec {
  const radio = {
    ...radioOf(`passphrase = ${JSON.stringify(passphrase)}`),
    channel,
  };
  return {
    name: "wpa_supplicant-wlan0",
    kind: "wpa_supplicant",
    config: wpaSupplicantConfig(radio, "x0 mésh", null),
    interface: "wlan0",
  };
}

function apSpec(security: "open" | "owe" | "wpa3" | "wpa2-wpa3", channel = 6): ServiceSpec {
  const secret = security === "wpa3" || security === "wpa2-wpa3"
    ? `passphrase = ${JSON.stringify(PASSPHRASE)}`
    : "";
  const text =
    `[[radios]]\nchannel = 6\n[[client_ap]]\nssid = "x0 é"\nsecurity = "${security}"\n${secret}`;
  const { clientAp: [ap], radios: [radio] } = configOf(text);
  assert(ap !== undefined && radio !== undefined);
  return {
    name: "hostapd-wlan0",
    kind: "hostapd",
    config: hostapdConfig({
      ap,
      radio: { ...radio, channel },
      interface: "wlan0",
      bridge: null,
      country: null,
      standards: ["n"],
    }),
    interface: "wlan0",
  };
}

function hex(text: string): string {
  return new TextEncoder().encode(text).toHex();
}

/** Runs a step; programs that a failed one leaves behind do not disturb the next. */
async function alone(lab: Lab, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } finally {
    for (const { services } of lab.nodes) await services.close();
  }
}

/** A client of the access point. Only tests need one. */
function clientSpec(lines: readonly string[]): ServiceSpec {
  return {
    name: "client-wlan0",
    kind: "wpa_supplicant",
    config: ["sae_pwe=2", "network={", `ssid=${hex("x0 é")}`, "scan_freq=2437", ...lines, "}", ""]
      .join("\n"),
    interface: "wlan0",
  };
}

async function eventually<T>(what: string, look: () => Promise<T | null>, steps = 120): Promise<T> {
  for (let i = 0; i < steps; i++) {
    const found = await look();
    if (found !== null) return found;
    await clock.sleep(250);
  }
  throw new Error(`Waited in vain for: ${what}`);
}

function established(stations: readonly Station[]): string[] {
  return stations.filter((item) => item.peering === "established").map((item) => item.mac).sort();
}

async function meshes(lab: Lab): Promise<void> {
  const [one, two, three] = lab.nodes;
  await one.services.ensure(meshSpec(PASSPHRASE));
  await two.services.ensure(meshSpec(PASSPHRASE));
  await three.services.ensure(meshSpec("a wrong one"));
  const peer = await lab.topology.mac(2, "wlan0");
  const stations = await eventually("the SAE peer", async () => {
    const found = await one.kernel.radios.stations("wlan0");
    return established(found).includes(peer) ? found : null;
  });
  assertEquals(stations.find((item) => item.mac === peer)?.authorized, true);
  const [link] = await one.kernel.radios.interfaces();
  assertEquals([link?.mode, link?.ssid, link?.frequencyMhz], ["mesh", "x0 mésh", 2412]);
  assertEquals((await one.kernel.radios.meshParameters("wlan0")).forwarding, false);
  // A wrong password has had at least as long.
  await clock.sleep(3_000);
  assertEquals(established(await three.kernel.radios.stations("wlan0")), []);
  assertEquals(established(await one.kernel.radios.stations("wlan0")), [peer]);
  const [status] = await one.services.status();
  assertEquals([status?.state, status?.restarts], ["running", 0]);
  assertStringIncludes(status?.detail ?? "", "mesh");
  assertEquals(JSON.stringify(status).includes("horse"), false);
  for (const { services } of lab.nodes) await services.close();
  assertEquals(await lab.topology.tryExec(1, "pgrep", "-f", "x0-n1").then(({ code }) => code), 1);
}

async function refusesChannel(lab: Lab): Promise<void> {
  const [one] = lab.nodes;
  const error = await assertRejects(
    () => one.services.ensure(apSpec("owe", 14)),
    KernelFault,
  );
  assert(error.code === "invalid" || error.code === "timeout", error.code);
  assertStringIncludes(error.message, "wlan0");
  assertEquals(error.message.includes("horse"), false);
  assertEquals(await one.services.status(), []);
}

async function serves(
  lab: Lab,
  security: "owe" | "wpa3" | "wpa2-wpa3" | "open",
  client: readonly string[],
  akm: string | null,
): Promise<void> {
  const [one, two] = lab.nodes;
  await one.services.ensure(apSpec(security));
  const control = one.services.control("hostapd-wlan0");
  assert(control !== null);
  const events: string[] = [];
  const listening = new AbortController();
  const heard = (async () => {
    for await (const event of control.events(listening.signal)) events.push(event.type);
  })();
  await two.services.ensure(clientSpec(client));
  const mac = await lab.topology.mac(2, "wlan0");
  const station = await eventually("the client", async () => {
    const found = await one.kernel.radios.stations("wlan0");
    return found.find((item) => item.mac === mac && item.authorized) ?? null;
  });
  assertEquals(station.peering, null);
  const [known] = await control.stations();
  assertEquals([known?.mac, known?.flags.includes("AUTHORIZED")], [mac, true]);
  if (akm !== null) assertEquals(known?.akm, akm);
  const link = (await two.kernel.radios.interfaces())[0];
  assertEquals([link?.mode, link?.ssid, link?.frequencyMhz], ["managed", "x0 é", 2437]);
  await two.services.stop("client-wlan0");
  await eventually(
    "the client's leaving",
    async () => (await one.kernel.radios.stations("wlan0")).length === 0 ? true : null,
  );
  await one.services.stop("hostapd-wlan0");
  listening.abort();
  await heard;
  assert(events.includes("station-connected"), events.join());
}

async function refusesClient(lab: Lab): Promise<void> {
  const [one, two] = lab.nodes;
  await one.services.ensure(apSpec("wpa3"));
  const spec = clientSpec(["key_mgmt=SAE", "ieee80211w=2", `sae_password="a wrong one"`]);
  const error = await assertRejects(() => two.services.ensure(spec), KernelFault);
  assertEquals(error.code, "timeout");
  assertEquals(error.message.includes("wrong one"), false);
  assertEquals(
    await one.services.control("hostapd-wlan0")?.stations().then((all) =>
      all.filter((item) => item.flags.includes("AUTHORIZED")).length
    ),
    0,
  );
  await one.services.stop("hostapd-wlan0");
}

Deno.test("Services with real programs", async (t) => {
  await using lab = await openLab();
  const [one] = lab.nodes;
  for (const kind of ["hostapd", "wpa_supplicant", "dnsmasq"] as const) {
    await t.step(`installed() finds ${kind}`, async () => {
      const { ok, detail } = await one.services.installed(kind);
      assertEquals(ok, true, detail);
      assert(/\d\.\d/.test(detail), detail);
    });
  }
  await t.step(
    "a SAE mesh peers with the right password alone",
    () => alone(lab, () => meshes(lab)),
  );
  await t.step(
    "a forbidden channel is refused with a reason",
    () => alone(lab, () => refusesChannel(lab)),
  );
  await t.step("a WPA3 client is let in", () =>
    alone(lab, () =>
      serves(
        lab,
        "wpa3",
        ["key_mgmt=SAE", "ieee80211w=2", `sae_password=${hex(PASSPHRASE)}`],
        "00-0f-ac-8",
      )));
  await t.step("a WPA2 client is let in by the transition mode", () =>
    alone(lab, () =>
      serves(
        lab,
        "wpa2-wpa3",
        ["key_mgmt=WPA-PSK-SHA256", "ieee80211w=1", `psk="${PASSPHRASE}"`],
        "00-0f-ac-6",
      )));
  await t.step(
    "an OWE client is let in",
    () => serves(lab, "owe", ["key_mgmt=OWE", "ieee80211w=2"], "00-0f-ac-18"),
  );
  await t.step(
    "a client of an open network is let in",
    () => serves(lab, "open", ["key_mgmt=NONE"], null),
  );
  await t.step(
    "a client with a wrong password is kept out",
    () => alone(lab, () => refusesClient(lab)),
  );
  await t.step("dnsmasq serves, and a bad configuration is refused", async () => {
    await lab.topology.exec(1, "ip", "link", "add", "br-lan", "type", "bridge");
    await lab.topology.exec(1, "ip", "addr", "add", "10.7.0.1/24", "dev", "br-lan");
    await lab.topology.exec(1, "ip", "link", "set", "br-lan", "up");
    const spec: ServiceSpec = {
      name: "dnsmasq",
      kind: "dnsmasq",
      config: "interface=br-lan\nbind-dynamic\nuser=root\ndhcp-range=10.7.0.10,10.7.0.99,600s\n",
      interface: "br-lan",
    };
    await one.services.ensure(spec);
    assertEquals((await one.services.status()).map((item) => item.state), ["running"]);
    const bad = { ...spec, config: "no-such-option-here\n" };
    const error = await assertRejects(() => one.services.ensure(bad), KernelFault);
    assertStringIncludes(error.message, "dnsmasq");
  });
});
