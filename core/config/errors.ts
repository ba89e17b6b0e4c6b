import { CodedError } from "../base/mod.ts";

/** One thing wrong with a configuration document. */
export interface ConfigError {
  /** 1-based; 0 for a document that is not text (JSON). */
  readonly line: number;
  /** 1-based, in UTF-16 units; 0 as above. */
  readonly column: number;
  /** Key path as in TOML, e.g. "radios[0].channel"; "" for the document as a whole. */
  readonly key: string;
  /** What would be right there. */
  readonly expected: string;
  /** What is there, shortened; never a secret. */
  readonly found: string;
  /** A key or word that may have been meant, or `null`. */
  readonly suggestion: string | null;
  /** The whole as one sentence. */
  readonly message: string;
}

/** Makes an error with its sentence. */
export function configError(fields: Omit<ConfigError, "message">): ConfigError {
  const at = fields.line === 0 ? "" : `line ${fields.line}, column ${fields.column}: `;
  const key = fields.key === "" ? "" : `${fields.key}: `;
  const hint = fields.suggestion === null ? "" : `; did you mean ${fields.suggestion}?`;
  return {
    ...fields,
    message: `${at}${key}expected ${fields.expected}, found ${fields.found}${hint}`,
  };
}

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
