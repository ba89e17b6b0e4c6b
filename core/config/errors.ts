import { CodedError } from "../base/mod.ts";
import type { DocumentError } from "../document/mod.ts";

/** One thing wrong with a configuration document. */
export type ConfigError = DocumentError;

/** Why a configuration operation was refused. */
export type ConfigFaultCode =
  | "invalid" // the document has errors; `errors` holds them
  | "busy" // another apply is waiting to be confirmed, or is running
  | "stale" // `ifRevision` is not the current revision
  | "not-pending" // nothing waits to be confirmed or rolled back
  | "expired" // the wait for confirmation is over
  | "storage" // the document could not be written; nothing was changed
  | "not-found" // no such key or revision
  | "not-started"; // start() has not been called, or close() has

/** What {@link ConfigManager}'s methods and {@link setKey}'s callers meet. */
export class ConfigFault extends CodedError<ConfigFaultCode> {
  /** For "invalid". */
  readonly errors: readonly ConfigError[];

  constructor(
    code: ConfigFaultCode,
    message: string,
    options: { readonly cause?: unknown; readonly errors?: readonly ConfigError[] } = {},
  ) {
    super(code, message, {
      retryable: code === "busy" || code === "storage",
      cause: options.cause,
    });
    this.errors = options.errors ?? [];
  }
}
