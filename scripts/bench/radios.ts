// How long it takes to read each table of the radios: our dump and decode, against one run of iw in the
// same guest and namespace. `deno task bench radios` boots the guest.
import { openNl80211 } from "../../ffi/nl80211/mod.ts";
import { command, line, radioTopology } from "../../tests/lab/topology.ts";
import { type BenchOutcome, rowOf } from "../lib/bench.ts";
import { inGuest, leave, runInLab } from "./_lab.ts";

const NODES = 4;
const OUR_RUNS = 100;
const IW_RUNS = 20;

/** Times in milliseconds of iw, taken by bash inside the namespace: process start included. */
async function iwMs(netns: string, words: string): Promise<number[]> {
  const script = `
    for i in $(seq ${IW_RUNS}); do
      a=$EPOCHREALTIME; iw ${words} >/dev/null || exit 1
      b=$EPOCHREALTIME; echo $(( \${b/./} - \${a/./} ))
    done`;
  const args = ["netns", "exec", netns, "bash", "-c", script];
  const { code, stdout, stderr } = await command("ip", ...args);
  if (code !== 0) throw new Error(`Cannot time iw ${words}: ${stderr}`);
  return stdout.trim().split("\n").map((text) => Number(text) / 1000);
}

async function oursMs(read: () => Promise<unknown>): Promise<number[]> {
  const out: number[] = [];
  for (let i = 0; i < OUR_RUNS; i++) {
    const start = performance.now();
    await read();
    out.push(performance.now() - start);
  }
  return out;
}

/** Waits until node 2 has both its neighbours. */
async function converged(exec: () => Promise<string>): Promise<void> {
  for (let i = 0; i < 120; i++) {
    if ((await exec()).split("ESTAB").length === 3) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error("Cannot measure: the radios do not peer");
}

async function measure(): Promise<BenchOutcome> {
  await using topology = await radioTopology(NODES, line(NODES));
  const dump = ["iw", "dev", "wlan0", "station", "dump"] as const;
  await converged(() => topology.exec(2, ...dump));
  const { ns } = topology.node(2);
  using client = await openNl80211({ netns: ns });
  const index = (await client.interfaces())[0]?.ifindex;
  if (index === undefined || index === null) throw new Error("Cannot measure: no radio");
  const tables = [
    ["stations", "dev wlan0 station dump", () => client.stations(index)],
    ["interfaces", "dev", () => client.interfaces()],
    ["survey", "dev wlan0 survey dump", () => client.survey(index)],
    ["regulatory domains", "reg get", () => client.regDomains()],
    ["mesh parameters", "dev wlan0 mesh_param dump", () => client.meshConfig(index)],
    ["radios", "phy", () => client.wiphys()],
  ] as const;
  const rows = [];
  const raw: Record<string, unknown> = {};
  for (const [name, words, read] of tables) {
    const samples = await oursMs(read);
    const peer = await iwMs(ns, words);
    raw[name] = { oursMs: samples, iwMs: peer };
    rows.push(rowOf(`read ${name}`, "ms", samples, { name: `iw ${words}`, samples: peer }));
  }
  return {
    name: "radios",
    method:
      `One table read at a time on a line of ${NODES} mac80211_hwsim radios (802.11s) in an ` +
      `emulated guest, Linux ${Deno.osRelease()}; iw timed by bash in the same namespace.`,
    rows,
    raw,
  };
}

/** See the module's header. */
export function bench(): Promise<BenchOutcome> {
  return inGuest() ? measure() : runInLab("radios");
}

if (import.meta.main) await leave(await bench());
