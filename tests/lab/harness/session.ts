// One run of the lab: a fresh run directory, one guest, and what came of it.

import { buildImage, type Image } from "./image.ts";
import { removeOld } from "./files.ts";
import { BOOTS_MAX, CONSOLE_TAIL_LINES, GUEST_SLOTS_MAX } from "./limits.ts";
import { withSlot } from "./lock.ts";
import { runLines } from "./lines.ts";
import { exists, labDir, projectRoot } from "./paths.ts";
import { type GuestEnd, type GuestOptions, runGuest } from "./qemu.ts";
import { countJunit, type Counts, noTests } from "./results.ts";
import { makeSourceDisk, npmDisk } from "./source.ts";

/** What a run needs beyond the defaults of a guest. */
export interface SessionOptions
  extends Pick<GuestOptions, "memMib" | "timeoutS" | "virtualTime" | "extraArgs" | "kernelArgs"> {
  /** Lines for the person who runs the lab: build steps and the guest's console. */
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** How a session ended. */
export interface SessionEnd extends GuestEnd {
  /** Directory with console.log, dmesg.txt and what the guest wrote to /out. */
  readonly runDir: string;
}

/** A run directory with everything a guest needs to boot. */
export interface PreparedRun {
  readonly image: Image;
  readonly runDir: string;
  readonly disks: readonly string[];
}

/** Makes the run directory of a guest that runs `script` with bash in the project root; `modules`
 * name what the script gives to Deno. */
export async function prepareRun(
  script: string,
  modules: readonly string[],
  options: SessionOptions,
): Promise<PreparedRun> {
  const image = await buildImage(options.log);
  const runDir = await newRunDir();
  await Deno.writeTextFile(`${runDir}/run.sh`, `cd '${projectRoot}'\n${script}`);
  const source = `${runDir}/source.tar`;
  await makeSourceDisk(source, modules);
  const npm = await npmDisk();
  return { image, runDir, disks: npm === undefined ? [source] : [source, npm] };
}

/** Boots a guest for a prepared run and resolves when it is off. */
export async function runPrepared(
  prepared: PreparedRun,
  options: SessionOptions,
): Promise<SessionEnd> {
  const { image, runDir, disks } = prepared;
  const { log, signal, ...guest } = options;
  const console = await Deno.open(`${runDir}/console.log`, { create: true, write: true });
  const tail: string[] = [];
  try {
    let up = false;
    const boot = () =>
      runGuest({ ...guest, image, outDir: runDir, disks }, (line) => {
        console.writeSync(new TextEncoder().encode(line + "\n"));
        tail.push(line);
        if (tail.length > CONSOLE_TAIL_LINES) tail.shift();
        if (line.startsWith("LAB-UP ")) up = true;
        if (!/^LAB-(UP|EXIT) /.test(line)) log(line);
      }, signal);
    let end = await boot();
    // Nothing of the run began: the emulator failed, not what is tested.
    for (let boots = 1; end.panic && !up && boots < BOOTS_MAX; boots++) {
      log(`lab: ${end.failure} while booting; once more`);
      end = await boot();
    }
    if (end.status === undefined && signal?.aborted !== true) {
      log(`lab: ${end.failure}; last lines of ${runDir}/console.log:`);
      for (const line of tail) log(`  | ${line}`);
    }
    return { ...end, runDir };
  } finally {
    console.close();
    await Deno.remove(`${runDir}/source.tar`);
  }
}

/** Boots a guest that runs `script` (see {@linkcode prepareRun}), when this machine has room for it. */
export async function runScript(
  script: string,
  modules: readonly string[],
  options: SessionOptions,
): Promise<SessionEnd> {
  const prepared = await prepareRun(script, modules, options);
  const waiting = () => options.log("lab: waiting for another run's guest to finish");
  const slots = `${labDir()}/slots`;
  return await withSlot(slots, GUEST_SLOTS_MAX, waiting, () => runPrepared(prepared, options));
}

/** Runs test files (paths in the project) in one guest and counts their results. A guest that gives
 * no full result adds one failure. */
export async function runTests(
  files: readonly string[],
  options: SessionOptions,
): Promise<Counts> {
  const script = [
    // Through a pipe, so that the reporter does not write as to a terminal.
    "set -o pipefail; deno test -A --no-check --cached-only --sanitize-ops --sanitize-resources",
    "--junit-path=/out/junit.xml",
    ...files.map((file) => `'${file}'`),
    "2>&1 | cat",
  ].join(" ");
  const end = await runScript(script, files, options);
  return await readCounts(end.runDir, end.status, options.log);
}

/** Runs host-side scenarios (test files that boot guests themselves) and counts their results. */
export async function runHostTests(
  files: readonly string[],
  options: Pick<SessionOptions, "log" | "signal">,
): Promise<Counts> {
  await buildImage(options.log);
  const runDir = await newRunDir();
  const argv = ["test", "-A", "--no-check", `--junit-path=${runDir}/junit.xml`, ...files];
  const status = await runLines([Deno.execPath(), ...argv], options.log, options.signal);
  return await readCounts(runDir, status, options.log);
}

/** Counts of a finished run, plus one failure when it ended badly without saying which test. */
async function readCounts(
  runDir: string,
  status: number | undefined,
  log: (line: string) => void,
): Promise<Counts> {
  const junit = `${runDir}/junit.xml`;
  const counts = await exists(junit) ? countJunit(await Deno.readTextFile(junit)) : undefined;
  if (counts === undefined) log(`lab: no test results (${runDir})`);
  const { passed, failed, skipped } = counts ?? noTests;
  const unsaid = status !== 0 && failed === 0 ? 1 : 0;
  const empty = status === 0 && passed + failed + skipped === 0 ? 1 : 0;
  if (empty === 1) log("lab: the test files hold no test");
  return { passed, failed: failed + unsaid + empty, skipped };
}

async function newRunDir(): Promise<string> {
  const runs = `${labDir()}/runs`;
  await Deno.mkdir(runs, { recursive: true });
  await removeOld(runs, /^\d/, []);
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
  return await Deno.makeTempDir({ dir: runs, prefix: `${stamp}-` });
}
