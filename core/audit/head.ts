// Signed heads: a node says how long its log is and how it ends. Whoever keeps one can tell later that the
// log was rewritten. A node's own keys are taken as a set of one, so that heads are signed like everything.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import {
  type AuthorityKey,
  type AuthoritySet,
  type AuthoritySignature,
  IdentityError,
  type NodePublicKeys,
  readSignatures,
  signStatement,
  type SuiteName,
  verifyStatement,
  writeSignatures,
} from "../identity/mod.ts";
import type { Backend, Bytes } from "../pq/mod.ts";
import type { AuditHead } from "./log.ts";

/** Kind of the statement. */
export const AUDIT_HEAD = "audit head";

/** Whose log, in which mesh. */
export interface AuditSigner {
  readonly trustDomain: string;
  readonly suite: SuiteName;
  readonly keys: NodePublicKeys;
}

/** A head as it is passed on. */
export interface SignedAuditHead extends AuditHead {
  readonly atMs: number;
  readonly signatures: readonly AuthoritySignature[];
}

const setOf = ({ trustDomain, suite, keys }: AuditSigner): AuthoritySet => ({
  trustDomain,
  suite,
  version: 1,
  threshold: 1,
  keys: [keys],
});

function bodyOf({ trustDomain }: AuditSigner, { count, hash }: AuditHead, atMs: number): Bytes {
  return new WireWriter().text(trustDomain).u53(count).fixed(hash, 48).u53(atMs).finish();
}

/** Signs a head with the node's keys. */
export async function signAuditHead(
  signer: AuditSigner,
  key: AuthorityKey,
  head: AuditHead,
  atMs: number,
): Promise<SignedAuditHead> {
  const body = bodyOf(signer, head, atMs);
  return { ...head, atMs, signatures: [await signStatement(setOf(signer), key, AUDIT_HEAD, body)] };
}

/** Whether the node signed this head. */
export function verifyAuditHead(
  backend: Backend,
  signer: AuditSigner,
  head: SignedAuditHead,
): Promise<boolean> {
  const body = bodyOf(signer, head, head.atMs);
  return verifyStatement(backend, setOf(signer), AUDIT_HEAD, body, head.signatures);
}

/** Octets of a signed head. */
export function encodeAuditHead({ count, hash, atMs, signatures }: SignedAuditHead): Bytes {
  return writeSignatures(new WireWriter().u53(count).fixed(hash, 48).u53(atMs), signatures)
    .finish();
}

/** Reverses {@link encodeAuditHead}. @throws {IdentityError} "malformed" */
export function decodeAuditHead(bytes: Uint8Array): SignedAuditHead {
  try {
    const reader = new WireReader(bytes, "audit head");
    const head = {
      count: reader.u53(),
      hash: reader.fixed(48),
      atMs: reader.u53(),
      signatures: readSignatures(reader),
    };
    reader.end();
    return head;
  } catch (cause) {
    if (cause instanceof WireError) throw new IdentityError("malformed", cause.message, { cause });
    throw cause;
  }
}
