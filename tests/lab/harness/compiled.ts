// Leaves the compiled program in the lab's module cache. Under emulation a start spends most of its time
// compiling; V8's code cache holds no addresses and no processor features, so a guest can use the host's.

import { runText } from "./command.ts";
import { removeTree, shortHash } from "./files.ts";
import { COMPILE_S, REMOTE_POLL_MS } from "./limits.ts";
import { exists, labDir, projectRoot } from "./paths.ts";

/** What the program is made of, from the project root. */
const parts = ["core", "ffi", "web", "main.ts", "deno.json", "deno.lock"];

/** Runs the program's parts once, after a module of it changed; those that speak to a kernel only look at
 * it. Quiet when the program does not run: that is for the tests to tell, and guests compile by
 * themselves. */
export async function keepCompiled(): Promise<void> {
  const listed = await runText(["find", ...parts, "-type", "f", "-printf", "%p %s %T@\\n"], {
    cwd: projectRoot,
  });
  const key = await shortHash([Deno.version.deno, ...listed.split("\n").sort()]);
  const stamp = `${labDir()}/deno-dir/compiled`;
  if (await exists(stamp) && await Deno.readTextFile(stamp) === key) return;
  await program("doctor").status;
  const data = await Deno.makeTempDir({ prefix: "x0-lab-" });
  const daemon = program("run", "--sim", "1", "--data", data, "--listen", "127.0.0.1:0");
  let ended = false;
  const end = daemon.status.then(() => ended = true);
  while (!ended && !await exists(`${data}/address.json`)) {
    await new Promise((resolve) => setTimeout(resolve, REMOTE_POLL_MS));
  }
  if (!ended) daemon.kill("SIGTERM");
  await end;
  await removeTree(data);
  await Deno.writeTextFile(stamp, key);
}

/** Starts the program as guests do, for a bounded time. */
function program(...args: string[]): Deno.ChildProcess {
  const run = ["run", "-A", "--quiet", "--no-check", "--cached-only", "main.ts"];
  return new Deno.Command("timeout", {
    args: [String(COMPILE_S), Deno.execPath(), ...run, ...args],
    cwd: projectRoot,
    env: { DENO_DIR: `${labDir()}/deno-dir` },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}
