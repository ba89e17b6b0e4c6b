// How fast the API answers what is asked most, the originator table of a mesh of 200, compared with
// servers that send the same octets from a constant. Servers take turns, several rounds, so that what
// else the machine does hits all alike; the load generator shares the machine with them.
import manifest from "../../deno.json" with { type: "json" };
import { type BenchOutcome, type BenchRow, quantile, rowOf } from "../lib/bench.ts";
import { ROOT } from "../lib/modules.ts";

const ORIGINATORS = 200;
const PATH = "/api/v1/mesh/originators";
const ROUNDS = 7;
const SECONDS = 3;
const CONNECTIONS = 32;
const TICKS_PER_S = 100;
const KINDS = ["app", "deno", "node"] as const;
type Kind = typeof KINDS[number];

/** Those of `deno task start`, for all alike. */
const V8_FLAGS = manifest.tasks.start.command.split(" ").filter((word) =>
  word.startsWith("--v8-flags=")
);

interface Load {
  readonly requests: number;
  readonly perS: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly errors: number;
  /** Processor time of the server a request, microseconds. */
  readonly cpuUs: number;
}

interface Server {
  readonly port: number;
  readonly child: Deno.ChildProcess;
}

async function start(kind: Kind): Promise<Server> {
  const server = [`${ROOT}/scripts/bench/_api_server.ts`, kind, `${ORIGINATORS}`];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", ...V8_FLAGS, ...server],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return { port: Number(new TextDecoder().decode(value)), child };
}

function cpuS(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

type Sample = Omit<Load, "cpuUs">;

/** wrk has no 95th percentile of its own; its report hook has. Times are in microseconds. */
const REPORT = `done = function(s, l)
  local e = s.errors
  print(string.format("RESULT %d %d %f %f %d", s.requests, s.duration, l:percentile(50),
    l:percentile(95), e.connect + e.read + e.write + e.status + e.timeout))
end`;

async function wrk(url: string, script: string, seconds: number): Promise<Sample> {
  const { stdout } = await new Deno.Command("wrk", {
    args: ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "-s", script, url],
  }).output();
  const found = /RESULT (\S+) (\S+) (\S+) (\S+) (\S+)/.exec(new TextDecoder().decode(stdout));
  if (found === null) throw new Error("Cannot read wrk's report");
  const [requests = NaN, us = NaN, p50 = NaN, p95 = NaN, errors = NaN] = found.slice(1).map(Number);
  const perS = requests / (us / 1e6);
  return { requests, perS, p50Ms: p50 / 1000, p95Ms: p95 / 1000, errors };
}

/** Where there is no wrk: slower, and it takes more of the processor the servers need. */
async function denoClient(url: string, seconds: number): Promise<Sample> {
  const times: number[] = [];
  let errors = 0;
  const from = performance.now();
  const until = from + seconds * 1000;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    for (let before = performance.now(); before < until;) {
      const response = await fetch(url);
      await response.arrayBuffer();
      if (!response.ok) errors++;
      const after = performance.now();
      times.push(after - before);
      before = after;
    }
  }));
  const perS = times.length / ((performance.now() - from) / 1000);
  const [p50Ms, p95Ms] = [quantile(times, 0.5), quantile(times, 0.95)];
  return { requests: times.length, perS, p50Ms, p95Ms, errors };
}

async function hasWrk(): Promise<boolean> {
  try {
    await new Deno.Command("wrk", { args: ["-v"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch {
    return false;
  }
}

function latencyRow(runs: readonly Load[], peer: readonly Load[]): BenchRow {
  const [value, other] = [runs, peer].map((loads) => quantile(loads.map((one) => one.p95Ms), 0.5));
  return {
    metric: "p95 latency under full load",
    unit: "ms",
    value: value ?? NaN,
    peer: { name: "Deno.serve with a constant body", value: other ?? NaN },
    ratio: (value ?? NaN) / (other ?? NaN),
    n: runs.reduce((sum, one) => sum + one.requests, 0),
    p50: quantile(runs.map((one) => one.p50Ms), 0.5),
    p95: value ?? NaN,
  };
}

/** Runs it. */
export async function bench(): Promise<BenchOutcome> {
  const generator = await hasWrk() ? "wrk" : "a client in Deno";
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  await Deno.writeTextFile(script, REPORT);
  const servers = new Map<Kind, Server>();
  const runs = new Map<Kind, Load[]>(KINDS.map((kind) => [kind, []]));
  try {
    for (const kind of KINDS) servers.set(kind, await start(kind));
    // The first round warms up and does not count.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [kind, { port, child }] of servers) {
        const url = `http://127.0.0.1:${port}${PATH}`;
        const seconds = round === 0 ? 1 : SECONDS;
        const before = cpuS(child.pid);
        const load = generator === "wrk"
          ? await wrk(url, script, seconds)
          : await denoClient(url, seconds);
        const cpuUs = (cpuS(child.pid) - before) * 1e6 / load.requests;
        if (round > 0) runs.get(kind)?.push({ ...load, cpuUs });
      }
    }
  } finally {
    for (const { child } of servers.values()) {
      child.kill();
      await child.status;
    }
    await Deno.remove(script);
  }
  const [app = [], deno = [], node = []] = KINDS.map((kind) => runs.get(kind));
  const failed = [...app, ...deno, ...node].reduce((sum, one) => sum + one.errors, 0);
  if (failed > 0) throw new Error(`Cannot use the figures: ${failed} requests failed`);
  const samples = (loads: readonly Load[], field: keyof Load) => loads.map((one) => one[field]);
  const bare = (field: keyof Load) =>
    ({ name: "Deno.serve with a constant body", samples: samples(deno, field) }) as const;
  const http = { name: "node:http with a constant body", samples: samples(node, "perS") };
  return {
    name: "api",
    method: `GET ${PATH} with ${ORIGINATORS} originators over ${CONNECTIONS} connections by ` +
      `${generator} on the same machine, ${ROUNDS} rounds of ${SECONDS} s, servers taking turns; the ` +
      "node is a fixture, all of the web interface is the real one",
    rows: [
      rowOf("requests per second", "1/s", samples(app, "perS"), bare("perS")),
      rowOf("requests per second, against node:http", "1/s", samples(app, "perS"), http),
      rowOf("processor time of the server a request", "µs", samples(app, "cpuUs"), bare("cpuUs")),
      latencyRow(app, deno),
    ],
    raw: Object.fromEntries(runs),
  };
}
