// Which of a node's keys its credential is for.
import { IdentityError, type MeshState, type NodeKeys } from "../identity/mod.ts";
import { equalBytes } from "../pq/mod.ts";
import { type Context, trustedNowMs } from "./context.ts";

/**
 * The keys that the credential names: after a crash in a rotation they may be the next ones.
 *
 * @returns `null` when there are none. @throws {IdentityError} "wrong-node"
 */
export async function keysOf(
  { keyStore, clock }: Context,
  { credential: { claims } }: MeshState,
): Promise<NodeKeys | null> {
  const keys = await keyStore.current();
  if (keys === null || equalBytes(keys.wireguardPublic, claims.wireguard)) return keys;
  keys.wipe();
  const slots = await keyStore.slots();
  const next = slots?.next ?? null;
  if (next === null) {
    throw new IdentityError(
      "wrong-node",
      "Cannot use this node's keys: its credential is for others",
    );
  }
  const promoted = await keyStore.load(next);
  if (!equalBytes(promoted.wireguardPublic, claims.wireguard)) {
    promoted.wipe();
    throw new IdentityError(
      "wrong-node",
      "Cannot use this node's keys: its credential is for others",
    );
  }
  await keyStore.promote(trustedNowMs(clock) ?? 0);
  return promoted;
}
