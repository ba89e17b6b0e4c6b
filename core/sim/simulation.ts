// A simulated mesh: nodes, medium, routing and clock under one seed. The same seed, options and calls
// give the same tables, octet for octet.
import { invariant, type Mac } from "../base/mod.ts";
import type { Clock, Kernel, MeshAlgorithm } from "../ports/mod.ts";
import { Engine } from "./batman/mod.ts";
import { VirtualClock } from "./clock.ts";
import {
  deviceMac,
  fault,
  NodeState,
  publish,
  putClient,
  removeLink,
  SimKernel,
  type World,
} from "./kernel/mod.ts";
import { boot, configure, type MeshPreset } from "./preset.ts";
import { NODES_MAX } from "./limits.ts";
import { Medium, type Position } from "./medium/mod.ts";
import { SeededRandom } from "./random.ts";
import { places, shadowingOf, type Topology, type Wire } from "./topology.ts";

/** What to simulate. */
export interface SimulationOptions {
  /** 1–4096. */
  readonly nodes: number;
  readonly seed: number;
  /** Default "grid". */
  readonly topology?: Topology;
  readonly wires?: readonly Wire[];
  /** The mesh that nodes boot into; see {@link MeshPreset} for the defaults. */
  readonly mesh?: Partial<MeshPreset>;
  /**
   * Nodes that boot with unconfigured interfaces, as a machine on which a daemon is to do the work;
   * `true` for all. Default none.
   */
  readonly bare?: boolean | readonly number[];
  /** Wall clock at the start; 0 is a router without a clock. */
  readonly wallMs?: number;
}

/** A simulation kept at the pace of a real clock. */
export interface RealTime {
  /** Milliseconds of simulated time given up because this machine was too slow. */
  readonly skippedMs: number;
  /** Stops; the simulation may then be run by hand again. */
  stop(): Promise<void>;
}

const PACE_MS = 10;
/** Simulated time done in one go at most, so that a slow machine stays responsive. */
const SLICE_MS = 250;

/** Makes a simulation. Time stands still until {@link Simulation.run}. */
export function simulate(options: SimulationOptions): Simulation {
  return new Simulation(options);
}

/** A running or standing simulation. */
export class Simulation {
  readonly clock: VirtualClock;
  readonly seed: number;
  readonly #medium: Medium;
  readonly #engine: Engine;
  readonly #nodes: NodeState[] = [];
  readonly #preset: MeshPreset;
  readonly #bare: (node: number) => boolean;
  #paced = false;

