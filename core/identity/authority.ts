// The mesh's authority: n key pairs of which m must sign. Each key is a pair (ML-DSA and Ed25519) and
// signs with both; a signature counts only when both hold. Sets are versioned: N → N+1 is signed by
// the threshold of N and by the threshold of N+1, as TUF rotates its root (TUF 1.0.34 §5.3).
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import {
  type Backend,
  type Bytes,
  hashParts,
  type SignatureName,
  SIGNATURES,
  type Signer,
  type Suite,
  SUITES,
} from "../pq/mod.ts";
import { IdentityError } from "./errors.ts";
import { MAX_AUTHORITY_KEYS, MAX_TRUST_DOMAIN_BYTES } from "./limits.ts";
import type { NodePublicKeys } from "./node_id.ts";
import { requireTrustDomain } from "./spiffe_id.ts";

const FORMAT = 1;

/** Name of a suite, as documents carry it. */
export type SuiteName = keyof typeof SUITES;

const SUITE_NAMES: readonly SuiteName[] = ["category3", "category5"];

/** Public part of an authority: what a node pins and passes on. */
export interface AuthoritySet {
  readonly trustDomain: string;
  readonly suite: SuiteName;
  /** 1 for the set the mesh began with. */
  readonly version: number;
  /** Signatures needed, 1 … keys.length. */
  readonly threshold: number;
  readonly keys: readonly NodePublicKeys[];
}

/** A signature by one authority key: both halves. */
export interface AuthoritySignature {
  /** Index into {@link AuthoritySet.keys}. */
  readonly key: number;
  readonly postQuantum: Bytes;
  readonly ed25519: Bytes;
}

/** Both halves of one authority key. Kept by a person, best offline. */
export interface AuthorityKey {
  readonly postQuantum: Signer;
  readonly ed25519: Signer;
}

/** Parameters of the suite a set uses. */
export function suiteOf(set: Pick<AuthoritySet, "suite">): Suite {
  return SUITES[set.suite];
}

/** Refuses a set that can't work. @throws {IdentityError} "malformed" */
export function requireSound(set: AuthoritySet): void {
  requireTrustDomain(set.trustDomain);
  const { publicKeyBytes } = SIGNATURES[suiteOf(set).postQuantumSignature];
  const distinct = new Set(set.keys.map((key) => key.postQuantum.toHex())).size;
  const sound = set.version >= 1 && set.keys.length >= 1 &&
    set.keys.length <= MAX_AUTHORITY_KEYS && set.threshold >= 1 &&
    set.threshold <= set.keys.length && distinct === set.keys.length &&
    set.keys.every((key) => key.postQuantum.length === publicKeyBytes && key.ed25519.length === 32);
  if (!sound) {
    throw new IdentityError(
      "malformed",
      `Cannot use authority of "${set.trustDomain}": ${set.threshold} of ${distinct} distinct keys`,
    );
  }
}

/** Canonical octets of a set. */
export function encodeAuthority(set: AuthoritySet): Bytes {
  return new WireWriter()
    .u8(FORMAT)
    .text(set.trustDomain)
    .u8(SUITE_NAMES.indexOf(set.suite))
    .u32(set.version)
    .u8(set.threshold)
    .list(set.keys, (writer, key) => writer.bytes(key.postQuantum).bytes(key.ed25519))
    .finish();
}

/** Reads a set from its octets. @throws {IdentityError} "malformed" */
export function decodeAuthority(bytes: Uint8Array): AuthoritySet {
  try {
    const reader = new WireReader(bytes, "authority");
    const format = reader.u8();
    if (format !== FORMAT) throw new WireError(`Cannot decode authority of format ${format}`);
    const trustDomain = reader.text(MAX_TRUST_DOMAIN_BYTES);
    const suite = SUITE_NAMES[reader.u8()];
    if (suite === undefined) throw new WireError("Cannot decode authority: unknown suite");
    const version = reader.u32();
    const threshold = reader.u8();
    const { publicKeyBytes } = SIGNATURES[SUITES[suite].postQuantumSignature];
    const keys = reader.list(MAX_AUTHORITY_KEYS, (item) => ({
      postQuantum: item.bytes(publicKeyBytes),
      ed25519: item.bytes(32),
    }));
    reader.end();
    const set: AuthoritySet = { trustDomain, suite, version, threshold, keys };
    requireSound(set);
    return set;
  } catch (cause) {
    if (cause instanceof WireError) throw new IdentityError("malformed", cause.message, { cause });
    throw cause;
  }
}

/** Fingerprint of a set: what an invite pins. */
export function authorityHash(set: AuthoritySet): Bytes {
  return hashParts(new TextEncoder().encode("x0tta6bl4 authority v1"), encodeAuthority(set));
}

/** What is signed: the statement's kind is part of it, so that none can stand for another. */
function signedOctets(kind: string, body: Uint8Array): Bytes {
  return hashParts(new TextEncoder().encode(`x0tta6bl4 v1 ${kind}`), body);
}

