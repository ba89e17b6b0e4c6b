// Runs in a lab guest. What radio and wire topologies have in common: nodes, edges, running programs
// in a node, and a reference mesh made with batctl.

import { command, type CommandResult, shell } from "./command.ts";

/** An undirected edge between two nodes, by their numbers from 1. */
export type Edge = readonly [number, number];

/** Radios give each edge a bit in a 32-bit mask, and bit 31 to a radio with no edge. */
const EDGES_MAX = 31;

/** One node of a topology. */
export interface LabNode {
  /** Number from 1. */
  readonly id: number;
  /** Network namespace: "n1", "n2", … */
  readonly ns: string;
  /** Mesh-facing interfaces in the namespace: one radio ("wlan0"), or "to2" for the wire to n2. */
  readonly devices: readonly string[];
  /** The radio's name, such as "phy3"; undefined with wires. */
  readonly phy: string | undefined;
}

/** Edges 1–2, 2–3, … of a line of `count` nodes. */
export function line(count: number): Edge[] {
  return Array.from({ length: count - 1 }, (_, i) => [i + 1, i + 2] as const);
}

/** Two disjoint ways from 1 to 4: over 2 and over 3. */
export const diamond: readonly Edge[] = [[1, 2], [1, 3], [2, 4], [3, 4]];

/** A set of nodes and the edges between them. `await using` removes everything again. */
export abstract class Topology implements AsyncDisposable {
  abstract readonly nodes: readonly LabNode[];

  /** Breaks the edge; resolves when frames no longer pass. */
  abstract cut(a: number, b: number): Promise<void>;

  /** Restores a cut edge. */
  abstract heal(a: number, b: number): Promise<void>;

  abstract [Symbol.asyncDispose](): Promise<void>;

  /** The node with this number; throws RangeError on another. */
  node(id: number): LabNode {
    const node = this.nodes[id - 1];
    if (node === undefined) {
      throw new RangeError(`Cannot find node ${id}: have ${this.nodes.length}`);
    }
    return node;
  }

  /** Runs a program in a node's namespace and returns its output; throws on another status than 0. */
  async exec(id: number, ...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryExec(id, ...argv);
    if (code !== 0) {
      throw new Error(
        `n${id}: ${argv.join(" ")}: status ${code}: ${(stderr + stdout).slice(-600)}`,
      );
    }
    return stdout;
  }

  /** As {@linkcode exec}, but any status is an answer. */
  tryExec(id: number, ...argv: string[]): Promise<CommandResult> {
    return command("ip", "netns", "exec", this.node(id).ns, ...argv);
  }

  /** The hardware address of a node's interface. */
  async mac(id: number, device: string): Promise<string> {
    return (await this.exec(id, "cat", `/sys/class/net/${device}/address`)).trim();
  }

  /** Puts all mesh-facing interfaces of every node (or of `ids`) under a new bat0 with the addresses
   * 10.9.0.<id>/24 and fd09::<id>/64. Bridge loop avoidance is off: it would hold back broadcasts for
   * 30 s. */
  async startBatman(
    algorithm: "BATMAN_IV" | "BATMAN_V",
    options: { readonly ids?: readonly number[]; readonly originatorIntervalMs?: number } = {},
  ): Promise<void> {
    const intervalMs = options.originatorIntervalMs ?? 1000;
    const script = ["modprobe batman-adv"];
    for (const id of options.ids ?? this.nodes.map((node) => node.id)) {
      const { ns, devices } = this.node(id);
      const bat = `ip netns exec ${ns} batctl meshif bat0`;
      script.push(
        `${bat} interface -M create routing_algo ${algorithm}`,
        `${bat} bridge_loop_avoidance 0`,
        `${bat} orig_interval ${intervalMs}`,
        ...devices.map((device) => `${bat} interface -M add ${device}`),
        `ip -n ${ns} link set bat0 address 02:ba:00:00:00:${hexByte(id)} up`,
        `ip -n ${ns} addr add 10.9.0.${id}/24 dev bat0`,
        `ip -n ${ns} addr add fd09::${id}/64 dev bat0 nodad`,
      );
    }
    await shell(script);
  }

  /** Pings from one node's bat0 to another's until an answer comes, at most `tries` seconds; resolves
   * with whether one came. */
  async pings(from: number, to: number, tries = 30): Promise<boolean> {
    for (let i = 0; i < tries; i++) {
      const { code } = await this.tryExec(from, "ping", "-c1", "-W1", "-q", `10.9.0.${to}`);
      if (code === 0) return true;
    }
    return false;
  }
}

/** Removes the nodes; their radios go back to where they came from. */
export async function removeNamespaces(nodes: readonly LabNode[]): Promise<void> {
  const script: string[] = [];
  for (const { ns, phy } of nodes) {
    if (phy !== undefined) script.push(`ip netns exec ${ns} iw phy ${phy} set netns 1`);
    script.push(`ip netns delete ${ns}`);
  }
  await shell(script);
}

/** Throws RangeError unless every edge joins two of the nodes 1 to `count`. */
export function checkEdges(count: number, edges: readonly Edge[]): void {
  if (edges.length > EDGES_MAX) {
    throw new RangeError(`Cannot make ${edges.length} edges: at most ${EDGES_MAX}`);
  }
  for (const [a, b] of edges) {
    if (a === b || Math.min(a, b) < 1 || Math.max(a, b) > count) {
      throw new RangeError(`Cannot make edge ${a}–${b}: nodes are 1 to ${count}`);
    }
  }
}

/** Position of the edge between two nodes, in either order; throws RangeError when there is none. */
export function edgeIndex(edges: readonly Edge[], a: number, b: number): number {
  const index = edges.findIndex((edge) => edge.includes(a) && edge.includes(b));
  if (index < 0) throw new RangeError(`Cannot find edge ${a}–${b}: no such edge`);
  return index;
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, "0");
}
