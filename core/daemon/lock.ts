import { CliError, EXIT } from "../cli/mod.ts";
import type { DataPaths } from "./paths.ts";

/** Holds a data directory for one daemon; the system lets go of it when the process ends, however it ends. */
export interface DirectoryLock {
  release(): void;
}

/** Takes the directory. @throws {CliError} when another daemon has it. */
export async function lockDirectory({ directory, lock }: DataPaths): Promise<DirectoryLock> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(lock, { read: true, write: true, create: true, mode: 0o600 });
  } catch (cause) {
    const denied = cause instanceof Deno.errors.PermissionDenied;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(
      denied ? EXIT.notPermitted : EXIT.failed,
      `Cannot use the data directory "${directory}": ${reason}`,
      "Name another with --data DIR.",
      cause,
    );
  }
  if (!await file.tryLock(true)) {
    const holder = new TextDecoder().decode(await Deno.readFile(lock)).trim();
    file.close();
    throw new CliError(
      EXIT.busy,
      `Cannot use the data directory "${directory}": another daemon` +
        `${holder === "" ? "" : ` (process ${holder})`} uses it`,
      "Stop that one, or name another directory with --data DIR.",
    );
  }
  try {
    await file.truncate();
    await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  } catch {
    // A full disk takes no number, but the directory is held all the same.
  }
  return { release: () => file.close() };
}
