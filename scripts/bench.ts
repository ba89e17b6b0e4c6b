// Runs benchmarks: all of scripts/bench/*.ts, or those named. Each exports `bench()`; those that need the
// lab's kernel boot a guest themselves.
import { type BenchOutcome, keep } from "./lib/bench.ts";
import { ROOT } from "./lib/modules.ts";

async function namesHere(): Promise<string[]> {
  const out: string[] = [];
  for await (const { name } of Deno.readDir(`${ROOT}/scripts/bench`)) {
    if (name.endsWith(".ts") && !name.startsWith("_")) out.push(name.slice(0, -3));
  }
  return out.sort();
}

function figure(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

if (import.meta.main) {
  const known = await namesHere();
  const asked = Deno.args.length > 0 ? Deno.args : known;
  for (const name of asked) {
    if (!known.includes(name)) {
      console.error(`Cannot run benchmark "${name}": known are ${known.join(", ")}`);
      Deno.exit(2);
    }
    const { bench } = await import(`./bench/${name}.ts`) as { bench(): Promise<BenchOutcome> };
    const result = await keep(await bench());
    console.log(`${result.name} (${result.commit}, ${result.machine})\n  ${result.method}`);
    for (const { metric, unit, value, peer, ratio, p95, n } of result.rows) {
      const compared = peer === null
        ? ""
        : `, ${peer.name} ${figure(peer.value)} ${unit}, ratio ${ratio?.toPrecision(3)}`;
      const tail = p95 === null ? "" : `, p95 ${figure(p95)}`;
      console.log(`  ${metric}: ${figure(value)} ${unit}${tail} (n=${n})${compared}`);
    }
  }
}