  constructor(options: SimulationOptions) {
    const { nodes, seed, topology = "grid", bare = false } = options;
    invariant(
      Number.isInteger(nodes) && nodes >= 1 && nodes <= NODES_MAX,
      `Cannot simulate ${nodes} nodes: from 1 to ${NODES_MAX}`,
    );
    this.seed = seed;
    this.clock = new VirtualClock(options.wallMs);
    this.#medium = new Medium(seed, shadowingOf(topology));
    this.#engine = new Engine(this.#medium, seed, nodes);
    this.clock.attach(this.#engine);
    this.#preset = {
      meshId: "x0tta6bl4",
      frequencyMhz: 5180,
      widthMhz: 20,
      country: "DE",
      algorithm: "BATMAN_IV",
      meshInterface: "bat0",
      originatorIntervalMs: 1000,
      ...options.mesh,
    };
    this.#bare = (node) => (typeof bare === "boolean" ? bare : bare.includes(node));
    const world: World = {
      clock: this.clock,
      medium: this.#medium,
      engine: this.#engine,
      random: new SeededRandom(seed, 0x776f),
      description: `simulated mesh of ${nodes} nodes, seed ${seed}`,
    };
    const where = places(topology, nodes, seed);
    for (let index = 0; index < nodes; index++) {
      this.#nodes.push(new NodeState(index, world));
      this.#medium.move(index, where[index] ?? { x: 0, y: 0 });
    }
    this.#connect(options.wires ?? []);
    for (const node of this.#nodes) this.#boot(node);
  }

  get nodes(): number {
    return this.#nodes.length;
  }

  /** OGM receptions handled so far: what a run's cost is proportional to. */
  get receptions(): number {
    return this.#engine.receptions;
  }

  /** A view of a node's kernel. Closing it leaves the node as it is. */
  kernel(index: number): Kernel {
    return new SimKernel(this.#node(index));
  }

  /** The name of a node's preset mesh interface. */
  get meshInterface(): string {
    return this.#preset.meshInterface;
  }

  get algorithm(): MeshAlgorithm {
    return this.#preset.algorithm;
  }

  /** Runs simulated time on by `ms`, as fast as the machine can. */
  async run(ms: number): Promise<void> {
    invariant(!this.#paced, "Cannot run: the simulation follows a real clock");
    await this.clock.run(this.clock.monotonicMs() + ms);
  }

  /**
   * Lets simulated time follow a real clock, `speed` times as fast (default 1).
   *
   * @param clock the real clock, from core/host.
   */
  startRealTime(clock: Clock, options: { readonly speed?: number } = {}): RealTime {
    invariant(!this.#paced, "Cannot start: the simulation already follows a real clock");
    this.#paced = true;
    const stopping = new AbortController();
    const state = { skippedMs: 0 };
    const done = this.#pace(clock, options.speed ?? 1, stopping.signal, state);
    return {
      get skippedMs() {
        return state.skippedMs;
      },
      stop: async () => {
        stopping.abort();
        await done;
      },
    };
  }

  /** Nothing passes between two nodes, by air or wire, until {@link heal}. */
  cut(a: number, b: number): void {
    this.#pair(a, b);
    this.#medium.cut(a, b);
  }

  /** Undoes {@link cut} and {@link setLoss}. */
  heal(a: number, b: number): void {
    this.#pair(a, b);
    this.#medium.heal(a, b);
  }

  /**
   * Frames between two nodes are lost with probability `loss` besides what the air does.
   *
   * @param options.oneWay only those from `a` to `b`.
   */
  setLoss(a: number, b: number, loss: number, options: { readonly oneWay?: boolean } = {}): void {
    this.#pair(a, b);
    this.#medium.setLoss(a, b, loss);
    if (!options.oneWay) this.#medium.setLoss(b, a, loss);
  }

  /** Puts a node elsewhere (metres). */
  move(node: number, position: Position): void {
    this.#medium.move(this.#node(node).index, position);
  }

  position(node: number): Position {
    return this.#medium.position(this.#node(node).index);
  }

  /** A client device appears behind a node's mesh interface and is announced. */
  addClient(
    node: number,
    mac: Mac,
    options: { readonly vlan?: number; readonly wireless?: boolean; readonly ip?: string } = {},
  ): void {
    const mesh = this.#mesh(node);
    const vlan = options.vlan ?? null;
    const seenMs = this.clock.monotonicMs();
    putClient(mesh, { mac, vlan, own: false, wireless: options.wireless ?? false, seenMs });
    if (options.ip !== undefined) mesh.datCache.set(options.ip, { mac, vlan, seenMs });
    publish(mesh, true);
  }

  removeClient(node: number, mac: Mac): void {
    const mesh = this.#mesh(node);
    for (const [key, client] of mesh.clients) {
      if (client.mac === mac && !client.own) mesh.clients.delete(key);
    }
    publish(mesh, true);
  }

  /** Takes a node's radio and its interfaces away, as pulling a USB stick does. */
  unplugRadio(index: number, radio: string): void {
    const node = this.#node(index);
    for (const link of [...node.links.values()]) {
      if (link.wireless?.radio === radio) removeLink(node, link);
    }
    if (node.radios.delete(radio)) node.events.emit({ type: "radio", radio, present: false });
  }

  /** A node loses power: it is silent at once, and its kernel's state is gone. */
  failNode(index: number): void {
    const node = this.#node(index);
    node.running = false;
    for (const link of node.links.values()) {
      if (link.port !== null) this.#medium.setActive(link.port, false);
      if (link.mesh !== null) link.mesh.router.running = false;
    }
  }

  /** A failed node boots again, as it first did. */
  restartNode(index: number): void {
    const node = this.#node(index);
    if (node.running) this.failNode(index);
    node.running = true;
    this.#boot(node);
  }

  #boot(node: NodeState): void {
    boot(node, this.#preset.country);
    if (!this.#bare(node.index)) configure(node, this.#preset);
  }

  async #pace(
    clock: Clock,
    speed: number,
    signal: AbortSignal,
    state: { skippedMs: number },
  ): Promise<void> {
    let lastMs = clock.monotonicMs();
    try {
      while (!signal.aborted) {
        await clock.sleep(PACE_MS, signal);
        const nowMs = clock.monotonicMs();
        const dueMs = (nowMs - lastMs) * speed;
        lastMs = nowMs;
        const doneMs = Math.min(dueMs, SLICE_MS * Math.max(1, speed));
        state.skippedMs += dueMs - doneMs;
        await this.clock.run(this.clock.monotonicMs() + doneMs);
      }
    } finally {
      this.#paced = false;
    }
  }

  #connect(wires: readonly Wire[]): void {
    const next = new Map<number, number>();
    for (const { a, b, kbps = 1_000_000 } of wires) {
      this.#pair(a, b);
      const numbers = [a, b].map((node) => {
        const number = next.get(node) ?? 0;
        next.set(node, number + 1);
        return number;
      });
      const [ofA = 0, ofB = 0] = numbers;
      const ports = this.#medium.addWire(
        { node: a, mac: deviceMac(a, 0x100 + ofA) },
        { node: b, mac: deviceMac(b, 0x100 + ofB) },
        kbps,
      );
      this.#node(a).plugs.set(`eth${ofA}`, ports[0]);
      this.#node(b).plugs.set(`eth${ofB}`, ports[1]);
    }
  }

  #mesh(index: number) {
    const node = this.#node(index);
    const link = [...node.links.values()].find((one) => one.mesh !== null);
    if (!link?.mesh) {
      throw fault("no-such-link", `Cannot add a client to node ${index}: it has no mesh interface`);
    }
    return link.mesh;
  }

  #node(index: number): NodeState {
    const node = this.#nodes[index];
    invariant(node !== undefined, `Cannot use node ${index}: there are ${this.#nodes.length}`);
    return node;
  }

  #pair(a: number, b: number): void {
    this.#node(a);
    this.#node(b);
    invariant(a !== b, `Cannot use the link of node ${a} to itself`);
  }
}
