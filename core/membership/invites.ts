// Invites of a member: made, listed, withdrawn.
import {
  encodeInvite,
  IdentityError,
  MAX_INVITE_ADDRESSES,
  TOKEN_ID_BYTES,
} from "../identity/mod.ts";
import { type Context, type Member, requireClock } from "./context.ts";
import { DEFAULT_INVITE_MS, DEFAULT_TRIES, MAX_INVITE_MS, MAX_ROWS } from "./limits.ts";
import type { TokenRecord } from "./ports.ts";
import { requireRoles, tokenSecret } from "./token.ts";

/** How an invite is to be. */
export interface InviteOptions {
  /** Roles of the node that comes with it; "node" when empty. */
  readonly roles?: readonly string[];
  readonly lifetimeMs?: number;
  readonly maxTries?: number;
  /** Whether nobody needs to approve; takes effect where authority keys lie open on this node. */
  readonly autoApprove?: boolean;
  /** "host:port" of this member; those it finds itself when left out. */
  readonly addresses?: readonly string[];
}

/** An invite and its record. The text is a secret: who has it can enrol one node. */
export interface MadeInvite {
  readonly text: string;
  readonly record: TokenRecord;
  readonly addresses: readonly string[];
}

function requireSoundOptions({ lifetimeMs, maxTries, roles = [] }: InviteOptions): void {
  requireRoles(roles);
  if (lifetimeMs !== undefined && !(lifetimeMs >= 60_000 && lifetimeMs <= MAX_INVITE_MS)) {
    throw new IdentityError("malformed", "Cannot make an invite: its life is 1 minute to 30 days");
  }
  if (maxTries !== undefined && !(Number.isInteger(maxTries) && maxTries >= 1 && maxTries <= 100)) {
    throw new IdentityError("malformed", "Cannot make an invite: its tries are 1 to 100");
  }
}

/** Makes an invite. @throws {IdentityError} "no-answer" when nobody could reach this member with it. */
export async function makeInvite(
  context: Context,
  { keys, state }: Member,
  options: InviteOptions,
  found: readonly string[],
): Promise<MadeInvite> {
  requireSoundOptions(options);
  state.requireComplete();
  const nowMs = requireClock(context.clock, "make an invite");
  const addresses = (options.addresses ?? found).slice(0, MAX_INVITE_ADDRESSES);
  if (addresses.length === 0) {
    throw new IdentityError(
      "no-answer",
      "Cannot make an invite: this node has no address that another could reach; name one",
    );
  }
  const { random, tables, audit } = context;
  const tokenId = random.bytes(TOKEN_ID_BYTES);
  const inviteKey = keys.derive("invites", 32);
  const record: TokenRecord = {
    id: tokenId.toHex(),
    createdMs: nowMs,
    expiresMs: nowMs + (options.lifetimeMs ?? DEFAULT_INVITE_MS),
    authority: state.credential.authority.toHex(),
    roles: options.roles ?? [],
    autoApprove: options.autoApprove ?? false,
    tries: 0,
    maxTries: options.maxTries ?? DEFAULT_TRIES,
    nodeId: null,
    usedMs: null,
    cancelledMs: null,
  };
  const text = encodeInvite({
    trustDomain: state.trustDomain,
    suite: state.chain.current.suite,
    // The set that signed this node's credential: right after a rotation that is the last one still.
    authority: state.credential.authority,
    tokenId,
    tokenSecret: tokenSecret(inviteKey, tokenId),
    expiresMs: record.expiresMs,
    addresses,
  });
  inviteKey.fill(0);
  tables.tokens.put(record);
  await audit.append("invite.made", "local", `invite ${record.id}`, {
    roles: record.roles.join(" "),
    autoApprove: record.autoApprove,
    expires: new Date(record.expiresMs).toISOString(),
  });
  return { text, record, addresses };
}

/** Withdraws an invite that nobody used. @throws {IdentityError} "missing", "token-used" */
export async function cancelInvite(context: Context, id: string): Promise<TokenRecord> {
  const { tables: { tokens }, clock, audit } = context;
  const record = tokens.get(id);
  if (record === null) {
    throw new IdentityError("missing", `Cannot find invite "${id.slice(0, 40)}"`);
  }
  if (record.nodeId !== null) {
    throw new IdentityError(
      "token-used",
      `Cannot withdraw invite "${id}": node "${record.nodeId}" used it; revoke the node instead`,
    );
  }
  const after = { ...record, cancelledMs: record.cancelledMs ?? Math.round(clock.wallMs()) };
  tokens.put(after);
  await audit.append("invite.cancelled", "local", `invite ${id}`);
  return after;
}

/** Newest first. */
export function listInvites({ tables }: Context): readonly TokenRecord[] {
  return tables.tokens.list(MAX_ROWS);
}
