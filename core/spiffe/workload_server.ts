// The Workload API as gRPC on a unix socket. Each connection is attested once, when it is accepted, and gets a
// gRPC server of its own whose handlers know their caller: no look-up can confuse two of them.
// SPIFFE Workload Endpoint §4 (the metadata), SPIFFE Workload API §3 (streams).
import type { ServerUnaryCall, ServerWritableStream, ServiceDefinition } from "@grpc/grpc-js";
import type { Clock, ListenForWorkloads, WorkloadConnection } from "../ports/mod.ts";
import { hashOf } from "../pq/mod.ts";
import type { Changes } from "./changes.ts";
import {
  MAX_WORKLOAD_CONNECTIONS,
  MAX_WORKLOAD_CONNECTIONS_OF_USER,
  MAX_WORKLOAD_MESSAGE_BYTES,
  MAX_WORKLOAD_STREAMS,
} from "./limits.ts";
import { STATUS, statusOf, type Timed, WorkloadApi, type WorkloadSources } from "./workload_api.ts";
import { type Codec, WORKLOAD_METHODS, workloadCodecs } from "./workload_proto.ts";

type Message = Record<string, unknown>;
type Unary = ServerUnaryCall<Message, object>;
type Stream = ServerWritableStream<Message, object>;
type Callback = (error: object | null, value?: object) => void;
type Grpc = typeof import("@grpc/grpc-js");

/** What the server is made of. */
export interface WorkloadServerParts {
  readonly sources: WorkloadSources;
  readonly clock: Clock;
  readonly listen: ListenForWorkloads;
  /** Bumped when entries, bundles or the issuer changed. */
  readonly changes: Changes;
}

/** A Workload API that runs. */
export interface WorkloadServer {
  readonly path: string;
  /** Connections now. */
  readonly connections: number;
  /** Connections that were closed because there were too many. */
  readonly refused: number;
  close(): Promise<void>;
}

/** The service as grpc-js takes it. */
export function workloadService(codecs: (message: string) => Codec): ServiceDefinition {
  const methods = Object.entries(WORKLOAD_METHODS).map(([name, { request, response, stream }]) => {
    const [asked, answered] = [codecs(request), codecs(response)];
    const bytes = (codec: Codec) => (value: object) => Buffer.from(codec.encode(value));
    const value = (codec: Codec) => (octets: Uint8Array) => codec.decode(octets);
    return [name, {
      path: `/SpiffeWorkloadAPI/${name}`,
      requestStream: false,
      responseStream: stream,
      requestSerialize: bytes(asked),
      requestDeserialize: value(asked),
      responseSerialize: bytes(answered),
      responseDeserialize: value(answered),
    }];
  });
  return Object.fromEntries(methods) as ServiceDefinition;
}

const UNMARKED = {
  code: STATUS.INVALID_ARGUMENT,
  details: "security header missing from request",
};

/** Every request carries the mark, so that none can be forged through a careless proxy. */
function marked(call: Unary | Stream): boolean {
  const values = call.metadata.get("workload.spiffe.io");
  return values.length === 1 && values[0] === "true";
}

class Server {
  readonly #parts: WorkloadServerParts;
  readonly #grpc: Grpc;
  readonly #service: ServiceDefinition;
  readonly #stop = new AbortController();
  /** Each connection's user, and how it is ended. */
  readonly #open = new Map<WorkloadConnection, () => void>();
  refused = 0;

  constructor(parts: WorkloadServerParts, grpc: Grpc, service: ServiceDefinition) {
    this.#parts = parts;
    this.#grpc = grpc;
    this.#service = service;
  }

  get connections(): number {
    return this.#open.size;
  }

