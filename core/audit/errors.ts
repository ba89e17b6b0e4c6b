import { CodedError } from "../base/mod.ts";

/** Why the audit log could not be used. */
export type AuditErrorCode =
  | "broken" // a link of the chain does not hold
  | "rollback" // shorter than it was, or another chain: restored from an old backup, or rewritten
  | "malformed" // an exported line that is no entry
  | "too-long"; // a subject or detail beyond its bound

/** What `core/audit` throws. */
export class AuditError extends CodedError<AuditErrorCode> {}
