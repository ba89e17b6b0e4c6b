// The real machine behind the ports: clocks, randomness, files, and the Linux kernel over netlink.
export { hostClock } from "./clock.ts";
export { hostFiles } from "./files.ts";
export { type HostKernelOptions, openHostKernel } from "./kernel.ts";
export {
  type NotifyEnvironment,
  notifyEnvironment,
  type ServiceNotifier,
  serviceNotifier,
} from "./notify.ts";
export { hostNetwork, type HostNetworkOptions } from "./net.ts";
export { hostPackets } from "./net_packets.ts";
export { listenForWorkloads } from "./peer_credentials.ts";
export { hostRandom } from "./random.ts";
export { type HostServices, hostServices, type HostServicesOptions } from "./services.ts";
export { unixDialer, unixListener } from "./stream.ts";
export { openLinkUdp, openPlainUdp, type UdpQuestion, type UdpService } from "./udp.ts";
