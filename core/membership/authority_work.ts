// What the authority does to a mesh that exists: revoke nodes, replace its own keys.
import {
  authorityHash,
  type AuthoritySet,
  CREDENTIAL_LIFETIME_MS,
  decodeClaims,
  decodeRevocationList,
  encodeRevocationList,
  formatNodeId,
  IdentityError,
  issueCredential,
  MAX_AUTHORITY_KEYS,
  nextRevocations,
  nodeIdOf,
  type NodePublicKeys,
  nodeSpiffeId,
  parseNodeId,
  parseSpiffeId,
  requireSound,
  type Revocation,
  revocationOf,
  ROTATION_GRACE_MS,
  signRevocations,
  signRotation,
} from "../identity/mod.ts";
import { type Context, type Member, newId, requireClock, trustedNowMs } from "./context.ts";
import { MAX_ROWS } from "./limits.ts";
import type { SigningRequest } from "./ports.ts";
import { isComplete, signRequest } from "./requests.ts";

/** Node id out of "spiffe://mesh/node/id" or the id itself. @throws {IdentityError} */
export function nodeIdFrom(text: string, trustDomain: string): string {
  if (!text.startsWith("spiffe://")) return formatNodeId(parseNodeId(text));
  const { trustDomain: mesh, path } = parseSpiffeId(text);
  const id = /^\/node\/([a-z2-7]{16})$/.exec(path)?.[1];
  if (mesh !== trustDomain) {
    throw new IdentityError("wrong-mesh", `Cannot use "${text}": this mesh is "${trustDomain}"`);
  }
  if (id === undefined) throw new IdentityError("malformed", `Cannot use "${text}": it is no node`);
  return id;
}

/** Keys of a node, if this member ever saw its request. */
function keysOf({ tables }: Context, nodeId: string): NodePublicKeys | null {
  const request = tables.requests.list(MAX_ROWS).find((one) =>
    one.kind === "credential" && one.nodeId === nodeId
  );
  return request === undefined ? null : decodeClaims(request.body).keys;
}

function entryOf(context: Context, { state }: Member, nodeId: string, nowMs: number): Revocation {
  const own = formatNodeId(nodeIdOf(state.credential.claims.keys));
  if (nodeId === own) {
    throw new IdentityError("refused", "Cannot revoke this node itself: do it from another member");
  }
  const keys = keysOf(context, nodeId);
  if (keys !== null) return revocationOf(state.trustDomain, keys, nowMs);
  // Its keys were never seen here. The node id is their hash, so naming it is enough for this identity;
  // zeroes stand for the keys and are nobody's hash.
  const none = new Uint8Array(48);
  const spiffeId = nodeSpiffeId(state.trustDomain, nodeId);
  return { spiffeId, postQuantum: none, ed25519: none, atMs: nowMs };
}

/**
 * Asks the authority to revoke a node, and does it where its keys are here.
 *
 * @returns the request: "granted" when the node is out, "pending" when further keys must sign.
 */
export async function revokeNode(
  context: Context,
  member: Member,
  node: string,
  passphrase: string | null,
): Promise<SigningRequest> {
  const { state } = member;
  state.requireComplete();
  const nodeId = nodeIdFrom(node, state.trustDomain);
  const nowMs = requireClock(context.clock, "revoke a node");
  const list = nextRevocations(
    state.revocations.list,
    [entryOf(context, member, nodeId, nowMs)],
  );
  if (list.entries.length === state.revocations.list.entries.length) {
    throw new IdentityError("revoked", `Cannot revoke "${nodeId}": it is revoked already`);
  }
  const request: SigningRequest = {
    id: newId(context),
    kind: "revocations",
    state: "pending",
    createdMs: nowMs,
    name: "",
    nodeId,
    tokenId: null,
    approved: true,
    body: encodeRevocationList(list),
    authority: authorityHash(state.chain.current),
    signatures: [],
  };
  return await signRevocation(context, member, request, passphrase);
}

/** Adds this node's signatures to a revocation and puts it in force once enough keys signed. */
export async function signRevocation(
  context: Context,
  member: Member,
  request: SigningRequest,
  passphrase: string | null,
): Promise<SigningRequest> {
  const set = member.state.chain.current;
  const signed = await context.vault.withKeys(
    set,
    passphrase,
    (keys) => signRequest(set, keys, request),
  );
  context.tables.requests.put(signed);
  return await settleRevocation(context, member, signed);
}

