// Memberships of several nodes in one process: real files, real SQLite, the real handshake over connections
// in memory, a clock moved by hand.
import { hostFiles, hostRandom } from "../../core/host/mod.ts";
import { CredentialCache, MODE, type Mode, Sessions } from "../../core/handshake/mod.ts";
import { streamPair } from "../../core/handshake/testing.ts";
import { encodeCredential, suiteOf } from "../../core/identity/mod.ts";
import { Membership } from "../../core/membership/mod.ts";
import { portablePassphraseKdf, webcryptoBackend } from "../../core/pq/mod.ts";
import { Store } from "../../core/store/mod.ts";
import { ManualClock } from "../fixtures/clock.ts";

const backend = webcryptoBackend(crypto.subtle);
/** Quick, and good for nothing but tests. */
const CHEAP = { memoryKiB: 64, passes: 1, lanes: 1 };

/** One node. */
export interface TestNode {
  readonly directory: string;
  readonly address: string;
  readonly membership: Membership;
  readonly log: string[];
  /** Ends it; its directory stays. */
  close(): Promise<void>;
}

/** Nodes that reach each other by address. */
export class TestMesh implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly root: string;
  readonly #answering = new Set<Promise<void>>();
  readonly #nodes = new Map<string, TestNode & { sessions: Sessions }>();

  constructor(root: string, clock = new ManualClock()) {
    this.root = root;
    this.clock = clock;
  }

  /** Starts a node, or starts it again. */
  async node(name: string, clock = this.clock): Promise<TestNode> {
    const directory = `${this.root}/${name}`;
    const address = `${name}:6470`;
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    const files = hostFiles();
    const store = await Store.open({ path: `${directory}/node.db`, clock, files, bootId: "boot" });
    const log: string[] = [];
    const membership = await Membership.open({
      files,
      clock,
      random: hostRandom(),
      backend,
      kdf: portablePassphraseKdf,
      passphraseCost: CHEAP,
      directory: `${directory}/mesh`,
      tables: {
        tokens: store.tokens,
        requests: store.requests,
        versions: store.meshVersions,
        audit: store.audit,
      },
    }, {
      name: () => name,
      addresses: () => Promise.resolve([address]),
      members: () => [...this.#nodes.keys()].filter((other) => other !== address),
      dial: (remote) => Promise.resolve(this.#connect(remote, address)),
      met: () => {},
      note: () => {},
      log: (line) => log.push(line),
    });
    const node = {
      directory,
      address,
      membership,
      log,
      sessions: this.#sessions(membership, clock),
      close: async () => {
        this.#nodes.delete(address);
        await Promise.all(this.#answering);
        await membership.close();
        await store.close();
      },
    };
    this.#nodes.set(address, node);
    return node;
  }

  #connect(remote: string, source: string) {
    const node = this.#nodes.get(remote);
    const enrolment = node?.membership.enrolment;
    if (node === undefined || enrolment === null || enrolment === undefined) {
      throw new Error("connection refused");
    }
    const [near, far] = streamPair();
    const answered = node.sessions.answer(far, source, () => Promise.resolve(false)).then(() => {
      this.#answering.delete(answered);
    });
    this.#answering.add(answered);
    return near;
  }

  #sessions(membership: Membership, clock: ManualClock): Sessions {
    const cache = new CredentialCache(hostRandom());
    const party = () => {
      const { member } = membership;
      if (member === null) throw new Error("no member");
      const { state, keys } = member;
      return {
        backend,
        random: hostRandom(),
        suite: suiteOf(state.chain.current),
        meshPsk: state.meshPsk,
        credential: state.credential,
        credentialBytes: encodeCredential(state.credential),
        postQuantum: keys.postQuantum,
        ed25519: keys.ed25519,
        cacheEpoch: cache.epoch,
        admit: () => Promise.reject(new Error("enrolment only")),
      };
    };
    const modes = {
      get: (mode: Mode) => mode === MODE.enrol ? membership.enrolment ?? undefined : undefined,
      values: () => [membership.enrolment].filter((one) => one !== null).values(),
    };
    return new Sessions({
      clock,
      cache,
      party,
      modes: modes as unknown as ReadonlyMap<Mode, NonNullable<Membership["enrolment"]>>,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of [...this.#nodes.values()]) await node.close();
    await Deno.remove(this.root, { recursive: true });
  }
}

/** A mesh in a temporary directory. */
export async function testMesh(clock?: ManualClock): Promise<TestMesh> {
  return new TestMesh(await Deno.makeTempDir({ prefix: "x0-mesh-" }), clock);
}
