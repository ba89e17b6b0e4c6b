// Members of a mesh with keys that everybody knows, for tests of tunnels. Never for a real mesh.
import {
  authorityHash,
  formatNodeId,
  issueCredential,
  meshHashOf,
  nodeIdOf,
  verifyChain,
  verifyCredential,
} from "../identity/mod.ts";
import { testAuthority, testClaims, testNodeKeys } from "../identity/testing.ts";
import type { Backend } from "../pq/mod.ts";
import type { PartyKeys, PartyState } from "../handshake/mod.ts";

/** A node's keys and its view of the mesh. */
export interface TestMember {
  readonly nodeId: string;
  readonly keys: PartyKeys;
  readonly state: PartyState;
  /** Node ids that this member's state calls revoked. */
  readonly revoked: Set<string>;
}

/** What a test may choose. */
export interface TestMemberOptions {
  /** Members of different labels don't believe each other. */
  readonly authority?: number;
  readonly meshPsk?: number;
  readonly notAfterMs?: number;
  /** Claims the WireGuard key of the member with this number. */
  readonly wireguardOf?: number;
}

async function agreement(backend: Backend, index: number) {
  const secret = Uint8Array.from({ length: 32 }, (_, i) => (index * 13 + i * 7 + 1) & 255);
  secret[0] = (secret[0] ?? 0) & 248;
  secret[31] = ((secret[31] ?? 0) & 127) | 64;
  const { publicKey } = await backend.agreementKeyPair(secret);
  return { secret, publicKey };
}

/** Member `index` of the test mesh. */
export async function testMember(
  backend: Backend,
  index: number,
  options: TestMemberOptions = {},
): Promise<TestMember> {
  const { authority = 1, meshPsk = 7, notAfterMs = 2_000_000_000_000 } = options;
  const { set, keys: authorityKeys } = await testAuthority(backend, { label: authority });
  const signing = await testNodeKeys(backend, index);
  const own = await agreement(backend, index);
  const claimed = options.wireguardOf === undefined
    ? own
    : await agreement(backend, options.wireguardOf);
  const claims = testClaims(signing, index, { wireguard: claimed.publicKey, notAfterMs });
  const issued = await issueCredential(set, authorityKeys, claims);
  const credential = await verifyCredential(backend, [set], issued, null);
  const hash = authorityHash(set);
  const chain = await verifyChain(backend, { first: set, rotations: [] }, hash);
  const revoked = new Set<string>();
  const psk = new Uint8Array(32).fill(meshPsk);
  return {
    nodeId: credential.nodeId,
    revoked,
    keys: {
      suite: "category3",
      ...signing,
      wireguardPrivate: own.secret,
      wireguardPublic: own.publicKey,
    },
    state: {
      meshHash: meshHashOf(set.trustDomain, hash),
      chain,
      credential,
      meshPsk: psk,
      revoked: ({ keys }) => revoked.has(formatNodeId(nodeIdOf(keys))),
      requireComplete() {},
    },
  };
}
