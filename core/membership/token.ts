// Tokens of invites. A token's secret is not stored anywhere: it follows from a secret of the member that
// made it and the token's id. So a stolen database lets nobody in, and a member can answer the holder of
// any token it ever made, be it only to say that it is used up.
import { IdentityError, type IdentityErrorCode, TOKEN_SECRET_BYTES } from "../identity/mod.ts";
import { type Bytes, hmac } from "../pq/mod.ts";
import type { TokenRecord } from "./ports.ts";

/** Secret of a token. @param key the member's, from NodeKeys.derive("invites"). */
export function tokenSecret(key: Uint8Array, id: Uint8Array): Bytes {
  return hmac(key, id).slice(0, TOKEN_SECRET_BYTES);
}

/** Why a token lets this node in no longer, or `null` when it does. */
export type TokenRefusal = { readonly code: IdentityErrorCode; readonly sentence: string } | null;

/**
 * Judges a token for a node.
 *
 * @param nowMs `null` when the clock is not set: then no token is good, since none can be seen to expire.
 */
export function judgeToken(
  record: TokenRecord | null,
  nodeId: string,
  nowMs: number | null,
): TokenRefusal {
  const refuse = (code: IdentityErrorCode, why: string) => ({
    code,
    sentence: `Cannot accept this invite: ${why}`,
  });
  if (record === null) {
    return refuse("token-unknown", "the member has no record of it; ask for a new one");
  }
  if (record.cancelledMs !== null) return refuse("token-used", "it was withdrawn");
  if (record.nodeId !== null && record.nodeId !== nodeId) {
    return refuse("token-used", "another node used it; if that was not you, have it revoked");
  }
  // A node whose enrolment broke off may come again, also a little late.
  if (record.nodeId === nodeId) return null;
  if (nowMs === null) {
    return refuse("token-expired", "the member's clock is not set, so it cannot tell its age");
  }
  if (nowMs > record.expiresMs) return refuse("token-expired", "it expired; ask for a new one");
  if (record.tries >= record.maxTries) {
    return refuse("token-exhausted", `it was tried ${record.tries} times; ask for a new one`);
  }
  return null;
}

/** @throws {IdentityError} unless a lifetime, tries and roles make sense. */
export function requireRoles(roles: readonly string[]): void {
  const wrong = roles.find((role) => !/^[a-z0-9][a-z0-9-]{0,63}$/.test(role));
  if (wrong !== undefined || roles.length > 16) {
    const why = wrong === undefined ? "there are more than 16" : `"${wrong.slice(0, 80)}" is none`;
    throw new IdentityError("malformed", `Cannot use these roles: ${why}`);
  }
}
