// A member of the benchmark's mesh with sessions as a node has them: cache, admission, native primitives.
// Its keys follow from its number; everybody knows them.
import { admission, CredentialCache, type Party, Sessions } from "../../core/handshake/mod.ts";
import { encodeCredential, issueCredential, verifyCredential } from "../../core/identity/mod.ts";
import { testAuthority, testClaims } from "../../core/identity/testing.ts";
import { hostRandom } from "../../core/host/mod.ts";
import type { Clock } from "../../core/ports/mod.ts";
import { hashOf, SUITES, webcryptoBackend } from "../../core/pq/mod.ts";

const backend = webcryptoBackend(crypto.subtle);

/** A member: what names it, and its handshakes. */
export interface BenchNode {
  readonly nodeId: string;
  readonly sessions: Sessions;
  party(): Party;
}

/** Member `index`, from 0. */
export async function benchNode(index: number, clock: Clock): Promise<BenchNode> {
  const { set, keys } = await testAuthority(backend);
  const seed = (label: string) =>
    hashOf(new TextEncoder().encode(`bench ${label} ${index}`)).slice(0, 32);
  const node = {
    postQuantum: await backend.signer("ML-DSA-65", seed("ml-dsa")),
    ed25519: await backend.signer("Ed25519", seed("ed25519")),
  };
  const claims = testClaims(node, index, { wireguard: seed("wireguard") });
  const issued = await issueCredential(set, keys, claims);
  const credential = await verifyCredential(backend, [set], issued, null);
  const random = hostRandom();
  const cache = new CredentialCache(random);
  const trust = { backend, sets: () => [set], wallMs: () => null, revoked: () => false };
  const party: Party = {
    backend,
    random,
    suite: SUITES.category3,
    meshPsk: new Uint8Array(32).fill(7),
    credential,
    credentialBytes: encodeCredential(credential),
    ...node,
    cacheEpoch: cache.epoch,
    admit: admission(trust, cache),
  };
  const sessions = new Sessions({ clock, party: () => party, cache });
  return { nodeId: credential.nodeId, sessions, party: () => party };
}
