// A request/answer connection: sequence numbers, acknowledgements, multipart answers, dumps that were
// interrupted, a deadline. One request is in flight at a time; others wait their turn. Deliberately
// without groups: notifications have their own connection, so that a flood of them delays no answer.
// linux v6.12 Documentation/userspace-api/netlink/intro.rst.
import { ERRNO, errnoName, SyscallError } from "../sys/mod.ts";
import type { Datagram, Netlink, NetlinkMessage } from "./conn_types.ts";
import { KernelError, NetlinkTimeout } from "./errors.ts";
import {
  MAX_DUMP_ATTEMPTS,
  MAX_DUMP_MESSAGES,
  MAX_QUEUED_REQUESTS,
  REQUEST_DEADLINE_MS,
} from "./limits.ts";
import {
  decodeDone,
  decodeError,
  decodeMessages,
  encodeMessage,
  NLM_F,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
  type Outcome,
} from "./message.ts";

/** What a connection needs besides its datagrams. */
export interface NetlinkConnOptions {
  /** Sequence number of the first request; unpredictable, so that a stale answer never matches. */
  readonly firstSeq: number;
  /** A clock that never goes back, in milliseconds. */
  readonly monotonicMs: () => number;
  /** Default REQUEST_DEADLINE_MS. */
  readonly deadlineMs?: number;
}

interface Exchange {
  readonly op: string;
  readonly seq: number;
  readonly dump: boolean;
  readonly messages: NetlinkMessage[];
  /** A dump the kernel could not give as one consistent whole, or of which datagrams were lost. */
  torn: boolean;
  /** Set when the acknowledgement or the end of the dump has come. */
  outcome: Outcome | null;
}

/** See {@link Netlink}. Owns its datagram socket. */
export class NetlinkConn implements Netlink, Disposable {
  readonly #datagram: Datagram;
  readonly #options: NetlinkConnOptions;
  #seq: number;
  #tail: Promise<unknown> = Promise.resolve();
  #queued = 0;
  #closed = false;

  constructor(datagram: Datagram, options: NetlinkConnOptions) {
    this.#datagram = datagram;
    this.#options = options;
    this.#seq = options.firstSeq >>> 0;
  }

  request(
    op: string,
    type: number,
    payload: Uint8Array,
    flags = 0,
  ): Promise<readonly NetlinkMessage[]> {
    return this.#inTurn(op, async () => {
      const exchange = await this.#exchange(op, type, payload, NLM_F.ACK | flags, false);
      // An answer may be among what was lost, and a request is not repeated behind the caller's back.
      if (exchange.torn) throw new SyscallError("receive", ERRNO.ENOBUFS, op);
      return exchange.messages;
    });
  }

  dump(
    op: string,
    type: number,
    payload: Uint8Array,
    flags = 0,
  ): Promise<readonly NetlinkMessage[]> {
    return this.#inTurn(op, async () => {
      for (let attempt = 0; attempt < MAX_DUMP_ATTEMPTS; attempt++) {
        const exchange = await this.#exchange(op, type, payload, NLM_F.DUMP | flags, true);
        if (!exchange.torn) return exchange.messages;
      }
      const { EINTR } = ERRNO;
      const message = `table changed during each of ${MAX_DUMP_ATTEMPTS} readings`;
      throw new KernelError(op, EINTR, errnoName(EINTR), { message }, this.#seq);
    });
  }

  /** Closes the socket; a request in flight fails. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#datagram.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #inTurn<T>(op: string, action: () => Promise<T>): Promise<T> {
    if (this.#queued >= MAX_QUEUED_REQUESTS) {
      return Promise.reject(new SyscallError("queue", ERRNO.EAGAIN, op));
    }
    this.#queued++;
    const run = this.#tail.then(action).finally(() => this.#queued--);
    this.#tail = run.catch(() => undefined);
    return run;
  }

  async #exchange(
    op: string,
    type: number,
    payload: Uint8Array,
    flags: number,
    dump: boolean,
  ): Promise<Exchange> {
    this.#requireOpen(op);
    const seq = this.#nextSeq();
    const exchange: Exchange = { op, seq, dump, messages: [], torn: false, outcome: null };
    this.#datagram.send(encodeMessage({ type, flags: NLM_F.REQUEST | flags, seq, payload }));
    const deadlineMs = this.#options.monotonicMs() +
      (this.#options.deadlineMs ?? REQUEST_DEADLINE_MS);
    while (exchange.outcome === null) {
      // The kernel queues most answers before send() returns: look first, wait only for the rest.
      const datagram = this.#tryReceive(exchange);
      if (datagram === "lost") continue;
      if (datagram !== null) {
        for (const message of decodeMessages(datagram)) this.#take(exchange, message);
        continue;
      }
      const leftMs = deadlineMs - this.#options.monotonicMs();
      if (leftMs <= 0) throw new NetlinkTimeout(op);
      await this.#datagram.readable(leftMs);
      this.#requireOpen(op);
    }
    const { errno, extack } = exchange.outcome;
    if (errno !== 0) throw new KernelError(op, errno, errnoName(errno), extack, seq);
    return exchange;
  }

  #requireOpen(op: string): void {
    if (this.#closed) throw new SyscallError("use closed netlink connection", ERRNO.EBADF, op);
  }

  /** 0 is the sequence number of notifications and is skipped. */
  #nextSeq(): number {
    const seq = this.#seq === 0 ? 1 : this.#seq;
    this.#seq = (seq + 1) >>> 0;
    return seq;
  }

  #tryReceive(exchange: Exchange): Uint8Array | "lost" | null {
    try {
      return this.#datagram.tryReceive();
    } catch (error) {
      // The kernel reports an overrun once and goes on: the end of this exchange still comes, or the
      // deadline does.
      if (!(error instanceof SyscallError) || error.errno !== ERRNO.ENOBUFS) throw error;
      exchange.torn = true;
      return "lost";
    }
  }

  #take(exchange: Exchange, message: NetlinkMessage): void {
    // Another sequence number: the rest of an exchange that was given up, or not ours.
    if (message.seq !== exchange.seq || exchange.outcome !== null) return;
    if ((message.flags & NLM_F.DUMP_INTR) !== 0 && exchange.dump) exchange.torn = true;
    switch (message.type) {
      case NLMSG_NOOP:
        return;
      case NLMSG_OVERRUN:
        exchange.torn = true;
        return;
      case NLMSG_ERROR:
        exchange.outcome = decodeError(message);
        return;
      case NLMSG_DONE:
        if (exchange.dump) exchange.outcome = decodeDone(message);
        return;
    }
    if (exchange.messages.length >= MAX_DUMP_MESSAGES) {
      throw new RangeError(`Cannot ${exchange.op}: more than ${MAX_DUMP_MESSAGES} messages`);
    }
    exchange.messages.push(message);
  }
}
