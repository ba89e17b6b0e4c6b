// What the node needs of the features that keep its state: core/store implements these, tests fake them.
import type {
  EventQuery,
  HealthCheck,
  MetricQuery,
  MetricSeries,
  NodeEvent,
  NodeSnapshot,
  Severity,
  Topic,
} from "./types.ts";

/** An event before it has an id and a time. */
export interface EventDraft {
  readonly severity: Severity;
  readonly type: string;
  readonly subject: string;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** One measured value, now. */
export interface MetricSample {
  readonly subject: string;
  readonly metric: string;
  /** Finite; others are left out by the recorder. */
  readonly value: number;
}

/** Events, kept. */
export interface EventLog {
  /** Gives each draft an id and the present time. Never throws: what cannot be stored stays in memory. */
  add(drafts: readonly EventDraft[]): readonly NodeEvent[];
  /** Newest first. */
  query(query: EventQuery): readonly NodeEvent[];
}

/** Measured values, kept and down-sampled. */
export interface MetricLog {
  record(samples: readonly MetricSample[]): void;
  names(): readonly { readonly subject: string; readonly metric: string }[];
  query(query: MetricQuery): MetricSeries;
}

/** What the node asks of its database. */
export interface NodeStore {
  readonly events: EventLog;
  readonly metrics: MetricLog;
  figures(): { readonly databaseBytes: number; readonly writtenBytes: number };
  /** Database, disk and clock, truthfully. */
  checks(): readonly HealthCheck[];
}

/** Source of snapshots: core/observe. */
export interface SnapshotSource {
  current(): NodeSnapshot;
  /** Reads faster for a while; called whenever somebody looks. */
  wanted(): void;
  /** Reads the kernel now and resolves when the snapshot is there. */
  refresh(): Promise<void>;
  subscribe(
    listener: (change: { readonly topics: readonly Topic[]; readonly revision: number }) => void,
  ): () => void;
  checks(): readonly HealthCheck[];
}