/** Puts a revocation in force if enough keys signed it. */
export async function settleRevocation(
  context: Context,
  { state }: Member,
  request: SigningRequest,
): Promise<SigningRequest> {
  if (request.kind !== "revocations" || request.state !== "pending") return request;
  if (!await isComplete(context.backend, state.chain.current, request)) return request;
  const list = decodeRevocationList(request.body);
  await state.acceptRevocations(
    { list, signatures: request.signatures },
    trustedNowMs(context.clock),
  );
  const granted: SigningRequest = { ...request, state: "granted" };
  context.tables.requests.put(granted);
  await context.audit.append(
    "node.revoked",
    state.credential.spiffeId,
    nodeSpiffeId(state.trustDomain, request.nodeId),
    { version: list.version },
  );
  return granted;
}

/** How the authority is replaced. */
export interface RotateOptions {
  readonly keys: number;
  readonly threshold: number;
  /** Opens the keys there are, where they are sealed. */
  readonly passphrase: string | null;
  /** Seals the new ones; `null` leaves them open. */
  readonly newPassphrase: string | null;
  /** How long what the old set signed is good still; 0 ends it at once. */
  readonly graceMs?: number;
}

/**
 * Replaces the authority's keys by new ones. Takes the threshold of the old keys on this node.
 *
 * @throws {IdentityError} "no-authority" when too few are here; nothing was changed then.
 */
export async function rotateAuthority(
  context: Context,
  { state }: Member,
  options: RotateOptions,
): Promise<AuthoritySet> {
  state.requireComplete();
  const { keys: count, threshold, passphrase, newPassphrase } = options;
  if (count < 1 || count > MAX_AUTHORITY_KEYS || threshold < 1 || threshold > count) {
    throw new IdentityError("malformed", `Cannot make an authority of ${threshold} of ${count}`);
  }
  const nowMs = requireClock(context.clock, "rotate the authority");
  const untilMs = nowMs + (options.graceMs ?? ROTATION_GRACE_MS);
  const { current } = state.chain;
  return await context.vault.withKeys(current, passphrase, async (old) => {
    if (old.length < current.threshold) {
      throw new IdentityError(
        "no-authority",
        `Cannot rotate the authority: ${old.length} of the ${current.threshold} keys that must ` +
          `sign are at hand`,
      );
    }
    const head = { ...current, version: current.version + 1, threshold };
    const young = await context.vault.create(head, count, newPassphrase);
    const next: AuthoritySet = {
      ...head,
      keys: young.map(({ postQuantum, ed25519 }) => ({
        postQuantum: postQuantum.publicKey,
        ed25519: ed25519.publicKey,
      })),
    };
    requireSound(next);
    const sign = (set: AuthoritySet, keys: typeof young) =>
      Promise.all(
        keys.slice(0, set.threshold).map((key) => signRotation(set, key, current, next, untilMs)),
      );
    await state.acceptRotation({
      next,
      previousUntilMs: untilMs,
      byCurrent: await sign(current, old),
      byNext: await sign(next, young),
    });
    // Under the new keys, so that who joins later can check it.
    const list = nextRevocations(state.revocations.list, []);
    const signed = await signRevocations(next, young.slice(0, threshold), list);
    await state.acceptRevocations(signed, nowMs);
    // This node's own credential too, while the new keys are open.
    const { claims } = state.credential;
    await state.acceptCredential(
      await issueCredential(next, young.slice(0, threshold), {
        ...claims,
        serial: Math.max(nowMs, claims.serial + 1),
        notBeforeMs: nowMs,
        notAfterMs: nowMs + CREDENTIAL_LIFETIME_MS,
      }),
    );
    await context.audit.append(
      "authority.rotated",
      state.credential.spiffeId,
      `mesh ${state.trustDomain}`,
      { version: next.version, keys: count, threshold, previousUntilMs: untilMs },
    );
    for (const { postQuantum, ed25519 } of young) {
      postQuantum.wipe();
      ed25519.wipe();
    }
    return next;
  });
}
