// Small helpers for the lab's generated files.

import { run } from "./command.ts";
import { KEEP_MS } from "./limits.ts";

/** Removes a file or a whole directory, if it exists. */
export async function removeTree(path: string): Promise<void> {
  await run(["rm", "-rf", path]);
}

/** Removes entries of `dir` whose name fits `pattern` and that are a day old, except `keep`. */
export async function removeOld(
  dir: string,
  pattern: RegExp,
  keep: readonly string[],
): Promise<void> {
  for await (const entry of Deno.readDir(dir)) {
    const path = `${dir}/${entry.name}`;
    if (!pattern.test(entry.name) || keep.includes(path)) continue;
    const { mtime } = await Deno.stat(path);
    if (mtime !== null && Date.now() - mtime.getTime() > KEEP_MS) await removeTree(path);
  }
}

/** Twelve hexadecimal digits that identify `parts`: the head of their SHA-256. */
export async function shortHash(parts: readonly string[]): Promise<string> {
  const bytes = new TextEncoder().encode(parts.join("\0"));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return digest.toHex().slice(0, 12);
}
