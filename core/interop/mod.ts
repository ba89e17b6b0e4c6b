// What this node tells other systems in their own formats: NetJSON (OpenWISP, netjsongraph), respondd
// (Freifunk maps), and the topology both are made from. Pure functions of a snapshot; no sockets.
export { type DeviceMonitoring, deviceMonitoringOf } from "./netjson.ts";
export { type NetworkGraph, networkGraphOf } from "./netjson.ts";
export {
  answerRespondd,
  parseResponddRequest,
  RESPONDD_NAMES,
  type ResponddFacts,
  type ResponddRequest,
} from "./respondd.ts";
export {
  qualityOf,
  type Topology,
  type TopologyEdge,
  type TopologyNode,
  topologyOf,
} from "./topology.ts";
