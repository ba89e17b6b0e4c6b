// From an invite to a member: what a joiner makes of the answer it got.
import {
  acceptedSets,
  acceptRevocations,
  decodeChain,
  decodeCredential,
  decodeInvite,
  decodeRevocations,
  formatNodeId,
  IdentityError,
  type Invite,
  MeshState,
  nodeIdOf,
  type NodeKeys,
  noRevocations,
  readSecretFile,
  verifyChain,
  verifyCredential,
} from "../identity/mod.ts";
import { type Bytes, equalBytes } from "../pq/mod.ts";
import { type Context, type Member, trustedNowMs } from "./context.ts";
import type { Attempt } from "./joiner.ts";
import type { EnrolmentAnswer } from "./messages.ts";

/** An answer that lets in. */
export type Grant = Extract<EnrolmentAnswer, { kind: "granted" }>;

/** Where the invite waits whose request nobody has approved yet. */
const pendingPath = ({ directory }: Context) => `${directory}/join.invite`;

/** The invite of a request that waits, from before a restart; `null` when none does. */
export async function readPending(context: Context): Promise<Invite | null> {
  const text = await readSecretFile(context.files, pendingPath(context));
  return text === null ? null : decodeInvite(text);
}

/** Keeps an invite until its request is decided; it is a secret. */
export async function keepPending(context: Context, text: string): Promise<void> {
  await context.files.writeAtomic(pendingPath(context), `${text.trim()}\n`, 0o600);
}

/** Forgets the invite: it was used, refused or withdrawn. */
export async function dropPending(context: Context): Promise<void> {
  await context.files.remove(pendingPath(context));
}

/** What a joiner asks with. */
export function attemptOf(invite: Invite, keys: NodeKeys, name: string): Attempt {
  return {
    trustDomain: invite.trustDomain,
    suite: invite.suite,
    pinned: invite.authority,
    token: { tokenId: invite.tokenId, secret: invite.tokenSecret },
    keys,
    name,
    previous: new Uint8Array(0),
  };
}

/** Whether a credential is for these keys, all of them. @throws {IdentityError} "wrong-node" */
export function requireOwn(
  credential: { readonly claims: { readonly wireguard: Bytes; readonly tlsIntermediate: Bytes } },
  nodeId: string,
  keys: NodeKeys,
): void {
  const { wireguard, tlsIntermediate } = credential.claims;
  const own = nodeId === formatNodeId(nodeIdOf(keys.publicKeys)) &&
    equalBytes(wireguard, keys.wireguardPublic) &&
    equalBytes(tlsIntermediate, keys.tlsIntermediate);
  if (own) return;
  throw new IdentityError("wrong-node", "Cannot use this credential: it is for other keys");
}

/** Takes what a member granted, checked from the pinned authority on. @throws {IdentityError} */
export async function enterMesh(
  context: Context,
  { trustDomain, pinned, keys }: Attempt,
  grant: Grant,
): Promise<Member> {
  const { backend, clock, stateOptions, audit } = context;
  const nowMs = trustedNowMs(clock);
  const chain = await verifyChain(backend, decodeChain(grant.chain), pinned);
  if (chain.first.trustDomain !== trustDomain) {
    throw new IdentityError("wrong-mesh", `Cannot join "${trustDomain}": the answer is another's`);
  }
  const sets = acceptedSets(chain, nowMs);
  const credential = decodeCredential(grant.credential);
  const verified = await verifyCredential(backend, sets, credential, nowMs);
  requireOwn(verified, verified.nodeId, keys);
  const none = noRevocations(trustDomain);
  const offered = decodeRevocations(grant.revocations);
  const revocations = offered.list.version === 0
    ? none
    : await acceptRevocations(backend, sets, none, offered);
  const { first, rotations } = chain;
  const state = await MeshState.create(stateOptions, {
    chain: { first, rotations },
    credential,
    revocations,
    meshPsk: grant.meshPsk,
  });
  await audit.append("mesh.joined", "local", `mesh ${trustDomain}`, { node: verified.nodeId });
  return { keys, state };
}
