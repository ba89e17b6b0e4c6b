// Parties with fixed keys and a counting random source, for tests and the simulator. Everybody knows
// these keys.
import {
  decodeCredential,
  encodeCredential,
  IdentityError,
  issueCredential,
  type SuiteName,
  type VerifiedCredential,
  verifyCredential,
} from "../identity/mod.ts";
import { testAuthority, testClaims, testNodeKeys } from "../identity/testing.ts";
import type { Random } from "../ports/mod.ts";
import { type Backend, hkdfExpand, SUITES } from "../pq/mod.ts";
import type { Party } from "./party.ts";

/** A repeatable random source: HKDF over a counter. */
export function countingRandom(seed: number): Random {
  let counter = 0;
  const key = new Uint8Array(48).fill(seed & 255);
  const bytes = (length: number) => {
    const info = new Uint8Array(8);
    new DataView(info.buffer).setUint32(0, counter++);
    new DataView(info.buffer).setUint32(4, seed);
    return hkdfExpand(key, info, length);
  };
  return { bytes, unit: () => new DataView(bytes(4).buffer).getUint32(0) / 2 ** 32 };
}

/** What a test may change about a party. */
export interface TestPartyOptions {
  readonly suite?: SuiteName;
  readonly trustDomain?: string;
  /** Label of the authority that signs; parties of different labels don't trust each other. */
  readonly authority?: number;
  readonly meshPsk?: number;
  readonly nowMs?: number;
  readonly notAfterMs?: number;
  readonly revoked?: readonly string[];
  /** Seed of the random source; default differs for each node. */
  readonly seed?: number;
}

/** Node `index` of a test mesh. Its cache starts empty. */
export async function testParty(
  backend: Backend,
  index: number,
  options: TestPartyOptions = {},
): Promise<Party & { readonly cache: Map<string, VerifiedCredential> }> {
  const { suite = "category3", trustDomain = "test.mesh", authority = 1, meshPsk = 7 } = options;
  const { nowMs = 1_750_000_000_000, notAfterMs = 1_800_000_000_000, revoked = [] } = options;
  const { set, keys } = await testAuthority(backend, { suite, trustDomain, label: authority });
  const node = await testNodeKeys(backend, index, suite);
  const claims = testClaims(node, index, { trustDomain, notAfterMs });
  const credential = await verifyCredential(
    backend,
    [set],
    await issueCredential(set, keys, claims),
    null,
  );
  const random = countingRandom(options.seed ?? index + 1);
  const cache = new Map<string, VerifiedCredential>();
  return {
    backend,
    random,
    suite: SUITES[suite],
    meshPsk: new Uint8Array(32).fill(meshPsk),
    credential,
    credentialBytes: encodeCredential(credential),
    postQuantum: node.postQuantum,
    ed25519: node.ed25519,
    cacheEpoch: random.bytes(8),
    cache,
    async admit(presented) {
      if ("hash" in presented) {
        const known = cache.get(presented.hash.toHex());
        if (known === undefined) throw new IdentityError("malformed", "Unknown credential hash");
        return known;
      }
      const decoded = decodeCredential(presented.full);
      const verified = await verifyCredential(backend, [set], decoded, nowMs);
      if (revoked.includes(verified.nodeId)) {
        throw new IdentityError("revoked", `Cannot accept "${verified.nodeId}": it is revoked`);
      }
      cache.set(verified.hash.toHex(), verified);
      return verified;
    },
  };
}
