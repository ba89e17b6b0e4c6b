// The generic netlink family "wireguard", as data.
// linux v6.12 include/uapi/linux/wireguard.h. Pure data; nothing here sends or parses.
import { list, table } from "../netlink/mod.ts";

/** WG_GENL_NAME. */
export const FAMILY = "wireguard";

/** enum wg_cmd. GET_DEVICE is a dump; both need CAP_NET_ADMIN. */
export const COMMANDS = { getDevice: 0, setDevice: 1 } as const;

/** WG_KEY_LEN, for private, public and preshared keys. */
export const KEY_BYTES = 32;

/** enum wgdevice_flag. */
export const DEVICE_FLAGS = { replacePeers: 1 << 0 } as const;

/** enum wgpeer_flag. */
export const PEER_FLAGS = {
  removeMe: 1 << 0,
  replaceAllowedIps: 1 << 1,
  updateOnly: 1 << 2,
} as const;

/** enum wgallowedip_attribute. */
export const ALLOWED_IP = table({
  family: [1, "u16"],
  ipAddr: [2, "ip"],
  cidrMask: [3, "u8"],
});

/** enum wgpeer_attribute. */
export const PEER = table({
  publicKey: [1, "bytes"],
  presharedKey: [2, "bytes"],
  flags: [3, "u32"],
  endpoint: [4, "bytes"],
  persistentKeepaliveInterval: [5, "u16"],
  lastHandshakeTime: [6, "bytes"],
  rxBytes: [7, "u64"],
  txBytes: [8, "u64"],
  allowedIps: [9, list(ALLOWED_IP)],
  protocolVersion: [10, "u32"],
});

/** enum wgdevice_attribute. */
export const DEVICE = table({
  ifindex: [1, "u32"],
  ifname: [2, "string"],
  privateKey: [3, "bytes"],
  publicKey: [4, "bytes"],
  flags: [5, "u32"],
  listenPort: [6, "u16"],
  fwmark: [7, "u32"],
  peers: [8, list(PEER)],
});

/** Attribute 8 of DEVICE without its contents, to ask by name or index. */
export const DEVICE_QUERY = table({ ifindex: [1, "u32"], ifname: [2, "string"] });

/** Address families (linux socket.h). */
export const AF_INET = 2;
export const AF_INET6 = 10;
