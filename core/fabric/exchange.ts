// Requests and streams between two nodes: limits, deadlines, rates. What libp2p throws becomes FabricError here.
//
//   request: message → end       answer: 0 ‖ message, or 1 when it is refused
import type { Connection, Libp2p, Stream } from "@libp2p/interface";
import { messageOf } from "../base/mod.ts";
import { TokenBuckets } from "../handshake/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import type { Clock } from "../ports/mod.ts";
import { FabricError } from "./errors.ts";
import {
  MAX_ANSWER_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_PROTOCOL_BYTES,
  MAX_REQUEST_BYTES,
  MAX_STREAMS_PER_PROTOCOL,
  STREAM_BURST,
  STREAMS_PER_S,
} from "./limits.ts";
import { MessageReader, writeMessage } from "./messages.ts";
import { StreamOctets } from "./octets.ts";
import { nodeIdOfPeer } from "./peer_id.ts";
import type { FabricStream, MessageLimits, RequestHandler, StreamServer } from "./types.ts";

const ANSWER = Object.freeze({ given: 0, refused: 1 });
const NAME = /^[a-z][a-z0-9/.-]*$/;

/** What it runs on. */
export interface ExchangePorts {
  readonly libp2p: Libp2p;
  readonly clock: Clock;
  readonly requestMs: number;
  /** An open connection to a node, made if need be. @throws {FabricError} */
  connect(nodeId: string, signal: AbortSignal): Promise<Connection>;
}

function wireName(protocol: string): string {
  const name = `/x0tta6bl4/${protocol}`;
  if (!NAME.test(protocol) || name.length > MAX_PROTOCOL_BYTES) {
    throw new FabricError("malformed", `Cannot use "${protocol}" as name of a protocol`);
  }
  return name;
}

function bounded(limit: number): number {
  if (limit > MAX_MESSAGE_BYTES) {
    throw new FabricError("too-large", `Cannot allow messages of ${limit} octets`);
  }
  return limit;
}

/** All requests and streams of a node. */
export class Exchange {
  readonly #ports: ExchangePorts;
  readonly #rates = new TokenBuckets(STREAM_BURST, STREAMS_PER_S);
  readonly #running = new Set<Promise<void>>();
  /** Open streams, and with whom. */
  readonly #streams = new Map<StreamOctets, string>();
  #stopped = false;

  constructor(ports: ExchangePorts) {
    this.#ports = ports;
  }

