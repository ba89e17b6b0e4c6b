// What a node asks the authority to state. Sent sealed, signed with the keys it names.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import { type Bytes, SIGNATURES } from "../pq/mod.ts";
import { IdentityError } from "./errors.ts";
import { MAX_TRUST_DOMAIN_BYTES } from "./limits.ts";
import type { NodePublicKeys } from "./node_id.ts";

const FORMAT = 1;
const MAX_NAME_BYTES = 64;
/** A request must fit into one message of the handshake. */
const MAX_PREVIOUS_BYTES = 40_000;

/** A request for a credential. */
export interface EnrolmentRequest {
  readonly trustDomain: string;
  readonly keys: NodePublicKeys;
  readonly wireguard: Bytes;
  readonly tlsIntermediate: Bytes;
  /** What the node calls itself: shown to whoever approves, never trusted. */
  readonly name: string;
  /** The credential that the node has already, encoded; empty for a first one. */
  readonly previous: Bytes;
}

/** Canonical octets. */
export function encodeEnrolmentRequest(request: EnrolmentRequest): Bytes {
  return new WireWriter().u8(FORMAT).text(request.trustDomain).bytes(request.keys.postQuantum)
    .bytes(request.keys.ed25519).fixed(request.wireguard, 32).fixed(request.tlsIntermediate, 48)
    .text(request.name).bytes(request.previous).finish();
}

/** Reverses {@link encodeEnrolmentRequest}. @throws {IdentityError} "malformed" */
export function decodeEnrolmentRequest(bytes: Uint8Array): EnrolmentRequest {
  try {
    const reader = new WireReader(bytes, "enrolment request");
    const format = reader.u8();
    if (format !== FORMAT) throw new WireError(`Cannot decode a request of format ${format}`);
    const request: EnrolmentRequest = {
      trustDomain: reader.text(MAX_TRUST_DOMAIN_BYTES),
      keys: {
        postQuantum: reader.bytes(SIGNATURES["ML-DSA-87"].publicKeyBytes),
        ed25519: reader.bytes(SIGNATURES.Ed25519.publicKeyBytes),
      },
      wireguard: reader.fixed(32),
      tlsIntermediate: reader.fixed(48),
      name: reader.text(MAX_NAME_BYTES),
      previous: reader.bytes(MAX_PREVIOUS_BYTES),
    };
    reader.end();
    return request;
  } catch (cause) {
    if (cause instanceof WireError) throw new IdentityError("malformed", cause.message, { cause });
    throw cause;
  }
}
