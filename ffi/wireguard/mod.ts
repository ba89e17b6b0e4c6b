// WireGuard interfaces: read and configured over their netlink family.
export { Wireguard } from "./client.ts";
export type { Device, DeviceChange, Endpoint, Peer, PeerChange } from "./device.ts";
