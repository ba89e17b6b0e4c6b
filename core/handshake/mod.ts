// The handshake between two nodes: hybrid secrecy (X25519 and ML-KEM) and hybrid authentication
// (Ed25519 and ML-DSA), SIGMA-shaped. Pure cryptography and messages; who dials whom and when is
// decided elsewhere. docs/protocol/handshake.md.
export { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
export { encodeFrame, FrameReader } from "./frames.ts";
export { Initiator, type InitiatorOptions } from "./initiator.ts";
export { MAX_FRAME_BYTES } from "./limits.ts";
export {
  type Dial,
  type DialReason,
  newPeer,
  nextPeer,
  type PeerEffect,
  type PeerEvent,
  type PeerNext,
  type PeerState,
  pskAgeMs,
  type PskHandle,
  type PskState,
  wakeAt,
} from "./machine.ts";
export {
  MemberParty,
  type MemberPartyPorts,
  type PartyKeys,
  type PartyState,
} from "./member_party.ts";
export { CACHE_EPOCH_BYTES } from "./messages.ts";
export { admission, CredentialCache, type Trust } from "./credential_cache.ts";
export { type KeeperPorts, PeerKeeper, type PskSink } from "./keeper.ts";
export { MODE, type Mode } from "./messages.ts";
export {
  type Arrival,
  type Completed,
  type Exchange,
  type ModeService,
  type SessionFigures,
  type SessionPorts,
  Sessions,
} from "./session.ts";
export type { Outcome, Party } from "./party.ts";
export { TIMING, type Timing } from "./timing.ts";
export { type Answer, Responder } from "./responder.ts";
export { TokenBuckets } from "./token_buckets.ts";
export {
  EnrolInitiator,
  type EnrolJoiner,
  type EnrolSecret,
  type EnrolSession,
} from "./enrol_initiator.ts";
export { enrolGateHolds, enrolM1Bytes } from "./enrol_gate.ts";
export { type EnrolMember, EnrolResponder, type Joiner } from "./enrol_responder.ts";
