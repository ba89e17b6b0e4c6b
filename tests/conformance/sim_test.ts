// The shared suites against the simulated kernel. Time is virtual: a test's own clock drives it on
// whenever the suite waits, so that nothing here depends on how fast this machine is.
import type { Kernel } from "../../core/ports/mod.ts";
import { simulate, type Simulation } from "../../core/sim/mod.ts";
import { testFirewall } from "./firewall.ts";
import { linksConformance } from "./links.ts";
import { type MeshFixtureNode, testMesh } from "./mesh.ts";
import { testRadios } from "./radios.ts";
import { testWireguard } from "./wireguard.ts";

/** Runs virtual time on for as long as the fixture is open, since the suites await the ports directly. */
export function driven(sim: Simulation): { stop(): Promise<void> } {
  let open = true;
  const running = (async () => {
    while (open) {
      await sim.run(20);
      await new Promise((resolve) => setTimeout(resolve));
    }
  })();
  return {
    stop: async () => {
      open = false;
      await running;
    },
  };
}

const settle = (sim: Simulation) => (ms: number) => sim.clock.sleep(ms);

linksConformance("simulated Links", () => {
  const sim = simulate({ nodes: 1, seed: 1, bare: true });
  const drive = driven(sim);
  return Promise.resolve({
    kernel: sim.kernel(0),
    settle: settle(sim),
    [Symbol.asyncDispose]: () => drive.stop(),
  });
});

async function meshNode(kernel: Kernel): Promise<MeshFixtureNode> {
  const info = await kernel.mesh.info("bat0");
  return { mesh: kernel.mesh, name: "bat0", mac: info.mac, hardInterfaces: ["wlan0"] };
}

testMesh("simulated Mesh", async (algorithm) => {
  const sim = simulate({ nodes: 3, seed: 7, topology: "line", mesh: { algorithm } });
  const drive = driven(sim);
  const kernels = [0, 1, 2].map((index) => sim.kernel(index)) as [Kernel, Kernel, Kernel];
  // The suite knows no bridges; loop avoidance without one has nothing to show.
  for (const kernel of kernels) await kernel.mesh.configure("bat0", { bridgeLoopAvoidance: false });
  return {
    algorithm,
    a: await meshNode(kernels[0]),
    b: await meshNode(kernels[1]),
    c: await meshNode(kernels[2]),
    settle: settle(sim),
    cut: () => Promise.resolve(sim.cut(1, 2)),
    heal: () => Promise.resolve(sim.heal(1, 2)),
    addVlan: (id) =>
      kernels[0].links.create({ kind: "vlan", name: `bat0.${id}`, parent: "bat0", id }),
    [Symbol.asyncDispose]: () => drive.stop(),
  };
});

testRadios("simulated Kernel", () => {
  const sim = simulate({ nodes: 2, seed: 3, topology: "full", bare: true });
  const drive = driven(sim);
  const node = (index: number) => {
    const { radios, links } = sim.kernel(index);
    const setUp = (up: boolean) => links.change("wlan0", { up });
    return { radios, radio: "phy0", interface: "wlan0", setUp };
  };
  return Promise.resolve({
    a: node(0),
    b: node(1),
    forbidden: { frequencyMhz: 2484, widthMhz: 20 },
    country: "US",
    settle: settle(sim),
    unplugB: () => Promise.resolve(sim.unplugRadio(1, "phy0")),
    [Symbol.asyncDispose]: () => drive.stop(),
  });
});

testWireguard("simulated Wireguard", async () => {
  const sim = simulate({ nodes: 1, seed: 1, bare: true });
  const drive = driven(sim);
  const kernel = sim.kernel(0);
  await kernel.links.create({ kind: "wireguard", name: "wg0" });
  return {
    wireguard: kernel.wireguard,
    device: "wg0",
    otherLink: "lo",
    [Symbol.asyncDispose]: () => drive.stop(),
  };
});

testFirewall("simulated Firewall", () => {
  const sim = simulate({ nodes: 1, seed: 1, bare: true });
  return Promise.resolve({
    firewall: sim.kernel(0).firewall,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
