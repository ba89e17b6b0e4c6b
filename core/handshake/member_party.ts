// This node as a party to handshakes, and whom it believes, from its keys and its state of the mesh.

import {
  acceptedSets,
  EARLIEST_SANE_MS,
  encodeCredential,
  IdentityError,
  type MeshState,
  type NodeKeys,
  requireInTime,
  type VerifiedCredential,
} from "../identity/mod.ts";
import type { Clock, Random } from "../ports/mod.ts";
import { type Backend, type Bytes, SUITES } from "../pq/mod.ts";
import { admission, CredentialCache, type Trust } from "./credential_cache.ts";
import { MAX_CUT } from "./limits.ts";
import type { Party } from "./party.ts";

/** What it needs of a node's keys. */
export type PartyKeys = Pick<
  NodeKeys,
  "suite" | "postQuantum" | "ed25519" | "wireguardPrivate" | "wireguardPublic"
>;

/** What it needs of the mesh's state. */
export type PartyState = Pick<
  MeshState,
  "meshHash" | "chain" | "credential" | "meshPsk" | "revoked" | "requireComplete"
>;

/** What it takes. */
export interface MemberPartyPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly backend: Backend;
  readonly keys: PartyKeys;
  readonly state: PartyState;
}

/** A member with a credential cache of its own. */
export class MemberParty {
  readonly #ports: MemberPartyPorts;
  #keys: PartyKeys;
  /** Nodes that were cut off here, whatever the state says by now. */
  readonly #cut = new Set<string>();
  #own: { readonly credential: VerifiedCredential; readonly bytes: Bytes } | null = null;
  readonly cache: CredentialCache;
  readonly #admit: Party["admit"];

  constructor(ports: MemberPartyPorts) {
    this.#ports = ports;
    this.#keys = ports.keys;
    this.cache = new CredentialCache(ports.random);
    const trust: Trust = {
      backend: ports.backend,
      sets: () => acceptedSets(ports.state.chain, this.#wallMs()),
      wallMs: () => this.#wallMs(),
      revoked: (credential) => this.#isOut(credential),
    };
    this.#admit = admission(trust, this.cache);
  }

  get keys(): PartyKeys {
    return this.#keys;
  }

  /** This node as of now. @param seen told of each credential that a peer presents and is admitted. */
  party(seen?: (credential: VerifiedCredential) => void): Party {
    const { backend, random, state } = this.#ports;
    const { credential } = state;
    if (this.#own?.credential !== credential) {
      this.#own = { credential, bytes: encodeCredential(credential) };
    }
    const { suite, postQuantum, ed25519 } = this.#keys;
    return {
      backend,
      random,
      suite: SUITES[suite],
      meshPsk: state.meshPsk,
      credential,
      credentialBytes: this.#own.bytes,
      postQuantum,
      ed25519,
      cacheEpoch: this.cache.epoch,
      admit: async (presented) => {
        const admitted = await this.#admit(presented);
        seen?.(admitted);
        return admitted;
      },
    };
  }

  /** Whether a peer that was admitted once still would be: nothing of it is remembered wrongly. */
  believes(credential: VerifiedCredential): boolean {
    try {
      if (this.#isOut(credential)) return false;
      const nowMs = this.#wallMs();
      if (nowMs !== null) requireInTime(credential.claims, credential.nodeId, nowMs);
      return true;
    } catch (error) {
      if (error instanceof IdentityError) return false;
      throw error;
    }
  }

  /** Whether this node was cut off. */
  isCut(nodeId: string): boolean {
    return this.#cut.has(nodeId);
  }

  /** A node is out from now on. */
  cut(nodeId: string): void {
    this.#cut.add(nodeId);
    const [oldest] = this.#cut;
    if (this.#cut.size > MAX_CUT && oldest !== undefined) this.#cut.delete(oldest);
    this.cache.forget(nodeId);
  }

  /** The node's own credential, its keys or the authority changed: nothing cached counts any more. */
  changed(keys?: PartyKeys): void {
    if (keys !== undefined) this.#keys = keys;
    this.cache.clear();
  }

  #isOut({ nodeId, claims }: VerifiedCredential): boolean {
    const { state } = this.#ports;
    state.requireComplete();
    return this.#cut.has(nodeId) || state.revoked(claims);
  }

  /** `null` while the clock was not set. */
  #wallMs(): number | null {
    const nowMs = this.#ports.clock.wallMs();
    return nowMs < EARLIEST_SANE_MS ? null : nowMs;
  }
}
