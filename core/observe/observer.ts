// Reads the kernel when it reports a change and at intervals: often while somebody watches, seldom while
// nobody does. Keeps the one current snapshot, and tells what changed as topics, events and metrics.
import { messageOf } from "../base/mod.ts";
import type {
  Change,
  EventDraft,
  EventLog,
  HealthCheck,
  MetricLog,
  MetricSample,
  NodeSnapshot,
  SnapshotSource,
  Topic,
} from "../node/mod.ts";
import type { Clock, Kernel, KernelEvent, Services } from "../ports/mod.ts";
import { diff } from "./diff.ts";
import {
  DEBOUNCE_MS,
  IDLE_INTERVAL_MS,
  MIN_INTERVAL_MS,
  SLOW_IDLE_INTERVAL_MS,
  SLOW_WATCHED_INTERVAL_MS,
  STALE_INTERVALS,
  WATCH_RETRY_MAX_MS,
  WATCH_RETRY_MS,
  WATCHED_FOR_MS,
  WATCHED_INTERVAL_MS,
} from "./limits.ts";
import { assessQuality, type QualityMemory } from "./quality.ts";
import { NOTHING, type Parts, readParts } from "./reader.ts";
import { same } from "./same.ts";
import { samplesOf } from "./samples.ts";

/** What the observer works with. */
export interface ObserverOptions {
  readonly kernel: Kernel;
  readonly services: Services | null;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly metrics: MetricLog;
  /** Name of the mesh interface the configuration asks for; `null` for the first one there is. */
  readonly meshName: () => string | null;
  /** Between readings while somebody watches; default 1 s. */
  readonly intervalMs?: () => number;
  /** Further samples, e.g. of the process itself. */
  readonly moreSamples?: () => readonly MetricSample[];
}

/** Parts by topic, in the order topics are told. */
const TOPIC_PARTS: readonly (readonly [Topic, readonly (keyof Parts)[]])[] = [
  ["links", ["links", "addresses"]],
  ["mesh", ["mesh"]],
  ["radios", ["radios", "wirelessInterfaces", "surveys", "regulatoryDomain"]],
  ["stations", ["stations"]],
  ["services", ["services"]],
  ["health", ["problems"]],
];

/** Events after which the seldom-read parts are due as well. */
const SLOW_EVENTS: ReadonlySet<KernelEvent["type"]> = new Set([
  "radio",
  "regulatory",
  "radar",
  "lost",
  "link-removed",
]);

