// batman-adv as the product needs it. Vocabulary: linux uapi/linux/batman_adv.h and batctl.
// `mesh` arguments are the name of a mesh interface (a link of kind "batadv"), e.g. "bat0".
import type { Mac } from "../base/mod.ts";

/** Routing algorithm, by the name the kernel gives it. */
export type MeshAlgorithm = "BATMAN_IV" | "BATMAN_V";
/** Whether a node offers, seeks or ignores gateways to other networks. */
export type GatewayMode = "off" | "client" | "server";

/** A mesh interface and its settings (GET_MESH). */
export interface MeshInfo {
  readonly mesh: string;
  /** Version of the batman-adv module. */
  readonly version: string;
  readonly algorithm: MeshAlgorithm;
  readonly mac: Mac;
  /** Originator address: MAC of the primary hard interface; `null` before there is one. */
  readonly originator: Mac | null;
  readonly settings: MeshSettings;
}

/** Settings of a mesh interface; units last. */
export interface MeshSettings {
  readonly aggregatedOgms: boolean;
  readonly apIsolation: boolean;
  /** u32 mark and mask of packets to isolate. */
  readonly isolationMark: number;
  readonly isolationMask: number;
  readonly bonding: boolean;
  readonly bridgeLoopAvoidance: boolean;
  readonly distributedArpTable: boolean;
  readonly fragmentation: boolean;
  readonly gatewayMode: GatewayMode;
  readonly gatewayDownKbps: number;
  readonly gatewayUpKbps: number;
  /** BATMAN_IV: TQ threshold (1–256); BATMAN_V: throughput threshold in units of 100 kbit/s. */
  readonly gatewaySelectionClass: number;
  /** 0–255. */
  readonly hopPenalty: number;
  readonly multicastForceflood: boolean;
  readonly multicastFanout: number;
  readonly originatorIntervalMs: number;
}

/** A hard interface of a mesh. */
export interface HardInterface {
  readonly mesh: string;
  readonly name: string;
  readonly index: number;
  readonly mac: Mac;
  readonly active: boolean;
  readonly hopPenalty: number;
  /** BATMAN_V only, else `null`. */
  readonly elpIntervalMs: number | null;
  /** BATMAN_V only; 0 means automatic; `null` for IV. */
  readonly throughputOverrideKbps: number | null;
}

/** One row of the originator table: a next hop towards an originator. */
export interface Originator {
  readonly originator: Mac;
  readonly nextHop: Mac;
  /** Hard interface towards the next hop. */
  readonly hardInterface: string;
  readonly best: boolean;
  readonly lastSeenMs: number;
  /** BATMAN_IV: 0–255. */
  readonly tq: number | null;
  /** BATMAN_V. */
  readonly throughputKbps: number | null;
}

/** A direct neighbour. */
export interface MeshNeighbour {
  readonly neighbour: Mac;
  readonly hardInterface: string;
  readonly lastSeenMs: number;
  /** BATMAN_V; IV neighbours carry no metric. */
  readonly throughputKbps: number | null;
}

/** A node that offers a gateway, as seen from here. */
export interface MeshGateway {
  readonly originator: Mac;
  readonly router: Mac;
  readonly hardInterface: string;
  readonly best: boolean;
  readonly downKbps: number;
  readonly upKbps: number;
  readonly tq: number | null;
  readonly throughputKbps: number | null;
}

/** A client in the local translation table. */
export interface LocalClient {
  readonly mac: Mac;
  /** VLAN id, or `null` for untagged. */
  readonly vlan: number | null;
  readonly flags: readonly TranslationFlag[];
  /** `null` for entries that are never purged. */
  readonly lastSeenMs: number | null;
}

/** A client in the global translation table, announced by an originator. */
export interface GlobalClient {
  readonly mac: Mac;
  readonly vlan: number | null;
  readonly originator: Mac;
  readonly best: boolean;
  readonly flags: readonly TranslationFlag[];
  readonly ttvn: number;
  readonly lastTtvn: number;
}

/** BATADV_TT_CLIENT_…: what is special about a client in a translation table. */
export type TranslationFlag =
  | "deleted"
  | "roam"
  | "wireless"
  | "isolated"
  | "no-purge"
  | "new"
  | "pending"
  | "temporary";

