// The one place where error codes become HTTP statuses.
import { z } from "zod";
import { CodedError, type CodedErrorOptions, InvariantError } from "../../core/base/mod.ts";
import { type ConfigError, ConfigFault, type ConfigFaultCode } from "../../core/config/mod.ts";
import type { IdentityErrorCode } from "../../core/identity/mod.ts";
import type { PolicyErrorCode } from "../../core/policy/mod.ts";
import type { SpiffeErrorCode } from "../../core/spiffe/mod.ts";
import type { KernelFaultCode } from "../../core/ports/mod.ts";
import type { Problem } from "../http/problem.ts";

/** An error of the API's own: what was asked for is not here, or not understood. */
export class ApiError extends CodedError<
  "not-found" | "no-mesh" | "bad-request" | "too-many" | "invalid" | "unix-only"
> {
  /** What is wrong with a configuration document, for "invalid". */
  readonly errors: readonly ConfigError[] | null;

  constructor(
    code: ApiError["code"],
    message: string,
    options: CodedErrorOptions & { readonly errors?: readonly ConfigError[] } = {},
  ) {
    super(code, message, options);
    this.errors = options.errors ?? null;
  }
}

type OwnCode = ApiError["code"];
const STATUSES: Readonly<
  Record<
    | KernelFaultCode
    | ConfigFaultCode
    | IdentityErrorCode
    | PolicyErrorCode
    | SpiffeErrorCode
    | OwnCode,
    readonly [number, string]
  >
> = {
  "not-permitted": [503, "The node lacks the privilege"],
  "not-supported": [501, "Not supported on this machine"],
  "no-such-link": [404, "No such interface"],
  "not-found": [404, "Not found"],
  "exists": [409, "Already there"],
  "busy": [409, "Busy"],
  "invalid": [422, "Not valid"],
  "unreachable": [502, "Unreachable in the mesh"],
  "timeout": [504, "No answer in time"],
  "cancelled": [503, "Cancelled"],
  "unexpected": [500, "Unexpected answer of the kernel"],
  "no-mesh": [404, "No mesh interface"],
  "bad-request": [400, "Bad request"],
  "too-many": [503, "Too many at once"],
  "unix-only": [403, "Only over the unix socket"],
  "stale": [409, "Changed in the meantime"],
  "not-pending": [409, "Nothing is pending"],
  "expired": [410, "Too late"],
  "storage": [507, "Could not be stored"],
  "not-started": [503, "Not started"],
  "malformed": [400, "Not understood"],
  "checksum": [400, "Damaged"],
  "wrong-mesh": [409, "Of another mesh"],
  "untrusted": [403, "Not trusted"],
  "not-yet-valid": [409, "Not valid yet"],
  "revoked": [409, "Revoked"],
  "wrong-node": [409, "Another node's"],
  "role-missing": [403, "A role is missing"],
  "insecure-file": [503, "A secret file is open to others"],
  "missing": [404, "Not found"],
  "wrong-passphrase": [403, "Wrong passphrase"],
  "token-unknown": [409, "Unknown invite"],
  "token-expired": [410, "The invite expired"],
  "token-used": [410, "The invite was used"],
  "token-exhausted": [410, "The invite was tried too often"],
  "not-enrolled": [409, "In no mesh"],
  "enrolled": [409, "In a mesh already"],
  "no-authority": [409, "Too few authority keys"],
  "refused": [403, "Refused"],
  "no-answer": [502, "No member answers"],
  "wrong-id": [403, "Somebody else"],
  "wrong-audience": [403, "For somebody else"],
  "wrong-key": [503, "The key is not the one of the credential"],
  "clock-not-set": [503, "The clock is not set"],
  "unknown-domain": [409, "Unknown trust domain"],
  "no-identity": [403, "No identity"],
  "stopped": [503, "Not running"],
  "too-large": [413, "Too large"],
  "rollback": [409, "Older than what was seen"],
};

function isKnown(code: string): code is keyof typeof STATUSES {
  return Object.hasOwn(STATUSES, code);
}

/**
 * Turns anything thrown into problem details. What is no coded error tells nothing of itself: its message
 * could hold a path or a secret.
 */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof z.ZodError) return problemOfValidation(thrown);
  if (thrown instanceof CodedError && !(thrown instanceof InvariantError) && isKnown(thrown.code)) {
    const [status, title] = STATUSES[thrown.code];
    const { code, message, retryable } = thrown;
    const errors = errorsOf(thrown);
    return { status, title, code, detail: message, retryable, ...(errors ? { errors } : {}) };
  }
  return {
    status: 500,
    title: "Internal error",
    code: "internal",
    detail: "The node met an error of its own; its log tells more",
  };
}

/** What of a request is not as documented. */
export function problemOfValidation(error: z.ZodError): Problem {
  const errors = error.issues.map((issue) => ({
    path: issue.path.map(String).join("."),
    message: issue.message,
  }));
  const first = errors[0];
  const at = first === undefined || first.path === "" ? "" : `"${first.path}": `;
  return {
    status: 400,
    code: "bad-request",
    title: "Bad request",
    detail: `Cannot read the request: ${at}${first?.message ?? "not as documented"}`,
    errors,
  };
}

/** The lines of a configuration document that are wrong, where the error carries them. */
function errorsOf(thrown: CodedError): Problem["errors"] | undefined {
  const errors = thrown instanceof ConfigFault || thrown instanceof ApiError ? thrown.errors : null;
  if (errors === null || errors.length === 0) return undefined;
  return errors.map(({ key, message, line, expected }) => ({
    path: key,
    message,
    ...(line > 0 ? { line } : {}),
    expected,
  }));
}
