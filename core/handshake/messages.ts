// The four messages as octets. Pure; knows lengths, no secrets. docs/protocol/handshake.md.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import { type Bytes, KEMS, SHARED_SECRET_BYTES, SIGNATURES, type Suite } from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";
import { MAX_SEALED_BYTES } from "./limits.ts";

/** Version of the wire format, in every message. */
export const PROTOCOL_VERSION = 1;

/** First octet of each message. */
export const MESSAGE = Object.freeze({ m1: 1, m2: 2, m3: 3, m4: 4 });

/** Nonces of both sides. */
export const NONCE_BYTES = 32;

/** mac1: HMAC-SHA-384, first octets. */
export const MAC1_BYTES = 16;

/** Random octets by which a party names this run of its credential cache. */
export const CACHE_EPOCH_BYTES = 8;

/** Who the initiator is to the responder. Part of the transcript. */
export const MODE = Object.freeze({
  /** Both hold a credential of the mesh. */
  mesh: 0,
  /** The initiator asks for its first credential; only the responder has one. */
  enrol: 1,
  /** Both hold a credential; the stream goes on as a connection of the fabric. */
  fabric: 2,
});

/** Where M1 of any mode says which. */
export const MODE_AT = 2;

/** One of {@link MODE}. */
export type Mode = (typeof MODE)[keyof typeof MODE];

/** M1, initiator → responder. */
export interface M1 {
  readonly mode: Mode;
  /** The responder is to send its whole credential, not its hash. */
  readonly wantFull: boolean;
  readonly nonce: Bytes;
  readonly x25519: Bytes;
  readonly encapsulationKey: Bytes;
}

/** M2, responder → initiator. */
export interface M2 {
  readonly nonce: Bytes;
  readonly x25519: Bytes;
  readonly ciphertext: Bytes;
  readonly sealed: Bytes;
}

/** What is sealed in M2 and M3. */
export interface Proof {
  /** The encoded credential, or its hash. In enrolment the initiator sends an enrolment request here. */
  readonly credential: { readonly full: Bytes } | { readonly hash: Bytes };
  /** Names the sender's credential cache: the peer may send hashes as long as it stays the same. */
  readonly cacheEpoch: Bytes;
  readonly postQuantum: Bytes;
  readonly ed25519: Bytes;
}

function decoding<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof WireError) throw new HandshakeError("malformed", cause.message, { cause });
    throw cause;
  }
}

function requireHead(reader: WireReader, type: number): void {
  const [version, found] = [reader.u8(), reader.u8()];
  if (version !== PROTOCOL_VERSION || found !== type) {
    throw new WireError(`Cannot decode message ${type}: it is ${found} of version ${version}`);
  }
}

const head = (type: number) => new WireWriter().u8(PROTOCOL_VERSION).u8(type);

/** M1 without its mac. */
export function encodeM1(message: M1): Bytes {
  return head(MESSAGE.m1)
    .u8(message.mode)
    .u8(message.wantFull ? 1 : 0)
    .fixed(message.nonce, NONCE_BYTES)
    .fixed(message.x25519, SHARED_SECRET_BYTES)
    .bytes(message.encapsulationKey)
    .finish();
}

/** Octets of M1 with its mac. */
export function m1Bytes(suite: Suite): number {
  return 4 + NONCE_BYTES + SHARED_SECRET_BYTES + 2 + KEMS[suite.kem].encapsulationKeyBytes +
    MAC1_BYTES;
}

/**
 * Splits a received M1 into what the mac covers and the mac, both views of it.
 *
 * @throws {HandshakeError} "malformed"
 */
export function splitM1(
  bytes: Uint8Array,
  suite: Suite,
): { readonly body: Uint8Array; readonly mac: Uint8Array } {
  const length = m1Bytes(suite) - MAC1_BYTES;
  if (bytes.length !== length + MAC1_BYTES) {
    throw new HandshakeError("malformed", `Cannot read M1 of ${bytes.length} octets`);
  }
  // Views: in a flood nothing is copied that is thrown away.
  return { body: bytes.subarray(0, length), mac: bytes.subarray(length) };
}

