/** Descriptors that may wait at the same time. */
export const MAX_WAITING = 1_024;

/** Longest single wait of the poller; a longer one is made of several. */
export const MAX_POLL_MS = 60_000;

/** Octets of one receive: the largest datagram of any family used here. */
export const MAX_DATAGRAM_BYTES = 65_536;

/** sun_path of linux v6.12 uapi/linux/un.h. */
export const MAX_UNIX_PATH_BYTES = 108;

/** Octets of a file under /proc/sys that are read. */
export const MAX_SYSCTL_BYTES = 4_096;

/** Characters of a network namespace's name (a file name). */
export const MAX_NAMESPACE_NAME_CHARS = 255;

/** Times a call interrupted by a signal (EINTR) is made again. */
export const MAX_INTERRUPTED_ATTEMPTS = 16;

/**
 * Connections that wait to be accepted, at most net.core.somaxconn. Few of them mean that in a flood an honest
 * peer's SYN is dropped, and it tries again only a second later.
 */
export const LISTEN_BACKLOG = 4_096;

/** Octets of one read of a stream. */
export const READ_BYTES = 65_536;
