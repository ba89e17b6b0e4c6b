// HTTPS for peers with SVIDs. Whoever connects is verified by ourselves when the connection is made, with
// each request, and again whenever something changed: what the TLS stack says of a resumed session proves
// nothing, and a node that is revoked must not go on over a connection it has.
import https from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { CodedError } from "../base/mod.ts";
import { requestOf, sendResponse } from "./http_bridge.ts";
import { MAX_MTLS_CONNECTIONS, TLS_HANDSHAKE_TIMEOUT_MS } from "./limits.ts";
import { presentedChain } from "./tls_peer.ts";
import type { VerifiedPeer } from "./verify.ts";

/** Answers a request of a peer that was verified. */
export type MtlsHandler = (request: Request, peer: VerifiedPeer) => Promise<Response> | Response;

/** Certificates and key in PEM. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** What a server is made of. */
export interface MtlsServerOptions {
  readonly hostname: string;
  /** 0 takes any. */
  readonly port: number;
  readonly handler: MtlsHandler;
  /** Believes in a client's chain, or throws a coded error. */
  readonly verify: (chain: readonly Uint8Array[]) => VerifiedPeer;
  /** Told of each refusal: its code, never more. */
  readonly refused?: (code: string) => void;
}

/** A server that runs. */
export interface MtlsServer {
  readonly port: number;
  /** Connections that are refused so far. */
  readonly refusals: number;
  /** Shows other certificates from now on; connections stay. */
  rotate(identity: TlsIdentity): void;
  /** Ends connections whose peers do not hold any more. */
  reverify(): void;
  /** Ends all connections and the listener. */
  close(): Promise<void>;
}

class Server implements MtlsServer {
  readonly #options: MtlsServerOptions;
  readonly #server: https.Server;
  readonly #sockets = new Set<TLSSocket>();
  refusals = 0;
  port = 0;

  constructor(options: MtlsServerOptions, identity: TlsIdentity) {
    this.#options = options;
    this.#server = https.createServer({
      cert: identity.cert,
      key: identity.key,
      requestCert: true,
      // The stack proves possession of the key; whom to believe is decided here.
      rejectUnauthorized: false,
      minVersion: "TLSv1.3",
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
    }, (message, out) => void this.#answer(message, out));
    this.#server.maxConnections = MAX_MTLS_CONNECTIONS;
    this.#server.on("secureConnection", (socket) => this.#admit(socket));
    // Half-finished handshakes of strangers are nobody's concern.
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  async listen(): Promise<void> {
    const { hostname, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, hostname, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    const address = this.#server.address();
    this.port = typeof address === "object" && address !== null ? address.port : 0;
  }

  /** The peer behind a socket, or `null`, and the socket is ended. */
  #peer(socket: TLSSocket): VerifiedPeer | null {
    try {
      return this.#options.verify(presentedChain(socket));
    } catch (error) {
      // Whatever the reason, a stranger's octets neither get in nor stop the program.
      socket.destroy();
      this.refusals++;
      this.#options.refused?.(error instanceof CodedError ? error.code : "unexpected");
      return null;
    }
  }

  #admit(socket: TLSSocket): void {
    socket.on("error", () => socket.destroy());
    if (this.#peer(socket) === null) return;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
  }

  async #answer(message: IncomingMessage, out: ServerResponse): Promise<void> {
    const peer = this.#peer(message.socket as TLSSocket);
    if (peer === null) return;
    const gone = new AbortController();
    out.on("close", () => gone.abort());
    try {
      await sendResponse(await this.#options.handler(requestOf(message, gone.signal), peer), out);
    } catch {
      // The handler answers for its errors itself; what is left is a connection that broke or a bug of its.
      if (!out.headersSent) {
        out.statusCode = 500;
        out.end();
      } else out.destroy();
    }
  }

  rotate({ cert, key }: TlsIdentity): void {
    this.#server.setSecureContext({ cert, key });
  }

  reverify(): void {
    for (const socket of this.#sockets) this.#peer(socket);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** Starts a server. Rejects when the port cannot be had. */
export async function startMtlsServer(
  options: MtlsServerOptions,
  identity: TlsIdentity,
): Promise<MtlsServer> {
  const server = new Server(options, identity);
  await server.listen();
  return server;
}
