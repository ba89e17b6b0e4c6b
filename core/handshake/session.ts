// Handshakes over streams: frames, deadline, caps, counters. Who is dialled and whether an M3 is taken is
// the caller's (machine.ts); what a stream is, too. A failure closes the connection and says nothing.
import type { ByteStream, Clock } from "../ports/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { CachedGate } from "./gate.ts";
import type { CredentialCache } from "./credential_cache.ts";
import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import { closedOn, encodeFrame, FrameReader } from "./frames.ts";
import { Initiator } from "./initiator.ts";
import { MAX_FRAME_BYTES, MAX_HALF_OPEN, MAX_M4_BYTES, MAX_WAITING } from "./limits.ts";
import { m1Bytes, MODE, type Mode, MODE_AT } from "./messages.ts";
import type { Outcome, Party } from "./party.ts";
import { Responder } from "./responder.ts";
import { TIMING } from "./timing.ts";
import { TokenBuckets } from "./token_buckets.ts";

/** A completed handshake. The stream is open, at the octet after the last message; the caller closes it. */
export interface Completed {
  readonly outcome: Outcome;
  readonly stream: ByteStream;
}

/** A peer whose M3 holds. */
export interface Arrival {
  readonly outcome: Outcome;
  readonly source: string;
  /** {@link Sessions.order} and monotonic time as of its M1. */
  readonly order: number;
  readonly begunMs: number;
}

/** An exchange whose M1 has passed the gate of its mode. */
export interface Exchange {
  readonly m1: Bytes;
  readonly source: string;
  /** The next message. @throws {HandshakeError} "malformed", "closed" */
  read(maxBytes: number): Promise<Bytes>;
  write(message: Uint8Array): Promise<void>;
}

/** Serves M1 of a mode other than MODE.mesh. */
export interface ModeService {
  /** Octets of this mode's M1 with its mac. */
  readonly m1Bytes: number;
  /** How long an exchange may last from its M1 on; as long as a handshake when left out. */
  readonly deadlineMs?: number;
  /** The cheap check of its mac: no state, no KEM, no signature. */
  gate(m1: Bytes): boolean;
  /** Everything after the gate; the connection is closed when it ends. @throws {HandshakeError} */
  answer(exchange: Exchange): Promise<void>;
}

/** What sessions run on. */
export interface SessionPorts {
  readonly clock: Clock;
  /** This node as of now: its credential may be renewed between handshakes. */
  party(): Party;
  /** The cache behind the party's `admit`. */
  readonly cache: CredentialCache;
  /** What these handshakes are for; MODE.mesh when left out. */
  readonly mode?: Mode;
  /** Who answers M1 of other modes; a mode that isn't here is refused. */
  readonly modes?: ReadonlyMap<Mode, ModeService>;
}

/** Counters since the start, and what is open now. */
export interface SessionFigures {
  readonly dialled: number;
  readonly answered: number;
  /** By why they ended; codes that never came are left out. */
  readonly failures: Readonly<Partial<Record<HandshakeErrorCode, number>>>;
  /** Connections whose M1 hasn't come. */
  readonly waiting: number;
  readonly halfOpen: number;
  readonly cachedCredentials: number;
}

const asError = (thrown: unknown): HandshakeError | null =>
  thrown instanceof HandshakeError ? thrown : null;

/** All handshakes of a node. */
export class Sessions {
  readonly #ports: SessionPorts;
  readonly #buckets = new TokenBuckets();
  readonly #gate = new CachedGate();
  readonly #failures: Partial<Record<HandshakeErrorCode, number>> = {};
  readonly #waiting = new Set<{ evict(): void }>();
  #halfOpen = 0;
  #dialled = 0;
  #answered = 0;
  #order = 0;

  constructor(ports: SessionPorts) {
    this.#ports = ports;
  }

  /** Number of the last handshake that was begun with this node. */
  get order(): number {
    return this.#order;
  }

