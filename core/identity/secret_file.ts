// Files with secrets in them: only their owner may read them, and none is ever overwritten.
import { FileError, type Files } from "../ports/mod.ts";
import { IdentityError } from "./errors.ts";

/** For a shell: quoted where it must be. */
function quoted(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/**
 * Text of a secret file; `null` when there is none.
 *
 * @throws {IdentityError} "insecure-file" when others than its owner may read or write it, with the command
 *   that mends it.
 */
export async function readSecretFile(files: Files, path: string): Promise<string | null> {
  const stat = await files.stat(path);
  if (stat === null) return null;
  if ((stat.mode & 0o077) !== 0) {
    const mode = stat.mode.toString(8).padStart(4, "0");
    throw new IdentityError(
      "insecure-file",
      `Cannot use "${path}": others may read it (mode ${mode}). Its keys may be known to them; if ` +
        `you are sure that they are not, run: chmod 600 ${quoted(path)}`,
    );
  }
  return await files.readText(path);
}

/** Makes a secret file. @throws {IdentityError} "exists": what is there was not touched. */
export async function makeSecretFile(files: Files, path: string, text: string): Promise<void> {
  try {
    await files.writeNew(path, text, 0o600);
  } catch (cause) {
    if (!(cause instanceof FileError) || cause.code !== "exists") throw cause;
    throw new IdentityError(
      "exists",
      `Cannot make "${path}": it is there, and no key is ever overwritten`,
      { cause },
    );
  }
}
