// `run` from the command line: options, log, daemon.
import type { Terminal } from "../cli/mod.ts";
import { createLogger } from "./log.ts";
import { runDaemon } from "./run.ts";
import { parseRunOptions, type RawRunOptions } from "./run_options.ts";

/** Runs the daemon until it is told to stop. @throws {CliError} */
export async function runCommand(raw: RawRunOptions, terminal: Terminal): Promise<void> {
  const options = parseRunOptions(raw);
  const format = options.log ?? (Deno.stderr.isTerminal() ? "text" : "logfmt");
  const log = createLogger(format, () => Date.now(), (line) => terminal.err(line));
  await runDaemon(options, log);
}
