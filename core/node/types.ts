// What one node knows about itself, and what can be asked of it. The web API and the CLI are built on
// these types alone; the daemon (main.ts) makes the one implementation and hands it to both.
import type {
  Address,
  BlaBackbone,
  BlaClaim,
  Capability,
  DatEntry,
  GlobalClient,
  HardInterface,
  IpNeighbour,
  KernelInfo,
  Link,
  LocalClient,
  MeshGateway,
  MeshHop,
  MeshInfo,
  MeshNeighbour,
  MeshPingReply,
  MulticastFlags,
  Originator,
  Radio,
  RegulatoryDomain,
  Route,
  ScanEntry,
  ServiceStatus,
  Station,
  Survey,
  ThroughputResult,
  WirelessInterface,
} from "../ports/mod.ts";

/** Fixed facts of this node and this run. */
export interface NodeIdentity {
  readonly name: string;
  /** Product version, e.g. "0.1.0". */
  readonly version: string;
  readonly kernel: KernelInfo;
  readonly startedAtMs: number;
  /** Why this node runs on the simulated mesh although it was not asked to; `null` otherwise. */
  readonly simulatedBecause: string | null;
}

/** The mesh interface and batman-adv's tables as of the snapshot. */
export interface MeshSnapshot {
  readonly info: MeshInfo;
  readonly hardInterfaces: readonly HardInterface[];
  readonly originators: readonly Originator[];
  readonly neighbours: readonly MeshNeighbour[];
  readonly gateways: readonly MeshGateway[];
  readonly localClients: readonly LocalClient[];
  readonly globalClients: readonly GlobalClient[];
}

/** One consistent reading of the kernel. Immutable; replaced as a whole. */
export interface NodeSnapshot {
  /** Grows by one with each snapshot that differs from the one before. */
  readonly revision: number;
  readonly takenAtMs: number;
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  /** `null` when there is no mesh interface; `problems` says why. */
  readonly mesh: MeshSnapshot | null;
  readonly radios: readonly Radio[];
  readonly wirelessInterfaces: readonly WirelessInterface[];
  readonly stations: readonly Station[];
  readonly surveys: readonly Survey[];
  readonly regulatoryDomain: RegulatoryDomain | null;
  readonly services: readonly ServiceStatus[];
  /** Parts that could not be read, each with its reason. Empty when all is well. */
  readonly problems: readonly SnapshotProblem[];
}

/** A part of a snapshot that could not be read. */
export interface SnapshotProblem {
  /** "links", "mesh", "radios", "stations", … */
  readonly part: string;
  readonly code: string;
  readonly message: string;
}

/** Parts of a snapshot, as topics of change notifications. */
export type Topic =
  | "links"
  | "mesh"
  | "radios"
  | "stations"
  | "services"
  | "config"
  | "events"
  | "health";

/** A change: which topics, and the snapshot after it. */
export interface Change {
  readonly topics: readonly Topic[];
  readonly revision: number;
}

/** How much an event matters to a person, in rising order. */
export type Severity = "debug" | "info" | "notice" | "warning" | "error";

/** Something that happened, kept in the database. */
export interface NodeEvent {
  /** Grows by one with each event. */
  readonly id: number;
  readonly atMs: number;
  readonly severity: Severity;
  /** Dotted type, e.g. "link.down", "neighbour.lost", "config.rolled-back". */
  readonly type: string;
  /** What it is about: an interface, a MAC address, a key; may be empty. */
  readonly subject: string;
  /** One sentence for a person. */
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Which events are wanted; all conditions must hold. */
export interface EventQuery {
  /** Only events with a larger id. */
  readonly afterId?: number;
  readonly beforeId?: number;
  readonly sinceMs?: number;
  readonly minSeverity?: Severity;
  /** Prefix of the type. */
  readonly type?: string;
  readonly subject?: string;
  /** Full text in message. */
  readonly search?: string;
  /** Default 100, at most 1000. Newest first. */
  readonly limit?: number;
}

/** Stored series, e.g. subject "wlan0/02:00:…", metric "signalDbm". */
export interface MetricQuery {
  readonly subject: string;
  readonly metric: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Wished number of points, default 300; the store picks the resolution (1 s, 10 s, 1 min, 1 h). */
  readonly points?: number;
}

/** One point of a series: what was seen during one step of its resolution. */
export interface MetricPoint {
  readonly atMs: number;
  readonly min: number;
  readonly average: number;
  readonly max: number;
  readonly count: number;
}

/** A stored series at one resolution, oldest point first. */
export interface MetricSeries {
  readonly subject: string;
  readonly metric: string;
  readonly resolutionS: number;
  readonly points: readonly MetricPoint[];
}

/** A part of the node that is, or is not, as it should be. */
export interface HealthCheck {
  readonly name: string;
  readonly state: "ok" | "degraded" | "failed";
  readonly reason: string;
}

/** Whether the node does its job, with the reasons. */
export interface Health {
  /** "ok" only when every check is. */
  readonly status: "ok" | "degraded" | "failed";
  readonly ready: boolean;
  readonly checks: readonly HealthCheck[];
}

/** Tables that are read when asked for (at most once a second), not with each snapshot. */
export interface SlowTables {
  readonly claims: readonly BlaClaim[];
  readonly backbones: readonly BlaBackbone[];
  readonly datCache: readonly DatEntry[];
  readonly multicastFlags: readonly MulticastFlags[];
  readonly routes: readonly Route[];
  readonly ipNeighbours: readonly IpNeighbour[];
}

/** The node, as the web API and the CLI see it. */
export interface NodeService {
  readonly identity: NodeIdentity;
  uptimeS(): number;
  snapshot(): NodeSnapshot;
  /** Calls back after each change, until the returned function is called. Never calls back re-entrantly. */
  subscribe(listener: (change: Change) => void): () => void;
  health(): Health;
  slowTable<K extends keyof SlowTables>(name: K): Promise<SlowTables[K]>;
  capabilities(): Promise<readonly Capability[]>;
  events(query: EventQuery): readonly NodeEvent[];
  /** Series that have values, newest subjects first. */
  metricNames(): readonly { readonly subject: string; readonly metric: string }[];
  metrics(query: MetricQuery): MetricSeries;
  /**
   * Resolves a name, IP, client MAC or originator MAC to an originator.
   *
   * @throws {KernelFault} "not-found"
   */
  resolve(target: string): Promise<string>;
  ping(target: string, options: { readonly timeoutMs: number }): Promise<MeshPingReply>;
  traceroute(
    target: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): AsyncIterable<MeshHop>;
  speedtest(
    target: string,
    options: { readonly durationMs: number; readonly signal?: AbortSignal },
  ): Promise<ThroughputResult>;
  scan(interfaceName: string): Promise<readonly ScanEntry[]>;
  /** The daemon's own footprint. */
  process(): ProcessFigures;
}

/** The daemon's own footprint. */
export interface ProcessFigures {
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly databaseBytes: number;
  /** Octets written to the database since start. */
  readonly databaseWrittenBytes: number;
}
