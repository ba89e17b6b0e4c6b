import type { Random } from "../ports/mod.ts";
import type { VerifiedCredential } from "../identity/mod.ts";
import type { Backend, Bytes, Signer, Suite } from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";

/** What a node brings to its handshakes. Keys belong to the caller, who wipes them. */
export interface Party {
  readonly backend: Backend;
  readonly random: Random;
  readonly suite: Suite;
  /** Shared by all members of the mesh; a second line, not the first. 32 octets. */
  readonly meshPsk: Bytes;
  readonly credential: VerifiedCredential;
  /** The same, encoded. */
  readonly credentialBytes: Bytes;
  readonly postQuantum: Signer;
  readonly ed25519: Signer;
  /** Random octets, new whenever the credential cache begins empty. */
  readonly cacheEpoch: Bytes;
  /**
   * Whether this node believes in a credential: signatures, time, revocation, expectation.
   *
   * @throws {IdentityError}
   */
  admit(
    presented: { readonly full: Bytes } | { readonly hash: Bytes },
  ): Promise<VerifiedCredential>;
}

/** What a completed handshake gives to both ends. */
export interface Outcome {
  readonly peer: VerifiedCredential;
  /** WireGuard preshared key, 32 octets; the receiver wipes it. */
  readonly psk: Bytes;
  /** Names the peer's credential cache, to know whether a hash will do next time. */
  readonly peerCacheEpoch: Bytes;
  /** Key material for another use, bound to this handshake. */
  exportKey(label: string, length: number): Bytes;
  /** Overwrites the master secret; exportKey throws from then on. */
  wipe(): void;
}

/** The party, which admits one peer only. */
export function expecting(party: Party, nodeId: string): Party {
  return {
    ...party,
    async admit(presented) {
      const credential = await party.admit(presented);
      // Our own identity gets its own code further on.
      if (credential.nodeId !== nodeId && credential.nodeId !== party.credential.nodeId) {
        throw new HandshakeError(
          "unexpected-peer",
          `Cannot accept peer "${credential.nodeId}": "${nodeId}" was dialled`,
        );
      }
      return credential;
    },
  };
}
