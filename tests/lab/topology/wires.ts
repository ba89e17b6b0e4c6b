// Runs in a lab guest. Nodes with a wire for each neighbour: two veth pairs joined by a bridge outside
// the nodes, so that both ends can lose carrier or only frames.

import {
  checkEdges,
  type Edge,
  edgeIndex,
  type LabNode,
  removeNamespaces,
  Topology,
} from "./base.ts";
import { shell } from "./command.ts";

/** Creates `count` nodes with a wire for each edge. */
export async function wireTopology(count: number, edges: readonly Edge[]): Promise<WireTopology> {
  checkEdges(count, edges);
  const script = ["modprobe -a veth bridge"];
  for (let id = 1; id <= count; id++) {
    script.push(`ip netns add n${id}`, `ip -n n${id} link set lo up`);
  }
  for (const [a, b] of edges) {
    const bridge = bridgeName(a, b);
    script.push(
      `ip link add ${bridge} mtu 1560 type bridge mcast_snooping 0`,
      `ip link set ${bridge} up`,
    );
    for (const [x, y] of [[a, b], [b, a]] as const) {
      script.push(
        `ip link add ${portName(x, y)} mtu 1560 type veth peer name to${y} mtu 1560 netns n${x}`,
        `ip link set ${portName(x, y)} master ${bridge} up`,
        `ip -n n${x} link set to${y} up`,
      );
    }
  }
  await shell(script);
  const neighbours = (id: number) =>
    edges.filter((edge) => edge.includes(id)).map(([a, b]) => a === id ? b : a);
  const nodes = Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    ns: `n${i + 1}`,
    devices: neighbours(i + 1).map((id) => `to${id}`),
    phy: undefined,
  }));
  return new WireTopology(nodes, edges);
}

/** Nodes joined by wires; see {@linkcode wireTopology}. */
export class WireTopology extends Topology {
  constructor(readonly nodes: readonly LabNode[], readonly edges: readonly Edge[]) {
    super();
  }

  /** Takes the carrier from both ends of the wire. */
  override async cut(a: number, b: number): Promise<void> {
    await this.#set(a, b, "down");
  }

  /** Gives the carrier back, or frames after {@linkcode cutSilently}. */
  override async heal(a: number, b: number): Promise<void> {
    const bridge = bridgeName(...this.#edge(a, b));
    await this.#set(a, b, `master ${bridge} up`);
  }

  /** Drops all frames, while both ends keep their carrier. */
  async cutSilently(a: number, b: number): Promise<void> {
    await this.#set(a, b, "nomaster");
  }

  async #set(a: number, b: number, state: string): Promise<void> {
    this.#edge(a, b);
    await shell([
      `ip link set ${portName(a, b)} ${state}`,
      `ip link set ${portName(b, a)} ${state}`,
    ]);
  }

  #edge(a: number, b: number): Edge {
    return this.edges[edgeIndex(this.edges, a, b)] ?? [a, b];
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await shell(this.edges.map(([a, b]) => `ip link delete ${bridgeName(a, b)}`));
    await removeNamespaces(this.nodes);
  }
}

function bridgeName(a: number, b: number): string {
  return `wire${a}-${b}`;
}

function portName(from: number, to: number): string {
  return `w${from}-${to}`;
}
