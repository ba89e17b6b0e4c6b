import { CodedError } from "../base/mod.ts";

/** Why tunnels could not be started or a peer not be served. */
export type TunnelErrorCode =
  | "not-supported" // this kernel has no WireGuard
  | "name-taken" // a link of another kind bears the tunnels' name
  | "listen" // the port for handshakes cannot be had
  | "invalid" // an address, a node id or an option is malformed
  | "untrusted" // the peer was revoked or is not believed in any more
  | "key-taken" // two nodes claim one WireGuard key
  | "full" // as many tunnels as there may be, and none is idle
  | "no-address" // nobody knows where the peer is
  | "stopped"; // the tunnels were stopped

/** What `core/tunnel` throws. */
export class TunnelError extends CodedError<TunnelErrorCode> {}
