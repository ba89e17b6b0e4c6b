// Every error the product throws on purpose carries a code from a closed list, whether trying again
// can help, and its cause. Messages read "Cannot <act> <quoted thing>: <current state>".

/** Options shared by all coded errors. */
export interface CodedErrorOptions {
  /** Whether the same call may succeed later without anything being changed. Default false. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * Base of the errors features throw.
 *
 * @typeParam Code the feature's closed union of codes.
 */
export abstract class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly retryable: boolean;

  constructor(code: Code, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** A bug of ours: logged, then the process exits and its supervisor restarts it. */
export class InvariantError extends CodedError<"invariant"> {
  constructor(message: string, cause?: unknown) {
    super("invariant", message, { cause });
  }
}

/** The message of anything thrown, without a stack. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
