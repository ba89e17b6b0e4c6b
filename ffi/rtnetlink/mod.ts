// Links, addresses, routes, neighbours and rules of a network namespace, over rtnetlink.
// Deliberately absent: queueing disciplines, bridge forwarding tables and VLAN filters, nexthop objects.
export { type AddressMessage, type AddressSpec, decodeAddress, encodeAddress } from "./address.ts";
export {
  type IntoNamespace,
  type LinkReading,
  type NewLinkIn,
  openRtnetlink,
  Rtnetlink,
} from "./client.ts";
export {
  decodeEvent,
  openRtnetlinkEvents,
  type RtEvent,
  RtnetlinkEvents,
  type RtTable,
} from "./events.ts";
export { type IpFamily, parsePrefix, type Prefix } from "./header.ts";
export {
  decodeLink,
  encodeNewLink,
  encodeSetLink,
  type LinkData,
  type LinkMessage,
  type LinkSettings,
  type LinkStats,
  type NewLink,
} from "./link.ts";
export {
  decodeNeighbour,
  encodeNeighbour,
  type NeighbourMessage,
  type NeighbourSpec,
  type NeighbourState,
} from "./neighbour.ts";
export {
  decodeRoute,
  encodeRoute,
  type Nexthop,
  type NexthopSpec,
  type RouteMessage,
  type RouteSpec,
  type RouteType,
} from "./route.ts";
export { decodeRule, encodeRule, type RuleMessage, type RuleSpec } from "./rule.ts";
export { IFA_F, IFF } from "./spec.ts";
