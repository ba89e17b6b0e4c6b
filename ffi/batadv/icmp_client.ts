// Ping and traceroute between originators: frames on the hard interfaces, as batctl sends them. The
// kernel answers and forwards them itself, but starts none.
// linux v6.12 net/batman-adv/routing.c (batadv_recv_icmp_packet and what it calls).
import { DecodeError } from "../netlink/mod.ts";
import { decodeIcmpFrame, encodeIcmpFrame, type IcmpFrame } from "./icmp_codec.ts";
import {
  DEFAULT_TTL,
  MAX_FRAMES_PER_WAIT,
  MAX_PING_COUNT,
  MAX_TRACEROUTE_HOPS,
  TRACEROUTE_PROBES,
} from "./limits.ts";
import type { HardInterface, MeshInfo } from "./mesh_codec.ts";
import type { Originator } from "./tables_codec.ts";

/** Ethernet frames of one device; a seam, so that tests can script the other side. */
export interface FrameSocket {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** The next frame that came in, or `null` when there is none. */
  tryReceive(): Uint8Array | null;
  /** Resolves `true` when there is a frame; `false` on timeout or when `signal` fires. */
  readable(timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  close(): void;
}

/** What is asked of the kernel's tables to send a frame. {@link Batadv} is one. */
export interface RouteSource {
  mesh(meshIfindex: number): Promise<MeshInfo>;
  hardInterfaces(meshIfindex: number): Promise<readonly HardInterface[]>;
  originators(meshIfindex: number): Promise<readonly Originator[]>;
}

/** What an {@link IcmpSession} needs. */
export interface IcmpOptions {
  readonly routes: RouteSource;
  /** @param uid whose answers are wanted: a filter may drop all others. */
  readonly openFrames: (ifindex: number, uid: number) => FrameSocket;
  /** A clock that never goes back, in milliseconds. */
  readonly monotonicMs: () => number;
  /** 0 to 255, random: tells this session's answers from another's on the same node. */
  readonly uid: number;
  /** 0 to 65535, random for the same purpose: the number before the first request's. */
  readonly firstSeq: number;
}

/** How one echo request is sent. */
export interface EchoOptions {
  readonly timeoutMs: number;
  /** Default 50. */
  readonly ttl?: number;
  /** Ask the nodes on the way to write down where it went. Default false. */
  readonly recordRoute?: boolean;
  readonly signal?: AbortSignal;
}

/** What became of one echo request. */
export type EchoResult =
  | {
    readonly outcome: "reply" | "ttlExceeded";
    /** Who answered. */
    readonly originator: string;
    readonly rttMs: number;
    /** What was left of the answer's time to live. */
    readonly ttl: number;
    readonly route: readonly string[] | null;
  }
  /** No route from here (`originator` null), or one node on the way has none. */
  | { readonly outcome: "unreachable"; readonly originator: string | null }
  /** A node on the way does not understand us: another COMPAT version. */
  | { readonly outcome: "parameterProblem"; readonly originator: string }
  | { readonly outcome: "timeout" }
  | { readonly outcome: "cancelled" };

/** How several echo requests are sent. */
export interface PingOptions extends EchoOptions {
  readonly count: number;
  /** From one request to the next. Default 1000. */
  readonly intervalMs?: number;
}

/** One hop of a traceroute. */
export interface Hop {
  /** From 1. */
  readonly hop: number;
  /** Who answered first; `null` when nobody did. */
  readonly originator: string | null;
  /** Round-trip times of the answered probes. */
  readonly rttsMs: readonly number[];
  /** How many probes were sent. */
  readonly sent: number;
  readonly reached: boolean;
  /** A node said that it has no route. */
  readonly unreachable: boolean;
}

interface Route {
  readonly nextHop: string;
  readonly hard: HardInterface;
}

/** Echo requests from one mesh interface. Not for concurrent use: one request at a time. */
export class IcmpSession implements Disposable {
  readonly #options: IcmpOptions;
  readonly #meshIfindex: number;
  readonly #own: ReadonlySet<string>;
  readonly #address: string;
  readonly #hard: ReadonlyMap<number, HardInterface>;
  readonly #sockets: ReadonlyMap<number, FrameSocket>;
  #seq: number;

