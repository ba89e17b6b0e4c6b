// Runs in a lab guest. Builds small meshes of nodes: each node is a network namespace with one
// mac80211_hwsim radio, or with a wire for each neighbour. Set-up uses the reference tools (`ip`,
// `iw`, `batctl`), so that tests of the project's own code start from a state it did not make.
//
// It deliberately simulates no radio loss: an edge is there or it is cut.
// Source: linux v6.12 drivers/net/wireless/virtual/mac80211_hwsim.c (debugfs `group`: two radios hear
// each other where their masks share a bit; here one bit is one edge).

/** An undirected edge between two nodes, by their numbers from 1. */
export type Edge = readonly [number, number];

/** Edges need a bit each in a 32-bit mask, and bit 31 stands for a radio with no edge. */
const EDGES_MAX = 31;
const ISOLATED = 2 ** 31;

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

/** What an external command printed. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
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
      throw new Error(`n${id}: ${argv.join(" ")}: status ${code}: ${stderr}${stdout}`);
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

/** Creates `count` nodes with a wire for each edge. A wire is two veth pairs joined by a bridge
 * outside the nodes, so that both ends can lose carrier or only frames. */
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

/** Runs a program to its end. */
export async function command(program: string, ...args: string[]): Promise<CommandResult> {
  const output = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder();
  const [stdout, stderr] = [text.decode(output.stdout), text.decode(output.stderr)];
  return { code: output.code, stdout, stderr };
}

/** Runs lines of bash, stopping at the first that fails; throws with what it said. One shell for all
 * lines, because starting a process is slow under emulation. */
export async function shell(lines: readonly string[]): Promise<void> {
  const { code, stderr } = await command("bash", "-exc", lines.join("\n"));
  if (code !== 0) throw new Error(`Cannot set up the topology: ${stderr.slice(-600)}`);
}

async function removeNamespaces(nodes: readonly LabNode[]): Promise<void> {
  const script: string[] = [];
  for (const { ns, phy } of nodes) {
    if (phy !== undefined) script.push(`ip netns exec ${ns} iw phy ${phy} set netns 1`);
    script.push(`ip netns delete ${ns}`);
  }
  await shell(script);
}

function checkEdges(count: number, edges: readonly Edge[]): void {
  if (edges.length > EDGES_MAX) {
    throw new RangeError(`Cannot make ${edges.length} edges: at most ${EDGES_MAX}`);
  }
  for (const [a, b] of edges) {
    if (a === b || Math.min(a, b) < 1 || Math.max(a, b) > count) {
      throw new RangeError(`Cannot make edge ${a}–${b}: nodes are 1 to ${count}`);
    }
  }
}

function edgeIndex(edges: readonly Edge[], a: number, b: number): number {
  const index = edges.findIndex((edge) => edge.includes(a) && edge.includes(b));
  if (index < 0) throw new RangeError(`Cannot find edge ${a}–${b}: no such edge`);
  return index;
}

function bridgeName(a: number, b: number): string {
  return `wire${a}-${b}`;
}

function portName(from: number, to: number): string {
  return `w${from}-${to}`;
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, "0");
}
