import { CodedError } from "../base/mod.ts";

/** Why something on the fabric failed. */
export type FabricErrorCode =
  | "stopped" // the fabric was stopped
  | "unknown-peer" // no address of this node is known, and nobody who was asked knows one
  | "unreachable" // known, but no connection could be made or it broke
  | "refused" // the peer answered that it doesn't do this
  | "unsupported" // the peer doesn't speak this protocol
  | "malformed" // a message that is none
  | "too-large" // a message, or an answer, above its limit
  | "too-many" // connections, streams or topics at their limit
  | "timeout" // no answer in time
  | "tampered" // a record that doesn't open: changed, repeated, left out or put elsewhere
  | "truncated" // the connection ended without saying so
  | "closed"; // the connection is closed

/** What `core/fabric` throws. A peer that misbehaves learns nothing of it. */
export class FabricError extends CodedError<FabricErrorCode> {}
