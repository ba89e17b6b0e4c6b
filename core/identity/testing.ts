// Authorities and nodes from fixed seeds, for tests and the simulator. Never for a real mesh: everybody
// knows these keys.
import type { Backend, Bytes } from "../pq/mod.ts";
import { type AuthorityKey, type AuthoritySet, type SuiteName, suiteOf } from "./authority.ts";
import { type CredentialClaims } from "./credential.ts";

function seed(label: number, index: number, length: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => (label * 31 + index * 7 + i) & 255);
}

/** An authority of `n` keys of which `threshold` must sign. */
export async function testAuthority(
  backend: Backend,
  options: {
    readonly trustDomain?: string;
    readonly suite?: SuiteName;
    readonly n?: number;
    readonly threshold?: number;
    readonly version?: number;
    readonly label?: number;
  } = {},
): Promise<{ readonly set: AuthoritySet; readonly keys: readonly AuthorityKey[] }> {
  const { trustDomain = "test.mesh", suite = "category3", n = 1, threshold = 1 } = options;
  const { version = 1, label = 1 } = options;
  const keys: AuthorityKey[] = [];
  for (let i = 0; i < n; i++) {
    keys.push({
      postQuantum: await backend.signer(
        suiteOf({ suite }).postQuantumSignature,
        seed(label, i, 32),
      ),
      ed25519: await backend.signer("Ed25519", seed(label + 100, i, 32)),
    });
  }
  const set: AuthoritySet = {
    trustDomain,
    suite,
    version,
    threshold,
    keys: keys.map((key) => ({
      postQuantum: key.postQuantum.publicKey,
      ed25519: key.ed25519.publicKey,
    })),
  };
  return { set, keys };
}

/** A node's signing keys. */
export async function testNodeKeys(
  backend: Backend,
  index: number,
  suite: SuiteName = "category3",
): Promise<AuthorityKey> {
  return {
    postQuantum: await backend.signer(
      suiteOf({ suite }).postQuantumSignature,
      seed(200, index, 32),
    ),
    ed25519: await backend.signer("Ed25519", seed(220, index, 32)),
  };
}

/** Claims for a node with sound defaults. */
export function testClaims(
  keys: AuthorityKey,
  index: number,
  change: Partial<CredentialClaims> = {},
): CredentialClaims {
  return {
    trustDomain: "test.mesh",
    keys: { postQuantum: keys.postQuantum.publicKey, ed25519: keys.ed25519.publicKey },
    wireguard: seed(240, index, 32),
    tlsIntermediate: seed(241, index, 48),
    roles: ["node"],
    serial: index + 1,
    notBeforeMs: 1_700_000_000_000,
    notAfterMs: 1_800_000_000_000,
    ...change,
  };
}
