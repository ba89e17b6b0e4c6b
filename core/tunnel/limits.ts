/** Port of handshakes (TCP) and of WireGuard (UDP): one number, so that one forwarding rule opens both. */
export const DEFAULT_PORT = 6470;

/** UDP port of beacons. */
export const DISCOVERY_PORT = 6472;

/** Multicast group of beacons: transient, link-local scope (RFC 4291 §2.7). */
export const DISCOVERY_GROUP = "ff12::7830:7462";

/** Tunnels at once, by default. */
export const MAX_TUNNELS = 512;

/** Tunnels kept where packets cannot wait, by default: to the first members heard of. */
export const MAX_EAGER_TUNNELS = 64;

/** Silence after which a tunnel goes, by default. */
export const IDLE_S = 300;

/** The same for one that never carried anything: brought up by the peer, or never up. */
export const PROBATION_S = 60;

/** Longest time between two readings of the tunnels' counters. */
export const SWEEP_MAX_MS = 10_000;

/** Nodes whose addresses are remembered. */
export const MAX_KNOWN_NODES = 4_096;

/** Addresses of one node. */
export const MAX_ADDRESSES_PER_NODE = 4;

/** Addresses where it is not known who is there. */
export const MAX_UNNAMED_ADDRESSES = 32;

/** How often such an address is asked. */
export const PROBE_EVERY_MS = 60_000;

/** How long a beacon's word counts. */
export const HINT_LIFETIME_MS = 600_000;

/** Head start of one address of a peer over the next when they are tried. */
export const NEXT_ADDRESS_AFTER_MS = 400;

/** How long a dial waits for a peer that nobody has heard of to answer a call. */
export const SEEK_WAIT_MS = 2_000;

/** Between two calls during that wait. */
export const SEEK_EVERY_MS = 600;

/** Packets that wait for one peer, and for all. */
export const MAX_HELD_PER_PEER = 64;
/** See {@link MAX_HELD_PER_PEER}. */
export const MAX_HELD = 1_024;

/** Peers that packets wait for. */
export const MAX_HELD_PEERS = 128;

/** Longest wait of a packet: a call and a whole handshake fit in, also on a slow machine. */
export const MAX_HOLD_MS = 8_000;

/** Between two demands for one peer: packets come faster than dials may. */
export const DEMAND_EVERY_MS = 1_000;

/** ICMPv6 errors a second (RFC 4443 §2.4 (f)). */
export const ICMP_PER_S = 50;

/** Time the peer gets to install its PSK, once M4 is on its way, before packets go to it. */
export const SETTLE_MS = 250;

/** Beacons: least time between two on a link, and between them on the whole mesh. */
export const BEACON_EVERY_MS = 10_000;
/** See {@link BEACON_EVERY_MS}: each known node adds so much. */
export const BEACON_PER_NODE_MS = 100;

/** The first beacons come sooner: a link that was just joined loses some. */
export const FIRST_BEACONS = 3;
/** See {@link FIRST_BEACONS}. */
export const FIRST_BEACON_EVERY_MS = 2_000;

/** Least time between two answers to calls on one link. */
export const BEACON_MIN_MS = 1_000;

/** Calls for nodes that were not heard of: burst and a second. */
export const SEEK_BURST = 10;
/** See {@link SEEK_BURST}. */
export const SEEK_PER_S = 2;

/** Datagrams looked at: from one source, and from all; burst and a second. */
export const HEARD_PER_SOURCE_BURST = 20;
/** See {@link HEARD_PER_SOURCE_BURST}. */
export const HEARD_PER_SOURCE_PER_S = 5;
/** See {@link HEARD_PER_SOURCE_BURST}. */
export const HEARD_BURST = 400;
/** See {@link HEARD_PER_SOURCE_BURST}. */
export const HEARD_PER_S = 200;

/** Before a link or listener that failed is tried again. */
export const RETRY_MS = 5_000;

/** Nodes whose MAC addresses are told from those of LAN clients. */
export const MAX_NODE_MACS = 4_096;

/** How long a node's MAC address counts as one; renewed at each handshake and beacon. */
export const NODE_MAC_LIFETIME_MS = 30 * 60_000;

/** Between two renewals. */
export const NODE_MAC_RENEW_MS = 10 * 60_000;

/** Octets that WireGuard over IPv6 adds to a packet: IPv6 40, UDP 8, header 16, tag 16. */
export const WIREGUARD_OVERHEAD_BYTES = 80;

/** Least MTU of an IPv6 link (RFC 8200 §5). */
export const MIN_MTU = 1_280;

/** Interval of WireGuard's keepalives to peers over the internet: NAT mappings live 30 s and longer. */
export const KEEPALIVE_S = 25;

/** Sending without any answer for this long means that the peer has lost the tunnel (WireGuard: 15 s). */
export const UNANSWERED_MS = 15_000;

/** A tunnel that was silent for this long may make room for another. */
export const SILENT_ENOUGH_MS = 10_000;
