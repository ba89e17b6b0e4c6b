// `mesh sign`: signs a carried request with an authority key, on a machine that needs no daemon, no database
// and no network: where a key is kept offline.
import { CliError, EXIT, type Terminal } from "../cli/mod.ts";
import { hostFiles, hostRandom } from "../host/mod.ts";
import { IdentityError } from "../identity/mod.ts";
import { describeCarried, signCarried } from "../membership/mod.ts";
import { passphraseKdf, selectBackend } from "../pq/mod.ts";
import { absolute } from "./paths.ts";

/** As commander hands them over. */
export interface SignOptions {
  readonly key: string;
  readonly passphraseFile?: string;
  readonly yes?: boolean;
}

/** Prints what is asked for, and with `--yes` the signed file. @throws {CliError} */
export async function signCommand(
  file: string,
  { key, passphraseFile, yes }: SignOptions,
  terminal: Terminal,
): Promise<void> {
  const text = file === "-" ? await terminal.readInput() : await terminal.readFile(file);
  const random = hostRandom();
  try {
    for (const line of describeCarried(text, file)) terminal.err(`${line}\n`);
    if (yes !== true) {
      throw new CliError(
        EXIT.failed,
        "Nothing was signed.",
        "If this is what the authority should say, run it again with --yes.",
      );
    }
    const { backend } = await selectBackend(crypto.subtle, random);
    const sealing = { random, backend, kdf: passphraseKdf(crypto.subtle) };
    const passphrase = passphraseFile === undefined
      ? null
      : (await terminal.readFile(passphraseFile)).replace(/\r?\n$/, "");
    const files = hostFiles();
    terminal.out(
      await signCarried({ files, sealing }, { text, name: file }, absolute(key), passphrase),
    );
  } catch (thrown) {
    if (!(thrown instanceof IdentityError)) throw thrown;
    throw new CliError(EXIT.failed, thrown.message, null, thrown);
  }
}
