import type { Command } from "commander";
import { ApiClient } from "./client.ts";
import { type Column, renderTable } from "./table.ts";
import type { ApiTransport, Terminal } from "./terminal.ts";

/** What this machine is asked without a daemon: `doctor` and `version` work before the first start. */
export interface LocalMachine {
  readonly version: string;
  /** Capabilities of this machine's own kernel. */
  capabilities(): Promise<readonly import("../ports/mod.ts").Capability[]>;
}

/** What every command is given. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly local: LocalMachine;
  /** Reaches the daemon of a data directory; of the default one when `null`. */
  readonly connect: (dataDirectory: string | null) => ApiTransport;
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly data?: string;
}

/** The client for the daemon the command line names. */
export function clientOf(context: CliContext, command: Command): ApiClient {
  return new ApiClient(context.connect(command.optsWithGlobals<GlobalOptions>().data ?? null));
}

/** Prints a value: as JSON with --json, else as `human` words it. */
export function print<T>(
  context: CliContext,
  command: Command,
  value: T,
  human: (value: T) => string,
): void {
  const json = command.optsWithGlobals<GlobalOptions>().json === true;
  context.terminal.out(`${json ? JSON.stringify(value, null, 2) : human(value)}\n`);
}

/** Prints rows as a table, or says that there are none. */
export function printRows<Row>(
  context: CliContext,
  command: Command,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  none: string,
): void {
  print(context, command, rows, () => rows.length === 0 ? none : renderTable(columns, rows));
}
