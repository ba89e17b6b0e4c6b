// Signed heads: a node says how long its log is, how it ends, and by which links it got there. Whoever
// keeps one can tell later that the log was rewritten. A node's own keys are taken as a set of one, so
// that heads are signed like everything.
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
import { type Backend, type Bytes, equalBytes } from "../pq/mod.ts";
import { MAX_HEAD_LINKS } from "./limits.ts";
import { type AuditHead, type AuditStretch, linkHash } from "./chain.ts";

/** Kind of the statement. */
export const AUDIT_HEAD = "audit head";

/** Whose log, in which mesh. */
export interface AuditSigner {
  readonly trustDomain: string;
  readonly suite: SuiteName;
  readonly keys: NodePublicKeys;
}

/** A head as it is passed on. `count` and `hash` follow from the rest. */
export interface SignedAuditHead extends AuditHead, AuditStretch {
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

function writeStretch(writer: WireWriter, { base, links }: AuditStretch): WireWriter {
  return writer.u53(base.count).fixed(base.hash, 48)
    .list(links, (item, link) => item.fixed(link, 48));
}

function bodyOf({ trustDomain }: AuditSigner, stretch: AuditStretch, atMs: number): Bytes {
  return writeStretch(new WireWriter().text(trustDomain), stretch).u53(atMs).finish();
}

/** The head that a stretch ends with. */
function endOf({ base, links }: AuditStretch): AuditHead {
  return { count: base.count + links.length, hash: links.reduce<Bytes>(linkHash, base.hash) };
}

/** Signs the end of a stretch with the node's keys; see AuditLog.stretch(). */
export async function signAuditHead(
  signer: AuditSigner,
  key: AuthorityKey,
  stretch: AuditStretch,
  atMs: number,
): Promise<SignedAuditHead> {
  const body = bodyOf(signer, stretch, atMs);
  const signature = await signStatement(setOf(signer), key, AUDIT_HEAD, body);
  return { ...stretch, ...endOf(stretch), atMs, signatures: [signature] };
}

/** Whether the node signed this head. */
export async function verifyAuditHead(
  backend: Backend,
  signer: AuditSigner,
  head: SignedAuditHead,
): Promise<boolean> {
  const end = endOf(head);
  if (end.count !== head.count || !equalBytes(end.hash, head.hash)) return false;
  const body = bodyOf(signer, head, head.atMs);
  return await verifyStatement(backend, setOf(signer), AUDIT_HEAD, body, head.signatures);
}

/** Octets of a signed head. */
export function encodeAuditHead(head: SignedAuditHead): Bytes {
  return writeSignatures(writeStretch(new WireWriter(), head).u53(head.atMs), head.signatures)
    .finish();
}

/** Reverses {@link encodeAuditHead}. @throws {IdentityError} "malformed" */
export function decodeAuditHead(bytes: Uint8Array): SignedAuditHead {
  try {
    const reader = new WireReader(bytes, "audit head");
    const stretch = {
      base: { count: reader.u53(), hash: reader.fixed(48) },
      links: reader.list(MAX_HEAD_LINKS, (item) => item.fixed(48)),
    };
    const end = endOf(stretch);
    if (!Number.isSafeInteger(end.count)) throw new WireError("Cannot decode audit head: too long");
    const head = {
      ...stretch,
      ...end,
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

/** Where the log was after `count` entries by what this head says; `null` when it does not reach there. */
export function headWithin(stretch: AuditStretch, count: number): AuditHead | null {
  const { base, links } = stretch;
  if (count < base.count || count > base.count + links.length) return null;
  return endOf({ base, links: links.slice(0, count - base.count) });
}

/** How two heads of one log stand to each other. */
export type HeadOrder =
  | "same"
  | "longer" // the second goes on where the first ended
  | "older" // the second is from before the first
  | "gap" // the second is longer; its links do not reach back to the first
  | "fork"; // the two cannot be of one log

/** Compares what was signed earlier with what is signed now. */
export function compareHeads(held: SignedAuditHead, offered: SignedAuditHead): HeadOrder {
  const count = Math.min(held.count, offered.count);
  const [ours, theirs] = [headWithin(held, count), headWithin(offered, count)];
  if (ours === null || theirs === null) return offered.count > held.count ? "gap" : "older";
  if (!equalBytes(ours.hash, theirs.hash)) return "fork";
  if (offered.count === held.count) return "same";
  return offered.count > held.count ? "longer" : "older";
}

/**
 * Whether two heads prove that a node kept two logs: it signed both, and they contradict each other.
 * Anybody who knows the node's keys can check it.
 */
export async function provesFork(
  backend: Backend,
  signer: AuditSigner,
  a: SignedAuditHead,
  b: SignedAuditHead,
): Promise<boolean> {
  return compareHeads(a, b) === "fork" && await verifyAuditHead(backend, signer, a) &&
    await verifyAuditHead(backend, signer, b);
}
