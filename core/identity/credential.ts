// A node's credential: what the authority says of it. Carried in the handshake, cached by hash.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import { type Backend, type Bytes, hashOf, SIGNATURES } from "../pq/mod.ts";
import {
  authorityHash,
  type AuthorityKey,
  type AuthoritySet,
  type AuthoritySignature,
  readSignatures,
  signStatement,
  verifyStatement,
  writeSignatures,
} from "./authority.ts";
import { IdentityError } from "./errors.ts";
import {
  CLOCK_SKEW_MS,
  MAX_CREDENTIAL_BYTES,
  MAX_ROLE_BYTES,
  MAX_ROLES,
  MAX_TRUST_DOMAIN_BYTES,
} from "./limits.ts";
import { formatNodeId, nodeIdOf, type NodePublicKeys } from "./node_id.ts";
import { nodeSpiffeId } from "./spiffe_id.ts";

const FORMAT = 1;
/** Kind of the statement. */
export const CREDENTIAL = "credential";
const ROLE = /^[a-z0-9][a-z0-9-]*$/;

/** What is stated. The node id and the SPIFFE ID follow from the keys; they aren't stated, so cannot lie. */
export interface CredentialClaims {
  readonly trustDomain: string;
  readonly keys: NodePublicKeys;
  /** WireGuard (X25519) public key. */
  readonly wireguard: Bytes;
  /** SHA-384 over the SubjectPublicKeyInfo of the node's own intermediate for TLS. */
  readonly tlsIntermediate: Bytes;
  readonly roles: readonly string[];
  /** Grows with each credential of the authority; a lower one never replaces a higher one of the same node. */
  readonly serial: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** A credential as it travels. */
export interface Credential {
  readonly claims: CredentialClaims;
  readonly signatures: readonly AuthoritySignature[];
}

/** A credential that was checked, with what follows from it. */
export interface VerifiedCredential extends Credential {
  readonly nodeId: string;
  readonly spiffeId: string;
  /** SHA-384 of the encoded credential: how it is named once cached. */
  readonly hash: Bytes;
  /** Hash of the authority's set that signed it. */
  readonly authority: Bytes;
}

/** Canonical octets of what is stated: what is signed. */
export function encodeClaims(claims: CredentialClaims): Bytes {
  return new WireWriter()
    .u8(FORMAT)
    .text(claims.trustDomain)
    .bytes(claims.keys.postQuantum)
    .bytes(claims.keys.ed25519)
    .bytes(claims.wireguard)
    .bytes(claims.tlsIntermediate)
    .list(claims.roles, (writer, role) => writer.text(role))
    .u53(claims.serial)
    .u53(claims.notBeforeMs)
    .u53(claims.notAfterMs)
    .finish();
}

/** Reads what {@link encodeClaims} wrote. @throws {WireError} */
export function decodeClaims(bytes: Uint8Array): CredentialClaims {
  const reader = new WireReader(bytes, "credential");
  const format = reader.u8();
  if (format !== FORMAT) throw new WireError(`Cannot decode credential of format ${format}`);
  const claims: CredentialClaims = {
    trustDomain: reader.text(MAX_TRUST_DOMAIN_BYTES),
    keys: {
      postQuantum: reader.bytes(SIGNATURES["ML-DSA-87"].publicKeyBytes),
      ed25519: reader.bytes(32),
    },
    wireguard: reader.bytes(32),
    tlsIntermediate: reader.bytes(48),
    roles: reader.list(MAX_ROLES, (item) => item.text(MAX_ROLE_BYTES)),
    serial: reader.u53(),
    notBeforeMs: reader.u53(),
    notAfterMs: reader.u53(),
  };
  reader.end();
  const widths = claims.keys.ed25519.length === 32 && claims.wireguard.length === 32 &&
    claims.tlsIntermediate.length === 48;
  const sorted = claims.roles.every((role, i) =>
    ROLE.test(role) && (i === 0 || (claims.roles[i - 1] ?? "") < role)
  );
  if (!widths || !sorted || claims.notAfterMs <= claims.notBeforeMs) {
    throw new WireError("Cannot decode credential: a field has a wrong form");
  }
  return claims;
}

/** Canonical octets of a credential. */
export function encodeCredential({ claims, signatures }: Credential): Bytes {
  return writeSignatures(new WireWriter().bytes(encodeClaims(claims)), signatures).finish();
}

/** Reads a credential without trusting it. @throws {IdentityError} "malformed" */
export function decodeCredential(bytes: Uint8Array): Credential {
  try {
    if (bytes.length > MAX_CREDENTIAL_BYTES) {
      throw new WireError("Cannot decode credential: too long");
    }
    const reader = new WireReader(bytes, "credential");
    const claims = decodeClaims(reader.bytes(MAX_CREDENTIAL_BYTES));
    const signatures = readSignatures(reader);
    reader.end();
    return { claims, signatures };
  } catch (cause) {
    if (cause instanceof WireError) throw new IdentityError("malformed", cause.message, { cause });
    throw cause;
  }
}

/** What an authority key signs for a credential; threshold signatures are gathered one by one. */
export function signCredential(
  set: AuthoritySet,
  key: AuthorityKey,
  claims: CredentialClaims,
): Promise<AuthoritySignature> {
  const sorted = { ...claims, roles: [...new Set(claims.roles)].sort() };
  return signStatement(set, key, CREDENTIAL, encodeClaims(sorted));
}

/** A credential signed by the given keys. */
export async function issueCredential(
  set: AuthoritySet,
  keys: readonly AuthorityKey[],
  claims: CredentialClaims,
): Promise<Credential> {
  const sorted = { ...claims, roles: [...new Set(claims.roles)].sort() };
  // A claim that could not be read back must not be signed.
  decodeClaims(encodeClaims(sorted));
  const signatures = await Promise.all(keys.map((key) => signCredential(set, key, sorted)));
  return { claims: sorted, signatures };
}

/**
 * Judges a credential's time alone: what has to be asked again of one whose signatures were checked.
 *
 * @throws {IdentityError} "expired", "not-yet-valid".
 */
export function requireInTime(claims: CredentialClaims, nodeId: string, nowMs: number): void {
  if (nowMs > claims.notAfterMs + CLOCK_SKEW_MS) {
    throw new IdentityError("expired", `Cannot accept node "${nodeId}": its credential expired`);
  }
  if (nowMs < claims.notBeforeMs - CLOCK_SKEW_MS) {
    throw new IdentityError(
      "not-yet-valid",
      `Cannot accept node "${nodeId}": its credential begins later; compare the clocks`,
    );
  }
}

/**
 * Checks a credential: its mesh, its signatures, its time.
 *
 * @param sets authority sets that are accepted now: the current one, and the last until its end.
 * @param nowMs wall time, or `null` when the clock is known to be wrong: then time is not judged, and
 *   the caller must say so.
 * @throws {IdentityError} "wrong-mesh", "untrusted", "expired", "not-yet-valid".
 */
export async function verifyCredential(
  backend: Backend,
  sets: readonly AuthoritySet[],
  credential: Credential,
  nowMs: number | null,
): Promise<VerifiedCredential> {
  const { claims, signatures } = credential;
  const nodeId = formatNodeId(nodeIdOf(claims.keys));
  const own = sets.filter((set) => set.trustDomain === claims.trustDomain);
  if (own.length === 0) {
    throw new IdentityError("wrong-mesh", `Cannot accept node "${nodeId}" of another mesh`);
  }
  const body = encodeClaims(claims);
  let signer: AuthoritySet | null = null;
  for (const set of own) {
    if (signer === null && await verifyStatement(backend, set, CREDENTIAL, body, signatures)) {
      signer = set;
    }
  }
  if (signer === null) {
    throw new IdentityError("untrusted", `Cannot accept node "${nodeId}": signatures do not hold`);
  }
  if (nowMs !== null) requireInTime(claims, nodeId, nowMs);
  return {
    ...credential,
    nodeId,
    spiffeId: nodeSpiffeId(claims.trustDomain, nodeId),
    hash: hashOf(encodeCredential(credential)),
    authority: authorityHash(signer),
  };
}