/** The observer of one kernel. */
export class Observer implements SnapshotSource {
  readonly #options: ObserverOptions;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #stop = new AbortController();
  #snapshot: NodeSnapshot;
  #quality: QualityMemory = new Map();
  #readAtMs: number;
  #slowAtMs = -Infinity;
  #slowWanted = true;
  #wantedUntilMs = -Infinity;
  #wake = new AbortController();
  #waking = false;
  #due = false;
  #eventsProblem: string | null = null;
  #reading: Promise<void> | null = null;
  #loops: Promise<unknown> | null = null;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#readAtMs = options.clock.monotonicMs();
    this.#snapshot = Object.freeze({ ...NOTHING, revision: 0, takenAtMs: options.clock.wallMs() });
  }

  /** Takes the first snapshot and begins to watch. */
  async start(): Promise<void> {
    await this.refresh();
    this.#loops ??= Promise.all([this.#readAtIntervals(), this.#listen()]);
  }

  /** Stops reading; resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
    await this.#reading;
  }

  current(): NodeSnapshot {
    return this.#snapshot;
  }

  wanted(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const idle = nowMs >= this.#wantedUntilMs;
    this.#wantedUntilMs = nowMs + WATCHED_FOR_MS;
    if (idle) this.#wakeNow();
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  checks(): readonly HealthCheck[] {
    const ageMs = this.#options.clock.monotonicMs() - this.#readAtMs;
    const name = "observer";
    const wished = this.#options.intervalMs?.() ?? WATCHED_INTERVAL_MS;
    if (ageMs > STALE_INTERVALS * Math.max(wished, IDLE_INTERVAL_MS)) {
      const ageS = Math.round(ageMs / 1000);
      return [{ name, state: "failed", reason: `The kernel was last read ${ageS} s ago` }];
    }
    const failing = this.#snapshot.problems.filter(({ part }) => part !== "mesh");
    const reasons = failing.map(({ part, message }) => `${part}: ${message}`);
    if (this.#eventsProblem !== null) reasons.push(`kernel events: ${this.#eventsProblem}`);
    return [{
      name,
      state: reasons.length === 0 ? "ok" : "degraded",
      reason: reasons.length === 0 ? "All parts can be read" : reasons.join("; "),
    }];
  }

  /** Reads now, all parts; a reading under way is waited for and followed by another. */
  async refresh(): Promise<void> {
    this.#slowWanted = true;
    await this.#reading;
    await this.#read();
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    const { clock, kernel, services } = this.#options;
    const startMs = clock.monotonicMs();
    const watched = startMs < this.#wantedUntilMs;
    const slowInterval = watched ? SLOW_WATCHED_INTERVAL_MS : SLOW_IDLE_INTERVAL_MS;
    const slow = this.#slowWanted || startMs - this.#slowAtMs >= slowInterval;
    if (slow) {
      this.#slowWanted = false;
      this.#slowAtMs = startMs;
    }
    const previous = this.#snapshot;
    const meshName = this.#options.meshName();
    const parts = await readParts({ kernel, services, meshName, previous, slow });
    const elapsedMs = clock.monotonicMs() - this.#readAtMs;
    this.#readAtMs = clock.monotonicMs();
    this.#accept(previous, parts, elapsedMs);
  }

  #accept(previous: NodeSnapshot, parts: Parts, elapsedMs: number): void {
    const { clock, events, metrics } = this.#options;
    const topics: Topic[] = [];
    const kept: Record<string, unknown> = {};
    for (const [topic, keys] of TOPIC_PARTS) {
      let changed = false;
      for (const key of keys) {
        // An equal part stays the same object, so that whoever caches by identity keeps the cache.
        const equal = same(previous[key], parts[key]);
        kept[key] = equal ? previous[key] : parts[key];
        changed ||= !equal;
      }
      if (changed) topics.push(topic);
    }
    const first = previous.revision === 0;
    const next: NodeSnapshot = Object.freeze({
      ...parts,
      ...kept,
      revision: previous.revision + (topics.length > 0 || first ? 1 : 0),
      takenAtMs: clock.wallMs(),
    });
    const quality = assessQuality(this.#quality, next.mesh);
    this.#quality = quality.memory;
    const drafts: readonly EventDraft[] = [...diff(previous, next), ...quality.events];
    this.#snapshot = next;
    if (drafts.length > 0) {
      events.add(drafts);
      topics.push("events");
    }
    metrics.record([
      ...samplesOf(previous, next, elapsedMs),
      ...this.#options.moreSamples?.() ?? [],
    ]);
    if (topics.length > 0) this.#tell({ topics, revision: next.revision });
  }

  #tell(change: Change): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  async #readAtIntervals(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      const watched = clock.monotonicMs() < this.#wantedUntilMs;
      const wished = this.#options.intervalMs?.() ?? WATCHED_INTERVAL_MS;
      const wait = watched ? wished : Math.max(wished, IDLE_INTERVAL_MS);
      const signal = AbortSignal.any([this.#stop.signal, this.#wake.signal]);
      if (!this.#due) await clock.sleep(this.#readAtMs + wait - clock.monotonicMs(), signal);
      if (this.#stop.signal.aborted) return;
      this.#due = false;
      // However many events and watchers wake it: not more often than this.
      await clock.sleep(
        this.#readAtMs + Math.min(MIN_INTERVAL_MS, wished) - clock.monotonicMs(),
        this.#stop.signal,
      );
      if (!this.#stop.signal.aborted) await this.#read();
    }
  }

  /** Makes the reading loop read next; one that is reading reads again. */
  #wakeNow(): void {
    this.#due = true;
    this.#wake.abort();
  }

  /** Wakes the reading loop once events had time to gather. */
  #wakeSoon(): void {
    if (this.#waking) return;
    this.#waking = true;
    void this.#options.clock.sleep(DEBOUNCE_MS, this.#stop.signal).then(() => {
      this.#waking = false;
      this.#wakeNow();
    });
  }

  async #listen(): Promise<void> {
    const { clock, kernel } = this.#options;
    let retryMs = WATCH_RETRY_MS;
    while (!this.#stop.signal.aborted) {
      try {
        for await (const event of kernel.watch(this.#stop.signal)) {
          this.#eventsProblem = null;
          retryMs = WATCH_RETRY_MS;
          if (SLOW_EVENTS.has(event.type)) this.#slowWanted = true;
          this.#wakeSoon();
        }
        if (this.#stop.signal.aborted) return;
        this.#eventsProblem = "they ended";
      } catch (thrown) {
        this.#eventsProblem = messageOf(thrown);
      }
      await clock.sleep(retryMs, this.#stop.signal);
      retryMs = Math.min(2 * retryMs, WATCH_RETRY_MAX_MS);
      this.#slowWanted = true;
    }
  }
}
