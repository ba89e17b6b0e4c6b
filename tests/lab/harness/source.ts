// What a run carries into the guest besides the image, so that the guest needs no network:
// the source disk, a tar file that the guest reads as a block device, and the npm disk.
//
// The source disk is a snapshot of the working tree at the same absolute path as on the host, so that
// the emitted code in the module cache keeps its keys. Measured: reading 20 MB of small files over 9p
// or unpacking them takes seconds under emulation; mounting them as a file system takes none.

import { run, runText } from "./command.ts";
import { keepCompiled } from "./compiled.ts";
import { removeOld, shortHash } from "./files.ts";
import { withLock } from "./lock.ts";
import { exists, labDir, projectRoot } from "./paths.ts";

/** Top-level names left out of the snapshot: what is generated, and history. */
const excluded = [".git", ".lab", "dist", "coverage", "data", "node_modules"];

/** Exit statuses of tar that are fine: 1 means that a file changed while it was read. */
const tarStatus = [0, 1];

/** Fetches what `modules` import into the lab's module cache, then writes the source disk to `path`: the
 * working tree, its emitted code, and what Deno keeps of modules it has seen, so that no guest finds their
 * imports or compiles the program anew. One run at a time: the databases of the cache are to be whole. */
export async function makeSourceDisk(path: string, modules: readonly string[]): Promise<void> {
  await Deno.mkdir(`${labDir()}/deno-dir`, { recursive: true });
  await withLock(`${labDir()}/deno-dir.lock`, async () => {
    const program = await exists(`${projectRoot}/main.ts`);
    const wanted = program ? [...modules, "main.ts"] : modules;
    if (wanted.length > 0) {
      await run([Deno.execPath(), "cache", "--quiet", ...wanted], {
        cwd: projectRoot,
        env: { DENO_DIR: `${labDir()}/deno-dir` },
      });
    }
    if (program) await keepCompiled();
    const excludes = excluded.map((name) => `--exclude=${projectRoot.slice(1)}/${name}`);
    await run(["tar", "-C", "/", ...excludes, "-cf", path, projectRoot.slice(1)], {
      okStatus: tarStatus,
    });
    const generated = ["--exclude=deno-dir/npm", "deno-dir"];
    await run(["tar", "-C", labDir(), "-rf", path, ...generated], { okStatus: tarStatus });
  });
}

/** Returns the npm disk for the packages now in the cache, making it when they changed; undefined
 * when there is no package. */
export async function npmDisk(): Promise<string | undefined> {
  const npm = `${labDir()}/deno-dir/npm`;
  if (!await exists(npm)) return undefined;
  const versions = await runText(["find", ".", "-mindepth", "2", "-maxdepth", "4", "-type", "d"], {
    cwd: npm,
  });
  const key = await shortHash(["npm 1", versions.split("\n").sort().join("\n")]);
  const path = `${labDir()}/npm-${key}.ext4`;
  if (await exists(path)) return path;
  return await withLock(`${labDir()}/npm.lock`, async () => {
    if (await exists(path)) return path;
    const usedMib = Number((await runText(["du", "-sm", npm])).split("\t")[0]);
    const sizeMib = Math.ceil(usedMib * 1.5) + 64;
    await run([
      ...["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-i", "4096"],
      ...["-E", "lazy_itable_init=1,nodiscard", "-d", npm, `${path}.partial`, `${sizeMib}M`],
    ]);
    await Deno.rename(`${path}.partial`, path);
    await removeOld(labDir(), /^npm-/, [path]);
    return path;
  });
}
