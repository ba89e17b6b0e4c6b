// What the authority says, as documents that the fabric keeps equal on all members: its own chain first,
// then who is revoked, then the policy, so that each is checked by what came before.
import { messageOf } from "../base/mod.ts";
import type { Document } from "../fabric/mod.ts";
import { IdentityError } from "../identity/mod.ts";
import type { Membership } from "../membership/mod.ts";
import { decodePolicy, PolicyError } from "../policy/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import type { PolicyDesk } from "./policy_desk.ts";

/** Names of the documents on the fabric. */
export const DOCUMENTS = Object.freeze({
  authority: "authority",
  revocations: "revocations",
  policy: "policy",
});

const NONE = new Uint8Array(0);

/** Turns what a feature throws about bad octets into a verdict. */
async function judged(
  accept: () => Promise<boolean>,
  log: (message: string) => void,
): Promise<"newer" | "same" | "refused"> {
  try {
    return await accept() ? "newer" : "same";
  } catch (thrown) {
    if (!(thrown instanceof IdentityError || thrown instanceof PolicyError)) throw thrown;
    log(`A document from another member was refused: ${messageOf(thrown)}`);
    return "refused";
  }
}

/** The documents of a member. */
export function meshDocuments(
  membership: Membership,
  policy: PolicyDesk,
  log: (message: string) => void,
): readonly Document[] {
  const state = () => membership.member?.state ?? null;
  return [
    {
      name: DOCUMENTS.authority,
      version: () => state()?.chain.current.version ?? 0,
      current: () => state() === null ? NONE : membership.documents.chain,
      offer: (bytes: Bytes) => judged(() => membership.acceptChain(bytes), log),
    },
    {
      name: DOCUMENTS.revocations,
      version: () => state()?.revocations.list.version ?? 0,
      current: () => state() === null ? NONE : membership.documents.revocations,
      offer: (bytes: Bytes) => judged(() => membership.acceptRevocations(bytes), log),
    },
    {
      name: DOCUMENTS.policy,
      version: () => policy.rank,
      current: () => policy.document ?? NONE,
      offer: (bytes: Bytes, from) =>
        judged(() => policy.offered(decodePolicy(bytes), `member ${from}`), log),
    },
  ];
}