  private constructor(
    options: IcmpOptions,
    meshIfindex: number,
    address: string,
    hard: readonly HardInterface[],
  ) {
    this.#options = options;
    this.#meshIfindex = meshIfindex;
    this.#seq = options.firstSeq;
    this.#address = address;
    this.#own = new Set([address, ...hard.map((item) => item.address)]);
    this.#hard = new Map(hard.map((item) => [item.ifindex, item]));
    const sockets = new Map<number, FrameSocket>();
    try {
      for (const { ifindex } of hard) {
        sockets.set(ifindex, options.openFrames(ifindex, options.uid));
      }
    } catch (error) {
      for (const socket of sockets.values()) socket.close();
      throw error;
    }
    this.#sockets = sockets;
  }

  /**
   * Opens the active hard interfaces of a mesh: an answer may come in on another than the request left.
   *
   * @returns `null` while the mesh has no active hard interface.
   * @throws {KernelError} no such mesh; {SyscallError} no packet socket.
   */
  static async open(options: IcmpOptions, meshIfindex: number): Promise<IcmpSession | null> {
    const { primary } = await options.routes.mesh(meshIfindex);
    if (primary === null) return null;
    const all = await options.routes.hardInterfaces(meshIfindex);
    const active = all.filter((hard) => hard.active);
    return new IcmpSession(options, meshIfindex, primary.address, active);
  }

  /** Closes the packet sockets. */
  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Sends one echo request and waits for what comes of it. The route is looked up each time. */
  async echo(destination: string, options: EchoOptions): Promise<EchoResult> {
    const { signal } = options;
    if (signal?.aborted) return { outcome: "cancelled" };
    const route = await this.#route(destination);
    const socket = route === null ? undefined : this.#sockets.get(route.hard.ifindex);
    if (route === null || socket === undefined) {
      return { outcome: "unreachable", originator: null };
    }
    this.#seq = (this.#seq + 1) & 0xffff;
    const { uid, monotonicMs } = this.#options;
    const frame = encodeIcmpFrame({
      to: route.nextHop,
      from: route.hard.address,
      packet: {
        type: "echoRequest",
        ttl: options.ttl ?? DEFAULT_TTL,
        destination,
        originator: this.#address,
        uid,
        seq: this.#seq,
        ...(options.recordRoute === true ? { route: [route.hard.address] } : {}),
      },
    });
    const sentMs = monotonicMs();
    socket.send(new Uint8Array(frame));
    return await this.#answer(this.#seq, sentMs, options);
  }

  /** Sends `count` echo requests, one after another's answer and interval. Ends early on `signal`. */
  async *ping(destination: string, options: PingOptions): AsyncGenerator<EchoResult, void, void> {
    const { count, intervalMs = 1000, signal } = options;
    if (!Number.isInteger(count) || count < 1 || count > MAX_PING_COUNT) {
      throw new RangeError(`Cannot ping ${count} times: not from 1 to ${MAX_PING_COUNT}`);
    }
    for (let i = 0; i < count; i++) {
      const startedMs = this.#options.monotonicMs();
      const result = await this.echo(destination, options);
      yield result;
      if (result.outcome === "cancelled") return;
      if (i + 1 < count) await this.#idleUntil(startedMs + intervalMs, signal);
      if (signal?.aborted) return;
    }
  }

  /** Hops in order, until the destination, a node without a route, or 50. Ends early on `signal`. */
  async *traceroute(
    destination: string,
    options: Pick<EchoOptions, "timeoutMs" | "signal"> & { readonly probes?: number },
  ): AsyncGenerator<Hop, void, void> {
    const { probes = TRACEROUTE_PROBES } = options;
    for (let hop = 1; hop <= MAX_TRACEROUTE_HOPS; hop++) {
      const result = await this.#hop(destination, hop, probes, options);
      if (result === null) return;
      yield result;
      if (result.reached || result.unreachable) return;
    }
  }

