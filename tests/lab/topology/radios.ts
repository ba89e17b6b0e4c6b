// Runs in a lab guest. Nodes with a mac80211_hwsim radio each. The kernel is the medium, without loss:
// two radios hear each other, or they do not. With airTopology() the medium is medium.ts.
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
import { type LinkQuality, Medium } from "./medium.ts";

/** Mask of a radio whose edges are all cut: a bit that no other radio has. */
const ISOLATED = 2 ** 31;

/** A link without loss, as strong as the kernel's own medium makes it. */
const CLEAR: LinkQuality = { loss: 0, signalDbm: -50 };

/** How radios are set up. */
export interface RadioOptions {
  /** Makes wlan0 a mesh point of the mesh "lab"; true when absent. */
  readonly joinMesh?: boolean;
  /** 2412 when absent. */
  readonly frequencyMhz?: number;
}

/** Creates `count` nodes with a radio each, whose reach is the given edges. */
export async function radioTopology(
  count: number,
  edges: readonly Edge[],
  options: RadioOptions = {},
): Promise<Topology> {
  const phys = await makeRadios(count, edges);
  const topology = new RadioTopology(nodesOf(phys), edges);
  await topology.applyMasks(topology.nodes.map((node) => node.id));
  await placeRadios(phys, options);
  return topology;
}

/** As {@linkcode radioTopology}, with the medium in this process: loss and signal can be set for every
 * direction of an edge. Slower, because each frame passes through user space. */
export async function airTopology(
  count: number,
  edges: readonly Edge[],
  options: RadioOptions & { readonly seed?: number } = {},
): Promise<AirTopology> {
  const phys = await makeRadios(count, edges);
  const macs = await Promise.all(
    phys.map(async (phy) =>
      (await Deno.readTextFile(`/sys/class/ieee80211/${phy}/macaddress`)).trim()
    ),
  );
  const air = await Medium.open(macs, options.seed);
  const topology = new AirTopology(await placeRadios(phys, options), edges, air);
  for (const [a, b] of edges) await topology.heal(a, b);
  return topology;
}

/** Names of `count` new radios, in the order of their numbers. */
async function makeRadios(count: number, edges: readonly Edge[]): Promise<string[]> {
  checkEdges(count, edges);
  await shell([
    "modprobe -r mac80211_hwsim || true",
    `modprobe mac80211_hwsim radios=${count}`,
  ]);
  const phys = (await Array.fromAsync(Deno.readDir("/sys/class/ieee80211")))
    .map((entry) => entry.name)
    .sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
  if (phys.length !== count) throw new Error(`Cannot make ${count} radios: have [${phys}]`);
  return phys;
}

function nodesOf(phys: readonly string[]): LabNode[] {
  return phys.map((phy, i) => ({ id: i + 1, ns: `n${i + 1}`, devices: ["wlan0"], phy }));
}

/** Moves each radio into a namespace of its own and joins the mesh unless told otherwise. */
async function placeRadios(phys: readonly string[], options: RadioOptions): Promise<LabNode[]> {
  const nodes = nodesOf(phys);
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
  return nodes;
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

/** Nodes whose radios hear each other through {@linkcode Medium}; see {@linkcode airTopology}. */
export class AirTopology extends Topology {
  constructor(
    readonly nodes: readonly LabNode[],
    readonly edges: readonly Edge[],
    /** The air between the nodes. */
    readonly air: Medium,
  ) {
    super();
  }

  /** Sets both directions of an edge; the rest of `quality` is {@linkcode CLEAR}. */
  setEdge(a: number, b: number, quality: Partial<LinkQuality>): void {
    edgeIndex(this.edges, a, b);
    this.air.set(a, b, { ...CLEAR, ...quality });
    this.air.set(b, a, { ...CLEAR, ...quality });
  }

  override cut(a: number, b: number): Promise<void> {
    edgeIndex(this.edges, a, b);
    this.air.set(a, b, undefined);
    this.air.set(b, a, undefined);
    return Promise.resolve();
  }

  override heal(a: number, b: number): Promise<void> {
    this.setEdge(a, b, CLEAR);
    return Promise.resolve();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await removeNamespaces(this.nodes);
    await this.air[Symbol.asyncDispose]();
    await shell(["modprobe -r mac80211_hwsim"]);
  }
}