  take(connection: WorkloadConnection): void {
    const { socket, caller } = connection;
    const same = [...this.#open.keys()].filter((one) => one.caller.uid === caller.uid).length;
    const full = this.#open.size >= MAX_WORKLOAD_CONNECTIONS ||
      same >= MAX_WORKLOAD_CONNECTIONS_OF_USER;
    if (full || this.#stop.signal.aborted) {
      this.refused++;
      socket.destroy();
      return;
    }
    const server = new this.#grpc.Server({
      "grpc.enable_channelz": 0,
      "grpc.max_concurrent_streams": MAX_WORKLOAD_STREAMS,
      "grpc.max_receive_message_length": MAX_WORKLOAD_MESSAGE_BYTES,
    });
    const gone = new AbortController();
    server.addService(this.#service, this.#handlers(connection, gone.signal));
    const injector = server.createConnectionInjector(this.#grpc.ServerCredentials.createInsecure());
    const end = () => {
      if (!this.#open.delete(connection)) return;
      gone.abort();
      injector.destroy();
      server.forceShutdown();
      socket.destroy();
    };
    this.#open.set(connection, end);
    socket.on("close", end);
    socket.on("error", end);
    injector.injectConnection(socket);
  }

  #handlers(connection: WorkloadConnection, gone: AbortSignal) {
    const api = new WorkloadApi(this.#parts.sources, connection.caller);
    const unary =
      (answer: (request: Message) => object | Promise<object>) =>
      async (call: Unary, callback: Callback) => {
        if (!marked(call)) return callback(UNMARKED);
        try {
          callback(null, await answer(call.request));
        } catch (error) {
          callback(statusOf(error));
        }
      };
    const stream = (answer: () => Timed | Promise<Timed>) => (call: Stream) =>
      void this.#stream(call, answer, gone);
    return {
      FetchX509SVID: stream(() => api.x509Svids()),
      FetchX509Bundles: stream(() => api.x509Bundles()),
      FetchJWTBundles: stream(() => api.jwtBundles()),
      FetchJWTSVID: unary(({ audience, spiffe_id }) =>
        api.jwtSvids(audience as string[], spiffe_id as string)
      ),
      ValidateJWTSVID: unary(({ audience, svid }) =>
        api.validateJwt(audience as string, svid as string)
      ),
    };
  }

  /** Answers now, and again whenever the answer changed. */
  async #stream(call: Stream, answer: () => Timed | Promise<Timed>, gone: AbortSignal) {
    const fail = (status: object) => call.emit("error", status);
    if (!marked(call)) return fail(UNMARKED);
    const over = new AbortController();
    const end = () => over.abort();
    for (const event of ["cancelled", "close", "finish"]) call.once(event, end);
    const signal = AbortSignal.any([over.signal, gone, this.#stop.signal]);
    const { changes, clock } = this.#parts;
    let last = "";
    try {
      while (!signal.aborted) {
        const seen = changes.count;
        const { message, untilMs } = await answer();
        if (signal.aborted) break;
        const text = fingerprint(message);
        if (text !== last && !call.write(message)) await drained(call, signal);
        last = text;
        await this.#next(seen, Math.max(untilMs - clock.wallMs(), 0), signal);
      }
    } catch (error) {
      fail(statusOf(error));
    }
  }

  /** Until something changed or `ms` passed; a renewal that is due is looked for a little later. */
  async #next(seen: number, ms: number, signal: AbortSignal): Promise<void> {
    const idle = new AbortController();
    const either = AbortSignal.any([signal, idle.signal]);
    const { changes, clock } = this.#parts;
    const waits = [changes.after(seen, either)];
    if (ms !== Infinity) waits.push(clock.sleep(Math.max(ms, 1), either));
    await Promise.race(waits);
    idle.abort();
  }

  close(): void {
    this.#stop.abort();
    for (const end of [...this.#open.values()]) end();
  }
}

/** Tells answers apart, without keeping one: keys are in them. */
function fingerprint(message: object): string {
  const text = JSON.stringify(
    message,
    (_name, value) => value instanceof Uint8Array ? value.toBase64() : value,
  );
  return hashOf(new TextEncoder().encode(text)).toHex();
}

/** Until a slow reader has read, or the stream ends. */
function drained(call: Stream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    call.on("drain", done);
    signal.addEventListener("abort", done, { once: true });
  });
}

/** Starts the API. Loads gRPC when called. Rejects when the socket cannot be made. */
export async function startWorkloadServer(
  path: string,
  parts: WorkloadServerParts,
): Promise<WorkloadServer> {
  const grpc = await import("@grpc/grpc-js");
  const server = new Server(parts, grpc, workloadService(await workloadCodecs()));
  const listener = await parts.listen(path, (connection) => server.take(connection));
  return {
    path,
    get connections() {
      return server.connections;
    },
    get refused() {
      return server.refused;
    },
    async close() {
      const closed = listener.close();
      server.close();
      await closed;
    },
  };
}
