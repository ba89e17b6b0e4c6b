// The machine's files as the Files port.
import { statfs } from "node:fs/promises";
import { FileError, type FileErrorCode, type Files } from "../ports/mod.ts";

const ERRNO_CODES: Readonly<Record<string, FileErrorCode>> = {
  ENOENT: "not-found",
  EEXIST: "exists",
  EACCES: "not-permitted",
  EPERM: "not-permitted",
  ENOSPC: "no-space",
  EDQUOT: "no-space",
  EROFS: "read-only",
  EISDIR: "not-a-file",
  ENOTDIR: "not-a-file",
};

function codeOf(thrown: unknown): FileErrorCode {
  if (thrown instanceof Deno.errors.NotFound) return "not-found";
  if (thrown instanceof Deno.errors.AlreadyExists) return "exists";
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") {
    const known = ERRNO_CODES[thrown.code];
    if (known !== undefined) return known;
  }
  if (thrown instanceof Deno.errors.PermissionDenied) return "not-permitted";
  return "io";
}

function fault(act: string, path: string, thrown: unknown): FileError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new FileError(codeOf(thrown), `Cannot ${act} "${path}": ${reason}`, { cause: thrown });
}

async function guarded<T>(act: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    throw fault(act, path, thrown);
  }
}

async function unlessMissing<T>(
  act: string,
  path: string,
  missing: T,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    if (codeOf(thrown) === "not-found") return missing;
    throw fault(act, path, thrown);
  }
}

function parentOf(path: string): string {
  const cut = path.lastIndexOf("/");
  return cut <= 0 ? "/" : path.slice(0, cut);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await Deno.open(path);
  try {
    await directory.sync();
  } finally {
    directory.close();
  }
}

/** @param place gives the written file its name. */
async function writeBeside(
  path: string,
  data: Uint8Array | string,
  mode: number,
  place: (beside: string) => Promise<void>,
): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const beside = `${path}.new`;
  try {
    const file = await Deno.open(beside, { write: true, create: true, truncate: true, mode });
    try {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    } finally {
      file.close();
    }
    // An older leftover keeps its mode when it is truncated, so the mode is set again.
    await Deno.chmod(beside, mode);
    await place(beside);
  } catch (thrown) {
    await Deno.remove(beside).catch(() => {});
    throw thrown;
  }
  await syncDirectory(parentOf(path));
}

const writeAtomic = (path: string, data: Uint8Array | string, mode: number): Promise<void> =>
  writeBeside(path, data, mode, (beside) => Deno.rename(beside, path));

/** A second name for the same file: link(2) refuses a name that is taken, rename(2) does not. */
const writeNew = (path: string, data: Uint8Array | string, mode: number): Promise<void> =>
  writeBeside(path, data, mode, async (beside) => {
    await Deno.link(beside, path);
    await Deno.remove(beside);
  });

/** The real file system. */
export function hostFiles(): Files {
  return {
    read: (path) => guarded("read", path, () => Deno.readFile(path)),
    readText: (path) => unlessMissing("read", path, null, () => Deno.readTextFile(path)),
    writeAtomic: (path, data, mode = 0o600) =>
      guarded("write", path, () => writeAtomic(path, data, mode)),
    writeNew: (path, data, mode = 0o600) => guarded("make", path, () => writeNew(path, data, mode)),
    remove: (path) => unlessMissing("remove", path, undefined, () => Deno.remove(path)),
    rename: (from, to) =>
      guarded("rename", from, async () => {
        await Deno.rename(from, to);
        await syncDirectory(parentOf(to));
      }),
    makeDirectory: (path, mode = 0o700) =>
      guarded("make directory", path, () => Deno.mkdir(path, { recursive: true, mode })),
    list: (path) =>
      unlessMissing("list", path, [], async () => {
        const names: string[] = [];
        for await (const entry of Deno.readDir(path)) names.push(entry.name);
        return names.sort();
      }),
    stat: (path) =>
      unlessMissing("look at", path, null, async () => {
        const info = await Deno.stat(path);
        return {
          sizeBytes: info.size,
          mode: (info.mode ?? 0) & 0o7777,
          uid: info.uid ?? 0,
          modifiedMs: info.mtime?.getTime() ?? 0,
          directory: info.isDirectory,
        };
      }),
    async space(path) {
      try {
        const figures = await statfs(path);
        return {
          totalBytes: figures.blocks * figures.bsize,
          freeBytes: figures.bavail * figures.bsize,
        };
      } catch {
        return null;
      }
    },
  };
}
