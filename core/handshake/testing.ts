// Parties with fixed keys and a counting random source, for tests and the simulator. Everybody knows
// these keys.
import {
  acceptedSets,
  authorityHash,
  decodeChain,
  decodeCredential,
  encodeChain,
  encodeCredential,
  encodeEnrolmentRequest,
  IdentityError,
  issueCredential,
  type SuiteName,
  type VerifiedCredential,
  verifyChain,
  verifyCredential,
} from "../identity/mod.ts";
import { testAuthority, testClaims, testNodeKeys } from "../identity/testing.ts";
import type { ByteStream, Random } from "../ports/mod.ts";
import { type Backend, hkdfExpand, SUITES } from "../pq/mod.ts";
import type { EnrolJoiner } from "./enrol_initiator.ts";
import type { EnrolMember } from "./enrol_responder.ts";
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

/** What a test may change about an enrolment. */
export interface TestEnrolmentOptions extends TestPartyOptions {
  /** The joiner's token, if it isn't the one the member made: its id and its secret. */
  readonly tokenId?: Uint8Array<ArrayBuffer> | null;
  readonly tokenSecret?: Uint8Array<ArrayBuffer>;
  /** Label of the authority that the joiner's invite pins. */
  readonly pinned?: number;
  /** Node whose keys the joiner signs with, if they aren't those in its request. */
  readonly signer?: number;
}

const TOKEN_ID = new Uint8Array(8).fill(3);
const TOKEN_SECRET = new Uint8Array(20).fill(5);

/** Node 1, which joins, and node 2, a member that made its invite; each on a backend of its own. */
export async function testEnrolment(
  backends: readonly [Backend, Backend],
  options: TestEnrolmentOptions = {},
): Promise<{ readonly joiner: EnrolJoiner; readonly member: EnrolMember }> {
  const { suite = "category3", trustDomain = "test.mesh", authority = 1 } = options;
  const { nowMs = 1_750_000_000_000 } = options;
  const [backend] = backends;
  const member = await testParty(backends[1], 2, options);
  const { set } = await testAuthority(backend, { suite, trustDomain, label: authority });
  const pin = await testAuthority(backend, {
    suite,
    trustDomain,
    label: options.pinned ?? authority,
  });
  const node = await testNodeKeys(backend, 1, suite);
  const signer = options.signer === undefined
    ? node
    : await testNodeKeys(backend, options.signer, suite);
  const claims = testClaims(node, 1, { trustDomain });
  return {
    joiner: {
      backend,
      random: countingRandom(options.seed ?? 2),
      suite: SUITES[suite],
      token: {
        tokenId: options.tokenId === undefined ? TOKEN_ID : options.tokenId,
        secret: options.tokenSecret ?? TOKEN_SECRET,
      },
      postQuantum: signer.postQuantum,
      ed25519: signer.ed25519,
      request: encodeEnrolmentRequest({ ...claims, name: "joiner", previous: new Uint8Array(0) }),
      async admit(chain, credential) {
        const verified = await verifyChain(backend, decodeChain(chain), authorityHash(pin.set));
        const sets = acceptedSets(verified, nowMs);
        return await verifyCredential(backend, sets, decodeCredential(credential), nowMs);
      },
    },
    member: {
      ...member,
      token(id) {
        const chain = encodeChain({ first: set, rotations: [] });
        if (id === null) return { secret: member.meshPsk, chain };
        return id.toHex() === TOKEN_ID.toHex() ? { secret: TOKEN_SECRET, chain } : null;
      },
    },
  };
}

/** One direction of a connection in memory. */
class Pipe {
  readonly #chunks: Uint8Array[] = [];
  #closed = false;
  #wake: (() => void) | null = null;

  push(octets: Uint8Array): void {
    if (this.#closed) throw new Error("Cannot write: the connection is closed");
    this.#chunks.push(octets.slice());
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async pull(): Promise<Uint8Array | null> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) return chunk;
      if (this.#closed) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = null;
    }
  }
}

/** A connection in memory: what one end writes the other reads. Closing either end closes both. */
export function streamPair(): readonly [ByteStream, ByteStream] {
  const [there, back] = [new Pipe(), new Pipe()];
  const end = (from: Pipe, to: Pipe): ByteStream => ({
    read: () => from.pull(),
    // deno-lint-ignore require-await
    write: async (octets) => to.push(octets),
    close() {
      from.close();
      to.close();
    },
  });
  return [end(back, there), end(there, back)];
}
