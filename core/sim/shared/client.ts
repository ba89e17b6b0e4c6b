// A daemon's side of a shared medium: a Kernel whose methods are answered by the medium's server. When
// the server is gone, every call says so at once, and the connection is tried again in the background.
import { InvariantError, messageOf } from "../../base/mod.ts";
import {
  type ByteStream,
  type Capability,
  type Clock,
  type Firewall,
  type Kernel,
  type KernelEvent,
  KernelFault,
  type KernelInfo,
  type Links,
  type Mesh,
  type MeshHop,
  type Radios,
  type StreamDialer,
  type Sysctl,
  type Wireguard,
} from "../../ports/mod.ts";
import { RECONNECT_FIRST_MS, RECONNECT_MAX_MS, WATCH_QUEUE_MAX } from "../limits.ts";
import { encodeFrame, FrameDecoder } from "./frames.ts";
import {
  CALLS,
  type MediumControl,
  PROTOCOL_VERSION,
  readToDaemon,
  type ToDaemon,
  type ToServer,
} from "./protocol.ts";

/** A daemon's node of a shared medium. */
export interface AttachedMedium {
  readonly kernel: Kernel;
  /** Changes to the medium itself, for demonstrations. */
  readonly control: MediumControl;
  /** Whether the server answers now. */
  readonly connected: boolean;
}

interface Pending {
  /** A value of a stream, or a call's answer. */
  take(value: unknown): void;
  end(): void;
  fail(error: KernelFault): void;
}

/**
 * Attaches to a shared medium as node `node`.
 *
 * @throws {KernelFault} "unreachable" when nobody serves it, "busy" when another daemon has the node,
 * "invalid" when there is no such node, "not-supported" for another version of the protocol.
 */
export async function attachSharedMedium(options: {
  readonly node: number;
  readonly dial: StreamDialer;
  readonly clock: Clock;
}): Promise<AttachedMedium> {
  const connection = new Connection(options.node, options.dial, options.clock);
  const description = await connection.open();
  const kernel = new RemoteKernel(connection, description);
  return {
    kernel,
    control: section<MediumControl>(connection, "simulation"),
    get connected() {
      return connection.connected;
    },
  };
}

/** The connection, kept up until closed. */
class Connection {
  readonly #node: number;
  readonly #dial: StreamDialer;
  readonly #clock: Clock;
  readonly #closed = new AbortController();
  readonly #pending = new Map<number, Pending>();
  #stream: ByteStream | null = null;
  #nextId = 1;
  #writing: Promise<void> = Promise.resolve();
  #keeping: Promise<void> = Promise.resolve();
  #welcomed: ((message: ToDaemon) => void) | null = null;
  /** Called each time the connection is back. */
  readonly onBack = new Set<() => void>();

  constructor(node: number, dial: StreamDialer, clock: Clock) {
    this.#node = node;
    this.#dial = dial;
    this.#clock = clock;
  }

  get connected(): boolean {
    return this.#stream !== null;
  }

  /** Connects for the first time and keeps connected from then on. */
  async open(): Promise<string> {
    const { description, reading } = await this.#connect();
    this.#keeping = this.#keep(reading);
    return description;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#stream?.close();
    await this.#keeping;
  }

