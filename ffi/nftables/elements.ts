// Set elements over netlink: one datagram, one transaction, about 0.1 ms. The kernel takes a batch as a
// whole or not at all; each message of it is acknowledged by itself.
// linux v6.12 net/netfilter/nfnetlink.c nfnetlink_rcv_batch().
import {
  concat,
  type Datagram,
  decodeError,
  decodeMessages,
  encodeMessage,
  KernelError,
  type Netlink,
  NETLINK_NETFILTER,
  NetlinkTimeout,
  NLM_F,
  openDatagram,
  openNetlink,
  type OpenNetlinkOptions,
} from "../netlink/mod.ts";
import { errnoName, monotonicMs, randomU32 } from "../sys/mod.ts";
import {
  type BatchMessage,
  decodeElements,
  encodeBatchEdge,
  encodeElements,
  encodeListRequest,
  type ListedElement,
  type NftElement,
  type NftSet,
} from "./codec.ts";
import { BATCH_DEADLINE_MS, MAX_ELEMENTS_PER_BATCH } from "./limits.ts";
import { NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END, NFT_MSG_GETSETELEM } from "./spec.ts";

const NLMSG_ERROR = 2;

/** What a batch needs of its surroundings. */
export interface BatchOptions {
  readonly firstSeq: number;
  readonly monotonicMs: () => number;
  readonly deadlineMs?: number;
}

/** Sends batches over a datagram socket of its own, one at a time. */
export class NftBatches {
  readonly #datagram: Datagram;
  readonly #options: BatchOptions;
  #seq: number;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(datagram: Datagram, options: BatchOptions) {
    this.#datagram = datagram;
    this.#options = options;
    this.#seq = options.firstSeq >>> 0;
  }

  /** Runs messages as one transaction. @throws {KernelError | NetlinkTimeout | SyscallError} */
  run(op: string, messages: readonly BatchMessage[]): Promise<void> {
    const turn = this.#tail.then(() => this.#exchange(op, messages));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  close(): void {
    this.#datagram.close();
  }

  async #exchange(op: string, messages: readonly BatchMessage[]): Promise<void> {
    const begin = this.#nextSeq();
    const waiting = new Map<number, number>();
    const edge = (type: number, seq: number) =>
      encodeMessage({ type, flags: NLM_F.REQUEST, seq, payload: encodeBatchEdge() });
    const parts = [edge(NFNL_MSG_BATCH_BEGIN, begin)];
    for (const [i, { type, payload }] of messages.entries()) {
      const seq = this.#nextSeq();
      waiting.set(seq, i);
      const flags = NLM_F.REQUEST | NLM_F.ACK | NLM_F.CREATE;
      parts.push(encodeMessage({ type, flags, seq, payload }));
    }
    parts.push(edge(NFNL_MSG_BATCH_END, this.#nextSeq()));
    this.#datagram.send(concat(parts));
    const deadlineMs = this.#options.monotonicMs() +
      (this.#options.deadlineMs ?? BATCH_DEADLINE_MS);
    let failure: KernelError | null = null;
    while (waiting.size > 0) {
      const datagram = this.#datagram.tryReceive();
      if (datagram === null) {
        const leftMs = deadlineMs - this.#options.monotonicMs();
        if (leftMs <= 0) throw new NetlinkTimeout(op);
        await this.#datagram.readable(leftMs);
        continue;
      }
      for (const message of decodeMessages(datagram)) {
        // Answers to the batch's begin mean that none of it was looked at.
        const whole = message.seq === begin;
        if (message.type !== NLMSG_ERROR || (!whole && !waiting.has(message.seq))) continue;
        const { errno, extack } = decodeError(message);
        if (errno !== 0) {
          failure ??= new KernelError(op, errno, errnoName(errno), extack, message.seq);
        }
        if (whole && errno !== 0) waiting.clear();
        waiting.delete(message.seq);
      }
    }
    if (failure !== null) throw failure;
  }

  #nextSeq(): number {
    const seq = this.#seq === 0 ? 1 : this.#seq;
    this.#seq = (seq + 1) >>> 0;
    return seq;
  }
}

/** Adds, removes and lists elements of sets and maps. */
export class NftElements implements Disposable {
  readonly #batches: NftBatches;
  readonly #netlink: Netlink;

  constructor(batches: NftBatches, netlink: Netlink) {
    this.#batches = batches;
    this.#netlink = netlink;
  }

  /** Opens both sockets. @throws {SyscallError} */
  static open(options: OpenNetlinkOptions = {}): NftElements {
    const datagram = openDatagram(NETLINK_NETFILTER, options);
    try {
      const batches = new NftBatches(datagram, { firstSeq: randomU32(), monotonicMs });
      return new NftElements(batches, openNetlink(NETLINK_NETFILTER, options));
    } catch (error) {
      datagram.close();
      throw error;
    }
  }

  /**
   * Adds elements, all or none; one that is there already with the same value is left as it is.
   *
   * @throws {KernelError} ENOENT no such set; EEXIST there with another value; EINVAL wrong length.
   */
  async add(set: NftSet, elements: readonly NftElement[]): Promise<void> {
    await this.#change("add", set, elements);
  }

  /** Removes elements, all or none. @throws {KernelError} ENOENT when the set or one of them is not there. */
  async remove(set: NftSet, keys: readonly Uint8Array[]): Promise<void> {
    await this.#change("remove", set, keys.map((key) => ({ key })));
  }

  /** All elements. @throws {KernelError} ENOENT no such set. */
  async list(set: NftSet): Promise<readonly ListedElement[]> {
    const request = encodeListRequest(set);
    const messages = await this.#netlink.dump("list set elements", NFT_MSG_GETSETELEM, request);
    return messages.flatMap((message) => decodeElements(message.payload));
  }

  close(): void {
    this.#batches.close();
    this.#netlink.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #change(change: "add" | "remove", set: NftSet, elements: readonly NftElement[]) {
    if (elements.length === 0) return;
    if (elements.length > MAX_ELEMENTS_PER_BATCH) {
      throw new RangeError(`Cannot ${change} ${elements.length} set elements at once`);
    }
    await this.#batches.run(`${change} set elements`, encodeElements(change, set, elements));
  }
}
