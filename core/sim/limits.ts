// Bounds of the simulation. Kernel constants carry their names from linux v6.12 net/batman-adv/main.h.

/** Nodes one simulation holds. Originator and sequence number share a 32-bit word. */
export const NODES_MAX = 4096;
/** Mesh interfaces (routers) of all nodes together. */
export const ROUTERS_MAX = 8192;
/** Direct neighbours one router keeps; the slot is an octet. */
export const NEIGHBOURS_MAX = 250;
/** Timers waiting on one virtual clock. */
export const TIMERS_MAX = 1_000_000;
/** Microtask turns given to awakened code before virtual time moves on. */
export const SETTLE_TURNS = 24;
/** Events kept for a slow reader of `watch()`; then it gets one "lost". */
export const WATCH_QUEUE_MAX = 1024;
/** Readers of `watch()` on one node. */
export const WATCHERS_MAX = 64;
/** Links (interfaces) one node may have. */
export const LINKS_MAX = 512;
/** Routes, addresses, rules of one node, each. */
export const ROUTES_MAX = 4096;
/** Clients (translation table entries) of one node. */
export const CLIENTS_MAX = 4096;
/** Versions of an originator's announcements kept for those who lag behind. */
export const TVLV_VERSIONS_MAX = 64;
/** Sysctl values written on one node. */
export const SYSCTL_MAX = 1024;
/** Characters of a ruleset. */
export const RULESET_MAX = 1_000_000;
/** WireGuard peers of one device. */
export const WG_PEERS_MAX = 4096;

/** BATADV_TTL. */
export const TTL = 50;
/** BATADV_TQ_MAX_VALUE. */
export const TQ_MAX = 255;
/** BATADV_TQ_LOCAL_WINDOW_SIZE: sequence numbers a link's quality is counted over. */
export const TQ_LOCAL_WINDOW = 64;
/** BATADV_TQ_GLOBAL_WINDOW_SIZE. */
export const TQ_GLOBAL_WINDOW = 5;
/** BATADV_OGM_MAX_ORIGDIFF. */
export const OGM_MAX_ORIGDIFF = 5;
/** BATADV_PURGE_TIMEOUT. */
export const PURGE_TIMEOUT_MS = 200_000;
/** BATADV_RESET_PROTECTION_MS. */
export const RESET_PROTECTION_MS = 30_000;
/** BATADV_JITTER. */
export const JITTER_MS = 20;
/** BATADV_MAX_AGGREGATION_MS: how long a router collects OGMs before it sends them together. */
export const AGGREGATION_MS = 100;
/** OGMs in one frame: BATADV_MAX_AGGREGATION_BYTES (512) over the 24 octets of an OGM. */
export const AGGREGATION_OGMS = 21;
/** How often each router looks for stale rows. */
export const PURGE_PERIOD_MS = 10_000;
/** How often fading, stations and interference move. */
export const FADING_PERIOD_MS = 1_000;
/** Silence after which a mesh peer is dropped. Departs from mac80211 (30 min) so that a demo shows it. */
export const STATION_TIMEOUT_MS = 60_000;
/** Attempts of one unicast frame (the usual long retry limit). */
export const UNICAST_ATTEMPTS = 7;
/** Octets of one message of the shared medium's protocol. */
export const MESSAGE_MAX = 16 * 1024 * 1024;
/** Calls one attached daemon may have open. */
export const CALLS_MAX = 256;
/** Daemons attached to one medium. */
export const ATTACHED_MAX = 256;
/** First and longest wait before an attached daemon tries to reach its medium again. */
export const RECONNECT_FIRST_MS = 200;
export const RECONNECT_MAX_MS = 5_000;

/** Connections that wait to be accepted by one listener of the simulated network. */
export const ACCEPT_QUEUE_MAX = 1024;
/** Datagrams or packets that wait at one socket or link. */
export const DATAGRAM_QUEUE_MAX = 1024;
/** First port that a simulated host takes when any will do (RFC 6335 §6). */
export const EPHEMERAL_PORT_FIRST = 49_152;
/** Packets kept of those that left or arrived. */
export const SENT_PACKETS_MAX = 4096;
