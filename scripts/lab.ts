// The lab's command line: `deno task lab [run FILE… | shell SCRIPT.sh | up | build]`. All work is done in
// tests/lab/harness; see docs/lab.md.

import {
  addCounts,
  buildImage,
  type Counts,
  GUEST_SLOTS_MAX,
  LabError,
  noTests,
  projectRoot,
  resultLine,
  runHostTests,
  runMesh,
  runScript,
  runTests,
  type SessionOptions,
  type UpOptions,
} from "../tests/lab/harness/mod.ts";

/** Test files that run on the host: those of the harness, and scenarios that boot guests themselves. */
const HOST_FOLDERS = ["tests/lab/harness", "tests/lab/host"];

/** Status of a process ended from outside, as shells report it. */
const INTERRUPTED = 130;

const usage = `Usage: deno task lab [COMMAND] [OPTIONS]

  run [FILE…]      run test files, each in a guest of its own (all lab tests when none is given)
  shell SCRIPT.sh  run a shell script in a guest, in the project root
  up               keep a mesh of real nodes running, their pages forwarded to this host
  build            make the guest's kernel and root image, where inputs changed

  --mem MIB        memory of a guest (1024)
  --timeout S      limit from power on to power off (600)
  --virtual-time   count guest time in instructions: steady timing on a busy host, but slow
  --nodes N        up: number of nodes (3)
  --port P         up: port of the first node's page, the others follow (8080)
  --command CMD    up: what starts a node, before --data, --listen and --config`;

interface Parsed {
  readonly command: string;
  readonly files: readonly string[];
  readonly options: UpOptions;
}

/** Ends the guest when the person, or who runs this program, ends the program. */
const stop = new AbortController();

function log(line: string): void {
  console.log(line);
}

function parse(args: readonly string[]): Parsed {
  const words: string[] = [];
  const options: { -readonly [K in keyof UpOptions]?: UpOptions[K] } = {};
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--mem") options.memMib = count(word, rest.shift());
    else if (word === "--timeout") options.timeoutS = count(word, rest.shift());
    else if (word === "--nodes") options.nodes = count(word, rest.shift());
    else if (word === "--port") options.port = count(word, rest.shift());
    else if (word === "--command") options.command = rest.shift() ?? "";
    else if (word === "--virtual-time") options.virtualTime = true;
    else if (word.startsWith("--")) throw new LabError(`Cannot use option "${word}"\n\n${usage}`);
    else words.push(word);
  }
  const [command = "run", ...files] = words;
  return { command, files, options: { ...options, signal: stop.signal, log } };
}

function count(option: string, text: string | undefined): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new LabError(`Cannot use option "${option}": want a whole number, have "${text}"`);
  }
  return value;
}

/** All lab tests: those for a guest, and the host-side scenarios. */
async function allTests(): Promise<string[]> {
  const files: string[] = [];
  for (const folder of ["tests/lab", ...HOST_FOLDERS]) {
    const entries = await Array.fromAsync(Deno.readDir(`${projectRoot}/${folder}`));
    const names = entries.map((entry) => entry.name).filter((name) => name.endsWith("_test.ts"));
    files.push(...names.sort().map((name) => `${folder}/${name}`));
  }
  return files;
}

/** A file whose guest cannot even be prepared is one failure, and the others still run. */
async function countsOf(file: string, options: SessionOptions): Promise<Counts> {
  try {
    return await runTests([file], options);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    options.log(`lab: ${error.message}`);
    return { ...noTests, failed: 1 };
  }
}

/** Runs each file in a guest of its own, so that none can spoil another. One file's output is shown as
 * it comes, that of several when each is done. */
async function runInGuests(files: readonly string[], options: SessionOptions): Promise<Counts> {
  const [first] = files;
  if (files.length === 1 && first !== undefined) return await runTests([first], options);
  const queue = [...files];
  const counts: Counts[] = [];
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const lines: string[] = [];
      const startMs = performance.now();
      const result = await countsOf(file, { ...options, log: (line) => lines.push(line) });
      const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
      for (const line of [`--- ${file} (${seconds} s)`, ...lines]) log(line);
      counts.push(result);
    }
  };
  await Promise.all(Array.from({ length: GUEST_SLOTS_MAX }, worker));
  return addCounts(...counts);
}

async function runAll(files: readonly string[], options: SessionOptions): Promise<Counts> {
  const onHost = (file: string) => HOST_FOLDERS.some((folder) => file.includes(`${folder}/`));
  const inGuest = files.filter((file) => !onHost(file));
  const scenarios = files.filter(onHost);
  return addCounts(
    await runInGuests(inGuest, options),
    scenarios.length === 0 ? noTests : await runHostTests(scenarios, options),
  );
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(usage);
    return 0;
  }
  const { command, files, options } = parse(args);
  switch (command) {
    case "build":
      console.log(`lab: ${(await buildImage(options.log)).dir}`);
      return 0;
    case "run": {
      const counts = await runAll(files.length > 0 ? files : await allTests(), options);
      console.log(resultLine(counts));
      return counts.failed === 0 ? 0 : 1;
    }
    case "shell": {
      const [script] = files;
      if (script === undefined) throw new LabError(`Cannot run a script: none given\n\n${usage}`);
      const end = await runScript(await Deno.readTextFile(script), [], options);
      console.log(`lab: exit status ${end.status ?? "unknown"}; files in ${end.runDir}`);
      return end.status ?? 125;
    }
    case "up": {
      const end = await runMesh(options);
      return stop.signal.aborted ? 0 : end.status ?? 1;
    }
    default:
      throw new LabError(`Cannot do "${command}": no such command\n\n${usage}`);
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => {
    stop.abort();
    // What waits for a free place or builds has nothing to end; guests have by then.
    setTimeout(() => Deno.exit(INTERRUPTED), 2000);
  });
}
try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  console.error(`lab: ${error.message}`);
  Deno.exit(2);
}
