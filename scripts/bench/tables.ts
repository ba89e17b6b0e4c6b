// How long it takes to read each of batman-adv's tables: our dump and decode, against one run of batctl
// in the same guest and namespace. `deno task bench tables` boots the guest.
import { Batadv } from "../../ffi/batadv/mod.ts";
import { openRtnetlink } from "../../ffi/rtnetlink/mod.ts";
import { command, line, shell, wireTopology } from "../../tests/lab/topology.ts";
import { type BenchOutcome, rowOf } from "../lib/bench.ts";
import { inGuest, leave, runInLab } from "./_lab.ts";

const NODES = 6;
const OUR_RUNS = 200;
const BATCTL_RUNS = 20;
const MESH = "bat0";

/** Our method and batctl's command for each table. */
const TABLES = [
  ["originators", "originators_json"],
  ["neighbors", "neighbors_json"],
  ["gateways", "gateways_json"],
  ["localClients", "transtable_local_json"],
  ["globalClients", "transtable_global_json"],
  ["blaClaims", "bla_claim_json"],
  ["blaBackbones", "bla_backbone_json"],
  ["datCache", "dat_cache_json"],
  ["mcastFlags", "mcast_flags_json"],
  ["hardInterfaces", "hardifs_json"],
  ["mesh", "mesh_json"],
] as const;

/** Times in milliseconds of batctl, taken by bash inside the namespace: process start included. */
async function batctlMs(netns: string, subcommand: string): Promise<number[]> {
  const script = `
    for i in $(seq ${BATCTL_RUNS}); do
      a=$EPOCHREALTIME; batctl meshif ${MESH} ${subcommand} >/dev/null || exit 1
      b=$EPOCHREALTIME; echo $(( \${b/./} - \${a/./} ))
    done`;
  const { code, stdout, stderr } = await command(
    "ip",
    "netns",
    "exec",
    netns,
    "bash",
    "-c",
    script,
  );
  if (code !== 0) throw new Error(`Cannot time batctl ${subcommand}: ${stderr}`);
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

async function measure(): Promise<BenchOutcome> {
  await using topology = await wireTopology(NODES, line(NODES));
  await topology.startBatman("BATMAN_IV", { originatorIntervalMs: 200 });
  await shell([`ip netns exec n${NODES} batctl meshif ${MESH} gw_mode server 50mbit/10mbit`]);
  if (!await topology.pings(1, NODES)) {
    throw new Error("Cannot measure: the mesh does not converge");
  }
  using rtnetlink = openRtnetlink({ netns: "n1" });
  using batadv = await Batadv.open({ netns: "n1" });
  const index = await rtnetlink.index(MESH);
  const rows = [];
  const raw: Record<string, unknown> = {};
  for (const [name, subcommand] of TABLES) {
    const samples = await oursMs(() => batadv[name](index));
    const peer = await batctlMs("n1", subcommand);
    raw[name] = { oursMs: samples, batctlMs: peer };
    rows.push(
      rowOf(`read ${name}`, "ms", samples, { name: `batctl ${subcommand}`, samples: peer }),
    );
  }
  return {
    name: "tables",
    method:
      `One table read at a time on a line of ${NODES} namespaces (BATMAN_IV) in an emulated ` +
      `guest, Linux ${Deno.osRelease()}; batctl timed by bash in the same namespace.`,
    rows,
    raw,
  };
}

/** See the module's header. */
export function bench(): Promise<BenchOutcome> {
  return inGuest() ? measure() : runInLab("tables");
}

if (import.meta.main) await leave(await bench());
