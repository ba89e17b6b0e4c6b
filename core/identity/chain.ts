// From the authority a mesh began with to the one it has now: each step signed by the sets on both sides
// of it, so that pinning any one of them pins all.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import { type Backend, type Bytes, equalBytes } from "../pq/mod.ts";
import {
  acceptRotation,
  authorityHash,
  type AuthorityRotation,
  type AuthoritySet,
  decodeAuthority,
  encodeAuthority,
  readSignatures,
  writeSignatures,
} from "./authority.ts";
import { IdentityError } from "./errors.ts";
import { MAX_ROTATIONS } from "./limits.ts";

/** Octets of an encoded set: 16 keys of category 5 fit. */
const MAX_SET_BYTES = 50_000;

/** A set and the steps after it. */
export interface AuthorityChain {
  readonly first: AuthoritySet;
  readonly rotations: readonly AuthorityRotation[];
}

/** A chain whose steps were checked. */
export interface VerifiedChain extends AuthorityChain {
  readonly current: AuthoritySet;
  /** The set before, and until when it counts; `null` for a mesh that never rotated. */
  readonly last: { readonly set: AuthoritySet; readonly untilMs: number } | null;
}

/** Octets of a chain. */
export function encodeChain({ first, rotations }: AuthorityChain): Bytes {
  return new WireWriter().bytes(encodeAuthority(first)).list(rotations, (writer, rotation) => {
    writer.u53(rotation.previousUntilMs).bytes(encodeAuthority(rotation.next));
    writeSignatures(writer, rotation.byCurrent);
    return writeSignatures(writer, rotation.byNext);
  }).finish();
}

/** Reads a chain without trusting it. @throws {IdentityError} "malformed" */
export function decodeChain(bytes: Uint8Array): AuthorityChain {
  try {
    const reader = new WireReader(bytes, "authority chain");
    const first = decodeAuthority(reader.bytes(MAX_SET_BYTES));
    const rotations = reader.list(MAX_ROTATIONS, (item) => ({
      previousUntilMs: item.u53(),
      next: decodeAuthority(item.bytes(MAX_SET_BYTES)),
      byCurrent: readSignatures(item),
      byNext: readSignatures(item),
    }));
    reader.end();
    return { first, rotations };
  } catch (cause) {
    if (cause instanceof WireError) throw new IdentityError("malformed", cause.message, { cause });
    throw cause;
  }
}

/**
 * Checks every step, and that the pinned set is one of them.
 *
 * @param pinned hash of the set that is trusted.
 * @throws {IdentityError} "wrong-mesh" when the pinned set is not in it; else as {@link acceptRotation}.
 */
export async function verifyChain(
  backend: Backend,
  chain: AuthorityChain,
  pinned: Uint8Array,
): Promise<VerifiedChain> {
  let current = chain.first;
  let last: VerifiedChain["last"] = null;
  let found = equalBytes(authorityHash(current), pinned);
  for (const rotation of chain.rotations) {
    const next = await acceptRotation(backend, current, rotation);
    last = { set: current, untilMs: rotation.previousUntilMs };
    current = next;
    found ||= equalBytes(authorityHash(current), pinned);
  }
  if (!found) {
    throw new IdentityError(
      "wrong-mesh",
      `Cannot trust this authority of "${current.trustDomain}": it is not the one that was pinned`,
    );
  }
  return { ...chain, current, last };
}

/** Sets accepted at a time. @param nowMs `null` when the clock is not set: then the last one counts. */
export function acceptedSets(
  { current, last }: Pick<VerifiedChain, "current" | "last">,
  nowMs: number | null,
): readonly AuthoritySet[] {
  return last !== null && (nowMs === null || nowMs <= last.untilMs)
    ? [current, last.set]
    : [current];
}

/** The part of a chain from the set of that hash on; `null` when it is not in it. */
export function chainFrom(chain: AuthorityChain, hash: Uint8Array): AuthorityChain | null {
  if (equalBytes(authorityHash(chain.first), hash)) return chain;
  for (const [index, { next }] of chain.rotations.entries()) {
    if (equalBytes(authorityHash(next), hash)) {
      return { first: next, rotations: chain.rotations.slice(index + 1) };
    }
  }
  return null;
}
