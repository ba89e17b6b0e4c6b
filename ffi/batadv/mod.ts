// batman-adv: every command and group of its netlink family, and its own ping and traceroute.
export { Batadv, type BatadvEvents, type ThroughputOptions } from "./client.ts";
export type { BatadvEvent, TpOutcome, TpResult } from "./events_codec.ts";
export type { Flags } from "./fields.ts";
export { icmpFilter, openIcmpFrames } from "./frames.ts";
export {
  type EchoOptions,
  type EchoResult,
  type FrameSocket,
  type Hop,
  type IcmpOptions,
  IcmpSession,
  type PingOptions,
  type RouteSource,
} from "./icmp_client.ts";
export type {
  GatewayMode,
  HardInterface,
  HardInterfaceChange,
  MeshChange,
  MeshInfo,
  MeshSettings,
  MeshVlan,
  PrimaryInterface,
} from "./mesh_codec.ts";
export type {
  BlaBackbone,
  BlaClaim,
  ClientFlags,
  DatEntry,
  Gateway,
  GlobalClient,
  LocalClient,
  McastFlags,
  Neighbor,
  Originator,
} from "./tables_codec.ts";
export { macOfIp, translateMac, type TranslationTables } from "./translate.ts";
