// The run disk: a tar file that QEMU shows to the guest as a block device. It carries a snapshot of
// the working tree, at the same absolute path as on the host (so that emitted code in the module
// cache keeps its keys), and the module cache, so the guest needs no network.

import { run } from "./command.ts";
import { exists, labDir, projectRoot } from "./paths.ts";

/** Top-level names left out of the snapshot: what is generated, and history. */
const excluded = [".git", ".lab", "dist", "coverage", "data", "node_modules"];

/** Writes the run disk to `path`; `modules` are the files whose imports must be in the cache. */
export async function makeRunDisk(path: string, modules: readonly string[]): Promise<void> {
  const denoDir = `${labDir()}/deno-dir`;
  if (modules.length > 0) {
    await run([Deno.execPath(), "cache", "--quiet", ...modules], {
      cwd: projectRoot,
      env: { DENO_DIR: denoDir },
    });
  }
  const cached: string[] = [];
  for (const name of ["npm", "gen"]) {
    if (await exists(`${denoDir}/${name}`)) cached.push(`deno-dir/${name}`);
  }
  // Status 1 means that a file changed while it was read, which others' edits may cause.
  const okStatus = [0, 1];
  const excludes = excluded.map((name) => `--exclude=${projectRoot.slice(1)}/${name}`);
  await run(["tar", "-C", "/", ...excludes, "-cf", path, projectRoot.slice(1)], { okStatus });
  if (cached.length > 0) {
    await run(["tar", "-C", labDir(), "-rf", path, ...cached], { okStatus });
  }
}
