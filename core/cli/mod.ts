// The command line as a client of the daemon's API.
export type { CliContext, GlobalOptions, LocalMachine } from "./context.ts";
export { CliError, EXIT, type ExitCode } from "./exit_codes.ts";
export { createProgram, report, runCli } from "./program.ts";
export type { ApiAnswer, ApiTransport, Terminal } from "./terminal.ts";