/** @throws {HandshakeError} "malformed" */
export function decodeM1(body: Uint8Array, suite: Suite): M1 {
  return decoding(() => {
    const reader = new WireReader(body, "M1");
    requireHead(reader, MESSAGE.m1);
    const mode = reader.u8();
    if (mode !== MODE.mesh && mode !== MODE.enrol && mode !== MODE.fabric) {
      throw new WireError(`Unknown mode ${mode}`);
    }
    const flag = reader.u8();
    if (flag > 1) throw new WireError(`Unknown flag ${flag}`);
    const message: M1 = {
      mode,
      wantFull: flag === 1,
      nonce: reader.fixed(NONCE_BYTES),
      x25519: reader.fixed(SHARED_SECRET_BYTES),
      encapsulationKey: reader.bytes(KEMS[suite.kem].encapsulationKeyBytes),
    };
    reader.end();
    return message;
  });
}

/** The part of M2 before the sealed one: what t2 covers. */
export function encodeM2Clear(message: Omit<M2, "sealed">): Bytes {
  return head(MESSAGE.m2)
    .fixed(message.nonce, NONCE_BYTES)
    .fixed(message.x25519, SHARED_SECRET_BYTES)
    .bytes(message.ciphertext)
    .finish();
}

/** @throws {HandshakeError} "malformed" */
export function decodeM2(bytes: Uint8Array, suite: Suite): M2 {
  return decoding(() => {
    const reader = new WireReader(bytes, "M2");
    requireHead(reader, MESSAGE.m2);
    const message: M2 = {
      nonce: reader.fixed(NONCE_BYTES),
      x25519: reader.fixed(SHARED_SECRET_BYTES),
      ciphertext: reader.bytes(KEMS[suite.kem].ciphertextBytes),
      sealed: reader.bytes(MAX_SEALED_BYTES),
    };
    reader.end();
    return message;
  });
}

/** M2 from its clear part and the sealed one. */
export function joinM2(clear: Uint8Array, sealed: Uint8Array): Bytes {
  const tail = new WireWriter().bytes(sealed).finish();
  const out = new Uint8Array(clear.length + tail.length);
  out.set(clear);
  out.set(tail, clear.length);
  return out;
}

/** M3 and M4 are one sealed part each. */
export function encodeSealed(type: 3 | 4, sealed: Uint8Array): Bytes {
  return head(type).bytes(sealed).finish();
}

/** @throws {HandshakeError} "malformed" */
export function decodeSealed(type: 3 | 4, bytes: Uint8Array): Bytes {
  return decoding(() => {
    const reader = new WireReader(bytes, `M${type}`);
    requireHead(reader, type);
    const sealed = reader.bytes(MAX_SEALED_BYTES);
    reader.end();
    return sealed;
  });
}

/** Plaintext of what M2 and M3 seal. */
export function encodeProof(proof: Proof): Bytes {
  const writer = new WireWriter();
  if ("full" in proof.credential) writer.u8(0).bytes(proof.credential.full);
  else writer.u8(1).bytes(proof.credential.hash);
  return writer
    .fixed(proof.cacheEpoch, CACHE_EPOCH_BYTES)
    .bytes(proof.postQuantum)
    .bytes(proof.ed25519)
    .finish();
}

/** @throws {HandshakeError} "malformed" */
export function decodeProof(bytes: Uint8Array): Proof {
  return decoding(() => {
    const reader = new WireReader(bytes, "proof");
    const kind = reader.u8();
    if (kind > 1) throw new WireError(`Unknown credential form ${kind}`);
    const credential = kind === 0
      ? { full: reader.bytes(MAX_SEALED_BYTES) }
      : { hash: reader.bytes(48) };
    const proof: Proof = {
      credential,
      cacheEpoch: reader.fixed(CACHE_EPOCH_BYTES),
      postQuantum: reader.bytes(SIGNATURES["ML-DSA-87"].signatureBytes),
      ed25519: reader.bytes(SIGNATURES.Ed25519.signatureBytes),
    };
    reader.end();
    return proof;
  });
}
