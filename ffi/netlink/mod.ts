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
export type { Datagram, Netlink, NetlinkMessage } from "./conn_types.ts";
export { DecodeError, type ExtendedAck, KernelError } from "./errors.ts";
export { formatIp, parseIp } from "./values.ts";