  /** As {@link Fabric.request}. */
  async request(
    nodeId: string,
    protocol: string,
    bytes: Uint8Array,
    options: { readonly signal?: AbortSignal; readonly maxAnswerBytes?: number } = {},
  ): Promise<Bytes> {
    if (bytes.length > MAX_MESSAGE_BYTES) {
      throw new FabricError("too-large", `Cannot send request of ${bytes.length} octets`);
    }
    const maxBytes = bounded(options.maxAnswerBytes ?? MAX_ANSWER_BYTES) + 1;
    return await this.#inTime(nodeId, options.signal, async (signal) => {
      const stream = await this.#open(nodeId, protocol, signal);
      const cut = () => stream.close();
      signal.addEventListener("abort", cut, { once: true });
      try {
        await writeMessage(stream, bytes);
        await stream.end();
        const answer = await new MessageReader(stream).read(maxBytes);
        if (answer[0] !== ANSWER.given) {
          throw new FabricError("refused", `Node "${nodeId}" refused a request of "${protocol}"`);
        }
        return answer.slice(1);
      } catch (error) {
        stream.close();
        throw error;
      } finally {
        signal.removeEventListener("abort", cut);
      }
    });
  }

  /** As {@link Fabric.openStream}. */
  async openStream(nodeId: string, protocol: string, signal?: AbortSignal): Promise<FabricStream> {
    return await this.#inTime(nodeId, signal, (inTime) => this.#open(nodeId, protocol, inTime));
  }

  async #open(nodeId: string, protocol: string, signal: AbortSignal): Promise<StreamOctets> {
    const name = wireName(protocol);
    const connection = await this.#ports.connect(nodeId, signal);
    return this.#octets(await connection.newStream([name], { signal }), nodeId);
  }

  /** Runs a task against the deadline; its errors become ours. */
  async #inTime<T>(
    nodeId: string,
    given: AbortSignal | undefined,
    task: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (this.#stopped) throw new FabricError("stopped", "Cannot use the fabric: it is stopped");
    const { clock, requestMs } = this.#ports;
    const late = new AbortController();
    const done = new AbortController();
    const timer = clock.sleep(requestMs, done.signal).then(() => {
      if (!done.signal.aborted) late.abort();
    });
    const signal = given === undefined ? late.signal : AbortSignal.any([late.signal, given]);
    const aborted = new Promise<never>((_, reject) => {
      const fail = () =>
        reject(new FabricError("timeout", `No answer of node "${nodeId}" in time`));
      if (signal.aborted) fail();
      else signal.addEventListener("abort", fail, { once: true });
    });
    aborted.catch(() => {});
    const work = task(signal);
    work.catch(() => {});
    try {
      return await Promise.race([work, aborted]);
    } catch (error) {
      throw asFabricError(error, nodeId);
    } finally {
      done.abort();
      await timer;
    }
  }

  /** As {@link Fabric.handle}. */
  async handle(
    protocol: string,
    handler: RequestHandler,
    limits: MessageLimits = {},
  ): Promise<void> {
    const maxRequest = bounded(limits.maxRequestBytes ?? MAX_REQUEST_BYTES);
    const maxAnswer = bounded(limits.maxAnswerBytes ?? MAX_ANSWER_BYTES);
    await this.handleStream(protocol, async (nodeId, stream) => {
      const request = await new MessageReader(stream).read(maxRequest);
      let answer: Uint8Array | null = null;
      try {
        answer = await handler(nodeId, request);
      } catch {
        // Refused, for a reason the peer isn't told.
      }
      if (answer === null || answer.length > maxAnswer) {
        await writeMessage(stream, Uint8Array.of(ANSWER.refused));
      } else {
        const message = new Uint8Array(1 + answer.length);
        message[0] = ANSWER.given;
        message.set(answer, 1);
        await writeMessage(stream, message);
      }
      await stream.end();
    }, true);
  }

  /** As {@link Fabric.handleStream}. @param timed whether it must be over within the time of a request. */
  async handleStream(protocol: string, server: StreamServer, timed = false): Promise<void> {
    await this.#ports.libp2p.handle(wireName(protocol), (stream, connection) => {
      const task = this.#serve(stream, connection, server, timed);
      this.#running.add(task);
      task.finally(() => this.#running.delete(task));
    }, { maxInboundStreams: MAX_STREAMS_PER_PROTOCOL });
  }

  async #serve(
    stream: Stream,
    connection: Connection,
    server: StreamServer,
    timed: boolean,
  ): Promise<void> {
    const { clock, requestMs } = this.#ports;
    const nodeId = nodeIdOfPeer(connection.remotePeer);
    if (nodeId === null || this.#stopped || !this.#rates.take(nodeId, clock.monotonicMs())) {
      stream.abort(new FabricError("too-many", "Cannot serve stream: too many"));
      return;
    }
    const octets = this.#octets(stream, nodeId);
    const done = new AbortController();
    const timer = timed
      ? clock.sleep(requestMs, done.signal).then(() => {
        if (!done.signal.aborted) octets.close();
      })
      : null;
    // A server that never returns is left to itself once its stream is gone.
    const gone = new Promise<void>((resolve) => {
      stream.addEventListener("close", () => resolve(), { once: true });
    });
    try {
      await Promise.race([server(nodeId, octets), gone]);
      await octets.end();
    } catch {
      octets.close();
    } finally {
      done.abort();
      await timer;
    }
  }

  #octets(stream: Stream, nodeId: string): StreamOctets {
    const octets = new StreamOctets(stream);
    this.#streams.set(octets, nodeId);
    stream.addEventListener("close", () => this.#streams.delete(octets));
    return octets;
  }

  /** Whether a stream with a node is open, in either direction. */
  inUse(nodeId: string): boolean {
    for (const other of this.#streams.values()) if (other === nodeId) return true;
    return false;
  }

  /** Ends all streams; resolves when nothing is served any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const stream of this.#streams.keys()) stream.close();
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }
}

function asFabricError(error: unknown, nodeId: string): FabricError {
  if (error instanceof FabricError) {
    // What broke on the way is the same to the caller as what never stood.
    return error.code === "closed" || error.code === "truncated"
      ? new FabricError("unreachable", `The connection to node "${nodeId}" broke`, {
        cause: error,
        retryable: true,
      })
      : error;
  }
  const name = error instanceof Error ? error.name : "";
  if (name === "UnsupportedProtocolError") {
    return new FabricError("unsupported", `Node "${nodeId}" doesn't speak this protocol`);
  }
  return new FabricError("unreachable", `Cannot reach node "${nodeId}": ${messageOf(error)}`, {
    cause: error,
    retryable: true,
  });
}
