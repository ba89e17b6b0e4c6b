// Bounds of the daemon itself.

/** An orderly stop takes at most this long; then the process ends anyway. */
export const STOP_TIMEOUT_MS = 8_000;
/** Longest path of a unix socket, linux uapi/linux/un.h, with its end mark. */
export const MAX_SOCKET_PATH_BYTES = 107;
/** Demo nodes are numbered up to this. */
export const MAX_DEMO_NODES = 20;
/** A demo node has this long to start. */
export const DEMO_START_TIMEOUT_MS = 20_000;
/** Nodes of a simulated mesh. */
export const MAX_SIMULATED_NODES = 2_000;
/** Answers to maps a second; the rest goes unanswered. */
export const MAX_RESPONDD_ANSWERS_PER_S = 20;
