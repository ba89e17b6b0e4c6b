// One run of the lab: a fresh run directory, one guest, and what came of it.

import { buildImage } from "./image.ts";
import { removeOld } from "./files.ts";
import { CONSOLE_TAIL_LINES, GUEST_SLOTS_MAX } from "./limits.ts";
import { withSlot } from "./lock.ts";
import { exists, labDir, projectRoot } from "./paths.ts";
import { type GuestEnd, type GuestOptions, runGuest } from "./qemu.ts";
import { countJunit, type Counts } from "./results.ts";
import { cacheModules, makeSourceDisk, npmDisk } from "./source.ts";

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

/** Boots a guest that runs `script` with bash in the project root; `modules` name what the script
 * gives to Deno. */
export async function runScript(
  script: string,
  modules: readonly string[],
  options: SessionOptions,
): Promise<SessionEnd> {
  const image = await buildImage(options.log);
  const runDir = await newRunDir();
  await Deno.writeTextFile(`${runDir}/run.sh`, `cd '${projectRoot}'\n${script}`);
  await cacheModules(modules);
  const npm = await npmDisk();
  const source = `${runDir}/source.tar`;
  await makeSourceDisk(source);
  const disks = npm === undefined ? [source] : [source, npm];
  const { log, signal, ...guest } = options;
  const waiting = () => log("lab: waiting for another run's guest to finish");
  const end = await withSlot(`${labDir()}/slots`, GUEST_SLOTS_MAX, waiting, async () => {
    const console = await Deno.open(`${runDir}/console.log`, { create: true, write: true });
    const tail: string[] = [];
    try {
      const ended = await runGuest({ ...guest, image, outDir: runDir, disks }, (line) => {
        console.writeSync(new TextEncoder().encode(line + "\n"));
        tail.push(line);
        if (tail.length > CONSOLE_TAIL_LINES) tail.shift();
        if (!/^LAB-(UP|EXIT) /.test(line)) log(line);
      }, signal);
      if (ended.status === undefined) {
        log(`lab: ${ended.failure}; last lines of ${runDir}/console.log:`);
        for (const line of tail) log(`  | ${line}`);
      }
      return ended;
    } finally {
      console.close();
    }
  });
  await Deno.remove(source);
  return { ...end, runDir };
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
  const junit = `${end.runDir}/junit.xml`;
  const known = await exists(junit);
  const counts = known ? countJunit(await Deno.readTextFile(junit)) : undefined;
  if (counts === undefined) options.log(`lab: no test results from the guest (${end.runDir})`);
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  const unsaid = end.status !== 0 && failed === 0 ? 1 : 0;
  const empty = end.status === 0 && passed + failed + skipped === 0 ? 1 : 0;
  if (empty === 1) options.log("lab: the test files hold no test");
  return { passed, failed: failed + unsaid + empty, skipped };
}

async function newRunDir(): Promise<string> {
  const runs = `${labDir()}/runs`;
  await Deno.mkdir(runs, { recursive: true });
  await removeOld(runs, /^\d/, []);
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
  return await Deno.makeTempDir({ dir: runs, prefix: `${stamp}-` });
}
