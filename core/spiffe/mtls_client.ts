// HTTPS requests whose server is believed only after its chain was verified, before the first octet of the
// request is sent. One connection a request: no session is resumed.
import http from "node:http";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { messageOf } from "../base/mod.ts";
import { SpiffeError } from "./errors.ts";
import { responseOf } from "./http_bridge.ts";
import { presentedChain } from "./tls_peer.ts";
import type { TlsIdentity } from "./mtls_server.ts";

/** A request. */
export interface TlsRequest {
  readonly url: URL;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly signal: AbortSignal;
}

/** How the connection is made. */
export interface TlsPeerCheck {
  /** What we show, if anything. */
  readonly identity: TlsIdentity | null;
  /** Believes in the server's chain, or throws. */
  readonly verify: (chain: readonly Uint8Array[]) => void;
}

function unreachable(url: URL, cause: unknown): SpiffeError {
  return new SpiffeError(
    "unreachable",
    `Cannot reach "${url.host}": ${messageOf(cause)}`,
    { retryable: true, cause },
  );
}

/** Connects; the socket is handed out only when its peer was believed in. */
function connect(url: URL, check: TlsPeerCheck, signal: AbortSignal): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const hostname = url.hostname.replace(/^\[|\]$/g, "");
    const socket = tls.connect({
      host: hostname,
      port: url.port === "" ? 443 : Number(url.port),
      // The chain is verified below, against SPIFFE bundles; the stack knows none of them.
      rejectUnauthorized: false,
      minVersion: "TLSv1.3",
      ...(check.identity === null ? {} : { cert: check.identity.cert, key: check.identity.key }),
    });
    const fail = (cause: unknown) => {
      signal.removeEventListener("abort", abort);
      socket.destroy();
      reject(cause);
    };
    const abort = () => fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", (error: Error) => fail(unreachable(url, error)));
    socket.once("secureConnect", () => {
      try {
        check.verify(presentedChain(socket));
      } catch (error) {
        return fail(error);
      }
      signal.removeEventListener("abort", abort);
      resolve(socket);
    });
    if (signal.aborted) abort();
  });
}

/** An agent whose one connection is there already. */
class OneSocket extends http.Agent {
  readonly #socket: Duplex;

  constructor(socket: Duplex) {
    super({ keepAlive: false });
    this.#socket = socket;
  }

  override createConnection(): Duplex {
    return this.#socket;
  }
}

/**
 * Makes a request.
 *
 * @throws {SpiffeError} "unreachable"; what `verify` throws; the signal's reason.
 */
export async function tlsFetch(request: TlsRequest, check: TlsPeerCheck): Promise<Response> {
  const { url, method = "GET", headers = {}, body, signal } = request;
  if (url.protocol !== "https:") {
    throw new SpiffeError("malformed", `Cannot fetch "${url.protocol}//…": only https is allowed`);
  }
  const socket = await connect(url, check, signal);
  return await new Promise((resolve, reject) => {
    const abort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.once("close", () => signal.removeEventListener("abort", abort));
    const outgoing = http.request({
      method,
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        connection: "close",
        ...headers,
        ...(body === undefined ? {} : {
          "content-length": String(
            typeof body === "string" ? new TextEncoder().encode(body).length : body.length,
          ),
        }),
      },
      agent: new OneSocket(socket),
    }, (message) => {
      message.once("close", () => socket.destroy());
      resolve(responseOf(message));
    });
    outgoing.once("error", (error: Error) => {
      socket.destroy();
      reject(unreachable(url, error));
    });
    outgoing.end(body);
  });
}
