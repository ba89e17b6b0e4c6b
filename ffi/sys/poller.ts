// Readiness of many descriptors with one nonblocking poll() in flight: one helper thread however many
// sockets wait. An eventfd in the set wakes it when a waiter joins, gives up, or closes its descriptor.
// A descriptor is closed only while no poll() holds its number, so that a reused number is never polled.
// Deliberately not an event loop: it reports readiness and does no I/O.
import { ERRNO, SyscallError } from "./errno.ts";
import { checked, lastErrno, libc, monotonicMs } from "./libc.ts";
import { MAX_POLL_MS, MAX_WAITING } from "./limits.ts";

/** poll(2) event bits, linux v6.12 uapi/asm-generic/poll.h. */
export const POLLIN = 0x1;
/** Writing will not block. */
export const POLLOUT = 0x4;

const POLLFD_BYTES = 8;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

interface Waiter {
  readonly fd: number;
  readonly events: number;
  /** On the clock of {@link monotonicMs}; Infinity for none. */
  readonly deadlineMs: number;
  /** `null` until it is settled. */
  outcome: boolean | null;
  readonly settle: (ready: boolean) => void;
  readonly fail: (error: Error) => void;
}

class Poller {
  #wakeFd = -1;
  #polling = false;
  /** Waiters of the poll() in flight and those that join with the next one. */
  #waiters = new Set<Waiter>();
  /** Descriptor numbers held by the poll() in flight. */
  #held = new Set<number>();
  #closeLater = new Set<number>();

  wait(fd: number, events: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    if (timeoutMs <= 0) return Promise.resolve(pollNow(fd, events));
    if (this.#waiters.size >= MAX_WAITING) {
      throw new RangeError(`Cannot wait for descriptor ${fd}: ${MAX_WAITING} are waiting`);
    }
    return new Promise<boolean>((resolve, reject) => {
      const onAbort = () => this.#giveUp(waiter);
      const done = () => signal?.removeEventListener("abort", onAbort);
      const waiter: Waiter = {
        fd,
        events,
        deadlineMs: monotonicMs() + timeoutMs,
        outcome: null,
        settle(ready) {
          done();
          resolve(ready);
        },
        fail(error) {
          done();
          reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiters.add(waiter);
      if (this.#polling) this.#wake();
      else void this.#run();
    });
  }

  close(fd: number): void {
    for (const waiter of this.#waiters) if (waiter.fd === fd) this.#giveUp(waiter);
    if (this.#held.has(fd)) this.#closeLater.add(fd);
    else libc().close(fd);
  }

  #giveUp(waiter: Waiter): void {
    waiter.outcome ??= false;
    this.#wake();
  }

  #wake(): void {
    if (this.#wakeFd < 0) return;
    // EAGAIN means that a wake-up is pending already.
    libc().write(this.#wakeFd, new Uint8Array(new BigUint64Array([1n]).buffer), 8n);
  }

  async #run(): Promise<void> {
    this.#polling = true;
    try {
      if (this.#wakeFd < 0) {
        this.#wakeFd = checked(libc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
      }
      while (this.#waiters.size > 0) await this.#once();
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      for (const waiter of this.#waiters) waiter.fail(error);
      this.#waiters.clear();
    } finally {
      this.#polling = false;
    }
  }

  async #once(): Promise<void> {
    for (const waiter of this.#waiters) this.#settleIfDone(waiter);
    const batch = [...this.#waiters];
    if (batch.length === 0) return;
    const bytes = new Uint8Array((batch.length + 1) * POLLFD_BYTES);
    const view = new DataView(bytes.buffer);
    view.setInt32(0, this.#wakeFd, true);
    view.setInt16(4, POLLIN, true);
    let deadlineMs = monotonicMs() + MAX_POLL_MS;
    for (const [i, waiter] of batch.entries()) {
      view.setInt32((i + 1) * POLLFD_BYTES, waiter.fd, true);
      view.setInt16((i + 1) * POLLFD_BYTES + 4, waiter.events, true);
      this.#held.add(waiter.fd);
      deadlineMs = Math.min(deadlineMs, waiter.deadlineMs);
    }
    const timeoutMs = Math.max(0, Math.ceil(deadlineMs - monotonicMs()));
    const ready = await libc().poll(bytes, BigInt(batch.length + 1), timeoutMs);
    this.#held.clear();
    for (const fd of this.#closeLater) libc().close(fd);
    this.#closeLater.clear();
    // errno after a nonblocking call is not to be trusted: ask again, synchronously.
    if (ready < 0) failUnlessInterrupted(bytes, batch.length + 1);
    if (view.getInt16(6, true) !== 0) libc().read(this.#wakeFd, new Uint8Array(8), 8n);
    const nowMs = monotonicMs();
    for (const [i, waiter] of batch.entries()) {
      if (waiter.outcome === null) {
        if (ready > 0 && view.getInt16((i + 1) * POLLFD_BYTES + 6, true) !== 0) {
          waiter.outcome = true;
        } else if (waiter.deadlineMs <= nowMs) waiter.outcome = false;
      }
      this.#settleIfDone(waiter);
    }
  }

  #settleIfDone(waiter: Waiter): void {
    if (waiter.outcome === null) return;
    this.#waiters.delete(waiter);
    waiter.settle(waiter.outcome);
  }
}

function failUnlessInterrupted(bytes: Uint8Array<ArrayBuffer>, count: number): void {
  if (libc().pollNow(bytes, BigInt(count), 0) >= 0) return;
  const errno = lastErrno();
  if (errno !== ERRNO.EINTR) throw new SyscallError("poll", errno);
}

function pollNow(fd: number, events: number): boolean {
  const bytes = new Uint8Array(POLLFD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, fd, true);
  view.setInt16(4, events, true);
  return checked(libc().pollNow(bytes, 1n, 0), "poll") > 0;
}

const poller = new Poller();

/**
 * Resolves `true` when one of `events` (or an error) is pending on `fd`; `false` when the time is up,
 * `signal` fires or the descriptor is closed by {@link closeDescriptor}.
 *
 * @param timeoutMs Infinity waits without end; 0 or less only looks.
 * @throws {SyscallError} when poll() itself fails.
 */
export function waitReady(
  fd: number,
  events: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  return poller.wait(fd, events, timeoutMs, signal);
}

/** Closes a descriptor that may be waited for; whoever waits gets `false`. */
export function closeDescriptor(fd: number): void {
  poller.close(fd);
}
