// A gossiped message with its origin. Pure but for the signature.
//
//   envelope = 1, origin 10, run u53, number u53, payload u16+, Ed25519 over
//              H("x0tta6bl4 v1 gossip", trust domain, topic, origin, run, number, payload)
//
// Ed25519 alone, and why that is enough: nobody outside the mesh gets a message into it, since every hop is a
// connection whose authentication is hybrid. What the signature adds is that one member can't speak for
// another. An ML-DSA-65 signature beside it would be 3,309 octets on a status of 100, from a thousand nodes,
// over radio. Whatever is to stand against a member with a quantum computer carries hybrid signatures itself:
// revocations, rotations, policy and heads of audit logs do.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import { formatNodeId, parseNodeId } from "../identity/mod.ts";
import { type Bytes, hashParts, SIGNATURES } from "../pq/mod.ts";
import { FabricError } from "./errors.ts";
import { MAX_GOSSIP_BYTES } from "./limits.ts";

const FORMAT = 1;
const NODE_ID_BYTES = 10;
const encoder = new TextEncoder();

/** What is signed and sent. */
export interface Envelope {
  readonly origin: string;
  /** Grows with each start of the origin. */
  readonly run: number;
  /** Grows with each message within a run. */
  readonly number: number;
  readonly payload: Bytes;
  readonly signature: Bytes;
}

/** An encoded envelope. */
export const MAX_ENVELOPE_BYTES = 1 + NODE_ID_BYTES + 8 + 8 + 2 + MAX_GOSSIP_BYTES + 2 +
  SIGNATURES.Ed25519.signatureBytes;

/** What the signature covers. */
export function signedEnvelope(
  trustDomain: string,
  topic: string,
  { origin, run, number, payload }: Omit<Envelope, "signature">,
): Bytes {
  return hashParts(
    encoder.encode("x0tta6bl4 v1 gossip"),
    encoder.encode(trustDomain),
    encoder.encode(topic),
    parseNodeId(origin),
    new WireWriter().u53(run).u53(number).finish(),
    payload,
  );
}

export function encodeEnvelope({ origin, run, number, payload, signature }: Envelope): Bytes {
  return new WireWriter().u8(FORMAT).fixed(parseNodeId(origin), NODE_ID_BYTES)
    .u53(run).u53(number).bytes(payload).bytes(signature).finish();
}

/** @throws {FabricError} "malformed" */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  try {
    const reader = new WireReader(bytes, "envelope");
    if (reader.u8() !== FORMAT) throw new WireError("Cannot decode envelope of another format");
    const envelope = {
      origin: formatNodeId(reader.fixed(NODE_ID_BYTES)),
      run: reader.u53(),
      number: reader.u53(),
      payload: reader.bytes(MAX_GOSSIP_BYTES),
      signature: reader.bytes(SIGNATURES.Ed25519.signatureBytes),
    };
    reader.end();
    return envelope;
  } catch (cause) {
    if (cause instanceof WireError) throw new FabricError("malformed", cause.message, { cause });
    throw cause;
  }
}
