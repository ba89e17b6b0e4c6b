// Local processes that connect over a unix socket, with what the kernel says of them.
import type { Duplex } from "node:stream";

/** The process at the other end of a unix socket, as the kernel knew it when it connected. */
export interface CallerProcess {
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  /** Executable; `null` when it cannot be told for certain: no right to look, gone, deleted, other root. */
  readonly path: string | null;
}

/** A connection with who is behind it. */
export interface WorkloadConnection {
  readonly socket: Duplex;
  readonly caller: CallerProcess;
}

/** A listener that attests. */
export interface WorkloadListener {
  /** Resolves when it takes no more connections; those that are open stay so. */
  close(): Promise<void>;
}

/**
 * Listens on a unix socket that any local process may connect to.
 *
 * @param path absolute; its directory exists. A socket file that nobody listens on is replaced.
 * @param take gets each connection whose peer the kernel names; others are closed.
 */
export type ListenForWorkloads = (
  path: string,
  take: (connection: WorkloadConnection) => void,
) => Promise<WorkloadListener>;
