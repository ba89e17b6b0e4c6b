// The netlink core: attributes as tables, messages, connections. Knows no family.
export {
  type Attributes,
  type AttributeTable,
  concat,
  decodeAttributes,
  encodeAttributes,
  type Indexed,
  indexed,
  list,
  nest,
  table,
} from "./attribute.ts";
export { NetlinkConn, type NetlinkConnOptions } from "./conn.ts";
export type { Datagram, Netlink, NetlinkMessage } from "./conn_types.ts";
export { DecodeError, type ExtendedAck, KernelError, NetlinkTimeout } from "./errors.ts";
export { align, decodeError, decodeMessages, encodeMessage, NLM_F } from "./message.ts";
export { isLost, type Lost, NetlinkNotifications, type Notification } from "./notifications.ts";
export {
  NETLINK_GENERIC,
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  openDatagram,
  openNetlink,
  type OpenNetlinkOptions,
  openNotifications,
} from "./open.ts";
export { formatIp, parseIp, unsigned } from "./values.ts";