/** Bridge loop avoidance: a client claimed by a backbone gateway. */
export interface BlaClaim {
  readonly client: Mac;
  readonly vlan: number | null;
  readonly backbone: Mac;
  readonly own: boolean;
  readonly crc: number;
}

/** Bridge loop avoidance: a gateway to the same bridged segment. */
export interface BlaBackbone {
  readonly backbone: Mac;
  readonly vlan: number | null;
  readonly own: boolean;
  readonly lastSeenMs: number;
  readonly crc: number;
}

/** Distributed ARP table entry. */
export interface DatEntry {
  readonly ip: string;
  readonly mac: Mac;
  readonly vlan: number | null;
  readonly lastSeenMs: number;
}

/** What an originator wants of multicast traffic. */
export interface MulticastFlags {
  readonly originator: Mac;
  /** Raw flag bits (BATADV_MCAST_WANT_…); `null` when the originator announced none. */
  readonly flags: number | null;
}

/** A VLAN on a mesh interface and its settings. */
export interface MeshVlan {
  readonly vlan: number | null;
  readonly apIsolation: boolean;
}

/** Answer to one batman-adv echo request. */
export interface MeshPingReply {
  readonly originator: Mac;
  readonly rttMs: number;
  /** Remaining time to live of the answer. */
  readonly ttl: number;
}

/** One hop of a batman-adv traceroute. */
export interface MeshHop {
  readonly hop: number;
  /** `null` when it did not answer. */
  readonly originator: Mac | null;
  readonly rttsMs: readonly number[];
  readonly reached: boolean;
}

/** Result of the kernel's throughput meter. */
export interface ThroughputResult {
  readonly originator: Mac;
  readonly durationMs: number;
  readonly bytes: number;
  readonly kbps: number;
}

/** batman-adv. Every method rejects with KernelFault. */
export interface Mesh {
  /** Algorithms this kernel has; "not-supported" when there is no batman-adv. */
  algorithms(): Promise<readonly string[]>;
  info(mesh: string): Promise<MeshInfo>;
  configure(mesh: string, settings: Partial<MeshSettings>): Promise<void>;
  hardInterfaces(mesh: string): Promise<readonly HardInterface[]>;
  configureHardInterface(
    mesh: string,
    name: string,
    settings: {
      readonly hopPenalty?: number;
      readonly elpIntervalMs?: number;
      readonly throughputOverrideKbps?: number;
    },
  ): Promise<void>;
  vlan(mesh: string, vlan: number): Promise<MeshVlan>;
  configureVlan(
    mesh: string,
    vlan: number,
    settings: { readonly apIsolation: boolean },
  ): Promise<void>;
  originators(mesh: string): Promise<readonly Originator[]>;
  neighbours(mesh: string): Promise<readonly MeshNeighbour[]>;
  gateways(mesh: string): Promise<readonly MeshGateway[]>;
  localClients(mesh: string): Promise<readonly LocalClient[]>;
  globalClients(mesh: string): Promise<readonly GlobalClient[]>;
  claims(mesh: string): Promise<readonly BlaClaim[]>;
  backbones(mesh: string): Promise<readonly BlaBackbone[]>;
  datCache(mesh: string): Promise<readonly DatEntry[]>;
  multicastFlags(mesh: string): Promise<readonly MulticastFlags[]>;
  /**
   * One echo request to an originator.
   *
   * @throws {KernelFault} "unreachable" without a route, "timeout" without an answer.
   */
  ping(
    mesh: string,
    originator: Mac,
    options: { readonly timeoutMs: number },
  ): Promise<MeshPingReply>;
  /** Hops in order as they answer; ends at the destination or at 50 hops. */
  traceroute(
    mesh: string,
    originator: Mac,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): AsyncIterable<MeshHop>;
  /** The kernel's throughput meter. @throws {KernelFault} "unreachable", "busy", "cancelled" */
  throughput(
    mesh: string,
    originator: Mac,
    options: { readonly durationMs: number; readonly signal?: AbortSignal },
  ): Promise<ThroughputResult>;
  /** The originator that serves a client's or a node's MAC address, or `null`. */
  translate(mesh: string, mac: Mac): Promise<Mac | null>;
}
