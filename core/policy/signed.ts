// A policy with the authority's signatures, and when one may take another's place.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import {
  type AuthorityKey,
  type AuthoritySet,
  type AuthoritySignature,
  fieldOf,
  IdentityError,
  readDocument,
  readSignatures,
  signStatement,
  verifyStatement,
  writeDocument,
  writeSignatures,
} from "../identity/mod.ts";
import { type Backend, type Bytes, equalBytes, hashOf } from "../pq/mod.ts";
import { decodePolicyDocument, encodePolicyDocument, type PolicyDocument } from "./document.ts";
import { PolicyError } from "./errors.ts";
import { MAX_POLICY_BYTES, MAX_SIGNED_BYTES } from "./limits.ts";

/** Kind of the statement. */
export const POLICY = "policy";

/** A policy and who signed it. */
export interface SignedPolicy {
  readonly document: PolicyDocument;
  /** May be fewer than are needed, while they are gathered. */
  readonly signatures: readonly AuthoritySignature[];
}

/** Octets of a signed policy. */
export function encodePolicy({ document, signatures }: SignedPolicy): Bytes {
  const body = encodePolicyDocument(document);
  return writeSignatures(new WireWriter().u32(body.length).fixed(body, body.length), signatures)
    .finish();
}

/** Reverses {@link encodePolicy}. @throws {PolicyError} "malformed" */
export function decodePolicy(bytes: Uint8Array): SignedPolicy {
  try {
    if (bytes.length > MAX_SIGNED_BYTES) throw new WireError("Cannot decode policy: too long");
    const reader = new WireReader(bytes, "policy");
    const length = reader.u32();
    if (length > MAX_POLICY_BYTES) throw new WireError("Cannot decode policy: too long");
    const document = decodePolicyDocument(reader.fixed(length));
    const signatures = readSignatures(reader);
    reader.end();
    return { document, signatures };
  } catch (cause) {
    if (cause instanceof WireError) throw new PolicyError("malformed", cause.message, { cause });
    throw cause;
  }
}

/** A signed policy as a text file: for the node's own state, and to carry between authority keys. */
export function writePolicyFile(signed: SignedPolicy): string {
  return writeDocument("policy", {
    mesh: signed.document.trustDomain,
    version: String(signed.document.version),
    policy: fieldOf(encodePolicy(signed)),
  });
}

/** Reads it back, unverified. @param path for messages. @throws {PolicyError} "malformed" */
export function readPolicyFile(text: string, path: string): SignedPolicy {
  try {
    return decodePolicy(readDocument("policy", text, path).bytes("policy"));
  } catch (cause) {
    if (!(cause instanceof IdentityError)) throw cause;
    throw new PolicyError("malformed", cause.message, { cause });
  }
}

/**
 * Adds signatures by these keys to those that are there.
 *
 * @param keys of `set`; not wiped here.
 * @throws {PolicyError} "no-authority" without a key, "wrong-mesh", "malformed"; IdentityError "untrusted" for a key
 *   that is not of the set.
 */
export async function signPolicy(
  set: AuthoritySet,
  keys: readonly AuthorityKey[],
  policy: SignedPolicy,
): Promise<SignedPolicy> {
  const { document } = policy;
  if (keys.length === 0) {
    throw new PolicyError("no-authority", "Cannot sign a policy: no key of the authority is here");
  }
  if (document.trustDomain !== set.trustDomain || document.version < 1) {
    throw new PolicyError(
      "wrong-mesh",
      `Cannot sign policy ${document.version} of "${document.trustDomain}" for "${set.trustDomain}"`,
    );
  }
  const body = encodePolicyDocument(document);
  // What could not be read back must not be signed.
  decodePolicyDocument(body);
  const added = await Promise.all(keys.map((key) => signStatement(set, key, POLICY, body)));
  return gatherSignatures(policy, { document, signatures: added });
}

/** Both's signatures of one policy, a key once. @throws {PolicyError} "malformed" for different policies */
export function gatherSignatures(a: SignedPolicy, b: SignedPolicy): SignedPolicy {
  if (!equalBytes(encodePolicyDocument(a.document), encodePolicyDocument(b.document))) {
    throw new PolicyError("malformed", "Cannot gather signatures: they are of different policies");
  }
  const byKey = new Map<number, AuthoritySignature>();
  // What was added last counts: the first may have been made for another set.
  for (const signature of [...a.signatures, ...b.signatures]) byKey.set(signature.key, signature);
  const signatures = [...byKey.values()].toSorted((one, other) => one.key - other.key);
  return { document: a.document, signatures };
}

/** Whether any of the sets' thresholds signed it. */
export async function isSigned(
  backend: Backend,
  sets: readonly AuthoritySet[],
  { document, signatures }: SignedPolicy,
): Promise<boolean> {
  const body = encodePolicyDocument(document);
  for (const set of sets) {
    if (set.trustDomain !== document.trustDomain) continue;
    if (await verifyStatement(backend, set, POLICY, body, signatures)) return true;
  }
  return false;
}

/**
 * One number for where a policy stands among all: its version first, then 31 bits of its hash, so that two
 * of one version (signed by two admins at once) are told apart and all nodes end with the same one. What
 * nodes tell each other in place of the version.
 */
export function policyRank(document: PolicyDocument): number {
  if (document.version === 0) return 0;
  const [a = 0, b = 0, c = 0, d = 0] = hashOf(encodePolicyDocument(document));
  return document.version * 2 ** 31 + (((a << 24) | (b << 16) | (c << 8) | d) >>> 1);
}

/**
 * Orders policies: by {@link policyRank}, and where even that is the same by the whole hash.
 *
 * @returns negative when `a` comes first, 0 when they are the same.
 */
export function comparePolicies(a: PolicyDocument, b: PolicyDocument): number {
  if (a.version !== b.version) return a.version - b.version;
  const [hexA, hexB] = [a, b].map((one) => hashOf(encodePolicyDocument(one)).toHex());
  return hexA === hexB ? 0 : (hexA ?? "") < (hexB ?? "") ? -1 : 1;
}

/**
 * The offered policy, if it may take the held one's place: of this mesh, later, signed. The same again is
 * accepted and changes nothing.
 *
 * @param sets authority sets that are accepted now.
 * @throws {PolicyError} "wrong-mesh", "rollback", "untrusted".
 */
export async function acceptPolicy(
  backend: Backend,
  sets: readonly AuthoritySet[],
  held: SignedPolicy,
  offered: SignedPolicy,
): Promise<SignedPolicy> {
  const { trustDomain, version } = offered.document;
  if (trustDomain !== held.document.trustDomain) {
    throw new PolicyError("wrong-mesh", "Cannot use a policy of another mesh");
  }
  const order = comparePolicies(offered.document, held.document);
  if (order === 0) return held;
  if (order < 0 || version < 1) {
    throw new PolicyError(
      "rollback",
      `Cannot use policy ${version}: policy ${held.document.version} was seen`,
    );
  }
  if (!await isSigned(backend, sets, offered)) {
    throw new PolicyError("untrusted", "Cannot use a policy: the authority did not sign it");
  }
  return offered;
}
