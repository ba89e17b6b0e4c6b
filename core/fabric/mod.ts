// The fabric: connections between members under our handshake, and over them requests, streams, gossip and
// replicated documents. docs/protocol/fabric.md. Not here: what the documents mean, and who is a member.
export { FabricError, type FabricErrorCode } from "./errors.ts";
export { FABRIC_PORT, MAX_GOSSIP_BYTES, MAX_MESSAGE_BYTES } from "./limits.ts";
export { startFabric } from "./start.ts";
export { FABRIC_TIMING, type FabricTiming } from "./timing.ts";
export type {
  Document,
  Fabric,
  FabricFigures,
  FabricLog,
  FabricLogFields,
  FabricMemory,
  FabricOptions,
  FabricPeer,
  FabricPorts,
  FabricStream,
  GossipHandler,
  GossipMessage,
  MessageLimits,
  NodeStatus,
  RequestHandler,
  SeenStatus,
  StreamServer,
  Verdict,
} from "./types.ts";
