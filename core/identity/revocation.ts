// Who is no longer of the mesh: one list, signed by the authority, whose version only grows and from which
// nothing is ever taken. A node is named by its SPIFFE ID and by each of its two public keys, so that
// half of a stolen identity does not live on under another node id.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import { type Backend, type Bytes, equalBytes, hashOf } from "../pq/mod.ts";
import {
  type AuthorityKey,
  type AuthoritySet,
  type AuthoritySignature,
  readSignatures,
  signStatement,
  verifyStatement,
  writeSignatures,
} from "./authority.ts";
import type { CredentialClaims } from "./credential.ts";
import { IdentityError } from "./errors.ts";
import { MAX_REVOCATIONS, MAX_SPIFFE_ID_BYTES, MAX_TRUST_DOMAIN_BYTES } from "./limits.ts";
import { formatNodeId, nodeIdOf, type NodePublicKeys } from "./node_id.ts";
import { nodeSpiffeId } from "./spiffe_id.ts";

const FORMAT = 1;
/** Kind of the statement. */
export const REVOCATIONS = "revocations";

/** One node that is out. */
export interface Revocation {
  readonly spiffeId: string;
  /** SHA-384 of its ML-DSA key. */
  readonly postQuantum: Bytes;
  /** SHA-384 of its Ed25519 key. */
  readonly ed25519: Bytes;
  readonly atMs: number;
}

/** What the authority signs. */
export interface RevocationList {
  readonly trustDomain: string;
  /** 0 for the empty list that a mesh begins with; that one needs no signature. */
  readonly version: number;
  readonly entries: readonly Revocation[];
}

/** The list with its signatures. */
export interface SignedRevocations {
  readonly list: RevocationList;
  readonly signatures: readonly AuthoritySignature[];
}

/** The list before anybody was revoked. */
export function noRevocations(trustDomain: string): SignedRevocations {
  return { list: { trustDomain, version: 0, entries: [] }, signatures: [] };
}

/** The entry for a node. */
export function revocationOf(
  trustDomain: string,
  keys: NodePublicKeys,
  atMs: number,
): Revocation {
  return {
    spiffeId: nodeSpiffeId(trustDomain, formatNodeId(nodeIdOf(keys))),
    postQuantum: hashOf(keys.postQuantum),
    ed25519: hashOf(keys.ed25519),
    atMs,
  };
}

/** Canonical octets: what is signed. */
export function encodeRevocationList({ trustDomain, version, entries }: RevocationList): Bytes {
  return new WireWriter().u8(FORMAT).text(trustDomain).u53(version)
    .list(
      entries,
      (writer, entry) =>
        writer.text(entry.spiffeId).fixed(entry.postQuantum, 48).fixed(entry.ed25519, 48)
          .u53(entry.atMs),
    )
    .finish();
}

/** Canonical octets with the signatures. */
export function encodeRevocations({ list, signatures }: SignedRevocations): Bytes {
  const body = encodeRevocationList(list);
  return writeSignatures(new WireWriter().u32(body.length).fixed(body, body.length), signatures)
    .finish();
}

/** Reads the octets that are signed. @throws {IdentityError} "malformed" */
export function decodeRevocationList(bytes: Uint8Array): RevocationList {
  return decoding(() => {
    const body = new WireReader(bytes, "revocations");
    if (body.u8() !== FORMAT) throw new WireError("Cannot decode revocations of another format");
    const list: RevocationList = {
      trustDomain: body.text(MAX_TRUST_DOMAIN_BYTES),
      version: body.u53(),
      entries: body.list(MAX_REVOCATIONS, (item) => ({
        spiffeId: item.text(MAX_SPIFFE_ID_BYTES),
        postQuantum: item.fixed(48),
        ed25519: item.fixed(48),
        atMs: item.u53(),
      })),
    };
    body.end();
    return list;
  });
}

function decoding<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof WireError) throw new IdentityError("malformed", cause.message, { cause });
    throw cause;
  }
}

