// The kernel's own interface, by way of libc: sockets, readiness, network namespaces, /proc/sys.
// Knows no netlink family. Importing it opens nothing; the first call does.
export { ERRNO, type ErrnoName, errnoName, SyscallError } from "./errno.ts";
export { loadLibc, monotonicMs, randomU32 } from "./libc.ts";
export { loadLibnftables, type NftablesRun, runLibnftables } from "./libnftables.ts";
export {
  createNamespace,
  deleteNamespace,
  listNamespaces,
  NamespaceHandle,
  namespacePath,
  withNamespace,
} from "./namespace.ts";
export {
  AF_NETLINK,
  AF_PACKET,
  AF_UNIX,
  decodeNetlinkAddress,
  decodePacketAddress,
  decodeUnixAddress,
  encodeNetlinkAddress,
  encodePacketAddress,
  encodeUnixAddress,
  type NetlinkAddress,
  type PacketAddress,
} from "./sockaddr.ts";
export {
  type BpfInstruction,
  isFromKernel,
  openNetlinkSocket,
  openPacketSocket,
  openUnixDatagram,
  type PacketSocketOptions,
  type PeerCredentials,
  peerCredentials,
  type Received,
  Socket,
  type SocketPlace,
  SOL_NETLINK,
  SOL_PACKET,
  SOL_SOCKET,
  type UnixDatagramOptions,
} from "./socket.ts";
export { readSysctl, sysctlPath, writeSysctl } from "./sysctl.ts";