  /** One call with one answer. */
  call(target: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let id = -1;
      const onAbort = () => this.#send({ type: "cancel", id });
      const settle = () => signal?.removeEventListener("abort", onAbort);
      id = this.#start(target, args, {
        take: (value) => {
          settle();
          resolve(value);
        },
        end: () => {},
        fail: (error) => {
          settle();
          reject(error);
        },
      });
      if (signal?.aborted) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** One call with many answers. Ends when the server ends it or `signal` fires. */
  async *stream(
    target: string,
    args: readonly unknown[],
    signal?: AbortSignal,
  ): AsyncGenerator<unknown> {
    const queue: unknown[] = [];
    let state: "open" | "ended" | KernelFault = "open";
    let wake = () => {};
    const id = this.#start(target, args, {
      take: (value) => {
        if (queue.length < WATCH_QUEUE_MAX) queue.push(value);
        else queue.splice(0, queue.length, { type: "lost" });
        wake();
      },
      end: () => {
        state = "ended";
        wake();
      },
      fail: (error) => {
        state = error;
        wake();
      },
    });
    const onAbort = () => this.#send({ type: "cancel", id });
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      for (;;) {
        if (queue.length > 0) yield queue.shift();
        else if (state === "open") {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        } else if (state === "ended") return;
        else throw state;
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      if (this.#pending.delete(id)) this.#send({ type: "cancel", id });
    }
  }

  #start(target: string, args: readonly unknown[], pending: Pending): number {
    const id = this.#nextId++;
    if (this.#stream === null) {
      pending.fail(this.#gone(target));
      return id;
    }
    this.#pending.set(id, pending);
    this.#send({ type: "call", id, target, args });
    return id;
  }

  #gone(act: string): KernelFault {
    return new KernelFault(
      "unexpected",
      `Cannot call "${act}": the shared medium's server does not answer`,
      { retryable: true },
    );
  }

  #send(message: ToServer): void {
    const stream = this.#stream;
    if (stream === null) return;
    const frame = encodeFrame(message);
    // A write to a broken connection fails; the reader notices the same and reports it to all calls.
    this.#writing = this.#writing.then(() => stream.write(frame)).catch(() => {});
  }

  async #connect(): Promise<{ readonly description: string; readonly reading: Promise<void> }> {
    let stream: ByteStream;
    try {
      stream = await this.#dial();
    } catch (cause) {
      throw new KernelFault("unreachable", "Cannot attach to the shared medium: nobody serves it", {
        cause,
        retryable: true,
      });
    }
    this.#stream = stream;
    const answer = new Promise<ToDaemon | null>((resolve) => {
      this.#welcomed = resolve;
    });
    const reading = this.#read(stream).finally(() => {
      this.#welcomed?.({
        type: "refused",
        code: "unreachable",
        message: this.#gone("hello").message,
      });
    });
    this.#send({ type: "hello", version: PROTOCOL_VERSION, node: this.#node });
    const message = await answer;
    this.#welcomed = null;
    if (message?.type === "welcome") return { description: message.description, reading };
    stream.close();
    await reading;
    throw message?.type === "refused"
      ? new KernelFault(message.code, message.message)
      : this.#gone("hello");
  }

  async #read(stream: ByteStream): Promise<void> {
    const decoder = new FrameDecoder();
    let why = "it ended the connection";
    try {
      for (;;) {
        const octets = await stream.read();
        if (octets === null) break;
        for (const message of decoder.push(octets)) this.#take(readToDaemon(message));
      }
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      why = messageOf(error);
    }
    stream.close();
    this.#stream = null;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of lost) {
      pending.fail(
        new KernelFault(
          "unexpected",
          `Cannot finish the call: the medium's server is gone (${why})`,
          {
            retryable: true,
          },
        ),
      );
    }
  }

  #take(message: ToDaemon): void {
    if (message.type === "welcome" || message.type === "refused") {
      this.#welcomed?.(message);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if (message.type !== "item") this.#pending.delete(message.id);
    if (message.type === "item" || message.type === "result") pending.take(message.value);
    else if (message.type === "end") pending.end();
    else {
      const { code, retryable } = message;
      pending.fail(new KernelFault(code, message.message, { retryable }));
    }
  }

  /** Connects again, and again, until closed. */
  async #keep(reading: Promise<void>): Promise<void> {
    let current = reading;
    let waitMs = RECONNECT_FIRST_MS;
    for (;;) {
      await current;
      if (this.#closed.signal.aborted) return;
      await this.#clock.sleep(waitMs, this.#closed.signal);
      if (this.#closed.signal.aborted) return;
      waitMs = Math.min(RECONNECT_MAX_MS, waitMs * 2);
      try {
        current = (await this.#connect()).reading;
        waitMs = RECONNECT_FIRST_MS;
        for (const back of this.onBack) back();
      } catch (error) {
        // Not there yet, or the node is taken: tried again after a longer wait.
        if (!(error instanceof KernelFault)) throw error;
        current = Promise.resolve();
      }
    }
  }
}

/** An object with the methods of one section, each a call. */
function section<Port>(connection: Connection, name: keyof typeof CALLS): Port {
  const entries = CALLS[name].map((method) => [
    method,
    (...args: unknown[]) => connection.call(`${name}.${method}`, args),
  ]);
  // The protocol's table is checked against the port's methods (protocol.ts, Complete).
  return Object.fromEntries(entries) as Port;
}

/** The Kernel of a node that a medium's server simulates. */
class RemoteKernel implements Kernel {
  readonly info: KernelInfo;
  readonly links: Links;
  readonly mesh: Mesh;
  readonly radios: Radios;
  readonly wireguard: Wireguard;
  readonly firewall: Firewall;
  readonly sysctl: Sysctl;
  readonly #connection: Connection;

  constructor(connection: Connection, description: string) {
    this.#connection = connection;
    this.info = { kind: "simulated", description: `${description}, shared` };
    this.links = section(connection, "links");
    this.radios = section(connection, "radios");
    this.wireguard = section(connection, "wireguard");
    this.firewall = section(connection, "firewall");
    this.sysctl = section(connection, "sysctl");
    this.mesh = {
      ...section<Mesh>(connection, "mesh"),
      traceroute: (mesh, originator, { timeoutMs, signal }) =>
        connection.stream(
          "mesh.traceroute",
          [mesh, originator, { timeoutMs }],
          signal,
        ) as AsyncGenerator<MeshHop>,
      throughput: async (mesh, originator, { durationMs, signal }) =>
        await connection.call(
          "mesh.throughput",
          [mesh, originator, { durationMs }],
          signal,
        ) as Awaited<ReturnType<Mesh["throughput"]>>,
    };
  }

  async capabilities(): Promise<readonly Capability[]> {
    try {
      return await this.#connection.call("kernel.capabilities", []) as readonly Capability[];
    } catch (error) {
      return [{
        id: "batman-adv",
        state: "missing",
        detail: messageOf(error),
        needed: "everything: this node is simulated by another process",
        remedy: "start the daemon that serves the shared medium",
      }];
    }
  }

  /** Goes on over a lost connection, with "lost" when it is back. */
  async *watch(signal: AbortSignal): AsyncGenerator<KernelEvent> {
    for (;;) {
      if (signal.aborted) return;
      let returned = () => {};
      const back = new Promise<void>((resolve) => {
        returned = resolve;
      });
      this.#connection.onBack.add(returned);
      signal.addEventListener("abort", returned, { once: true });
      try {
        yield* this.#connection.stream("kernel.watch", [], signal) as AsyncGenerator<KernelEvent>;
        return;
      } catch (error) {
        if (!(error instanceof KernelFault) || this.#connection.connected) throw error;
        await back;
        if (signal.aborted) return;
        yield { type: "lost" };
      } finally {
        this.#connection.onBack.delete(returned);
        signal.removeEventListener("abort", returned);
      }
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
