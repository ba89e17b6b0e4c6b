// The sockets the API is served on: TCP, and a unix socket that is its owner's alone.
import type { WebApp } from "../../web/mod.ts";
import { formatListen, type ListenAddress, listenError } from "./listen.ts";

/** An open server. */
export interface Served {
  /** "http://127.0.0.1:8080", or the path of the socket. */
  readonly name: string;
  close(): Promise<void>;
}

/** Told of what the server itself could not answer. */
export type ServeError = (thrown: unknown) => void;

function failed(onError: ServeError): (thrown: unknown) => Response {
  return (thrown) => {
    onError(thrown);
    return new Response("Internal error\n", { status: 500 });
  };
}

/** Serves on TCP. @throws {CliError} when the address cannot be had. */
export function serveTcp(app: WebApp, address: ListenAddress, onError: ServeError): Served {
  try {
    const server = Deno.serve(
      { ...address, onListen: () => {}, onError: failed(onError) },
      // A getter, since asking the server for the address costs as much as parsing a header.
      (request, info) =>
        app.fetch(request, {
          get remote() {
            return info.remoteAddr;
          },
        }),
    );
    const { hostname, port } = server.addr;
    return {
      name: `http://${formatListen({ hostname, port })}`,
      close: () => server.shutdown(),
    };
  } catch (cause) {
    throw listenError(formatListen(address), cause);
  }
}

/** Serves on a unix socket that only its owner may open. The caller holds the directory's lock. */
export function serveUnix(app: WebApp, path: string, onError: ServeError): Served {
  try {
    // Left behind by a daemon that was killed: the lock says that nobody listens on it.
    Deno.removeSync(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw listenError(path, cause);
  }
  // The mask, not a later chmod: there must be no moment at which others may connect.
  const before = Deno.umask(0o177);
  try {
    const server = Deno.serve(
      { path, onListen: () => {}, onError: failed(onError) },
      (request) => app.fetch(request, { remote: { transport: "unix" } }),
    );
    return {
      name: path,
      async close() {
        await server.shutdown();
        await Deno.remove(path).catch(() => {});
      },
    };
  } catch (cause) {
    throw listenError(path, cause);
  } finally {
    Deno.umask(before);
  }
}
