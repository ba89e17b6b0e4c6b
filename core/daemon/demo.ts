// `demo`: several daemons on this machine, each a process of its own, on one simulated radio medium that
// this process serves. Nothing of it is real but the daemons.
import { CliError, EXIT, type Terminal } from "../cli/mod.ts";
import { messageOf } from "../base/mod.ts";
import { defaultConfig } from "../config/mod.ts";
import { hostClock, unixListener } from "../host/mod.ts";
import { type MediumServer, serveMedium, simulate } from "../sim/mod.ts";
import { presetOf } from "./kernel_simulated.ts";
import { DEMO_START_TIMEOUT_MS, STOP_TIMEOUT_MS } from "./limits.ts";
import { absolute, dataPaths } from "./paths.ts";
import { untilSignal } from "./run.ts";
import { type DemoOptions, parseDemoOptions, type RawDemoOptions } from "./run_options.ts";

/** One daemon of the demonstration. */
interface DemoNode {
  readonly name: string;
  readonly directory: string;
  readonly process: Deno.ChildProcess;
  /** Exit status, once it ended. */
  readonly ended: Promise<number>;
  /** Last lines of its log. */
  readonly lines: string[];
}

const KEPT_LINES = 20;
const POLL_MS = 50;

/** Runs the demonstration until a signal comes. @throws {CliError} */
export async function demoCommand(raw: RawDemoOptions, terminal: Terminal): Promise<void> {
  const options = parseDemoOptions(raw);
  const { signal, end } = untilSignal();
  const directory = options.data === null
    ? await Deno.makeTempDir({ prefix: "x0-demo-" })
    : absolute(options.data);
  const nodes: DemoNode[] = [];
  let medium: MediumServer | null = null;
  try {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    medium = await openMedium(options, `${directory}/medium.sock`);
    for (let index = 0; index < options.nodes; index++) {
      nodes.push(await spawn(options, directory, index));
    }
    const urls = await Promise.all(nodes.map(waitForUrl));
    const rows = nodes.map(({ name, directory }, index) => ({ name, url: urls[index], directory }));
    if (raw.json === true) terminal.out(`${JSON.stringify(rows)}\n`);
    else {
      for (const { name, url } of rows) terminal.out(`${name}  ${url}\n`);
      terminal.err(
        `${rows.length} daemons share a simulated radio medium; nothing of it is real. ` +
          `Stop with ctrl-C.\n`,
      );
    }
    const failed = Promise.race(nodes.map(async (node) => {
      const code = await node.ended;
      return new CliError(EXIT.failed, `${node.name} ended with status ${code}\n${tail(node)}`);
    }));
    const outcome = await Promise.race([signal, failed]);
    if (outcome instanceof CliError) throw outcome;
  } finally {
    await Promise.all(nodes.map(stop));
    await medium?.close();
    end();
    if (options.data === null) await Deno.remove(directory, { recursive: true });
  }
}

async function openMedium({ nodes, seed }: DemoOptions, path: string): Promise<MediumServer> {
  const listener = await unixListener(path).catch((cause) => {
    throw new CliError(EXIT.failed, messageOf(cause), "Does another demo use that directory?");
  });
  const clock = hostClock();
  const simulation = simulate({
    nodes,
    seed,
    topology: "random",
    bare: true,
    wallMs: clock.wallMs(),
    mesh: presetOf(defaultConfig()),
  });
  return serveMedium({ simulation, listener, clock });
}

/** How this program is run once more: the compiled binary by itself, a checkout through Deno. */
function ownCommand(): { readonly command: string; readonly args: readonly string[] } {
  const command = Deno.execPath();
  if (Deno.build.standalone) return { command, args: [] };
  return { command, args: ["run", "-A", "--quiet", Deno.mainModule] };
}

async function spawn(options: DemoOptions, parent: string, index: number): Promise<DemoNode> {
  const name = `demo-${index + 1}`;
  const directory = `${parent}/${name}`;
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const { configDocument } = dataPaths(directory);
  await Deno.writeTextFile(configDocument, `[node]\nname = "${name}"\n`, { createNew: true })
    .catch((cause) => {
      // A directory of an earlier demonstration keeps its configuration.
      if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    });
  const port = options.port === 0 ? 0 : options.port + index;
  const { command, args } = ownCommand();
  const process = new Deno.Command(command, {
    args: [
      ...args,
      ...["run", "--data", directory, "--listen", `127.0.0.1:${port}`],
      ...["--attach", `${parent}/medium.sock`, "--node", String(index), "--log", "text"],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const reading = keepLines(process.stderr, lines);
  const ended = process.status.then(async ({ code }) => {
    await reading;
    return code;
  });
  return { name, directory, process, ended, lines };
}

async function keepLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  lines: string[],
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    lines.splice(0, lines.length - KEPT_LINES);
  }
}

function tail({ lines }: DemoNode): string {
  return lines.map((line) => `  ${line}`).join("\n");
}

async function waitForUrl(node: DemoNode): Promise<string> {
  const clock = hostClock();
  const deadlineMs = clock.monotonicMs() + DEMO_START_TIMEOUT_MS;
  let code: number | null = null;
  void node.ended.then((value) => code = value);
  while (code === null && clock.monotonicMs() < deadlineMs) {
    const text = await Deno.readTextFile(dataPaths(node.directory).address).catch(() => null);
    const found = text === null ? null : JSON.parse(text);
    // A file of an earlier run names another process.
    if (found?.pid === node.process.pid) return String(found.urls[0]);
    await clock.sleep(POLL_MS);
  }
  const why = code === null ? "it does not answer" : `it ended with status ${code}`;
  throw new CliError(
    code === EXIT.portInUse ? EXIT.portInUse : EXIT.failed,
    `Cannot start ${node.name}: ${why}\n${tail(node)}`,
  );
}

async function stop({ process, ended }: DemoNode): Promise<void> {
  try {
    process.kill("SIGTERM");
  } catch {
    // It has ended: ctrl-C reaches every process of a terminal.
  }
  const late = setTimeout(() => process.kill("SIGKILL"), 2 * STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(late);
}
