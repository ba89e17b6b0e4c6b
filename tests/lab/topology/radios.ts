// Runs in a lab guest. Nodes with a mac80211_hwsim radio each. It simulates no loss: two radios hear
// each other, or they do not.
//
// Source: linux v6.12 drivers/net/wireless/virtual/mac80211_hwsim.c (debugfs `group`: two radios hear
// each other where their masks share a bit; here one bit is one edge).

import {
  checkEdges,
  type Edge,
  edgeIndex,
  type LabNode,
  removeNamespaces,
  Topology,
} from "./base.ts";
import { shell } from "./command.ts";

/** Mask of a radio whose edges are all cut: a bit that no other radio has. */
const ISOLATED = 2 ** 31;

/** Creates `count` nodes with a radio each, whose reach is the given edges. */
export async function radioTopology(
  count: number,
  edges: readonly Edge[],
  options: { readonly joinMesh?: boolean; readonly frequencyMhz?: number } = {},
): Promise<Topology> {
  checkEdges(count, edges);
  await shell([
    "modprobe -r mac80211_hwsim || true",
    `modprobe mac80211_hwsim radios=${count}`,
  ]);
  const phys = (await Array.fromAsync(Deno.readDir("/sys/class/ieee80211")))
    .map((entry) => entry.name)
    .sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
  if (phys.length !== count) throw new Error(`Cannot make ${count} radios: have [${phys}]`);
  const nodes = phys.map((phy, i) => ({ id: i + 1, ns: `n${i + 1}`, devices: ["wlan0"], phy }));
  const topology = new RadioTopology(nodes, edges);
  await topology.applyMasks(nodes.map((node) => node.id));
  const script: string[] = [];
  for (const { ns, phy } of nodes) {
    const exec = `ip netns exec ${ns}`;
    script.push(
      `ip netns add ${ns}`,
      `device=$(ls /sys/class/ieee80211/${phy}/device/net)`,
      `iw phy ${phy} set netns name ${ns}`,
      `ip -n ${ns} link set lo up`,
      // Interfaces keep their kernel-given names when a radio moves; every node calls its own wlan0.
      `[ $device = wlan0 ] || ip -n ${ns} link set $device name wlan0`,
    );
    if (options.joinMesh !== false) {
      script.push(
        `${exec} iw dev wlan0 set type mp`,
        `ip -n ${ns} link set wlan0 mtu 1560 up`,
        `${exec} iw dev wlan0 mesh join lab freq ${options.frequencyMhz ?? 2412} HT20`,
        `${exec} iw dev wlan0 set mesh_param mesh_fwding 0`,
      );
    }
  }
  await shell(script);
  return topology;
}

class RadioTopology extends Topology {
  readonly #cut = new Set<number>();

  constructor(readonly nodes: readonly LabNode[], readonly edges: readonly Edge[]) {
    super();
  }

  override async cut(a: number, b: number): Promise<void> {
    this.#cut.add(edgeIndex(this.edges, a, b));
    await this.applyMasks([a, b]);
  }

  override async heal(a: number, b: number): Promise<void> {
    this.#cut.delete(edgeIndex(this.edges, a, b));
    await this.applyMasks([a, b]);
  }

  /** Writes the group masks of these nodes' radios. */
  async applyMasks(ids: readonly number[]): Promise<void> {
    for (const id of ids) {
      let mask = 0;
      for (const [index, edge] of this.edges.entries()) {
        if (edge.includes(id) && !this.#cut.has(index)) mask += 2 ** index;
      }
      const file = `/sys/kernel/debug/ieee80211/${this.node(id).phy}/hwsim/group`;
      await Deno.writeTextFile(file, String(mask === 0 ? ISOLATED : mask));
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await removeNamespaces(this.nodes);
    await shell(["modprobe -r mac80211_hwsim"]);
  }
}
