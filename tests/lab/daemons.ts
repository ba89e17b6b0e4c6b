// Runs in a lab guest. Starts one daemon of the project in each node of a topology, and gives each a
// management wire to the guest's own namespace, over which tests and people reach its API.

import manifest from "../../deno.json" with { type: "json" };
import type { Topology } from "./topology.ts";
import { shell } from "./topology.ts";

/** Port of every daemon's API. */
export const API_PORT = 8080;

/** How daemons are started. */
export interface DaemonOptions {
  /** The command before `--data`, `--listen` and `--config`. */
  readonly command?: readonly string[];
  /** The configuration document of a node; {@linkcode meshConfig} when absent. */
  readonly config?: (id: number) => string;
  /** Receives every line that a daemon writes; lines are dropped when absent. */
  readonly log?: (id: number, line: string) => void;
}

/** One running daemon. */
export interface Daemon {
  /** Number of its node. */
  readonly id: number;
  /** Base of its API, reachable from the guest's own namespace, such as "http://10.77.1.2:8080". */
  readonly url: string;
  readonly dataDir: string;
  readonly configFile: string;
  readonly process: Deno.ChildProcess;
  /** Settles when the daemon's output has ended. */
  readonly drained: Promise<unknown>;
}

/** The command that runs the project's daemon: that of `deno task start`, without looking for packages. */
export const daemonCommand: readonly string[] = manifest.tasks.start.command
  .replace("deno run ", "deno run --no-check --cached-only ").split(" ");

/** A configuration that joins the node's radio, as mesh0, to the lab's mesh, with the address
 * 10.9.0.<id>/24. */
export function meshConfig(id: number): string {
  return `[node]
name = "n${id}"

[mesh]
id = "lab"
bridge_loop_avoidance = false

[[radios]]
interface = "mesh0"

[lan]
addresses = ["10.9.0.${id}/24"]
`;
}

/** Running daemons; `await using` stops them. */
export class Daemons implements AsyncDisposable {
  constructor(readonly all: readonly Daemon[]) {}

  /** The daemon of this node; throws RangeError when there is none. */
  of(id: number): Daemon {
    const daemon = this.all.find((each) => each.id === id);
    if (daemon === undefined) throw new RangeError(`Cannot find a daemon on node ${id}`);
    return daemon;
  }

  /** Asks for a path of a node's API and returns the JSON in the answer. */
  async get(id: number, path: string): Promise<unknown> {
    const response = await fetch(`${this.of(id).url}${path}`);
    if (!response.ok) {
      throw new Error(`Cannot get ${path} of n${id}: ${response.status} ${await response.text()}`);
    }
    return await response.json();
  }

  /** Waits until every daemon's API answers; throws when one ends or `limitS` is over. */
  async ready(limitS = 240): Promise<void> {
    const deadlineMs = performance.now() + limitS * 1000;
    for (const { id, url, process } of this.all) {
      let ended: number | undefined;
      process.status.then(({ code }) => ended = code);
      while (!await answers(`${url}/health/live`)) {
        if (ended !== undefined) throw new Error(`Daemon of n${id} ended with status ${ended}`);
        if (performance.now() > deadlineMs) throw new Error(`Daemon of n${id} does not answer`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process } of this.all) {
      try {
        process.kill("SIGTERM");
      } catch (error) {
        // Deno's answer for a process that has ended already.
        if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    await Promise.all(this.all.flatMap(({ process, drained }) => [process.status, drained]));
    await shell(this.all.map(({ id }) => `ip link delete mgmt${id}`));
  }
}

/** Starts a daemon in every node of the topology. They need not be ready when this resolves. */
export async function startDaemons(
  topology: Topology,
  options: DaemonOptions = {},
): Promise<Daemons> {
  const daemons: Daemon[] = [];
  for (const { id, ns } of topology.nodes) {
    await shell([
      `ip link add mgmt${id} type veth peer name mgmt netns ${ns}`,
      `ip addr add 10.77.${id}.1/30 dev mgmt${id}`,
      `ip link set mgmt${id} up`,
      `ip -n ${ns} addr add 10.77.${id}.2/30 dev mgmt`,
      `ip -n ${ns} link set mgmt up`,
    ]);
    const dataDir = `/run/x0/${ns}`;
    const configFile = `/run/x0/${ns}.toml`;
    await Deno.mkdir(dataDir, { recursive: true });
    await Deno.writeTextFile(configFile, (options.config ?? meshConfig)(id));
    const listen = `10.77.${id}.2:${API_PORT}`;
    const argv = [
      ...["netns", "exec", ns],
      ...(options.command ?? daemonCommand),
      ...["--data", dataDir, "--listen", listen, "--config", configFile],
    ];
    const process = new Deno.Command("ip", { args: argv, stdout: "piped", stderr: "piped" })
      .spawn();
    const log = (text: string) => options.log?.(id, text);
    const drained = Promise.all([drain(process.stdout, log), drain(process.stderr, log)]);
    daemons.push({ id, url: `http://${listen}`, dataDir, configFile, process, drained });
  }
  return new Daemons(daemons);
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function drain(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  log: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(log);
  }
  if (rest !== "") log(rest);
}
