import { CodedError } from "../base/mod.ts";

/**
 * Why a handshake ended. A peer never learns which: every one of them looks like a closed connection
 * from outside. They are for our own log and counters.
 */
export type HandshakeErrorCode =
  | "malformed" // not a message of this protocol, or of the wrong length
  | "wrong-mac" // mac1 does not hold: not of this mesh, or another suite; dropped before any costly work
  | "replayed" // an M1 that was answered before; dropped before any costly work
  | "invalid-share" // a KEM key, ciphertext or X25519 share that the standards refuse
  | "wrong-tag" // a sealed part does not open: another transcript, or tampered
  | "unknown-credential" // named by a hash that is not cached
  | "refused-credential" // untrusted, expired, revoked, of another mesh, or not who was expected
  | "wrong-signature" // the transcript's signatures do not hold
  | "reflected" // the peer presents our own identity
  | "unexpected-peer" // a member of the mesh, but not the one that was dialled
  | "busy" // the peer has a handshake of its own under way and told so under this one's keys
  | "timeout" // not done within the deadline
  | "closed" // the connection ended or broke
  | "limited" // too many from this source, or at all
  | "aborted" // ended by this node itself
  | "used"; // a step was taken twice

/** What `core/handshake` throws. */
export class HandshakeError extends CodedError<HandshakeErrorCode> {}
