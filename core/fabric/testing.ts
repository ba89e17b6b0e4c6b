// Fabrics of a test mesh, with fixed keys that everybody knows. For tests, benchmarks and the simulator.
import { admission, CredentialCache } from "../handshake/mod.ts";
import { countingRandom, testParty, type TestPartyOptions } from "../handshake/testing.ts";
import { testAuthority } from "../identity/testing.ts";
import type { Backend } from "../pq/mod.ts";
import type { Clock, Network, SocketAddress } from "../ports/mod.ts";
import { startFabric } from "./start.ts";
import { FABRIC_TIMING, type FabricTiming } from "./timing.ts";
import type { Document, Fabric, FabricMemory, FabricOptions, FabricPorts } from "./types.ts";

/** Intervals at which tests need not wait. */
export const QUICK: FabricTiming = Object.freeze({
  ...FABRIC_TIMING,
  tickMs: 50,
  redialMinMs: 50,
  redialMaxMs: 400,
  mixMs: 300,
  idleMs: 1_000,
  pingMs: 500,
  compareMs: 400,
  statusMs: 300,
  judgeMs: 200,
});

/** A node's identity, and what of it a test may change while it runs. */
export interface TestMember {
  readonly nodeId: string;
  readonly revoked: Set<string>;
  readonly wall: { ms: number | null };
  readonly ports: FabricPorts;
  readonly logged: string[];
}

/** Memory that outlasts a fabric as a file would. */
export function memoryInMemory(): FabricMemory & { saved: Uint8Array | null } {
  return {
    saved: null,
    load() {
      return Promise.resolve(this.saved);
    },
    save(octets) {
      this.saved = octets.slice();
      return Promise.resolve();
    },
  };
}

/** Node `index` of the test mesh. */
export async function testMember(
  backend: Backend,
  clock: Clock,
  network: Network,
  index: number,
  options: TestPartyOptions & { readonly memory?: FabricMemory } = {},
): Promise<TestMember> {
  const base = await testParty(backend, index, options);
  const { set } = await testAuthority(backend, {
    suite: options.suite ?? "category3",
    trustDomain: options.trustDomain ?? "test.mesh",
    label: options.authority ?? 1,
  });
  const random = countingRandom(options.seed ?? index + 500);
  const cache = new CredentialCache(random);
  const revoked = new Set<string>();
  const wall = { ms: options.nowMs ?? 1_750_000_000_000 };
  const trust = {
    backend,
    sets: () => [set],
    wallMs: () => wall.ms,
    revoked: ({ nodeId }: { readonly nodeId: string }) => revoked.has(nodeId),
  };
  const logged: string[] = [];
  const party = () => ({ ...base, cacheEpoch: cache.epoch, admit: admission(trust, cache) });
  return {
    nodeId: base.credential.nodeId,
    revoked,
    wall,
    logged,
    ports: {
      clock,
      random,
      network,
      backend,
      party,
      cache,
      memory: options.memory ?? memoryInMemory(),
      log: {
        info: (message) => logged.push(message),
        warn: (message) => logged.push(`warning: ${message}`),
      },
    },
  };
}

/** Starts a member's fabric on loopback, at any port unless told otherwise. */
export function startMember(
  member: TestMember,
  options: Partial<FabricOptions> = {},
): Promise<Fabric> {
  const listen: readonly SocketAddress[] = [{ host: "127.0.0.1", port: 0 }];
  return startFabric(member.ports, { listen, timing: QUICK, ...options });
}

/**
 * Loads libp2p and lets it open what it keeps for good in a process (a channel between workers), so that tests
 * which watch for leaks begin after it.
 */
export async function warmUp(backend: Backend, clock: Clock, network: Network): Promise<void> {
  await (await startMember(await testMember(backend, clock, network, 250))).stop();
}

/** A document that is one number, and sound when it is even. */
export function testDocument(name: string, version = 0): Document & { value: number } {
  const encode = (value: number) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value);
    return bytes;
  };
  return {
    name,
    value: version,
    version() {
      return this.value;
    },
    current() {
      return encode(this.value);
    },
    offer(bytes) {
      if (bytes.length !== 8) return Promise.resolve("refused");
      const offered = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
      if (offered % 2 !== 0) return Promise.resolve("refused");
      if (offered === this.value) return Promise.resolve("same");
      if (offered < this.value) return Promise.resolve("older");
      this.value = offered;
      return Promise.resolve("newer");
    },
  };
}
