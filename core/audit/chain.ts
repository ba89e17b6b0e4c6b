// The chain of entries: what is in one, how each is bound to the one before, and following it. Pure.
import { WireWriter } from "../base/mod.ts";
import { type Bytes, equalBytes, hashParts } from "../pq/mod.ts";

/** What is recorded. */
export type AuditKind =
  | "mesh.created"
  | "mesh.joined"
  | "mesh.restored"
  | "invite.made"
  | "invite.cancelled"
  | "node.requested"
  | "node.enrolled"
  | "node.renewed"
  | "node.refused"
  | "node.revoked"
  | "request.approved"
  | "authority.rotated"
  | "keys.rotated"
  | "policy.changed"
  | "state.rollback";

/** One entry. */
export interface AuditEntry {
  /** 1, 2, 3 … without a gap. */
  readonly index: number;
  /** Wall time; may be wrong on a node without a clock. */
  readonly atMs: number;
  readonly kind: AuditKind;
  /** Who did it: a SPIFFE ID, or "local" for whoever commands this node. */
  readonly actor: string;
  /** To whom: a SPIFFE ID, a request, a mesh. */
  readonly subject: string;
  /** JSON object with what else is to be known. Never secrets. */
  readonly detail: string;
  /** Hash of the entry before; zeroes for the first. */
  readonly previous: Bytes;
  readonly hash: Bytes;
}

/** Which chain, and how far. */
export interface AuditHead {
  readonly count: number;
  readonly hash: Bytes;
}

/** What a check found. */
export type AuditVerdict =
  | { readonly sound: true; readonly head: AuditHead }
  | { readonly sound: false; readonly brokenAt: number; readonly why: string };

/** A part of the chain as hashes: the head before it, and what each entry after that says. */
export interface AuditStretch {
  readonly base: AuditHead;
  /** Hashes of the bodies of the entries `base.count + 1` and on. */
  readonly links: readonly Bytes[];
}

/** What the first entry follows. */
export const START: Bytes = new Uint8Array(48);
const BODY_LABEL = new TextEncoder().encode("x0tta6bl4 v1 audit body");
const LINK_LABEL = new TextEncoder().encode("x0tta6bl4 v1 audit link");

/** Hash of what an entry says, without its place in the chain. */
export function hashOfBody(entry: Omit<AuditEntry, "hash" | "previous">): Bytes {
  const body = new WireWriter().u53(entry.index).u53(entry.atMs).text(entry.kind).text(entry.actor)
    .text(entry.subject).text(entry.detail).finish();
  return hashParts(BODY_LABEL, body);
}

/**
 * The next link of a chain. Made of hashes only, so that a node can show that its log grew without showing
 * what is in it.
 */
export function linkHash(previous: Uint8Array, body: Uint8Array): Bytes {
  return hashParts(LINK_LABEL, previous, body);
}

/** Hash of an entry over all its fields and the entry before. */
export function hashOfEntry(entry: Omit<AuditEntry, "hash">): Bytes {
  return linkHash(entry.previous, hashOfBody(entry));
}

/** A chain that does not hold. */
export type Broken = AuditVerdict & { readonly sound: false };

function broken(brokenAt: number, why: string): Broken {
  return { sound: false, brokenAt, why };
}

/** The verdict on an entry that is not there. */
export function missingEntry(index: number): Broken {
  return broken(index, `entry ${index} is missing`);
}

/** Follows the chain over some entries: to their end, or to where it breaks. */
export function followEntries(
  start: AuditHead,
  entries: readonly AuditEntry[],
): AuditHead | Broken {
  let { count, hash } = start;
  for (const entry of entries) {
    const expected = count + 1;
    if (entry.index !== expected) return missingEntry(expected);
    if (!equalBytes(entry.previous, hash)) {
      return broken(expected, `entry ${expected} does not follow the one before it`);
    }
    if (!equalBytes(hashOfEntry(entry), entry.hash)) {
      return broken(expected, `entry ${expected} was changed`);
    }
    ({ index: count, hash } = entry);
  }
  return { count, hash };
}
