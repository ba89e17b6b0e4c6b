// The bundle endpoint: this trust domain's bundle for whoever asks. Nothing in it is secret; what matters is
// that readers can tell who says it. SPIFFE Federation §5.
import https from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  BUNDLE_REQUEST_TIMEOUT_MS,
  MAX_BUNDLE_CONNECTIONS,
  TLS_HANDSHAKE_TIMEOUT_MS,
} from "./limits.ts";
import type { TlsIdentity } from "./mtls_server.ts";

/** A bundle endpoint that runs. */
export interface BundleEndpoint {
  readonly port: number;
  /** Shows other certificates from now on. */
  rotate(identity: TlsIdentity): void;
  close(): Promise<void>;
}

/** What it takes. */
export interface BundleEndpointOptions {
  readonly hostname: string;
  /** 0 takes any. */
  readonly port: number;
  /** The document now. */
  readonly document: () => string;
}

function answer(document: () => string, message: IncomingMessage, out: ServerResponse): void {
  if (message.method !== "GET" && message.method !== "HEAD") {
    out.writeHead(405, { allow: "GET, HEAD" }).end();
    return;
  }
  let text: string;
  try {
    text = document();
  } catch {
    // Revocations are missing, or the clock is: no bundle is better than a wrong one.
    out.writeHead(503).end();
    return;
  }
  const body = new TextEncoder().encode(text);
  out.writeHead(200, {
    "content-type": "application/json",
    "content-length": String(body.length),
    "cache-control": "no-store",
  });
  out.end(message.method === "HEAD" ? undefined : body);
}

/** Starts one. @param identity a node's SVID (https_spiffe) or a certificate of the web's authorities (https_web). */
export async function startBundleEndpoint(
  { hostname, port, document }: BundleEndpointOptions,
  { cert, key }: TlsIdentity,
): Promise<BundleEndpoint> {
  const server = https.createServer(
    { cert, key, handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS },
    (message, out) => answer(document, message, out),
  );
  server.maxConnections = MAX_BUNDLE_CONNECTIONS;
  server.headersTimeout = BUNDLE_REQUEST_TIMEOUT_MS;
  server.requestTimeout = BUNDLE_REQUEST_TIMEOUT_MS;
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    rotate: (identity) => server.setSecureContext({ cert: identity.cert, key: identity.key }),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
