// Tunnels between the nodes of a mesh: kernel WireGuard, keyed by our handshakes, brought up when a packet
// wants to pass. docs/protocol/tunnels.md. Not here: the handshake (core/handshake), what flows through.
export { TunnelError, type TunnelErrorCode } from "./errors.ts";
export { DEFAULT_PORT, DISCOVERY_GROUP, DISCOVERY_PORT } from "./limits.ts";
export type { DiscoveryFigures } from "./discovery.ts";
export type { PeerAppeared, TunnelOptions, TunnelPorts } from "./options.ts";
export { Overlay } from "./overlay.ts";
export { OVERLAY_TABLE, type OverlayDrops } from "./overlay_firewall.ts";
export type { WaitingFigures } from "./packet_waiter.ts";
export type { TunnelPeerStatus, TunnelsStatus } from "./status.ts";
export { Tunnels } from "./tunnels.ts";
