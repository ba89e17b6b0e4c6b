import { CodedError } from "../base/mod.ts";

/** Why something of SPIFFE was refused. */
export type SpiffeErrorCode =
  | "malformed" // octets or text that are no such thing, or break a rule of the standard
  | "untrusted" // no authority of the trust domain's bundle issued it
  | "expired"
  | "not-yet-valid"
  | "revoked"
  | "wrong-id" // a genuine SVID, but of somebody else
  | "wrong-audience" // a genuine token, but for somebody else
  | "wrong-key" // the node's TLS key is not the one its credential names
  | "clock-not-set" // certificates cannot be dated or judged
  | "unknown-domain" // no bundle of this trust domain is at hand
  | "rollback" // older than what was seen before
  | "no-identity" // no registration entry fits the caller
  | "missing" // no such entry or relationship
  | "exists"
  | "too-many" // a bound was reached
  | "unreachable" // an endpoint did not answer, or not as it must
  | "stopped";

/** What `core/spiffe` throws. Messages name identities, never keys or tokens. */
export class SpiffeError extends CodedError<SpiffeErrorCode> {}