  async #hop(
    destination: string,
    hop: number,
    probes: number,
    options: Pick<EchoOptions, "timeoutMs" | "signal">,
  ): Promise<Hop | null> {
    let originator: string | null = null;
    let reached = false;
    let unreachable = false;
    const rttsMs: number[] = [];
    let sent = 0;
    while (sent < probes && !unreachable) {
      const echo = await this.echo(destination, { ...options, ttl: hop });
      sent++;
      switch (echo.outcome) {
        case "cancelled":
          return null;
        case "reply":
        case "ttlExceeded":
          originator ??= echo.originator;
          rttsMs.push(echo.rttMs);
          reached ||= echo.outcome === "reply";
          break;
        case "unreachable":
        case "parameterProblem":
          originator ??= echo.originator;
          unreachable = true;
          break;
        case "timeout":
          break;
      }
    }
    return { hop, originator, rttsMs, sent, reached, unreachable };
  }

  async #route(destination: string): Promise<Route | null> {
    const rows = await this.#options.routes.originators(this.#meshIfindex);
    const row = rows.find((item) => item.best && item.originator === destination);
    const hard = row === undefined ? undefined : this.#hard.get(row.hardIfindex);
    return row === undefined || hard === undefined ? null : { nextHop: row.neighbor, hard };
  }

  async #answer(seq: number, sentMs: number, options: EchoOptions): Promise<EchoResult> {
    const { monotonicMs } = this.#options;
    const deadlineMs = sentMs + options.timeoutMs;
    for (let frames = 0; frames < MAX_FRAMES_PER_WAIT;) {
      const received = this.#tryReceive();
      if (received === null) {
        const leftMs = deadlineMs - monotonicMs();
        if (leftMs <= 0) return { outcome: "timeout" };
        await this.#readable(leftMs, options.signal);
        if (options.signal?.aborted) return { outcome: "cancelled" };
        continue;
      }
      frames++;
      const result = this.#understand(received, seq, monotonicMs() - sentMs);
      if (result !== null) return result;
    }
    return { outcome: "timeout" };
  }

  /** What a frame says about request `seq`; `null` when it is about something else. */
  #understand(bytes: Uint8Array, seq: number, rttMs: number): EchoResult | null {
    let frame: IcmpFrame;
    try {
      frame = decodeIcmpFrame(bytes);
    } catch (error) {
      // Every originator message of the mesh passes here as well.
      if (error instanceof DecodeError) return null;
      throw error;
    }
    const { packet } = frame;
    if (packet.uid !== this.#options.uid || packet.seq !== seq) return null;
    if (!this.#own.has(packet.destination)) return null;
    const { originator, ttl } = packet;
    switch (packet.type) {
      case "echoReply":
        return { outcome: "reply", originator, rttMs, ttl, route: packet.route ?? null };
      case "ttlExceeded":
        return { outcome: "ttlExceeded", originator, rttMs, ttl, route: packet.route ?? null };
      case "destinationUnreachable":
        return { outcome: "unreachable", originator };
      case "parameterProblem":
        return { outcome: "parameterProblem", originator };
      case "echoRequest":
        return null;
    }
  }

  #tryReceive(): Uint8Array | null {
    for (const socket of this.#sockets.values()) {
      const frame = socket.tryReceive();
      if (frame !== null) return frame;
    }
    return null;
  }

  /** Resolves when any socket has a frame, the time is up or `signal` fires. */
  async #readable(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const first = new AbortController();
    const either = signal === undefined ? first.signal : AbortSignal.any([first.signal, signal]);
    const waits = [...this.#sockets.values()].map((socket) => socket.readable(timeoutMs, either));
    try {
      await Promise.race(waits);
    } finally {
      first.abort();
      await Promise.allSettled(waits);
    }
  }

  /** Lets time pass, dropping late answers and duplicates. */
  async #idleUntil(untilMs: number, signal?: AbortSignal): Promise<void> {
    for (let frames = 0; frames < MAX_FRAMES_PER_WAIT && !signal?.aborted; frames++) {
      while (this.#tryReceive() !== null);
      const leftMs = untilMs - this.#options.monotonicMs();
      if (leftMs <= 0) return;
      await this.#readable(leftMs, signal);
    }
  }
}
