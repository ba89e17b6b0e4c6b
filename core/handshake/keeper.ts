// Runs the machines of all peers: carries their effects out and feeds them what happens. Streams, the
// tunnels' keys and time are ports; so it runs in the simulator as it does on a node.
import { invariant } from "../base/mod.ts";
import type { ByteStream, Clock, Random } from "../ports/mod.ts";
import { HandshakeError } from "./errors.ts";
import { MAX_PEERS } from "./limits.ts";
import {
  newPeer,
  nextPeer,
  type PeerEffect,
  type PeerEvent,
  type PeerState,
  type PskHandle,
} from "./machine.ts";
import type { Outcome } from "./party.ts";
import type { Arrival, Completed, Sessions } from "./session.ts";
import { TIMING, type Timing } from "./timing.ts";

/** Where PSKs go. Each rejects when the kernel refuses; the messages of errors hold no key. */
export interface PskSink {
  /** Copies what it needs: the PSK is wiped afterwards. */
  install(nodeId: string, outcome: Outcome): Promise<void>;
  /** Installs fresh random octets. */
  installRandom(nodeId: string): Promise<void>;
  remove(nodeId: string): Promise<void>;
}

/** What the keeper runs on. */
export interface KeeperPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly sessions: Sessions;
  /** This node. */
  readonly nodeId: string;
  readonly sink: PskSink;
  /** Opens a connection to a peer wherever it is now. Rejects when it can't; ends with the signal. */
  connect(nodeId: string, signal: AbortSignal): Promise<ByteStream>;
  /** Told after each change of a peer's state. */
  changed?(nodeId: string, state: PeerState): void;
  readonly timing?: Timing;
}

type Bare = PeerEvent extends infer E ? E extends PeerEvent ? Omit<E, "nowMs" | "unit"> : never
  : never;

interface Peer {
  readonly nodeId: string;
  state: PeerState;
  /** Ends the attempt in progress. */
  abort: AbortController | null;
  timer: AbortController | null;
  /** The sink's calls, one after the other. */
  sinkDone: Promise<void>;
  sinkFailed: boolean;
  readonly outcomes: Map<PskHandle, Outcome>;
}

/** What the effects of one event decided at once. */
interface Decision {
  readonly prove: boolean;
  readonly accept: boolean;
}

/** Keeps every peer's PSK fresh. */
export class PeerKeeper {
  readonly #ports: KeeperPorts;
  readonly #timing: Timing;
  readonly #peers = new Map<string, Peer>();
  readonly #running = new Set<Promise<void>>();
  /** Node id → the sink's last calls for a peer that was removed: whoever is added again comes after. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** Node id of a removed peer → handshakes that began before its removal, while one may still arrive. */
  readonly #barriers = new Map<string, { readonly order: number; readonly untilMs: number }>();
  #handles = 0;
  #closed = false;

  constructor(ports: KeeperPorts) {
    this.#ports = ports;
    this.#timing = ports.timing ?? TIMING;
  }