/** Signs a statement with one authority key, which must be in `set`. */
export async function signStatement(
  set: AuthoritySet,
  key: AuthorityKey,
  kind: string,
  body: Uint8Array,
): Promise<AuthoritySignature> {
  const own = key.postQuantum.publicKey.toHex();
  const index = set.keys.findIndex((candidate) => candidate.postQuantum.toHex() === own);
  if (index < 0) {
    throw new IdentityError(
      "untrusted",
      `Cannot sign for "${set.trustDomain}": the key is not one of its authority's ${set.keys.length}`,
    );
  }
  const octets = signedOctets(kind, body);
  const [postQuantum, ed25519] = await Promise.all([
    key.postQuantum.sign(octets),
    key.ed25519.sign(octets),
  ]);
  return { key: index, postQuantum, ed25519 };
}

/**
 * Whether at least the threshold of distinct keys signed the statement, each with both halves.
 * A repeated key counts once.
 */
export async function verifyStatement(
  backend: Backend,
  set: AuthoritySet,
  kind: string,
  body: Uint8Array,
  signatures: readonly AuthoritySignature[],
): Promise<boolean> {
  const octets = signedOctets(kind, body);
  const algorithm: SignatureName = suiteOf(set).postQuantumSignature;
  const good = new Set<number>();
  for (const { key, postQuantum, ed25519 } of signatures.slice(0, MAX_AUTHORITY_KEYS)) {
    const publicKeys = set.keys[key];
    if (publicKeys === undefined || good.has(key)) continue;
    // The cheap half first: a flood of false statements costs one Ed25519 each.
    if (!await backend.verify("Ed25519", publicKeys.ed25519, octets, ed25519)) continue;
    if (await backend.verify(algorithm, publicKeys.postQuantum, octets, postQuantum)) good.add(key);
  }
  return good.size >= set.threshold;
}

/** Writes a list of signatures. */
export function writeSignatures(
  writer: WireWriter,
  signatures: readonly AuthoritySignature[],
): WireWriter {
  return writer.list(
    signatures,
    (item, signature) =>
      item.u8(signature.key).bytes(signature.postQuantum).bytes(signature.ed25519),
  );
}

/** Reads what {@link writeSignatures} wrote. @throws {WireError} */
export function readSignatures(reader: WireReader): AuthoritySignature[] {
  return reader.list(MAX_AUTHORITY_KEYS, (item) => ({
    key: item.u8(),
    postQuantum: item.bytes(SIGNATURES["ML-DSA-87"].signatureBytes),
    ed25519: item.bytes(SIGNATURES.Ed25519.signatureBytes),
  }));
}

/** The step from one set to the next, signed by both. */
export interface AuthorityRotation {
  readonly next: AuthoritySet;
  /** Wall time until which what the current set signed is accepted still. */
  readonly previousUntilMs: number;
  /** By keys of the current set. */
  readonly byCurrent: readonly AuthoritySignature[];
  /** By keys of the next set. */
  readonly byNext: readonly AuthoritySignature[];
}

const ROTATION = "authority rotation";

/** What both sets sign to rotate: the current set's hash, its end, and the whole next set. */
export function rotationBody(
  current: AuthoritySet,
  next: AuthoritySet,
  previousUntilMs: number,
): Bytes {
  return new WireWriter()
    .bytes(authorityHash(current))
    .u53(previousUntilMs)
    .bytes(encodeAuthority(next))
    .finish();
}

/** Signs a rotation with one key of `set`, which is the current or the next one. */
export function signRotation(
  set: AuthoritySet,
  key: AuthorityKey,
  current: AuthoritySet,
  next: AuthoritySet,
  previousUntilMs: number,
): Promise<AuthoritySignature> {
  return signStatement(set, key, ROTATION, rotationBody(current, next, previousUntilMs));
}

/**
 * The next set, if the rotation is exactly one step on and both thresholds signed it.
 *
 * @throws {IdentityError} "wrong-mesh", "rollback" (not version + 1), "untrusted".
 */
export async function acceptRotation(
  backend: Backend,
  current: AuthoritySet,
  rotation: AuthorityRotation,
): Promise<AuthoritySet> {
  const { next } = rotation;
  requireSound(next);
  if (next.trustDomain !== current.trustDomain || next.suite !== current.suite) {
    throw new IdentityError("wrong-mesh", `Cannot rotate to an authority of "${next.trustDomain}"`);
  }
  if (next.version !== current.version + 1) {
    throw new IdentityError(
      "rollback",
      `Cannot rotate authority from version ${current.version} to ${next.version}`,
    );
  }
  const body = rotationBody(current, next, rotation.previousUntilMs);
  const [old, young] = await Promise.all([
    verifyStatement(backend, current, ROTATION, body, rotation.byCurrent),
    verifyStatement(backend, next, ROTATION, body, rotation.byNext),
  ]);
  if (!old || !young) {
    throw new IdentityError(
      "untrusted",
      `Cannot rotate authority: the ${old ? "next" : "current"} set's threshold did not sign`,
    );
  }
  return next;
}
