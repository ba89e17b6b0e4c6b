// Verified credentials by hash, so that peers need not send them again and authority signatures are
// checked once. What may change is asked every time: validity in time and revocation.
import {
  type AuthoritySet,
  decodeCredential,
  IdentityError,
  requireInTime,
  type VerifiedCredential,
  verifyCredential,
} from "../identity/mod.ts";
import type { Random } from "../ports/mod.ts";
import { type Backend, type Bytes, hashOf } from "../pq/mod.ts";
import { MAX_CACHED_CREDENTIALS } from "./limits.ts";
import { CACHE_EPOCH_BYTES } from "./messages.ts";
import type { Party } from "./party.ts";

/** Bounded, the least recently used first to go; one credential a node. */
export class CredentialCache {
  readonly #random: Random;
  readonly #max: number;
  /** Hash in hex → credential, in the order of last use. */
  readonly #byHash = new Map<string, VerifiedCredential>();
  /** Node id → hash in hex. */
  readonly #hashOf = new Map<string, string>();
  /** Node id → serial of the newest credential the node proved, in the order of last proof. */
  readonly #serials = new Map<string, number>();
  /** Node id → epoch of the peer's cache that holds our credential. */
  readonly #delivered = new Map<string, Bytes>();
  #epoch: Bytes;

  constructor(random: Random, max: number = MAX_CACHED_CREDENTIALS) {
    this.#random = random;
    this.#max = max;
    this.#epoch = random.bytes(CACHE_EPOCH_BYTES);
  }

  /** Names this run of the cache to peers. */
  get epoch(): Bytes {
    return this.#epoch;
  }

  get size(): number {
    return this.#byHash.size;
  }

  /** The credential of that hash. */
  get(hash: Uint8Array): VerifiedCredential | undefined {
    const hex = hash.toHex();
    const found = this.#byHash.get(hex);
    if (found === undefined) return undefined;
    this.#byHash.delete(hex);
    this.#byHash.set(hex, found);
    return found;
  }

  /**
   * Keeps a credential in place of the same node's last. Only for one whose node just proved to hold its
   * keys: else any member could put another's old or undelivered credential in place of the one in use.
   */
  put(credential: VerifiedCredential): void {
    const { nodeId, claims } = credential;
    this.#serials.delete(nodeId);
    this.#serials.set(nodeId, claims.serial);
    if (this.#serials.size > this.#max) {
      const [first] = this.#serials.keys();
      if (first !== undefined) this.#serials.delete(first);
    }
    const hex = credential.hash.toHex();
    const last = this.#hashOf.get(nodeId);
    if (last !== undefined) this.#byHash.delete(last);
    this.#byHash.set(hex, credential);
    this.#hashOf.set(nodeId, hex);
    if (this.#byHash.size <= this.#max) return;
    const [oldest] = this.#byHash.values();
    if (oldest !== undefined) this.forget(oldest.nodeId);
  }

  /** Serial of the newest credential this node proved; `null` when it isn't remembered. */
  serialOf(nodeId: string): number | null {
    return this.#serials.get(nodeId) ?? null;
  }

  /** Whether this node's credential is here, so that its hash will do. */
  knows(nodeId: string): boolean {
    return this.#hashOf.has(nodeId);
  }

  /** Epoch of the peer's cache that holds our credential; `null` when none is known to. */
  deliveredTo(nodeId: string): Bytes | null {
    return this.#delivered.get(nodeId) ?? null;
  }

  /** A handshake with this peer completed, under this epoch of its cache. */
  delivered(nodeId: string, epoch: Bytes): void {
    if (this.#hashOf.has(nodeId)) this.#delivered.set(nodeId, epoch);
  }

  /** Forgets a peer's credential, not its serial: after a failure both ends send all again. */
  forget(nodeId: string): void {
    const hex = this.#hashOf.get(nodeId);
    if (hex !== undefined) this.#byHash.delete(hex);
    this.#hashOf.delete(nodeId);
    this.#delivered.delete(nodeId);
  }

  /** Begins anew, under another epoch: our own credential or the authority changed. */
  clear(): void {
    this.#byHash.clear();
    this.#hashOf.clear();
    this.#serials.clear();
    this.#delivered.clear();
    this.#epoch = this.#random.bytes(CACHE_EPOCH_BYTES);
  }
}

/** Whom a node believes. */
export interface Trust {
  readonly backend: Backend;
  /** The authority sets accepted now. Whoever changes them clears the cache. */
  sets(): readonly AuthoritySet[];
  /** Wall time; `null` when the clock is known to be wrong. */
  wallMs(): number | null;
  /** Whether the credential, or its node, was revoked. */
  revoked(credential: VerifiedCredential): boolean;
}

/** A party's `admit` over a cache, which it reads only: what it admits isn't proven yet. */
export function admission(trust: Trust, cache: CredentialCache): Party["admit"] {
  const judged = (credential: VerifiedCredential): VerifiedCredential => {
    const { nodeId, claims } = credential;
    if (trust.revoked(credential)) {
      throw new IdentityError("revoked", `Cannot accept node "${nodeId}": it is revoked`);
    }
    const newest = cache.serialOf(nodeId);
    if (newest !== null && claims.serial < newest) {
      throw new IdentityError(
        "rollback",
        `Cannot accept node "${nodeId}": it showed a newer credential before`,
      );
    }
    const nowMs = trust.wallMs();
    if (nowMs !== null) requireInTime(claims, nodeId, nowMs);
    return credential;
  };
  return async (presented) => {
    if ("hash" in presented) {
      const cached = cache.get(presented.hash);
      if (cached === undefined) {
        throw new IdentityError("malformed", "Cannot accept node: its credential is not cached");
      }
      return judged(cached);
    }
    const cached = cache.get(hashOf(presented.full));
    if (cached !== undefined) return judged(cached);
    const credential = decodeCredential(presented.full);
    const { backend } = trust;
    return judged(await verifyCredential(backend, trust.sets(), credential, trust.wallMs()));
  };
}
