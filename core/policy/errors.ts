import { CodedError } from "../base/mod.ts";

/** Why a policy was refused. */
export type PolicyErrorCode =
  | "malformed" // octets, text or an address that are no such thing
  | "wrong-mesh" // made for another mesh
  | "untrusted" // signatures missing, too few, or false
  | "rollback" // older than what was seen before
  | "no-authority" // none of the authority's keys was given
  | "too-large"; // beyond a bound

/** What `core/policy` throws. */
export class PolicyError extends CodedError<PolicyErrorCode> {}
