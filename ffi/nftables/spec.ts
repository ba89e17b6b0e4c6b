// nf_tables over netlink, as far as set elements need it. linux v6.12 include/uapi/linux/netfilter/
// nfnetlink.h and nf_tables.h. Integers in attributes are in network byte order.
import { indexed, nest, table } from "../netlink/mod.ts";

/** Message types: subsystem in the upper octet. */
export const NFNL_SUBSYS_NFTABLES = 10;
export const NFNL_MSG_BATCH_BEGIN = 0x10;
export const NFNL_MSG_BATCH_END = 0x11;
export const NFT_MSG_NEWSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 12;
export const NFT_MSG_GETSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 13;
export const NFT_MSG_DELSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 14;

/** NFTA_LIST_ELEM. */
export const NFTA_LIST_ELEM = 1;

/** NFPROTO_* of linux/netfilter.h. */
export const NFPROTO = Object.freeze({
  inet: 1,
  ip: 2,
  arp: 3,
  netdev: 5,
  bridge: 7,
  ip6: 10,
});

/** NFTA_DATA_*. */
export const DATA = table({ value: [1, "bytes"] });

/** NFTA_SET_ELEM_*. */
export const SET_ELEMENT = table({
  key: [1, nest(DATA)],
  data: [2, nest(DATA)],
  /** be32 NFT_SET_ELEM_*. */
  flags: [3, "u32be"],
  /** be64 milliseconds. */
  timeout: [4, "bytes"],
  expiration: [5, "bytes"],
});

/** NFTA_SET_ELEM_LIST_*. */
export const SET_ELEMENTS = table({
  table: [1, "string"],
  set: [2, "string"],
  elements: [3, indexed(SET_ELEMENT)],
});
