// How long the simulated mesh takes for one simulated minute of a thousand nodes, and how a node's cost
// grows with its neighbours and with the number of nodes. Times are processor time of this process.
import process from "node:process";
import { simulate, type Simulation } from "../../core/sim/mod.ts";
import { type BenchOutcome, type BenchRow, rowOf } from "../lib/bench.ts";

const MINUTE_MS = 60_000;
const SMALL_NODES = 144;
const WARM_MS = 60_000;
/** Minutes measured of each of the two meshes that are compared. */
const TURNS = 3;

function cpuS(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Nanoseconds of a dependent multiply-and-add: how fast this core is just now. */
function coreNs(): number {
  const rounds = 50_000_000;
  let value = 1;
  const start = cpuS();
  for (let round = 0; round < rounds; round++) value = (Math.imul(value, 1664525) + round) | 0;
  const ns = ((cpuS() - start) * 1e9) / rounds;
  // Uses the value, so that the loop is not dropped as dead.
  return Number.isInteger(value) ? ns : Infinity;
}

interface Run {
  readonly name: string;
  readonly cpuS: number;
  readonly elapsedS: number;
  readonly receptions: number;
  readonly neighbours: number;
  readonly routes: number;
  readonly coreNsBefore: number;
  readonly coreNsAfter: number;
}

async function minute(name: string, sim: Simulation): Promise<Run> {
  const coreNsBefore = coreNs();
  const [startCpu, startMs, before] = [cpuS(), performance.now(), sim.receptions];
  await sim.run(MINUTE_MS);
  const spentS = cpuS() - startCpu;
  const elapsedS = (performance.now() - startMs) / 1000;
  let neighbours = 0;
  let routes = 0;
  for (let node = 0; node < sim.nodes; node++) {
    const { mesh } = sim.kernel(node);
    neighbours += (await mesh.neighbours("bat0")).length;
    routes += (await mesh.originators("bat0")).filter((row) => row.best).length;
  }
  return {
    name,
    cpuS: spentS,
    elapsedS,
    receptions: sim.receptions - before,
    neighbours: neighbours / sim.nodes,
    routes: routes / sim.nodes,
    coreNsBefore,
    coreNsAfter: coreNs(),
  };
}

function row(
  metric: string,
  unit: string,
  value: number,
  peer: { readonly name: string; readonly value: number } | null = null,
): BenchRow {
  const ratio = peer === null ? null : value / peer.value;
  return { metric, unit, value, peer, ratio, n: 1, p50: null, p95: null };
}

/** A grid of places so close that each node hears about `neighbours` others. */
function dense(nodes: number, spacingM: number): Simulation {
  const width = Math.ceil(Math.sqrt(nodes));
  const positions = Array.from({ length: nodes }, (_, index) => ({
    x: (index % width) * spacingM,
    y: Math.floor(index / width) * spacingM,
  }));
  return simulate({ nodes, seed: 1, topology: { positions } });
}

/** Runs the benchmark. */
export async function bench(): Promise<BenchOutcome> {
  const runs: Run[] = [];
  for (const algorithm of ["BATMAN_IV", "BATMAN_V"] as const) {
    const sim = simulate({ nodes: 1000, seed: 1, mesh: { algorithm } });
    runs.push(await minute(`1,000 nodes, ${algorithm}, from a cold start`, sim));
  }
  const sparse = dense(SMALL_NODES, 100);
  await sparse.run(WARM_MS);
  const close = dense(SMALL_NODES, 60);
  await close.run(WARM_MS);
  // By turns, so that what else the machine does slows both alike.
  const few: Run[] = [];
  const many: Run[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    few.push(await minute(`${SMALL_NODES} nodes 100 m apart, converged`, sparse));
    many.push(await minute(`${SMALL_NODES} nodes 60 m apart, converged`, close));
  }
  const costs = (of: readonly Run[]) => of.map(({ cpuS }) => (cpuS * 1000) / SMALL_NODES);
  const neighbours = (of: readonly Run[]) => of.map((run) => run.neighbours);
  const heard = (of: readonly Run[]) => of.map((run) => run.receptions / SMALL_NODES);
  const rows = [
    ...runs.flatMap((run) => [
      row(`${run.name}: one simulated minute`, "s of one core", run.cpuS, {
        name: "target",
        value: 20,
      }),
      row(`${run.name}: simulated over elapsed time`, "", MINUTE_MS / 1000 / run.elapsedS),
      row(`${run.name}: an OGM received`, "ns", (run.cpuS * 1e9) / run.receptions, {
        name: "a dependent multiply-and-add in the same run",
        value: (run.coreNsBefore + run.coreNsAfter) / 2,
      }),
    ]),
    rowOf("cost of a node and minute, dense over sparse", "ms", costs(many), {
      name: "sparse",
      samples: costs(few),
    }),
    rowOf("neighbours of a node, dense over sparse", "", neighbours(many), {
      name: "sparse",
      samples: neighbours(few),
    }),
    // Neighbours that are nearer are also heard better: of each one's frames more arrive.
    rowOf("OGMs that a node hears in a minute, dense over sparse", "", heard(many), {
      name: "sparse",
      samples: heard(few),
    }),
  ];
  return {
    name: "sim",
    method:
      "Simulated mesh, originator interval 1 s, grid with about nine strong neighbours a node; " +
      "every node runs the protocol on each OGM it receives; processor time of one core.",
    rows,
    raw: { runs: [...runs, ...few, ...many] },
  };
}
