// Enrolment on the wire: the same four messages with another head and other sealed parts, so that nothing
// of one mode can stand for the other. docs/protocol/enrolment.md.
//
//   M1  the mesh mode's M1 with mode 1, then token id 8; mac1 under the token's secret
//   M2  sealed: authority chain from the pinned set on, proof of the responder
//   M3  sealed: request, ML-DSA and Ed25519 over H("x0tta6bl4 v1 init", t3, H(request)), token proof
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import {
  type Bytes,
  equalBytes,
  HASH_BYTES,
  hashOf,
  hashParts,
  hmac,
  KEMS,
  SHARED_SECRET_BYTES,
  SIGNATURES,
  type Suite,
} from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";
import { MAX_SEALED_BYTES } from "./limits.ts";
import { decodeM1, type M1, MAC1_BYTES, MODE, NONCE_BYTES } from "./messages.ts";

/** Names the token in M1. All zero: no token, the mesh's own secret is used (a member enrols again). */
export const TOKEN_ID_BYTES = 8;

/** The id that stands for "no token". */
export const NO_TOKEN: Bytes = new Uint8Array(TOKEN_ID_BYTES);

/** M1 of enrolment, split. */
export interface EnrolM1 {
  /** What the mac covers. */
  readonly body: Bytes;
  readonly mac: Bytes;
  readonly tokenId: Bytes;
  /** The M1 within; decode with {@link decodeEnrolM1}. */
  readonly inner: Bytes;
}

/** Splits a received M1. @throws {HandshakeError} "malformed" */
export function splitEnrolM1(bytes: Uint8Array, suite: Suite): EnrolM1 {
  const inner = 4 + NONCE_BYTES + SHARED_SECRET_BYTES + 2 + KEMS[suite.kem].encapsulationKeyBytes;
  const covered = inner + TOKEN_ID_BYTES;
  if (bytes.length !== covered + MAC1_BYTES || bytes[2] !== MODE.enrol) {
    throw new HandshakeError("malformed", `Cannot read M1 of ${bytes.length} octets`);
  }
  return {
    body: bytes.slice(0, covered) as Bytes,
    mac: bytes.slice(covered) as Bytes,
    tokenId: bytes.slice(inner, covered) as Bytes,
    inner: bytes.slice(0, inner) as Bytes,
  };
}

/** @throws {HandshakeError} "malformed" */
export function decodeEnrolM1(split: EnrolM1, suite: Suite): M1 {
  const m1 = decodeM1(split.inner, suite);
  if (m1.mode !== MODE.enrol) throw new HandshakeError("malformed", "Cannot read M1: other mode");
  return m1;
}

function decoding<T>(what: string, bytes: Uint8Array, read: (reader: WireReader) => T): T {
  try {
    const reader = new WireReader(bytes, what);
    const value = read(reader);
    reader.end();
    return value;
  } catch (cause) {
    if (cause instanceof WireError) throw new HandshakeError("malformed", cause.message, { cause });
    throw cause;
  }
}

/** Sealed in M2. */
export interface EnrolAnswer {
  readonly chain: Bytes;
  /** A proof as in mesh mode, always with the whole credential. */
  readonly proof: Bytes;
}

/** @throws {HandshakeError} "malformed" when both together don't fit into a message. */
export function encodeEnrolAnswer({ chain, proof }: EnrolAnswer): Bytes {
  if (chain.length + proof.length + 64 > MAX_SEALED_BYTES) {
    throw new HandshakeError(
      "malformed",
      "Cannot show the authority: it rotated too often since the invite; make a new invite",
    );
  }
  return new WireWriter().bytes(chain).bytes(proof).finish();
}

/** @throws {HandshakeError} "malformed" */
export function decodeEnrolAnswer(bytes: Uint8Array): EnrolAnswer {
  return decoding("enrolment answer", bytes, (reader) => ({
    chain: reader.bytes(MAX_SEALED_BYTES),
    proof: reader.bytes(MAX_SEALED_BYTES),
  }));
}

/** Sealed in M3. */
export interface EnrolProof {
  readonly request: Bytes;
  readonly postQuantum: Bytes;
  readonly ed25519: Bytes;
  /** HMAC over transcript and request under the token's secret. */
  readonly token: Bytes;
}

/** Octets of what M3 seals. */
export function encodeEnrolProof({ request, postQuantum, ed25519, token }: EnrolProof): Bytes {
  return new WireWriter().bytes(request).bytes(postQuantum).bytes(ed25519)
    .fixed(token, HASH_BYTES).finish();
}

/** @throws {HandshakeError} "malformed" */
export function decodeEnrolProof(bytes: Uint8Array): EnrolProof {
  return decoding("enrolment proof", bytes, (reader) => ({
    request: reader.bytes(MAX_SEALED_BYTES),
    postQuantum: reader.bytes(SIGNATURES["ML-DSA-87"].signatureBytes),
    ed25519: reader.bytes(SIGNATURES.Ed25519.signatureBytes),
    token: reader.fixed(HASH_BYTES),
  }));
}

/** Ties the token to this handshake and this request. */
export function tokenProof(
  secret: Uint8Array,
  transcript: Uint8Array,
  request: Uint8Array,
): Bytes {
  const label = new TextEncoder().encode("x0tta6bl4 v1 token");
  return hmac(secret, hashParts(label, transcript, hashOf(request)));
}

/** Whether the token's proof holds, in constant time. */
export function tokenProofHolds(
  secret: Uint8Array,
  transcript: Uint8Array,
  request: Uint8Array,
  proof: Uint8Array,
): boolean {
  return equalBytes(tokenProof(secret, transcript, request), proof);
}
