// Members as far as their credentials were seen here: who they are, which roles they have, where the overlay
// has them. For the policy's filter and its questions; nothing is believed that wasn't verified before.
import {
  overlayAddress,
  parseNodeId,
  requireInTime,
  type VerifiedCredential,
} from "../identity/mod.ts";
import { type Membership, trustedNowMs } from "../membership/mod.ts";
import type { OverlayMember } from "../policy/mod.ts";
import { MAX_DIRECTORY } from "./limits.ts";

/** Credentials by node, the newest of each. */
export class Directory {
  readonly #membership: Membership;
  readonly #changed: () => void;
  readonly #byNode = new Map<string, VerifiedCredential>();

  /** @param changed told when a node came, went, or has other roles. */
  constructor(membership: Membership, changed: () => void) {
    this.#membership = membership;
    this.#changed = changed;
  }

  /** Remembers a credential that was verified. */
  saw(credential: VerifiedCredential): void {
    const { nodeId, claims } = credential;
    const held = this.#byNode.get(nodeId);
    if (held !== undefined && held.claims.serial >= claims.serial) return;
    this.#byNode.delete(nodeId);
    this.#byNode.set(nodeId, credential);
    const [oldest] = this.#byNode.keys();
    if (this.#byNode.size > MAX_DIRECTORY && oldest !== undefined) this.#byNode.delete(oldest);
    const same = held !== undefined &&
      held.claims.roles.join("\n") === claims.roles.join("\n");
    if (!same) this.#changed();
  }

  /** Forgets who was revoked or ran out. */
  prune(): void {
    const before = this.#byNode.size;
    for (const [nodeId, credential] of this.#byNode) {
      if (!this.#counts(credential)) this.#byNode.delete(nodeId);
    }
    if (this.#byNode.size !== before) this.#changed();
  }

  #counts({ claims, nodeId }: VerifiedCredential): boolean {
    const { member, context } = this.#membership;
    if (member === null || member.state.revoked(claims)) return false;
    const nowMs = trustedNowMs(context.clock);
    if (nowMs === null) return true;
    try {
      requireInTime(claims, nodeId, nowMs);
      return true;
    } catch {
      return false;
    }
  }

  /** A node's credential, if it counts. */
  get(nodeId: string): VerifiedCredential | null {
    const credential = this.#byNode.get(nodeId);
    return credential !== undefined && this.#counts(credential) ? credential : null;
  }

  /** Everybody who counts, as the policy knows them. */
  members(): readonly OverlayMember[] {
    const { member } = this.#membership;
    if (member === null) return [];
    const { meshHash } = member.state;
    return [...this.#byNode.values()].filter((one) => this.#counts(one)).map((
      { spiffeId, nodeId, claims },
    ) => ({
      spiffeId,
      roles: claims.roles,
      address: overlayAddress(meshHash, parseNodeId(nodeId)),
    }));
  }
}
