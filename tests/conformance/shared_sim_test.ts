// The shared suites against a node of a shared medium: the same simulated kernel, called by way of a
// unix socket. The medium follows a clock twenty times as fast as the real one.
import { assertEquals, assertRejects } from "@std/assert";
import { hostClock, unixDialer, unixListener } from "../../core/host/mod.ts";
import { type Clock, type KernelEvent, KernelFault } from "../../core/ports/mod.ts";
import {
  type AttachedMedium,
  attachSharedMedium,
  serveMedium,
  simulate,
  type SimulationOptions,
} from "../../core/sim/mod.ts";
import { linksConformance } from "./links.ts";
import { type MeshFixtureNode, testMesh } from "./mesh.ts";
import { testRadios } from "./radios.ts";
import { testWireguard } from "./wireguard.ts";

const SPEED = 20;

function fastClock(): Clock {
  const real = hostClock();
  return {
    monotonicMs: () => real.monotonicMs() * SPEED,
    wallMs: () => real.wallMs(),
    sleep: (ms, signal) => real.sleep(ms / SPEED, signal),
  };
}

async function share(options: SimulationOptions, nodes: readonly number[], clock = fastClock()) {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/medium.sock`;
  const simulation = simulate(options);
  const server = serveMedium({ simulation, listener: await unixListener(path), clock });
  const attached: AttachedMedium[] = [];
  for (const node of nodes) {
    attached.push(await attachSharedMedium({ node, dial: unixDialer(path), clock }));
  }
  /** May be called again after the server was closed. */
  const close = async () => {
    for (const medium of attached) await medium.kernel.close();
    await server.close();
    await Deno.remove(directory, { recursive: true });
  };
  const at = (index: number): AttachedMedium => {
    const medium = attached[index];
    if (medium === undefined) throw new Error(`nobody attached as ${index}`);
    return medium;
  };
  return { path, simulation, server, at, clock, close };
}

linksConformance("shared simulated Links", async () => {
  const shared = await share({ nodes: 1, seed: 1, bare: true }, [0], hostClock());
  return {
    kernel: shared.at(0).kernel,
    settle: (ms) => shared.clock.sleep(ms),
    [Symbol.asyncDispose]: shared.close,
  };
});

testMesh("shared simulated Mesh", async (algorithm) => {
  const shared = await share(
    { nodes: 3, seed: 7, topology: "line", mesh: { algorithm } },
    [0, 1, 2],
  );
  const node = async (index: number): Promise<MeshFixtureNode> => {
    const { mesh } = shared.at(index).kernel;
    await mesh.configure("bat0", { bridgeLoopAvoidance: false });
    const { mac } = await mesh.info("bat0");
    return { mesh, name: "bat0", mac, hardInterfaces: ["wlan0"] };
  };
  return {
    algorithm,
    a: await node(0),
    b: await node(1),
    c: await node(2),
    settle: (ms) => shared.clock.sleep(ms),
    cut: () => shared.at(0).control.cut(1, 2),
    heal: () => shared.at(0).control.heal(1, 2),
    [Symbol.asyncDispose]: shared.close,
  };
});

testRadios("shared simulated Kernel", async () => {
  const shared = await share({ nodes: 2, seed: 3, topology: "full", bare: true }, [0, 1]);
  const node = (index: number) => {
    const { radios, links } = shared.at(index).kernel;
    const setUp = (up: boolean) => links.change("wlan0", { up });
    return { radios, radio: "phy0", interface: "wlan0", setUp };
  };
  return {
    a: node(0),
    b: node(1),
    forbidden: { frequencyMhz: 2484, widthMhz: 20 },
    country: "US",
    settle: (ms) => shared.clock.sleep(ms),
    unplugB: () => shared.at(0).control.unplugRadio(1, "phy0"),
    [Symbol.asyncDispose]: shared.close,
  };
});

testWireguard("shared simulated Wireguard", async () => {
  const shared = await share({ nodes: 1, seed: 1, bare: true }, [0]);
  const { wireguard, links } = shared.at(0).kernel;
  await links.create({ kind: "wireguard", name: "wg0" });
  return { wireguard, device: "wg0", otherLink: "lo", [Symbol.asyncDispose]: shared.close };
});

async function rejectsWith(code: string, action: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(action, KernelFault);
  assertEquals(error.code, code, error.message);
}

Deno.test("`attachSharedMedium()` refuses a node that is taken or not there", async () => {
  const shared = await share({ nodes: 2, seed: 1 }, [0]);
  const { clock, path } = shared;
  const attach = (node: number) => attachSharedMedium({ node, dial: unixDialer(path), clock });
  await rejectsWith("busy", () => attach(0));
  await rejectsWith("invalid", () => attach(2));
  assertEquals(shared.server.attached, [0]);
  await shared.close();
  await rejectsWith("unreachable", () => attach(1));
});

Deno.test("an attached kernel says that its server is gone, and comes back with it", async () => {
  const shared = await share({ nodes: 2, seed: 1 }, [0]);
  const { kernel } = shared.at(0);
  const stop = new AbortController();
  const seen: KernelEvent[] = [];
  const watching = (async () => {
    for await (const event of kernel.watch(stop.signal)) seen.push(event);
  })();
  assertEquals((await kernel.links.get("wlan0")).up, true);
  await shared.server.close();
  await rejectsWith("unexpected", () => kernel.links.list());
  assertEquals(shared.at(0).connected, false);
  assertEquals((await kernel.capabilities()).map(({ state }) => state), ["missing"]);

  const second = serveMedium({
    simulation: simulate({ nodes: 2, seed: 2 }),
    listener: await unixListener(shared.path),
    clock: shared.clock,
  });
  while (!shared.at(0).connected) await shared.clock.sleep(100);
  while (!seen.some((event) => event.type === "lost")) await shared.clock.sleep(100);
  assertEquals((await kernel.links.get("wlan0")).up, true);
  stop.abort();
  await watching;
  await kernel.close();
  await second.close();
  await shared.close();
});
