// The one implementation of NodeService: joins kernel, observer and store. Reads nothing by itself but
// slow tables; what changes the network is done by core/config.
import { type Clock, type Kernel, KernelFault, type MeshHop } from "../ports/mod.ts";
import { cached } from "./cached.ts";
import { judgeHealth } from "./health.ts";
import {
  CAPABILITIES_AGE_MS,
  MAX_PROBE_TIMEOUT_MS,
  MAX_SPEEDTEST_MS,
  SCAN_TIMEOUT_MS,
  SLOW_TABLE_AGE_MS,
} from "./limits.ts";
import type { EventDraft, NodeStore, SnapshotSource } from "./ports.ts";
import { resolveTarget } from "./resolve.ts";
import type {
  Change,
  HealthCheck,
  NodeEvent,
  NodeIdentity,
  NodeService,
  ProcessFigures,
  SlowTables,
  Topic,
} from "./types.ts";

/** What a node is made of. */
export interface NodeParts {
  readonly identity: NodeIdentity;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly observer: SnapshotSource;
  readonly store: NodeStore;
  /** Checks of further parts: configuration, servers. */
  readonly checks?: () => readonly HealthCheck[];
  /** Memory of this process. */
  readonly memory: () => { readonly rssBytes: number; readonly heapUsedBytes: number };
  /** Told what a subscriber threw: a bug of ours that must not keep the others from hearing. */
  readonly onBug: (thrown: unknown) => void;
}

/** The node as its daemon holds it. */
export interface DaemonNode extends NodeService {
  /** Keeps events that other parts tell, e.g. the configuration. */
  record(drafts: readonly EventDraft[]): readonly NodeEvent[];
  /** Tells subscribers that something outside the snapshot changed. */
  announce(topics: readonly Topic[]): void;
  /** The node is up: health may say ready. */
  started(): void;
  /** The node is going down: health says so and nobody is called back any more. */
  stopping(): void;
}

/** Joins the parts into a node. */
export function createNode(parts: NodeParts): DaemonNode {
  const { identity, kernel, clock, observer, store } = parts;
  const startedAt = clock.monotonicMs();
  const subscribers = new Subscribers(parts.onBug);
  const tables = slowTables(kernel, clock, () => meshName());
  const capabilities = cached(clock, CAPABILITIES_AGE_MS, () => kernel.capabilities());
  let phase: "starting" | "up" | "stopping" = "starting";

  function meshName(): string {
    const mesh = observer.current().mesh;
    if (mesh === null) {
      throw new KernelFault("not-found", "Cannot use the mesh: this node has no mesh interface");
    }
    return mesh.info.mesh;
  }

  async function locate(target: string): Promise<string> {
    return await resolveTarget(target, {
      kernel,
      mesh: observer.current().mesh,
      ipNeighbours: tables.ipNeighbours,
      datCache: tables.datCache,
    });
  }

  observer.subscribe((change) => {
    subscribers.tell(change);
    // Somebody who is told of changes wants them soon.
    if (subscribers.size > 0) observer.wanted();
  });

  return {
    identity,
    uptimeS: () => Math.floor((clock.monotonicMs() - startedAt) / 1000),
    snapshot() {
      observer.wanted();
      return observer.current();
    },
    subscribe(listener) {
      observer.wanted();
      return subscribers.add(listener);
    },
    health: () =>
      judgeHealth({
        identity,
        snapshot: observer.current(),
        others: [...observer.checks(), ...store.checks(), ...parts.checks?.() ?? []],
        started: phase !== "starting",
        stopping: phase === "stopping",
      }),
    slowTable: (name) => tables[name](),
    capabilities,
    events: (query) => store.events.query(query),
    metricNames: () => store.metrics.names(),
    metrics: (query) => store.metrics.query(query),
    resolve: locate,
    async ping(target, { timeoutMs }) {
      const originator = await locate(target);
      return await kernel.mesh.ping(meshName(), originator, { timeoutMs: probeTimeout(timeoutMs) });
    },
    async *traceroute(target, { timeoutMs, signal }): AsyncGenerator<MeshHop> {
      const originator = await locate(target);
      yield* kernel.mesh.traceroute(meshName(), originator, {
        timeoutMs: probeTimeout(timeoutMs),
        ...signal === undefined ? {} : { signal },
      });
    },
    async speedtest(target, { durationMs, signal }) {
      const originator = await locate(target);
      return await kernel.mesh.throughput(meshName(), originator, {
        durationMs: Math.min(Math.max(100, durationMs), MAX_SPEEDTEST_MS),
        ...signal === undefined ? {} : { signal },
      });
    },
    scan: (interfaceName) => kernel.radios.scan(interfaceName, { timeoutMs: SCAN_TIMEOUT_MS }),
    process(): ProcessFigures {
      const { databaseBytes, writtenBytes } = store.figures();
      return { ...parts.memory(), databaseBytes, databaseWrittenBytes: writtenBytes };
    },
    record(drafts) {
      const added = store.events.add(drafts);
      if (added.length > 0) {
        subscribers.tell({ topics: ["events"], revision: observer.current().revision });
      }
      return added;
    },
    announce(topics) {
      subscribers.tell({ topics, revision: observer.current().revision });
    },
    started() {
      phase = "up";
      subscribers.tell({ topics: ["health"], revision: observer.current().revision });
    },
    stopping() {
      phase = "stopping";
      subscribers.close();
    },
  };
}

function probeTimeout(timeoutMs: number): number {
  return Math.min(Math.max(1, timeoutMs), MAX_PROBE_TIMEOUT_MS);
}

type SlowReaders = { readonly [K in keyof SlowTables]: () => Promise<SlowTables[K]> };

function slowTables(kernel: Kernel, clock: Clock, meshName: () => string): SlowReaders {
  const { mesh, links } = kernel;
  const once = <T>(read: () => Promise<T>) =>
    cached(clock, SLOW_TABLE_AGE_MS, async () => await read());
  return {
    claims: once(async () => await mesh.claims(meshName())),
    backbones: once(async () => await mesh.backbones(meshName())),
    datCache: once(async () => await mesh.datCache(meshName())),
    multicastFlags: once(async () => await mesh.multicastFlags(meshName())),
    routes: once(() => links.routes()),
    ipNeighbours: once(() => links.ipNeighbours()),
  };
}

/** Listeners, called one after the other and never from within one of them. */
class Subscribers {
  readonly #listeners = new Set<(change: Change) => void>();
  #waiting: Change[] = [];
  #scheduled = false;
  #closed = false;
  readonly #onBug: (thrown: unknown) => void;

  constructor(onBug: (thrown: unknown) => void) {
    this.#onBug = onBug;
  }

  get size(): number {
    return this.#listeners.size;
  }

  add(listener: (change: Change) => void): () => void {
    // A function of its own: the same listener may be added twice.
    const own = (change: Change) => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  tell(change: Change): void {
    if (this.#closed || this.#listeners.size === 0) return;
    this.#waiting.push(change);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const change of waiting) {
      for (const listener of [...this.#listeners]) {
        if (!this.#listeners.has(listener)) continue;
        try {
          listener(change);
        } catch (thrown) {
          this.#onBug(thrown);
        }
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
    this.#waiting = [];
  }
}
