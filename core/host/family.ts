// A generic netlink family that may come and go with its module: opened at first use, and opened anew
// when the kernel no longer knows the number it had.
import { ERRNO, SyscallError } from "../../ffi/sys/mod.ts";
import { KernelError } from "../../ffi/netlink/mod.ts";

interface Opened<T> {
  readonly client: Promise<T>;
  users: number;
  /** Not handed out any more; closed by its last user. */
  retired: boolean;
}

/** ENOENT is also the answer for a VLAN that is not there; opening anew is cheap and harmless. */
function isGone(error: unknown): boolean {
  return error instanceof KernelError && error.errno === ERRNO.ENOENT;
}

/** Keeps one client of a family open; shared by all callers. */
export class FamilyClient<T extends { close(): void }> {
  readonly #open: () => Promise<T>;
  #current: Opened<T> | null = null;
  #closed = false;

  constructor(open: () => Promise<T>) {
    this.#open = open;
  }

  /**
   * Runs `action` with the client; once more with a new one when the kernel no longer knew the number of
   * a client that was open already. It had done nothing then.
   *
   * @throws whatever opening or `action` throws.
   */
  async use<R>(action: (client: T) => Promise<R>): Promise<R> {
    const reused = this.#current !== null;
    try {
      return await this.#once(action);
    } catch (error) {
      if (reused && isGone(error)) return await this.#once(action);
      throw error;
    }
  }

  async #once<R>(action: (client: T) => Promise<R>): Promise<R> {
    if (this.#closed) throw new SyscallError("use closed kernel", ERRNO.EBADF);
    const opened = this.#current ??= { client: this.#open(), users: 0, retired: false };
    opened.users++;
    let client: T | null = null;
    try {
      client = await opened.client;
      return await action(client);
    } catch (error) {
      if (isGone(error) || client === null) this.#retire(opened);
      throw error;
    } finally {
      opened.users--;
      if (opened.retired && opened.users === 0) await this.#closeQuietly(opened);
    }
  }

  /** Closes the client; requests in flight fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const opened = this.#current;
    this.#current = null;
    if (opened !== null) await this.#closeQuietly(opened);
  }

  #retire(opened: Opened<T>): void {
    opened.retired = true;
    if (this.#current === opened) this.#current = null;
  }

  /** A client that could not be opened has nothing to close; its user was told why. */
  async #closeQuietly(opened: Opened<T>): Promise<void> {
    const client = await opened.client.catch(() => null);
    client?.close();
  }
}

/** How names of links become indices and back; rtnetlink knows. */
export interface LinkNames {
  /** @throws {KernelFault} "no-such-link" */
  indexOf(name: string): Promise<number>;
  /** `null` when no link has that index any more. */
  nameOf(index: number): Promise<string | null>;
}
