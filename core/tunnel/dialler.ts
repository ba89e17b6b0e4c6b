// Opens connections to peers wherever they may be: addresses of the book in turn, each with a head start
// over the next; a call by multicast for a peer that nobody has heard of.
import type { Clock, Network, SocketAddress, TcpConnection } from "../ports/mod.ts";
import type { AddressBook } from "./address_book.ts";
import { TunnelError } from "./errors.ts";
import { NEXT_ADDRESS_AFTER_MS, SEEK_EVERY_MS, SEEK_WAIT_MS } from "./limits.ts";

/** A connection, and the address of the book that it came of. */
export interface Reached {
  readonly connection: TcpConnection;
  readonly asked: SocketAddress;
}

/** What a dialler runs on. */
export interface DiallerPorts {
  readonly clock: Clock;
  readonly network: Network;
  readonly book: AddressBook;
  /** Calls for a node by multicast. */
  seek(nodeId: string): Promise<boolean>;
}

/** See the module's header. */
export class Dialler {
  readonly #ports: DiallerPorts;
  /** Who waits to hear of a node. */
  readonly #awaited = new Map<string, Set<AbortController>>();

  constructor(ports: DiallerPorts) {
    this.#ports = ports;
  }

  /** An address of this node was heard of. */
  heard(nodeId: string): void {
    for (const waiter of this.#awaited.get(nodeId) ?? []) waiter.abort();
  }

  /** @throws {TunnelError} "no-address", or what the network said of the last address. */
  async connect(nodeId: string, signal: AbortSignal): Promise<Reached> {
    const { book, clock } = this.#ports;
    let candidates = book.candidates(nodeId, clock.monotonicMs());
    if (candidates.length === 0) {
      await this.#waitFor(nodeId, signal);
      candidates = book.candidates(nodeId, clock.monotonicMs());
    }
    if (candidates.length === 0) {
      throw new TunnelError("no-address", `Cannot reach "${nodeId}": nobody has heard of it`, {
        retryable: true,
      });
    }
    return await this.#first(nodeId, candidates, signal);
  }

  async #waitFor(nodeId: string, signal: AbortSignal): Promise<void> {
    const { clock, seek } = this.#ports;
    const heard = new AbortController();
    const waiters = this.#awaited.get(nodeId) ?? new Set();
    this.#awaited.set(nodeId, waiters.add(heard));
    try {
      const ended = AbortSignal.any([signal, heard.signal]);
      const untilMs = clock.monotonicMs() + SEEK_WAIT_MS;
      while (!ended.aborted && clock.monotonicMs() < untilMs) {
        await seek(nodeId);
        await clock.sleep(Math.min(SEEK_EVERY_MS, untilMs - clock.monotonicMs()), ended);
      }
    } finally {
      waiters.delete(heard);
      if (waiters.size === 0) this.#awaited.delete(nodeId);
    }
  }

  /** The first address that answers wins; the others are given up. */
  async #first(
    nodeId: string,
    candidates: readonly SocketAddress[],
    signal: AbortSignal,
  ): Promise<Reached> {
    const { clock, network, book } = this.#ports;
    const done = new AbortController();
    const giveUp = AbortSignal.any([signal, done.signal]);
    const start = async (index: number, asked: SocketAddress, before: Promise<unknown>) => {
      const early = new AbortController();
      before.catch(() => early.abort());
      if (index > 0) {
        const headStartMs = index * NEXT_ADDRESS_AFTER_MS;
        await clock.sleep(headStartMs, AbortSignal.any([giveUp, early.signal]));
      }
      if (giveUp.aborted) {
        throw new TunnelError("no-address", `Cannot reach "${nodeId}": it was given up`);
      }
      let connection: TcpConnection;
      try {
        connection = await network.dial(asked, giveUp);
      } catch (error) {
        if (!giveUp.aborted) book.failed(nodeId, asked, clock.monotonicMs());
        throw error;
      }
      if (!giveUp.aborted) {
        done.abort();
        return { connection, asked } satisfies Reached;
      }
      connection.close();
      throw new TunnelError("no-address", `Cannot reach "${nodeId}": another address was quicker`);
    };
    let before: Promise<unknown> = Promise.resolve();
    const attempts: Promise<Reached>[] = [];
    for (const [index, candidate] of candidates.entries()) {
      const attempt = start(index, candidate, before);
      // The next one begins early when this one fails; its error is told by the last of all.
      before = attempt;
      attempts.push(attempt);
    }
    try {
      return await Promise.any(attempts);
    } catch (error) {
      throw error instanceof AggregateError ? error.errors.at(-1) : error;
    }
  }
}