/** Reverses {@link encodeRevocations}. @throws {IdentityError} "malformed" */
export function decodeRevocations(bytes: Uint8Array): SignedRevocations {
  return decoding(() => {
    const reader = new WireReader(bytes, "revocations");
    const list = decodeRevocationList(reader.fixed(reader.u32()));
    const signatures = readSignatures(reader);
    reader.end();
    return { list, signatures };
  });
}

/** The list that follows, with further entries; those already on it are not repeated. */
export function nextRevocations(
  list: RevocationList,
  added: readonly Revocation[],
): RevocationList {
  const known = new Set(list.entries.map(({ spiffeId }) => spiffeId));
  const entries = [...list.entries, ...added.filter(({ spiffeId }) => !known.has(spiffeId))];
  if (entries.length > MAX_REVOCATIONS) {
    throw new IdentityError(
      "malformed",
      `Cannot revoke further nodes: the list has ${MAX_REVOCATIONS} entries; begin a new mesh`,
    );
  }
  return { trustDomain: list.trustDomain, version: list.version + 1, entries };
}

/** Signs a list with some of the authority's keys. */
export async function signRevocations(
  set: AuthoritySet,
  keys: readonly AuthorityKey[],
  list: RevocationList,
): Promise<SignedRevocations> {
  const body = encodeRevocationList(list);
  const signatures = await Promise.all(
    keys.map((key) => signStatement(set, key, REVOCATIONS, body)),
  );
  return { list, signatures };
}

/**
 * The newer list, if it may replace the one held: a higher version, signed, with every entry of the old.
 * The same list again is accepted and changes nothing.
 *
 * @param sets authority sets that are accepted now.
 * @throws {IdentityError} "wrong-mesh", "untrusted", "rollback".
 */
export async function acceptRevocations(
  backend: Backend,
  sets: readonly AuthoritySet[],
  held: SignedRevocations,
  offered: SignedRevocations,
): Promise<SignedRevocations> {
  const { list } = offered;
  const { trustDomain, version, entries } = held.list;
  if (list.trustDomain !== trustDomain) {
    throw new IdentityError("wrong-mesh", "Cannot use revocations of another mesh");
  }
  if (equalBytes(encodeRevocationList(held.list), encodeRevocationList(list))) return held;
  if (list.version <= version) {
    throw new IdentityError(
      "rollback",
      `Cannot use revocations of version ${list.version}: version ${version} was seen`,
    );
  }
  const body = encodeRevocationList(list);
  let signed = false;
  for (const set of sets) {
    signed ||= await verifyStatement(backend, set, REVOCATIONS, body, offered.signatures);
  }
  if (!signed) {
    throw new IdentityError("untrusted", "Cannot use revocations: the authority did not sign them");
  }
  const kept = new Set(list.entries.map((entry) => entry.spiffeId));
  if (!entries.every(({ spiffeId }) => kept.has(spiffeId))) {
    throw new IdentityError(
      "rollback",
      `Cannot use revocations of version ${list.version}: a node that was revoked is missing`,
    );
  }
  return offered;
}

/** Looks up who is out; made once a list. */
export class RevocationIndex {
  readonly #names = new Set<string>();

  constructor({ entries }: RevocationList) {
    for (const { spiffeId, postQuantum, ed25519 } of entries) {
      this.#names.add(spiffeId).add(postQuantum.toHex()).add(ed25519.toHex());
    }
  }

  /** Whether a node of these keys is out: its SPIFFE ID or either key is listed. */
  has({ trustDomain, keys }: Pick<CredentialClaims, "trustDomain" | "keys">): boolean {
    if (this.#names.size === 0) return false;
    return this.#names.has(nodeSpiffeId(trustDomain, formatNodeId(nodeIdOf(keys)))) ||
      this.#names.has(hashOf(keys.postQuantum).toHex()) ||
      this.#names.has(hashOf(keys.ed25519).toHex());
  }
}
