// What a node knows of its membership, for people and pages. Nothing here is secret.
import {
  authorityHash,
  formatNodeId,
  nodeIdOf,
  overlayAddress,
  overlayPrefix,
  parseNodeId,
  type SeenVersions,
  type SuiteName,
} from "../identity/mod.ts";
import type { Context, Member } from "./context.ts";
import { trustedNowMs } from "./context.ts";
import { MAX_ROWS } from "./limits.ts";
import type { SigningRequest } from "./ports.ts";

/** A join that isn't through. */
export interface JoinStatus {
  readonly mesh: string;
  /** "waiting": a person has to approve; "asking": no member has answered yet. */
  readonly state: "asking" | "waiting";
  readonly requestId: string | null;
  readonly lastError: string | null;
}

/** A node in a mesh. */
export interface MemberStatus {
  readonly mesh: string;
  readonly suite: SuiteName;
  readonly nodeId: string;
  readonly spiffeId: string;
  readonly overlayAddress: string;
  readonly overlayPrefix: string;
  readonly roles: readonly string[];
  /** This node itself is on the list of revoked ones. */
  readonly revoked: boolean;
  readonly credential: {
    readonly serial: number;
    readonly notBeforeMs: number;
    readonly notAfterMs: number;
    /** `null` while the clock isn't set: then time is not judged. */
    readonly state: "valid" | "expired" | "not-yet-valid" | null;
  };
  readonly keysGeneration: number;
  readonly authority: {
    readonly version: number;
    readonly keys: number;
    readonly threshold: number;
    /** SHA-384 of the set, hexadecimal: what invites pin. */
    readonly hash: string;
    /** Until when what the last set signed is good; `null` when it isn't any more. */
    readonly lastUntilMs: number | null;
    /** Key files on this node; sealed ones need their passphrase. */
    readonly here: { readonly open: number; readonly sealed: number };
  };
  readonly revocations: { readonly version: number; readonly count: number };
  /** Newer state was seen than is here: this node's files come from an old back-up. */
  readonly missing: SeenVersions | null;
  readonly pendingRequests: number;
}

/** The whole answer. */
export interface MembershipStatus {
  readonly member: MemberStatus | null;
  readonly join: JoinStatus | null;
  /** Why there is no membership although there is one on the disk; `null` when all is well. */
  readonly problem: string | null;
}

function validity(nowMs: number | null, claims: { notBeforeMs: number; notAfterMs: number }) {
  if (nowMs === null) return null;
  if (nowMs > claims.notAfterMs) return "expired";
  return nowMs < claims.notBeforeMs ? "not-yet-valid" : "valid";
}

/** Gathers it. */
export async function memberStatus(context: Context, member: Member): Promise<MemberStatus> {
  const { state, keys } = member;
  const { claims, spiffeId } = state.credential;
  const nowMs = trustedNowMs(context.clock);
  const nodeId = formatNodeId(nodeIdOf(keys.publicKeys));
  const { current, last } = state.chain;
  const entries = await context.vault.entries();
  const { meshHash } = state;
  return {
    mesh: state.trustDomain,
    suite: current.suite,
    nodeId,
    spiffeId,
    overlayAddress: overlayAddress(meshHash, parseNodeId(nodeId)),
    overlayPrefix: overlayPrefix(meshHash),
    roles: claims.roles,
    revoked: state.revoked(claims),
    credential: {
      serial: claims.serial,
      notBeforeMs: claims.notBeforeMs,
      notAfterMs: claims.notAfterMs,
      state: validity(nowMs, claims),
    },
    keysGeneration: keys.generation,
    authority: {
      version: current.version,
      keys: current.keys.length,
      threshold: current.threshold,
      hash: authorityHash(current).toHex(),
      lastUntilMs: last !== null && (nowMs === null || nowMs <= last.untilMs) ? last.untilMs : null,
      here: {
        open: entries.filter(({ sealed }) => !sealed).length,
        sealed: entries.filter(({ sealed }) => sealed).length,
      },
    },
    revocations: {
      version: state.revocations.list.version,
      count: state.revocations.list.entries.length,
    },
    missing: state.missing,
    pendingRequests: context.tables.requests.list(MAX_ROWS).filter((one) => one.state === "pending")
      .length,
  };
}

/** A request as it is shown; its name is the node's own word and not to be trusted. */
export interface RequestView extends Omit<SigningRequest, "body" | "authority" | "signatures"> {
  /** How many there are. */
  readonly signatures: number;
}

/** Without the statement's octets. */
export function viewOf(request: SigningRequest): RequestView {
  const { id, kind, state, createdMs, name, nodeId, approved, signatures, tokenId } = request;
  return {
    id,
    kind,
    state,
    createdMs,
    name,
    nodeId,
    approved,
    signatures: signatures.length,
    tokenId,
  };
}
