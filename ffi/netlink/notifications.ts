// Multicast notifications on a connection of their own. What was lost is said, never hidden: the
// reader must read the table again then.
import { ERRNO, SyscallError } from "../sys/mod.ts";
import type { Datagram, NetlinkMessage } from "./conn_types.ts";
import { MAX_CONSECUTIVE_LOSSES } from "./limits.ts";
import { decodeMessages, NLMSG_NOOP, NLMSG_OVERRUN } from "./message.ts";

/** Some notifications were dropped by the kernel here. */
export interface Lost {
  readonly lost: true;
}

/** What a reader of notifications gets. */
export type Notification = NetlinkMessage | Lost;

/** Whether `item` says that notifications were lost. */
export function isLost<T extends object>(item: T | Lost): item is Lost {
  return "lost" in item && item.lost === true;
}

const LOST: Lost = Object.freeze({ lost: true });

/** A listening connection. Groups joined before {@link notifications} is iterated are queued by the kernel. */
export class NetlinkNotifications implements Disposable {
  readonly #datagram: Datagram;
  #closed = false;

  /** Takes ownership of `datagram`. */
  constructor(datagram: Datagram) {
    this.#datagram = datagram;
  }

  /** Joins a multicast group. @throws {SyscallError} EPERM where the group needs privileges. */
  join(group: number): void {
    this.#datagram.join(group);
  }

  /**
   * Notifications from now on, until `signal` fires or close() is called. One reader at a time.
   *
   * @throws {DecodeError} when the kernel's octets make no messages.
   */
  async *notifications(signal?: AbortSignal): AsyncGenerator<Notification, void, void> {
    let losses = 0;
    while (!this.#closed && signal?.aborted !== true) {
      const received = this.#tryReceive();
      if (received === "lost") {
        if (++losses > MAX_CONSECUTIVE_LOSSES) {
          throw new SyscallError("receive notifications", ERRNO.ENOBUFS);
        }
        yield LOST;
      } else if (received === null) {
        await this.#datagram.readable(Infinity, signal);
      } else {
        losses = 0;
        for (const message of decodeMessages(received)) {
          if (message.type === NLMSG_NOOP) continue;
          yield message.type === NLMSG_OVERRUN ? LOST : message;
        }
      }
    }
  }

  /** Ends the iteration and closes the socket. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#datagram.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #tryReceive(): Uint8Array | "lost" | null {
    try {
      return this.#datagram.tryReceive();
    } catch (error) {
      if (error instanceof SyscallError && error.errno === ERRNO.ENOBUFS) return "lost";
      throw error;
    }
  }
}