  /** Peers with their states. */
  get peers(): ReadonlyMap<string, PeerState> {
    return new Map([...this.#peers].map(([nodeId, { state }]) => [nodeId, state]));
  }

  /** Begins to keep a peer; one that is kept already stays as it is. */
  add(nodeId: string): void {
    invariant(nodeId !== this.#ports.nodeId, "Cannot keep this node as its own peer");
    if (this.#closed || this.#peers.has(nodeId)) return;
    invariant(this.#peers.size < MAX_PEERS, `Cannot keep peer: ${MAX_PEERS} are kept`);
    const peer: Peer = {
      nodeId,
      state: newPeer(this.#ports.nodeId < nodeId, this.#barrierOf(nodeId)),
      abort: null,
      timer: null,
      sinkDone: this.#leaving.get(nodeId) ?? Promise.resolve(),
      sinkFailed: false,
      outcomes: new Map(),
    };
    this.#peers.set(nodeId, peer);
    this.#tell(peer, { type: "start" });
  }

  /** A packet waits: dial now unless a PSK is there. */
  demand(nodeId: string): void {
    const peer = this.#peers.get(nodeId);
    if (peer !== undefined) this.#tell(peer, { type: "demand" });
  }

  /** Ends a peer: idle, or revoked. Resolves when the sink has removed it. */
  async remove(nodeId: string): Promise<void> {
    const peer = this.#peers.get(nodeId);
    if (peer === undefined) return;
    this.#tell(peer, { type: "remove" });
    this.#barOld(nodeId);
    peer.timer?.abort();
    this.#peers.delete(nodeId);
    const left = peer.sinkDone;
    this.#leaving.set(nodeId, left);
    await left;
    if (this.#leaving.get(nodeId) === left) this.#leaving.delete(nodeId);
  }

  #barrierOf(nodeId: string): number {
    const barrier = this.#barriers.get(nodeId);
    const known = barrier !== undefined && this.#ports.clock.monotonicMs() < barrier.untilMs;
    return known ? barrier.order : -1;
  }

  #barOld(nodeId: string): void {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const [other, { untilMs }] of this.#barriers) {
      if (untilMs <= nowMs) this.#barriers.delete(other);
    }
    const { order } = this.#ports.sessions;
    this.#barriers.set(nodeId, { order, untilMs: nowMs + this.#timing.deadlineMs });
  }

  /** Answers a connection to its end. A peer that isn't kept yet is, if its credential was admitted. */
  async answer(stream: ByteStream, source: string): Promise<void> {
    const completed = await this.#ports.sessions.answer(
      stream,
      source,
      (arrival) => this.#take(arrival),
    );
    if (completed === null) return;
    completed.stream.close();
    completed.outcome.wipe();
  }

  /** Ends all attempts and timers; the sink keeps what it has. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { abort, timer } of this.#peers.values()) {
      abort?.abort();
      timer?.abort();
    }
    const sinks = [...this.#peers.values()].map(({ sinkDone }) => sinkDone);
    await Promise.all([...this.#running, ...sinks, ...this.#leaving.values()]);
  }

  async #take({ outcome, order, begunMs }: Arrival): Promise<boolean> {
    const { nodeId } = outcome.peer;
    if (!this.#peers.has(nodeId) && this.#peers.size < MAX_PEERS) this.add(nodeId);
    const peer = this.#peers.get(nodeId);
    if (this.#closed || peer === undefined) {
      outcome.wipe();
      return false;
    }
    const handle = this.#hold(peer, outcome);
    const event = { type: "inbound", id: handle, handle, order, begunMs } as const;
    const { accept } = this.#tell(peer, event);
    await peer.sinkDone;
    return accept && !peer.sinkFailed;
  }

  #hold(peer: Peer, outcome: Outcome): PskHandle {
    const handle = ++this.#handles;
    peer.outcomes.set(handle, outcome);
    return handle;
  }

  /** Nothing is told to a peer that was removed, also when its node has been added again since. */
  #tell(peer: Peer, event: Bare): Decision {
    const { nodeId } = peer;
    let decision: Decision = { prove: false, accept: false };
    if (this.#closed || this.#peers.get(nodeId) !== peer) return decision;
    const nowMs = this.#ports.clock.monotonicMs();
    const full = { ...event, nowMs, unit: this.#ports.random.unit() } as PeerEvent;
    const { state, effects } = nextPeer(peer.state, full, this.#timing);
    peer.state = state;
    for (const effect of effects) decision = { ...decision, ...this.#carryOut(peer, effect) };
    this.#ports.changed?.(nodeId, peer.state);
    return decision;
  }

  #carryOut(peer: Peer, effect: PeerEffect): Partial<Decision> {
    const { nodeId } = peer;
    const { sink } = this.#ports;
    switch (effect.do) {
      case "dial":
        this.#track(this.#dial(peer, effect.attempt));
        return {};
      case "abort-dial":
        peer.abort?.abort();
        return {};
      case "prove":
        return { prove: true };
      case "accept-inbound":
        return { accept: true };
      case "refuse-inbound":
        return { accept: false };
      case "discard":
        peer.outcomes.get(effect.handle)?.wipe();
        peer.outcomes.delete(effect.handle);
        return {};
      case "install-psk": {
        const outcome = peer.outcomes.get(effect.handle);
        invariant(outcome !== undefined, "Cannot install a PSK that isn't held");
        peer.outcomes.delete(effect.handle);
        this.#sink(peer, () => sink.install(nodeId, outcome).finally(() => outcome.psk.fill(0)));
        return {};
      }
      case "install-random-psk":
        this.#sink(peer, () => sink.installRandom(nodeId));
        return {};
      case "remove-peer":
        this.#sink(peer, () => sink.remove(nodeId));
        return {};
      case "wake-at":
        this.#wakeAt(peer, effect.atMs);
        return {};
    }
  }

  /** Queues a call of the sink; its failure goes to the machine. */
  #sink(peer: Peer, call: () => Promise<void>): void {
    peer.sinkDone = peer.sinkDone.then(async () => {
      try {
        await call();
        peer.sinkFailed = false;
      } catch (error) {
        peer.sinkFailed = true;
        const code = error instanceof Error ? error.name : "unknown";
        this.#tell(peer, { type: "install-failed", code });
      }
    });
  }

  #wakeAt(peer: Peer, atMs: number): void {
    peer.timer?.abort();
    const timer = new AbortController();
    peer.timer = timer;
    const waitMs = Math.max(0, atMs - this.#ports.clock.monotonicMs());
    this.#track(
      this.#ports.clock.sleep(waitMs, timer.signal).then(() => {
        if (!timer.signal.aborted) this.#tell(peer, { type: "wake" });
      }),
    );
  }

  #track(work: Promise<void>): void {
    this.#running.add(work);
    work.finally(() => this.#running.delete(work));
  }

  async #dial(peer: Peer, attempt: number): Promise<void> {
    const { sessions } = this.#ports;
    const { nodeId } = peer;
    const abort = new AbortController();
    peer.abort = abort;
    try {
      const stream = await this.#connect(nodeId, abort.signal);
      const mayProve = () => this.#tell(peer, { type: "proving", attempt }).prove;
      const completed = await sessions.dial(stream, nodeId, mayProve, abort.signal);
      await this.#complete(peer, attempt, completed);
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error;
      this.#tell(peer, { type: "failed", attempt, code: error.code });
    } finally {
      if (peer.abort === abort) peer.abort = null;
    }
  }

  async #connect(nodeId: string, signal: AbortSignal): Promise<ByteStream> {
    try {
      return await this.#ports.connect(nodeId, signal);
    } catch (cause) {
      throw new HandshakeError("closed", `Cannot connect to "${nodeId}"`, { cause });
    }
  }

  async #complete(peer: Peer, attempt: number, { outcome, stream }: Completed): Promise<void> {
    stream.close();
    const handle = this.#hold(peer, outcome);
    const { order } = this.#ports.sessions;
    this.#tell(peer, { type: "completed", attempt, handle, order });
    await peer.sinkDone;
    peer.outcomes.delete(handle);
    outcome.wipe();
  }
}
