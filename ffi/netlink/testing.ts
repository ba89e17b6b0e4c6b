// A scripted kernel for tests: the other end of a Datagram. Each request that a client sends must be
// the next expected one; its answers are queued at once, as the kernel does. Not for production code.
import { ERRNO, SyscallError } from "../sys/mod.ts";
import { concat } from "./attribute.ts";
import { NetlinkConn } from "./conn.ts";
import type { Datagram, NetlinkMessage } from "./conn_types.ts";
import { decodeMessages, encodeMessage, NLM_F, NLMSG_DONE, NLMSG_ERROR } from "./message.ts";

/** One datagram of an answer, or a failure of the receive call in its place. */
export type ScriptedAnswer = Uint8Array | { readonly errno: number };

/** An expected request and what the kernel answers to it. */
export interface ScriptedStep {
  /** Throws when the request is not the expected one. */
  readonly expect?: (request: NetlinkMessage) => void;
  /** The answer's datagrams; `reply()`, `done()` and `ack()` make them. */
  readonly answer: (request: NetlinkMessage) => readonly ScriptedAnswer[];
}

/** A kernel that answers by script. */
export class ScriptedKernel implements Datagram {
  readonly #steps: ScriptedStep[];
  readonly #queue: ScriptedAnswer[] = [];
  #waiting: ((ready: boolean) => void)[] = [];
  /** Every request that arrived. */
  readonly requests: NetlinkMessage[] = [];
  /** Groups that were joined. */
  readonly groups: number[] = [];
  /** Whether the client closed its end. */
  closed = false;

  constructor(steps: readonly ScriptedStep[] = []) {
    this.#steps = [...steps];
  }

  /** Steps that no request has reached. */
  get remaining(): number {
    return this.#steps.length;
  }

  send(bytes: Uint8Array): void {
    for (const request of decodeMessages(bytes)) {
      this.requests.push(request);
      const step = this.#steps.shift();
      if (step === undefined) throw new Error(`Unexpected request of type ${request.type}`);
      step.expect?.(request);
      this.push(...step.answer(request));
    }
  }

  /** Queues datagrams unasked, as notifications come. */
  push(...datagrams: readonly ScriptedAnswer[]): void {
    this.#queue.push(...datagrams);
    if (datagrams.length > 0) this.#wake(true);
  }

  tryReceive(): Uint8Array | null {
    const next = this.#queue.shift();
    if (next === undefined) return null;
    if (next instanceof Uint8Array) return next;
    throw new SyscallError("receive", next.errno);
  }

  /** With nothing queued, a finite wait is over at once: the script never answers later by itself. */
  readable(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#queue.length > 0) return Promise.resolve(true);
    if (this.closed || signal?.aborted || timeoutMs !== Infinity) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      signal?.addEventListener("abort", () => resolve(false), { once: true });
    });
  }

  join(group: number): void {
    this.groups.push(group);
  }

  close(): void {
    this.closed = true;
    this.#wake(false);
  }

  #wake(ready: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve(ready);
  }
}

/** A connection to a scripted kernel. Its clock leaps, so that an unanswered request times out at once. */
export function scriptedConn(kernel: ScriptedKernel, firstSeq = 100): NetlinkConn {
  let nowMs = 0;
  return new NetlinkConn(kernel, { firstSeq, monotonicMs: () => nowMs += 1_000 });
}

/** One datagram with messages that answer `request`. */
export function reply(
  request: NetlinkMessage,
  messages: readonly { type: number; payload: Uint8Array; flags?: number }[],
): Uint8Array {
  return concat(
    messages.map(({ type, payload, flags = 0 }) =>
      encodeMessage({ type, flags, seq: request.seq, payload })
    ),
  );
}

/** The end of a dump. */
export function done(request: NetlinkMessage, errno = 0, flags = 0): Uint8Array {
  return reply(request, [{
    type: NLMSG_DONE,
    flags: NLM_F.MULTI | flags,
    payload: new Uint8Array(Int32Array.of(-errno).buffer),
  }]);
}

/**
 * An acknowledgement, or a refusal when `errno` is not 0.
 *
 * @param extack encoded NLMSGERR_ATTR_* attributes.
 */
export function ack(request: NetlinkMessage, errno = 0, extack?: Uint8Array): Uint8Array {
  const header = encodeMessage({ ...request, payload: new Uint8Array(0) });
  return reply(request, [{
    type: NLMSG_ERROR,
    flags: NLM_F.CAPPED | (extack === undefined ? 0 : NLM_F.ACK_TLVS),
    payload: concat([
      new Uint8Array(Int32Array.of(-errno).buffer),
      header,
      extack ?? new Uint8Array(0),
    ]),
  }]);
}

/** In place of a datagram: the kernel dropped some. */
export const OVERRUN: ScriptedAnswer = Object.freeze({ errno: ERRNO.ENOBUFS });
