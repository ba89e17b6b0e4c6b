// The form in which every benchmark keeps its figures, and how they are taken. Documents are generated
// from these files and from nothing else.
import { ROOT } from "./modules.ts";

/** One figure. `peer` and `ratio` compare it with something measured in the same run. */
export interface BenchRow {
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
  /** What it is compared with, and that one's value; `null` where there is no peer. */
  readonly peer: { readonly name: string; readonly value: number } | null;
  /** value / peer.value. */
  readonly ratio: number | null;
  /** Samples behind the value. */
  readonly n: number;
  readonly p50: number | null;
  readonly p95: number | null;
}

/** What a benchmark's `bench()` returns; the runner adds commit, machine and versions. */
export interface BenchOutcome {
  readonly name: string;
  /** One sentence: what was done, what is emulated or simulated. */
  readonly method: string;
  readonly rows: readonly BenchRow[];
  /** Everything measured, before any summary. */
  readonly raw: unknown;
}

/** A stored result. */
export interface BenchResult extends BenchOutcome {
  readonly commit: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** The q-quantile (0–1) of `samples`, nearest rank; NaN when there are none. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? NaN;
}

/** A row made of samples: value is their median. */
export function rowOf(
  metric: string,
  unit: string,
  samples: readonly number[],
  peer: { readonly name: string; readonly samples: readonly number[] } | null = null,
): BenchRow {
  const value = quantile(samples, 0.5);
  const peerValue = peer === null ? null : quantile(peer.samples, 0.5);
  return {
    metric,
    unit,
    value,
    peer: peer === null || peerValue === null ? null : { name: peer.name, value: peerValue },
    ratio: peerValue === null ? null : value / peerValue,
    n: samples.length,
    p50: value,
    p95: quantile(samples, 0.95),
  };
}

async function output(command: string, args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(command, { args, cwd: ROOT, stderr: "null" }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** Processor, cores, memory and kernel of this machine, in one line. */
export async function machineLine(): Promise<string> {
  const cpu = /model name\s*:\s*(.*)/.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1] ??
    Deno.build.arch;
  const gib = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  return `${cpu}, ${navigator.hardwareConcurrency} cores, ${gib} GiB, Linux ${Deno.osRelease()}`;
}

/** Adds what identifies a run, and writes bench/results/NAME.json. */
export async function keep(outcome: BenchOutcome): Promise<BenchResult> {
  const dirty = (await output("git", ["status", "--porcelain", "--", "core", "ffi", "web"])) !== "";
  const result: BenchResult = {
    ...outcome,
    commit: `${await output("git", ["rev-parse", "--short", "HEAD"])}${dirty ? "+changes" : ""}`,
    machine: await machineLine(),
    versions: { deno: Deno.version.deno, v8: Deno.version.v8 },
  };
  await Deno.mkdir(`${ROOT}/bench/results`, { recursive: true });
  await Deno.writeTextFile(
    `${ROOT}/bench/results/${outcome.name}.json`,
    `${JSON.stringify(result, null, 1)}\n`,
  );
  return result;
}
