// What a simulated node has when it boots, and how one that no daemon manages joins the mesh by itself.
import type { ChannelWidthMhz, MeshAlgorithm } from "../ports/mod.ts";
import {
  addLink,
  addRadio,
  defaultRules,
  deviceMac,
  type NodeState,
  removeLink,
  setUp,
  SimKernel,
} from "./kernel/mod.ts";

/** The mesh that nodes boot into. */
export interface MeshPreset {
  /** Default "x0tta6bl4". */
  readonly meshId: string;
  /** Default 5180 (channel 36). */
  readonly frequencyMhz: number;
  /** Default 20. */
  readonly widthMhz: ChannelWidthMhz;
  /** Default "DE". */
  readonly country: string;
  /** Default "BATMAN_IV". */
  readonly algorithm: MeshAlgorithm;
  /** Default "bat0". */
  readonly meshInterface: string;
  /** Default 1000. */
  readonly originatorIntervalMs: number;
}

/** Brings a node to the state after power-on: "lo", "wlan0" on "phy0", and its wires, all else gone. */
export function boot(node: NodeState, country: string): void {
  for (const link of [...node.links.values()]) {
    if (link.wireless === null && link.port?.kind === "wire" && link.kind === "device") {
      setUp(node, link, false);
      node.links.delete(link.name);
    } else removeLink(node, link);
  }
  node.radios.clear();
  node.addresses = [];
  node.routes = [];
  node.neighbours = [];
  node.rules = defaultRules();
  node.sysctl.clear();
  node.tables.clear();
  node.country = country;
  node.nextIndex = 1;
  const mac = "00:00:00:00:00:00";
  const loopback = addLink(node, { name: "lo", kind: "device", mac, mtu: 65536, loopback: true });
  setUp(node, loopback, true);
  for (const [name, port] of node.plugs) {
    addLink(node, { name, kind: "device", mac: port.mac, port });
  }
  if (node.plugs.size === 0) {
    addLink(node, { name: "eth0", kind: "device", mac: deviceMac(node.index, 0x100) });
  }
  addRadio(node, "phy0", "wlan0");
}

/** Joins the mesh, as a daemon would through the same port. */
export function configure(node: NodeState, preset: MeshPreset): void {
  const kernel = new SimKernel(node);
  const bat = preset.meshInterface;
  // The simulated kernel acts within the call, so that the steps are done when this returns. A
  // refusal would be a mistake in the preset, and must not pass unseen: it is rethrown as unhandled.
  const steps = [
    kernel.radios.setMode("wlan0", "mesh"),
    kernel.links.change("wlan0", { up: true, mtu: 1532 }),
    kernel.radios.joinMesh("wlan0", {
      meshId: preset.meshId,
      frequencyMhz: preset.frequencyMhz,
      widthMhz: preset.widthMhz,
      forwarding: false,
    }),
    kernel.links.create({ kind: "batadv", name: bat, algorithm: preset.algorithm }),
    kernel.mesh.configure(bat, { originatorIntervalMs: preset.originatorIntervalMs }),
    kernel.links.change("wlan0", { master: bat }),
    ...[...node.plugs.keys()].map((name) => kernel.links.change(name, { up: true, master: bat })),
    kernel.links.change(bat, { up: true }),
  ];
  void Promise.all(steps);
}
