// This node as a party to handshakes of the fabric, and whom it believes, out of its membership.
import { admission, CredentialCache, type Party } from "../handshake/mod.ts";
import {
  acceptedSets,
  encodeCredential,
  IdentityError,
  suiteOf,
  type VerifiedCredential,
} from "../identity/mod.ts";
import { type Member, type Membership, trustedNowMs } from "../membership/mod.ts";
import type { Bytes } from "../pq/mod.ts";

/** A member's party over a cache of its own. */
export class OwnParty {
  readonly #membership: Membership;
  readonly #seen: (credential: VerifiedCredential) => void;
  readonly cache: CredentialCache;
  readonly #admit: Party["admit"];
  #own: { readonly credential: VerifiedCredential; readonly bytes: Bytes } | null = null;

  /** @param seen told of each credential that a peer showed and that was admitted. */
  constructor(membership: Membership, seen: (credential: VerifiedCredential) => void) {
    this.#membership = membership;
    this.#seen = seen;
    const { random, backend, clock } = membership.context;
    this.cache = new CredentialCache(random);
    const wallMs = () => trustedNowMs(clock);
    this.#admit = admission({
      backend,
      sets: () => acceptedSets(this.#member.state.chain, wallMs()),
      wallMs,
      revoked: ({ claims }) => {
        const { state } = this.#member;
        // While revocations are missing nobody can be told to be none of them.
        state.requireComplete();
        return state.revoked(claims);
      },
    }, this.cache);
  }

  get #member(): Member {
    const { member } = this.#membership;
    if (member === null) throw new IdentityError("not-enrolled", "Cannot do this: in no mesh");
    return member;
  }

  /** As of now. */
  party(): Party {
    const { state, keys } = this.#member;
    const { credential } = state;
    if (this.#own?.credential !== credential) {
      this.#own = { credential, bytes: encodeCredential(credential) };
    }
    const { random, backend } = this.#membership.context;
    return {
      backend,
      random,
      suite: suiteOf(state.chain.current),
      meshPsk: state.meshPsk,
      credential,
      credentialBytes: this.#own.bytes,
      postQuantum: keys.postQuantum,
      ed25519: keys.ed25519,
      cacheEpoch: this.cache.epoch,
      admit: async (presented) => {
        const admitted = await this.#admit(presented);
        this.#seen(admitted);
        return admitted;
      },
    };
  }
}
