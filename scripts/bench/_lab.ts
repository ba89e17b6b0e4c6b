// A benchmark that only means something against the lab's kernel: asked for on the host, it boots a guest,
// runs there and brings its figures back.
import { LabError, runScript, type SessionOptions } from "../../tests/lab/harness/mod.ts";
import type { BenchOutcome } from "../lib/bench.ts";

const TIMEOUT_S = 580;

/** Whether this process runs in a lab guest. */
export function inGuest(): boolean {
  return Deno.env.get("X0_LAB") === "1";
}

/** Runs scripts/bench/NAME.ts in a guest, where it writes /out/NAME.json by {@link leave}. */
export async function runInLab(
  name: string,
  options: Pick<SessionOptions, "virtualTime" | "timeoutS"> = {},
): Promise<BenchOutcome> {
  const module = `scripts/bench/${name}.ts`;
  const script = `X0_LAB=1 deno run -A --no-check --cached-only ${module} 2>&1 | cat`;
  const end = await runScript(script, [module], {
    timeoutS: TIMEOUT_S,
    ...options,
    // deno-lint-ignore no-console -- a benchmark talks to the person who runs it
    log: (line) => console.error(line),
  });
  const file = `${end.runDir}/${name}.json`;
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch (cause) {
    throw new LabError(`Cannot read figures of "${name}": see ${end.runDir}/console.log`, {
      cause,
    });
  }
}

/** Leaves the figures where the host finds them. */
export async function leave(outcome: BenchOutcome): Promise<void> {
  await Deno.writeTextFile(`/out/${outcome.name}.json`, JSON.stringify(outcome));
}