  get figures(): SessionFigures {
    return {
      dialled: this.#dialled,
      answered: this.#answered,
      failures: { ...this.#failures },
      waiting: this.#waiting.size,
      halfOpen: this.#halfOpen,
      cachedCredentials: this.#ports.cache.size,
    };
  }

  /**
   * Runs a handshake over a new connection, which is closed when it fails.
   *
   * @param nodeId whom it must be.
   * @param mayProve asked once, when M2 holds and M3 could go.
   * @throws {HandshakeError}
   */
  async dial(
    stream: ByteStream,
    nodeId: string,
    mayProve: () => boolean,
    signal?: AbortSignal,
  ): Promise<Completed> {
    const { cache } = this.#ports;
    const abort = () => stream.close();
    let proved = false;
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const party = expecting(this.#ports.party(), nodeId);
      const completed = await this.#inTime(stream, async () => {
        const frames = new FrameReader(stream);
        const initiator = new Initiator(party, {
          wantFull: !cache.knows(nodeId),
          deliveredTo: cache.deliveredTo(nodeId),
          mode: this.#ports.mode ?? MODE.mesh,
        });
        await send(stream, await initiator.begin());
        const m3 = await initiator.receiveM2(await frames.read(MAX_FRAME_BYTES));
        if (signal?.aborted === true || !mayProve()) {
          throw new HandshakeError("aborted", "Cannot go on with handshake: it isn't wanted");
        }
        proved = true;
        await send(stream, m3);
        const outcome = await initiator.receiveM4(await frames.read(MAX_M4_BYTES));
        return { outcome, stream: frames.rest() };
      });
      cache.delivered(nodeId, completed.outcome.peerCacheEpoch);
      this.#dialled++;
      return completed;
    } catch (thrown) {
      stream.close();
      const error = signal?.aborted === true
        ? new HandshakeError("aborted", "Cannot go on with handshake: it isn't wanted")
        : thrown;
      // A peer that forgot our credential can't say so: after an unexplained end all is sent again.
      const code = asError(error)?.code;
      if ((proved && code !== "busy") || code === "unknown-credential") cache.forget(nodeId);
      this.#count(error);
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /**
   * Answers a new connection. Whatever is wrong with it, it is closed without a word and counted.
   *
   * @param source the peer's address, for rates; link-local ones with their interface.
   * @param take decides on a peer whose M3 holds, and installs before it resolves to `true`.
   *   Wiping what it doesn't take is its part.
   * @returns `null` for everything but a completed handshake of {@link SessionPorts.mode}.
   */
  async answer(
    stream: ByteStream,
    source: string,
    take: (arrival: Arrival) => Promise<boolean>,
  ): Promise<Completed | null> {
    try {
      if (!this.#buckets.take(source, this.#ports.clock.monotonicMs())) throw limited(source);
      return await this.#inTime(stream, (extend) => this.#answer({ stream, source, extend }, take));
    } catch (error) {
      stream.close();
      this.#count(error);
      return null;
    }
  }

  async #answer(
    { stream, source, extend }: {
      readonly stream: ByteStream;
      readonly source: string;
      readonly extend: (ms: number) => void;
    },
    take: (arrival: Arrival) => Promise<boolean>,
  ): Promise<Completed | null> {
    const party = this.#ports.party();
    const frames = new FrameReader(stream);
    const maxBytes = Math.max(
      m1Bytes(party.suite),
      ...[...this.#ports.modes?.values() ?? []].map((service) => service.m1Bytes),
    );
    const m1 = await this.#firstMessage(stream, source, () => frames.read(maxBytes));
    const service = this.#ports.modes?.get(m1[MODE_AT] as Mode);
    const known = service === undefined ? this.#gate.holds(party, m1) : service.gate(m1);
    if (!known) throw new HandshakeError("wrong-mac", "Cannot accept M1: its mac does not hold");
    if (this.#halfOpen >= MAX_HALF_OPEN) throw limited(source);
    this.#halfOpen++;
    try {
      // A mode that nobody serves fails as a mesh mode's M1 does.
      if (service === undefined) {
        return await this.#answerMesh({ stream, frames, source, m1 }, take);
      }
      if (service.deadlineMs !== undefined) extend(service.deadlineMs);
      await service.answer({
        m1,
        source,
        read: (maxBytes) => frames.read(maxBytes),
        write: (message) => send(stream, message),
      });
      stream.close();
      return null;
    } finally {
      this.#halfOpen--;
    }
  }

  async #answerMesh(
    { stream, frames, source, m1 }: {
      readonly stream: ByteStream;
      readonly frames: FrameReader;
      readonly source: string;
      readonly m1: Bytes;
    },
    take: (arrival: Arrival) => Promise<boolean>,
  ): Promise<Completed> {
    const order = ++this.#order;
    const begunMs = this.#ports.clock.monotonicMs();
    const responder = new Responder(this.#ports.party(), this.#ports.mode ?? MODE.mesh);
    await send(stream, await responder.receiveM1(m1));
    const answer = await responder.receiveM3(await frames.read(MAX_FRAME_BYTES));
    const { outcome } = answer;
    if (!await take({ outcome, source, order, begunMs })) {
      await send(stream, await answer.refusal());
      throw new HandshakeError("busy", "Cannot accept handshake: one of our own is under way");
    }
    this.#answered++;
    await send(stream, answer.m4);
    return { outcome, stream: frames.rest() };
  }

  /** Waits for M1 among a bounded number of connections; the oldest gives way. */
  async #firstMessage(
    stream: ByteStream,
    source: string,
    read: () => Promise<Bytes>,
  ): Promise<Bytes> {
    let evicted = false;
    const place = {
      evict() {
        evicted = true;
        stream.close();
      },
    };
    if (this.#waiting.size >= MAX_WAITING) {
      const [oldest] = this.#waiting;
      if (oldest !== undefined) this.#waiting.delete(oldest);
      oldest?.evict();
    }
    this.#waiting.add(place);
    try {
      return await read();
    } catch (error) {
      throw evicted ? limited(source) : error;
    } finally {
      this.#waiting.delete(place);
    }
  }

  /** @param task may be given more time, counted from when it asks. */
  async #inTime<T>(
    stream: ByteStream,
    task: (extend: (ms: number) => void) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#ports;
    const done = new AbortController();
    let late = false;
    let endMs = clock.monotonicMs() + TIMING.deadlineMs;
    const watch = async () => {
      let leftMs = TIMING.deadlineMs;
      while (leftMs > 0) {
        await clock.sleep(leftMs, done.signal);
        if (done.signal.aborted) return;
        leftMs = endMs - clock.monotonicMs();
      }
      late = true;
      stream.close();
    };
    const timer = watch();
    try {
      return await task((ms) => endMs = clock.monotonicMs() + ms);
    } catch (error) {
      throw late ? new HandshakeError("timeout", "Cannot complete handshake in time") : error;
    } finally {
      done.abort();
      await timer;
    }
  }

  /** Counts a failure; what isn't one goes on up. */
  #count(thrown: unknown): void {
    const error = asError(thrown);
    if (error === null) throw thrown;
    this.#failures[error.code] = (this.#failures[error.code] ?? 0) + 1;
  }
}

const limited = (source: string) =>
  new HandshakeError("limited", `Cannot accept connection from "${source}": too many`);

const send = (stream: ByteStream, message: Uint8Array) =>
  closedOn(() => stream.write(encodeFrame(message)));

/** The party, which admits one peer only. */
function expecting(party: Party, nodeId: string): Party {
  return {
    ...party,
    async admit(presented) {
      const credential = await party.admit(presented);
      // Our own identity gets its own code further on.
      if (credential.nodeId !== nodeId && credential.nodeId !== party.credential.nodeId) {
        throw new HandshakeError(
          "unexpected-peer",
          `Cannot accept peer "${credential.nodeId}": "${nodeId}" was dialled`,
        );
      }
      return credential;
    },
  };
}
