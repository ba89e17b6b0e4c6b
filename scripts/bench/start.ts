// How soon a daemon that is started answers, and what it takes while nobody asks. Simulated mesh.
import manifest from "../../deno.json" with { type: "json" };
import { type BenchOutcome, rowOf } from "../lib/bench.ts";
import { ROOT } from "../lib/modules.ts";

const RUNS = 7;
const IDLE_MS = 30_000;
const SETTLE_MS = 15_000;
const TICKS_PER_S = 100;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function firstAnswer(directory: string): Promise<string> {
  for (;;) {
    try {
      const { urls } = JSON.parse(await Deno.readTextFile(`${directory}/address.json`));
      const response = await fetch(`${urls[0]}/health`);
      await response.body?.cancel();
      return String(urls[0]);
    } catch {
      await pause(2);
    }
  }
}

function start(directory: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    // What `deno task start` runs, in this program's own Deno.
    args: [
      ...manifest.tasks.start.command.split(" ").slice(1),
      ...["--sim", "5", "--data", directory, "--listen", "127.0.0.1:0"],
    ],
    cwd: ROOT,
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Processor seconds and resident octets of a process. */
function usage(pid: number): { readonly cpuS: number; readonly rssBytes: number } {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const rss = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  return { cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S, rssBytes: rss };
}

async function bareRuntimeMs(): Promise<number> {
  const before = performance.now();
  await new Deno.Command(Deno.execPath(), { args: ["eval", "0"] }).output();
  return performance.now() - before;
}

/** Starts daemons one after the other; the last one is left idle and watched. */
export async function bench(): Promise<BenchOutcome> {
  const answers: number[] = [];
  const bare: number[] = [];
  const cpu: number[] = [];
  let idle = { cpuPercent: NaN, rssMb: NaN };
  for (let run = 0; run <= RUNS; run++) {
    const directory = await Deno.makeTempDir({ prefix: "x0-" });
    bare.push(await bareRuntimeMs());
    const before = performance.now();
    const child = start(directory);
    await firstAnswer(directory);
    // The first run may compile what later ones find compiled.
    if (run > 0) {
      answers.push(performance.now() - before);
      cpu.push(usage(child.pid).cpuS * 1000);
    }
    if (run === RUNS) {
      await pause(SETTLE_MS);
      const from = usage(child.pid);
      await pause(IDLE_MS);
      const to = usage(child.pid);
      idle = {
        cpuPercent: 100 * (to.cpuS - from.cpuS) / (IDLE_MS / 1000),
        rssMb: to.rssBytes / 1_000_000,
      };
    }
    child.kill("SIGTERM");
    await child.status;
    await Deno.remove(directory, { recursive: true });
  }
  return {
    name: "start",
    method: `Process start to the first answer of /health, ${RUNS} runs on a simulated mesh of 5 ` +
      `nodes, from source; then ${IDLE_MS / 1000} s idle, the simulation's own cost included`,
    rows: [
      rowOf("start to first answer", "ms", answers, { name: "deno eval 0", samples: bare }),
      rowOf("processor time to first answer", "ms", cpu),
      rowOf("idle resident memory", "MB", [idle.rssMb]),
      rowOf("idle processor", "% of a core", [idle.cpuPercent]),
    ],
    raw: { answers, bare, cpu, idle },
  };
}
