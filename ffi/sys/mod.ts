// The kernel's own interface, by way of libc: sockets, readiness, network namespaces, /proc/sys.
// Knows no netlink family. Importing it opens nothing; the first call does.
export { ERRNO, type ErrnoName, errnoName, SyscallError } from "./errno.ts";
export { interfaceIndex, interfaceName } from "./interfaces.ts";
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
export { openRaw6, sendRaw6 } from "./raw6.ts";
export {
  AF_INET6,
  AF_NETLINK,
  AF_PACKET,
  AF_UNIX,
  decodeInet6Address,
  decodeNetlinkAddress,
  decodePacketAddress,
  decodeUnixAddress,
  encodeInet6Address,
  encodeNetlinkAddress,
  encodePacketAddress,
  encodeUnixAddress,
  type Inet6Address,
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
export { peerPidfd, type PidHandle } from "./pidfd.ts";
export { readSysctl, sysctlPath, writeSysctl } from "./sysctl.ts";
export {
  type Accepted,
  acceptTcp,
  connectTcp,
  listenTcp,
  localInet6,
  pendingError,
  readStream,
  writeStream,
} from "./tcp.ts";
export { Tun } from "./tun.ts";
export {
  joinGroup,
  type MulticastOptions,
  openMulticast,
  openUdp,
  type UdpOptions,
} from "./udp.ts";
