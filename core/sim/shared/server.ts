// The server of a shared medium: runs the simulation at the pace of a real clock and lets each attached
// daemon call the Kernel of its node. It is for one user on one machine: whoever may open the socket
// may do everything, so the socket belongs to its owner alone.
import { messageOf } from "../../base/mod.ts";
import type { ByteStream, Clock, Kernel, StreamListener } from "../../ports/mod.ts";
import { KernelFault } from "../../ports/mod.ts";
import { ATTACHED_MAX, CALLS_MAX } from "../limits.ts";
import type { Simulation } from "../simulation.ts";
import { encodeFrame, FrameDecoder } from "./frames.ts";
import { CALLS, PROTOCOL_VERSION, readToServer, type ToDaemon, type ToServer } from "./protocol.ts";

/** A medium being served. */
export interface MediumServer {
  /** Nodes that daemons are attached to, ascending. */
  readonly attached: readonly number[];
  /** Simulated milliseconds given up because this machine was too slow. */
  readonly skippedMs: number;
  /** Ends all connections and stops the simulation's clock. */
  close(): Promise<void>;
}

/**
 * Serves a simulation's medium.
 *
 * @param options.listener owned from now on, and closed with the server.
 * @param options.clock the real clock the simulation then follows.
 */
export function serveMedium(options: {
  readonly simulation: Simulation;
  readonly listener: StreamListener;
  readonly clock: Clock;
}): MediumServer {
  const { simulation, listener, clock } = options;
  const pace = simulation.startRealTime(clock);
  const sessions = new Map<Session, Promise<void>>();
  const taken = new Set<number>();
  let closed = false;
  const accepting = (async () => {
    for (;;) {
      const stream = await listener.accept();
      if (stream === null) return;
      if (sessions.size >= ATTACHED_MAX) {
        stream.close();
        continue;
      }
      const session = new Session(simulation, stream, taken);
      sessions.set(session, session.run().finally(() => sessions.delete(session)));
    }
  })();
  return {
    get attached() {
      return [...taken].sort((a, b) => a - b);
    },
    get skippedMs() {
      return pace.skippedMs;
    },
    close: async () => {
      if (closed) return;
      closed = true;
      listener.close();
      await accepting;
      const running = [...sessions];
      for (const [session] of running) session.close();
      await Promise.all(running.map(([, done]) => done));
      await pace.stop();
    },
  };
}

type Method = (...args: readonly unknown[]) => unknown;

/** One attached daemon. */
class Session {
  readonly #simulation: Simulation;
  readonly #stream: ByteStream;
  readonly #taken: Set<number>;
  readonly #calls = new Map<number, AbortController>();
  #writing: Promise<void> = Promise.resolve();
  #kernel: Kernel | null = null;
  #node = -1;

  constructor(simulation: Simulation, stream: ByteStream, taken: Set<number>) {
    this.#simulation = simulation;
    this.#stream = stream;
    this.#taken = taken;
  }

  /** Serves until the daemon leaves. Never rejects: what one daemon does harms no other. */
  async run(): Promise<void> {
    const decoder = new FrameDecoder();
    try {
      for (;;) {
        const octets = await this.#stream.read();
        if (octets === null) break;
        for (const message of decoder.push(octets)) this.#take(readToServer(message));
      }
    } catch (error) {
      // The connection broke, or its messages make no sense: either way it ends here.
      const message = messageOf(error);
      await this.#send({ type: "refused", code: "invalid", message });
    } finally {
      for (const call of this.#calls.values()) call.abort();
      if (this.#kernel !== null) this.#taken.delete(this.#node);
      await this.#kernel?.close();
      this.#stream.close();
    }
  }

  close(): void {
    this.#stream.close();
  }

  #take(message: ToServer): void {
    if (message.type === "cancel") this.#calls.get(message.id)?.abort();
    else if (message.type === "hello") this.#hello(message);
    else void this.#call(message);
  }

  #hello({ version, node }: ToServer & { readonly type: "hello" }): void {
    const refuse = (code: "not-supported" | "invalid" | "busy", why: string) =>
      void this.#send({ type: "refused", code, message: `Cannot attach as node ${node}: ${why}` });
    if (version !== PROTOCOL_VERSION) {
      return refuse(
        "not-supported",
        `the server speaks version ${PROTOCOL_VERSION}, not ${version}`,
      );
    }
    if (node >= this.#simulation.nodes) {
      return refuse("invalid", `the medium has ${this.#simulation.nodes} nodes`);
    }
    if (this.#kernel !== null || this.#taken.has(node)) {
      return refuse("busy", "another daemon is attached");
    }
    this.#taken.add(node);
    this.#node = node;
    this.#kernel = this.#simulation.kernel(node);
    const { description } = this.#kernel.info;
    void this.#send({ type: "welcome", version: PROTOCOL_VERSION, node, description });
  }

  async #call({ id, target, args }: ToServer & { readonly type: "call" }): Promise<void> {
    const cancel = new AbortController();
    try {
      if (this.#calls.size >= CALLS_MAX || this.#calls.has(id)) {
        throw new KernelFault("busy", `Cannot call "${target}": too many calls are open`);
      }
      this.#calls.set(id, cancel);
      const value = this.#invoke(target, args, cancel.signal);
      if (isIterable(value)) {
        for await (const item of value) await this.#send({ type: "item", id, value: item });
        await this.#send({ type: "end", id });
      } else {
        await this.#send({ type: "result", id, value: await value ?? null });
      }
    } catch (error) {
      const known = error instanceof KernelFault;
      await this.#send({
        type: "error",
        id,
        code: known ? error.code : "unexpected",
        message: messageOf(error),
        retryable: known && error.retryable,
      });
    } finally {
      if (this.#calls.get(id) === cancel) this.#calls.delete(id);
    }
  }

  #invoke(target: string, args: readonly unknown[], signal: AbortSignal): unknown {
    const kernel = this.#kernel;
    if (kernel === null) throw new KernelFault("invalid", `Cannot call "${target}": not attached`);
    const [section = "", name = ""] = target.split(".");
    if (target === "kernel.watch") return kernel.watch(signal);
    if (target === "kernel.capabilities") return kernel.capabilities();
    const names: readonly string[] = Object.hasOwn(CALLS, section)
      ? CALLS[section as keyof typeof CALLS]
      : [];
    const stream = target === "mesh.traceroute";
    if (!stream && !names.includes(name)) {
      throw new KernelFault("not-supported", `Cannot call "${target}": there is no such method`);
    }
    const owner = section === "simulation"
      ? this.#simulation
      : kernel[section as Exclude<keyof typeof CALLS, "simulation" | "kernel">];
    const given = stream || target === "mesh.throughput"
      ? args.map((arg, index) => (index === 2 ? { ...arg as object, signal } : arg))
      : args;
    // The names are those of the port's methods; what daemons pass is checked by the methods.
    return (owner as unknown as Readonly<Record<string, Method>>)[name]?.call(owner, ...given);
  }

  #send(message: ToDaemon): Promise<void> {
    const frame = encodeFrame(message);
    // Written one after the other; a broken connection ends the reader, which cleans up.
    this.#writing = this.#writing.then(() => this.#stream.write(frame)).catch(() => {});
    return this.#writing;
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
