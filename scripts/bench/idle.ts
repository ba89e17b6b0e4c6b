// What the daemon takes while nobody watches, with 32 neighbours in batman-adv's own tables.
// `deno task bench idle` boots a guest whose time is counted in instructions (2 ns each, one processor):
// a busy host does not disturb it, and a core in it is about as fast as that of a small router.
import { daemonCommand } from "../../tests/lab/daemons.ts";
import { command, shell } from "../../tests/lab/topology.ts";
import { type BenchOutcome, type BenchRow, rowOf } from "../lib/bench.ts";
import { inGuest, leave, runInLab } from "./_lab.ts";

const NEIGHBOURS = 32;
/** Length of one sample; the samples follow each other. */
const SAMPLE_S = 30;
const SAMPLES = 6;
/** After the first answer: what a start leaves behind (compilation, the first backup) is not idling. */
const SETTLE_S = 90;
const DIRECTORY = "/run/x0-idle";
const LISTEN = "127.0.0.1:8080";
/** Namespace of the daemon: it sees its own links and not the wires of the experiment. */
const NODE = "n0";

const DOCUMENT = `[node]
name = "idle"

[[mesh.wired]]
interface = "air"
`;

/** What one reading of /proc tells of a process. */
interface Usage {
  readonly atMs: number;
  /** Time on a processor of all its threads. */
  readonly cpuMs: number;
  readonly rssKib: number;
  /** Times its threads began to wait. */
  readonly waits: number;
}

function pause(s: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, s * 1000));
}

/** A namespace whose interface "air" is a port of the bridge. */
function port(id: number): readonly string[] {
  return [
    `ip netns add n${id}`,
    `ip link add port${id} mtu 1560 type veth peer name air mtu 1560 netns n${id}`,
    `ip link set port${id} master ether up`,
  ];
}

/** Runs a program in the daemon's namespace. */
function inNode(...argv: string[]) {
  return command("ip", "netns", "exec", NODE, ...argv);
}

/** A star: every neighbour is heard by the daemon's node alone, since isolated ports of a bridge do not
 * hear each other. */
async function star(): Promise<void> {
  const script = [
    "modprobe -a veth bridge batman-adv",
    "ip link add ether mtu 1560 type bridge mcast_snooping 0",
    "ip link set ether up",
    ...port(0),
    `ip -n ${NODE} link set lo up`,
  ];
  for (let id = 1; id <= NEIGHBOURS; id++) {
    script.push(
      ...port(id),
      `ip link set port${id} type bridge_slave isolated on`,
      `ip -n n${id} link add bat0 type batadv`,
      `ip -n n${id} link set air master bat0 up`,
      `ip -n n${id} link set bat0 up`,
    );
  }
  await shell(script);
}

async function neighbours(): Promise<number> {
  const { code, stdout } = await inNode("batctl", "meshif", "bat0", "neighbors", "-H");
  return code === 0 ? stdout.split("\n").filter((line) => line.trim() !== "").length : 0;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 240; tries++) {
    if (await holds().catch(() => false)) return;
    await pause(1);
  }
  throw new Error(`Cannot measure: ${what} did not come true`);
}

function usageOf(pid: number): Usage {
  let cpuNs = 0;
  let waits = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    const task = `/proc/${pid}/task/${name}`;
    cpuNs += Number(Deno.readTextFileSync(`${task}/schedstat`).split(" ")[0]);
    const status = Deno.readTextFileSync(`${task}/status`);
    waits += Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
  }
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const rssKib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  return { atMs: performance.now(), cpuMs: cpuNs / 1e6, rssKib, waits };
}

interface Sample {
  readonly cpuPercent: number;
  readonly rssMb: number;
  readonly waitsPerS: number;
}

async function sample(pid: number): Promise<Sample> {
  const from = usageOf(pid);
  await pause(SAMPLE_S);
  const to = usageOf(pid);
  const seconds = (to.atMs - from.atMs) / 1000;
  return {
    cpuPercent: (to.cpuMs - from.cpuMs) / 10 / seconds,
    rssMb: to.rssKib * 1024 / 1_000_000,
    waitsPerS: (to.waits - from.waits) / seconds,
  };
}

async function samples(pid: number): Promise<readonly Sample[]> {
  const out: Sample[] = [];
  for (let i = 0; i < SAMPLES; i++) out.push(await sample(pid));
  return out;
}

function rowsOf(taken: readonly Sample[]): readonly BenchRow[] {
  return [
    rowOf("resident memory", "MB", taken.map(({ rssMb }) => rssMb)),
    rowOf("processor", "% of a core", taken.map(({ cpuPercent }) => cpuPercent)),
    rowOf("waits of its threads", "1/s", taken.map(({ waitsPerS }) => waitsPerS)),
  ];
}

/** The daemon, until it answers. */
async function start(): Promise<Deno.ChildProcess> {
  await Deno.mkdir(DIRECTORY, { recursive: true });
  await Deno.writeTextFile(`${DIRECTORY}/config.toml`, DOCUMENT);
  const options = ["--kernel", "--data", DIRECTORY, "--listen", LISTEN];
  const args = ["netns", "exec", NODE, ...daemonCommand, ...options];
  const child = new Deno.Command("ip", { args }).spawn();
  await until("the daemon's API answers", async () => {
    const { code } = await inNode("curl", "--silent", "--fail", `http://${LISTEN}/health/live`);
    return code === 0;
  });
  return child;
}

async function measure(): Promise<BenchOutcome> {
  await star();
  const child = await start();
  await until(`${NEIGHBOURS} neighbours`, async () => await neighbours() === NEIGHBOURS);
  await pause(SETTLE_S);
  const taken = await samples(child.pid);
  const present = await neighbours();
  if (present !== NEIGHBOURS) {
    throw new Error(`Cannot measure: ${present} of ${NEIGHBOURS} neighbours are left`);
  }
  const answer = await inNode("curl", "--silent", `http://${LISTEN}/api/v1/mesh/neighbours`);
  const { items } = JSON.parse(answer.stdout) as { items: readonly unknown[] };
  if (items.length !== NEIGHBOURS) {
    throw new Error(`Cannot measure: the daemon tells of ${items.length} neighbours`);
  }
  child.kill("SIGTERM");
  await child.status;
  return {
    name: "idle",
    method:
      `The daemon from source on batman-adv with ${NEIGHBOURS} direct neighbours in namespaces, ` +
      `nobody watching, ${SAMPLES} samples of ${SAMPLE_S} s after ${SETTLE_S} s; emulated guest in ` +
      `virtual time (2 ns an instruction), Linux ${Deno.osRelease()}.`,
    rows: rowsOf(taken),
    raw: { samples: taken },
  };
}

/** See the module's header. */
export function bench(): Promise<BenchOutcome> {
  return inGuest() ? measure() : runInLab("idle", { virtualTime: true });
}

if (import.meta.main) await leave(await bench());
