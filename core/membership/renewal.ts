// A member's own credential: renewed at half its life, and replaced together with new WireGuard and TLS keys.
// Where the authority's keys lie on this node it signs for itself; else another member is asked.
import {
  authorityHash,
  decodeCredential,
  encodeCredential,
  encodeEnrolmentRequest,
  IdentityError,
  type NodeKeys,
} from "../identity/mod.ts";
import { equalBytes } from "../pq/mod.ts";
import { askMembers, type EnrolmentDialer } from "./asking.ts";
import { type Context, type Member, requireClock, trustedNowMs } from "./context.ts";
import type { EnrolmentDesk } from "./desk.ts";
import { requireOwn } from "./entering.ts";
import { OLD_KEYS_MS, RENEWAL_CHECK_MS, RENEWAL_SPREAD_MS } from "./limits.ts";
import type { EnrolmentAnswer } from "./messages.ts";

/** Whom to ask for a new credential. */
export interface RenewalWays {
  readonly desk: EnrolmentDesk;
  readonly dial: EnrolmentDialer;
  /** "host:port" of other members. */
  readonly members: readonly string[];
  readonly name: string;
}

/**
 * Whether the node's own credential is past half its life, or signed by an authority that was replaced. Never
 * while the clock isn't set.
 */
export function renewalDue({ clock }: Pick<Context, "clock">, { state }: Member): boolean {
  const { authority, claims: { notBeforeMs, notAfterMs } } = state.credential;
  const nowMs = trustedNowMs(clock);
  if (nowMs === null) return false;
  const replaced = !equalBytes(authority, authorityHash(state.chain.current));
  return replaced || nowMs >= (notBeforeMs + notAfterMs) / 2;
}

/** Whether the keys that must sign lie open on this node. */
async function signsAlone({ vault }: Context, { state }: Member): Promise<boolean> {
  const { current } = state.chain;
  const count = await vault.withKeys(current, null, (keys) => Promise.resolve(keys.length));
  return count >= current.threshold;
}

async function ask(
  context: Context,
  member: Member,
  keys: NodeKeys,
  { desk, dial, members, name }: RenewalWays,
  signal: AbortSignal,
): Promise<EnrolmentAnswer> {
  const { state } = member;
  const previous = encodeCredential(state.credential);
  const request = {
    trustDomain: state.trustDomain,
    keys: keys.publicKeys,
    wireguard: keys.wireguardPublic,
    tlsIntermediate: keys.tlsIntermediate,
    name,
    previous,
  };
  if (await signsAlone(context, member)) {
    const requestBytes = encodeEnrolmentRequest(request);
    return await desk.answer({ request, requestBytes, tokenId: null });
  }
  const what = {
    trustDomain: state.trustDomain,
    suite: keys.suite,
    pinned: authorityHash(state.chain.current),
    token: { tokenId: null, secret: state.meshPsk },
    keys,
    name,
    previous,
  };
  // A member without the authority's keys can only let the request wait: another may have them.
  let pending: EnrolmentAnswer | null = null;
  let failure: unknown = null;
  for (const address of members) {
    try {
      const asked = await askMembers(context, dial, [address], what, signal);
      await asked.confirm();
      if (asked.answer.kind !== "pending") return asked.answer;
      pending = asked.answer;
    } catch (thrown) {
      failure = thrown;
    }
  }
  if (pending !== null) return pending;
  throw failure ?? new IdentityError("no-answer", "Cannot renew: no other member is known");
}

/** A credential for these keys. @throws {IdentityError} "refused", "no-answer", … */
async function renewFor(
  context: Context,
  member: Member,
  keys: NodeKeys,
  ways: RenewalWays,
  signal: AbortSignal,
): Promise<"renewed" | "pending"> {
  const answer = await ask(context, member, keys, ways, signal);
  if (answer.kind === "pending") return "pending";
  if (answer.kind === "refused") throw new IdentityError(answer.code, answer.sentence);
  const credential = decodeCredential(answer.credential);
  requireOwn(credential, member.state.credential.nodeId, keys);
  await member.state.acceptCredential(credential);
  return "renewed";
}

/** Renews the credential of the keys in use. */
export function renewCredential(
  context: Context,
  member: Member,
  ways: RenewalWays,
  signal: AbortSignal,
): Promise<"renewed" | "pending"> {
  return renewFor(context, member, member.keys, ways, signal);
}

/**
 * Replaces the node's WireGuard and TLS keys. The identity stays. An interrupted rotation goes on where it
 * was when this is called again.
 *
 * @returns the new keys, or `null` while the request waits for approval.
 */
export async function rotateNodeKeys(
  context: Context,
  member: Member,
  ways: RenewalWays,
  signal: AbortSignal,
): Promise<NodeKeys | null> {
  const { clock, keyStore, audit } = context;
  const nowMs = requireClock(clock, "rotate this node's keys");
  const next = await keyStore.prepareNext();
  try {
    if (await renewFor(context, member, next, ways, signal) === "pending") {
      next.wipe();
      return null;
    }
  } catch (thrown) {
    next.wipe();
    throw thrown;
  }
  await keyStore.promote(nowMs + OLD_KEYS_MS);
  await audit.append("keys.rotated", "local", `node ${member.state.credential.nodeId}`, {
    generation: next.generation,
  });
  return next;
}

/** An hour, or less when `replaced` tells that the authority was replaced meanwhile. */
export async function pauseBeforeRenewal(
  { clock, random }: Context,
  replaced: AbortController,
  signal: AbortSignal,
): Promise<void> {
  await clock.sleep(RENEWAL_CHECK_MS, AbortSignal.any([signal, replaced.signal]));
  if (!replaced.signal.aborted) return;
  const [high = 0, low = 0] = random.bytes(2);
  await clock.sleep(RENEWAL_SPREAD_MS * (high * 256 + low) / 65_536, signal);
}
