// The fabric's face to the rest of the product, and what it asks of it. No libp2p here: who only names these
// types loads none of it.
import type { CredentialCache, Party } from "../handshake/mod.ts";
import type { Backend, Bytes } from "../pq/mod.ts";
import type { ByteStream, Clock, Network, Random, SocketAddress } from "../ports/mod.ts";
import type { FabricTiming } from "./timing.ts";

/** What an entry of the log may carry; never secrets. */
export type FabricLogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Where the fabric says what is worth knowing. */
export interface FabricLog {
  info(message: string, fields?: FabricLogFields): void;
  warn(message: string, fields?: FabricLogFields): void;
}

/** What must outlast a restart so that old gossip stays old. Losing it loses just that. */
export interface FabricMemory {
  /** What was saved last; `null` when nothing was. */
  load(): Promise<Uint8Array | null>;
  save(octets: Uint8Array): Promise<void>;
}

/** What the fabric runs on. */
export interface FabricPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly backend: Backend;
  /** This node as of now. Its `admit` decides who is let in: signatures, mesh, time, revocation. */
  party(): Party;
  /** The cache behind that `admit`. */
  readonly cache: CredentialCache;
  readonly memory: FabricMemory;
  readonly log: FabricLog;
}

/** How the fabric behaves. */
export interface FabricOptions {
  /** Port 0 takes any. */
  readonly listen: readonly SocketAddress[];
  /** Links on which link-local addresses are dialled that came without one: the mesh's. */
  links?(): readonly string[];
  /**
   * Where others reach this node, beside where they see it at. An address that is link-local is named without
   * its link.
   */
  addresses?(): readonly SocketAddress[];
  /** In the order in which a newer one is to be taken over: the authority before what it signs. */
  readonly documents?: readonly Document[];
  /** This node's own status, told from time to time; left out it tells none. */
  status?(): NodeStatus;
  /** Connections that this node keeps by itself; 0 leaves all dialling to requests. */
  readonly wantedConnections?: number;
  readonly timing?: FabricTiming;
}

/** A connected peer. */
export interface FabricPeer {
  readonly nodeId: string;
  readonly address: SocketAddress;
  readonly direction: "inbound" | "outbound";
  readonly roles: readonly string[];
  /** For how long. */
  readonly connectedMs: number;
  /** There and back; `null` until it was measured. */
  readonly rttMs: number | null;
}

/** A gossiped message whose origin was proved. */
export interface GossipMessage {
  /** Who published it. */
  readonly origin: string;
  /** Which neighbour handed it on. */
  readonly from: string;
  readonly bytes: Bytes;
}

/**
 * "accept" hands a message on to other neighbours, "ignore" lets it go no further, "reject" holds it against
 * the neighbour it came from.
 */
export type Verdict = "accept" | "ignore" | "reject";

/** Judges and takes a message. One that throws counts as "ignore". */
export type GossipHandler = (message: GossipMessage) => Verdict | Promise<Verdict>;

/** Answers a request of an authenticated peer. One that throws refuses it. */
export type RequestHandler = (nodeId: string, request: Bytes) => Promise<Uint8Array>;

/** Serves a stream of an authenticated peer; the stream is closed when it returns. */
export type StreamServer = (nodeId: string, stream: FabricStream) => Promise<void>;

/** A stream between two nodes, with back-pressure both ways. */
export interface FabricStream extends ByteStream {
  /** Says that nothing more is written; reading goes on. */
  end(): Promise<void>;
}

/** How large the messages of a protocol may be, octets. */
export interface MessageLimits {
  readonly maxRequestBytes?: number;
  readonly maxAnswerBytes?: number;
}

/**
 * Something every member is to have the newest version of. It judges versions and signatures itself; where it
 * came from proves nothing.
 */
export interface Document {
  /** Unique, up to 64 characters of a–z, 0–9 and "-". */
  readonly name: string;
  /** 0 when there is none. */
  version(): number;
  current(): Uint8Array;
  /** Takes over what is newer and sound, and has stored it when it answers "newer". Never rejects for bad octets. */
  offer(bytes: Bytes, fromNodeId: string): Promise<"newer" | "same" | "older" | "refused">;
}

/** What a node says of itself. */
export interface NodeStatus {
  /** Host name. */
  readonly name: string;
  /** Of the program. */
  readonly version: string;
  readonly uptimeS: number;
  readonly addresses: readonly string[];
}

/** What another node said of itself last. */
export interface SeenStatus extends NodeStatus {
  readonly nodeId: string;
  /** Since it came. */
  readonly ageMs: number;
}

/** Counters since the start, and what is now. */
export interface FabricFigures {
  readonly connections: number;
  readonly contacts: number;
  /** By why handshakes ended. */
  readonly handshakeFailures: Readonly<Record<string, number>>;
  /** Gossiped messages by what became of them. */
  readonly gossip: Readonly<Record<string, number>>;
  /** Documents by what became of an offer. */
  readonly documents: Readonly<Record<string, number>>;
}

/** The fabric of one node, running. */
export interface Fabric {
  readonly nodeId: string;
  /** Where it listens, as bound. */
  readonly local: readonly SocketAddress[];
  /** Says where a node is to be found: a hint, by discovery, an invite or an administrator. */
  introduce(nodeId: string, address: SocketAddress): void;
  /** Asks the mesh where a node is, and introduces it. @throws {FabricError} "unknown-peer" */
  find(nodeId: string, signal?: AbortSignal): Promise<readonly SocketAddress[]>;
  peers(): readonly FabricPeer[];
  /** Ends all there is with a node, at once; it may come back if it is still admitted. */
  disconnect(nodeId: string): void;
  /** Judges all connected peers again, now: who is no longer admitted is cut off. */
  recheck(): Promise<void>;
  /** @throws {FabricError} "too-large", "too-many", "stopped" */
  publish(topic: string, bytes: Uint8Array): Promise<void>;
  /** One handler a topic. @returns ends the subscription. */
  subscribe(topic: string, handler: GossipHandler): () => void;
  /** Answers requests of this name from now on. */
  handle(protocol: string, handler: RequestHandler, limits?: MessageLimits): Promise<void>;
  /**
   * Asks a node, connected or not.
   *
   * @throws {FabricError} "unknown-peer", "unreachable", "unsupported", "refused", "too-large", "timeout".
   */
  request(
    nodeId: string,
    protocol: string,
    bytes: Uint8Array,
    options?: { readonly signal?: AbortSignal; readonly maxAnswerBytes?: number },
  ): Promise<Bytes>;
  handleStream(protocol: string, server: StreamServer): Promise<void>;
  /** @throws {FabricError} as {@link request}. */
  openStream(nodeId: string, protocol: string, signal?: AbortSignal): Promise<FabricStream>;
  /** A document of this node is newer than before: neighbours are told. */
  changed(name: string): void;
  statuses(): readonly SeenStatus[];
  readonly figures: FabricFigures;
  stop(): Promise<void>;
}
