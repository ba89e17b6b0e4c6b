import { CodedError } from "../base/mod.ts";

/** Exit statuses scripts can rely on. Documented in docs/cli.md. */
export const EXIT = Object.freeze({
  ok: 0,
  /** The command ran and its answer is "no": unreachable, not found, not healthy. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The configuration is invalid; nothing was changed. */
  invalidConfig: 3,
  /** The address to listen on is taken. */
  portInUse: 4,
  /** Privileges are missing. */
  notPermitted: 5,
  /** No daemon answers on the socket. */
  noDaemon: 6,
  /** Something else is under way, e.g. an apply that waits for its confirmation. */
  busy: 7,
});

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a message for a person and a status for a script. */
export class CliError extends CodedError<"cli"> {
  readonly exitCode: ExitCode;
  /** What to do about it, or `null`. */
  readonly hint: string | null;

  constructor(exitCode: ExitCode, message: string, hint: string | null = null, cause?: unknown) {
    super("cli", message, { cause });
    this.exitCode = exitCode;
    this.hint = hint;
  }
}
