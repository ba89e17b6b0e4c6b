// What a node tells the mesh so that others can check its SVIDs: its credential, the intermediate that the
// credential names, and the key of its JWT-SVIDs, signed with both halves of its identity.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import {
  type Credential,
  decodeCredential,
  encodeCredential,
  type NodeKeys,
  type VerifiedCredential,
} from "../identity/mod.ts";
import { type Backend, type Bytes, hashParts, SIGNATURES } from "../pq/mod.ts";
import { SpiffeError } from "./errors.ts";
import { MAX_ANNOUNCEMENT_BYTES, MAX_CERTIFICATE_BYTES } from "./limits.ts";

const FORMAT = 1;
const LABEL = new TextEncoder().encode("x0tta6bl4 v1 spiffe announcement");

/** Octets of a P-256 SubjectPublicKeyInfo. */
const P256_SPKI_BYTES = 91;

/** An announcement as it travels. */
export interface Announcement {
  readonly credential: Credential;
  /** DER. */
  readonly intermediate: Bytes;
  /** SubjectPublicKeyInfo of the P-256 key that signs JWT-SVIDs. */
  readonly jwtSpki: Bytes;
  /** By the node's clock; of two for one credential the later counts. */
  readonly issuedMs: number;
  readonly postQuantum: Bytes;
  readonly ed25519: Bytes;
}

type Body = Pick<Announcement, "credential" | "intermediate" | "jwtSpki" | "issuedMs">;

function bodyOf({ credential, intermediate, jwtSpki, issuedMs }: Body): Bytes {
  const octets = encodeCredential(credential);
  return new WireWriter().u8(FORMAT).u32(octets.length).fixed(octets, octets.length)
    .bytes(intermediate).fixed(jwtSpki, P256_SPKI_BYTES).u53(issuedMs).finish();
}

/** Makes and signs one. */
export async function announce(
  keys: Pick<NodeKeys, "postQuantum" | "ed25519">,
  credential: VerifiedCredential,
  intermediate: Bytes,
  jwtSpki: Bytes,
  issuedMs: number,
): Promise<Announcement> {
  const { claims, signatures } = credential;
  const body: Body = { credential: { claims, signatures }, intermediate, jwtSpki, issuedMs };
  const signed = hashParts(LABEL, bodyOf(body));
  const [postQuantum, ed25519] = await Promise.all([
    keys.postQuantum.sign(signed),
    keys.ed25519.sign(signed),
  ]);
  return { ...body, postQuantum, ed25519 };
}

/** Canonical octets. */
export function encodeAnnouncement(announcement: Announcement): Bytes {
  const body = bodyOf(announcement);
  return new WireWriter().u32(body.length).fixed(body, body.length)
    .bytes(announcement.postQuantum).bytes(announcement.ed25519).finish();
}

/** Reads one without trusting it. @throws {SpiffeError} "malformed" */
export function decodeAnnouncement(bytes: Uint8Array): Announcement {
  if (bytes.length > MAX_ANNOUNCEMENT_BYTES) {
    throw new SpiffeError("malformed", "Cannot decode announcement: it is too long");
  }
  try {
    const outer = new WireReader(bytes, "announcement");
    const body = new WireReader(outer.fixed(outer.u32()), "announcement");
    if (body.u8() !== FORMAT) throw new WireError("Cannot decode announcement of another format");
    const credential = decodeCredential(body.fixed(body.u32()));
    const intermediate = body.bytes(MAX_CERTIFICATE_BYTES);
    const jwtSpki = body.fixed(P256_SPKI_BYTES);
    const issuedMs = body.u53();
    body.end();
    const postQuantum = outer.bytes(SIGNATURES["ML-DSA-87"].signatureBytes);
    const ed25519 = outer.bytes(SIGNATURES.Ed25519.signatureBytes);
    outer.end();
    return { credential, intermediate, jwtSpki, issuedMs, postQuantum, ed25519 };
  } catch (cause) {
    if (cause instanceof SpiffeError) throw cause;
    throw new SpiffeError("malformed", "Cannot decode announcement", { cause });
  }
}

/** Whether the node that the credential names signed it, with both halves. */
export async function verifyAnnouncement(
  backend: Backend,
  announcement: Announcement,
  algorithm: "ML-DSA-65" | "ML-DSA-87",
): Promise<boolean> {
  const { keys } = announcement.credential.claims;
  const signed = hashParts(LABEL, bodyOf(announcement));
  return await backend.verify("Ed25519", keys.ed25519, signed, announcement.ed25519) &&
    await backend.verify(algorithm, keys.postQuantum, signed, announcement.postQuantum);
}
