// The real control socket: a unix datagram socket bound to a path of our own.
import { openUnixDatagram, type Socket } from "../sys/mod.ts";
import type { ControlSocket } from "./client.ts";

/** Paths of a control connection. */
export interface ControlPaths {
  /** The program's socket, e.g. "/run/x0tta6bl4/hostapd/wlan0". */
  readonly server: string;
  /** Our own; a file is made there, which only the program and we should be able to reach. */
  readonly local: string;
  /** Removes our file; must not throw when there is none. */
  readonly remove: (path: string) => void;
}

class UnixControlSocket implements ControlSocket {
  readonly #socket: Socket;
  readonly #paths: ControlPaths;
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();

  constructor(socket: Socket, paths: ControlPaths) {
    this.#socket = socket;
    this.#paths = paths;
  }

  send(text: string): void {
    this.#socket.send(this.#encoder.encode(text));
  }

  tryReceive(): string | null {
    const received = this.#socket.tryReceive();
    return received === null ? null : this.#decoder.decode(received.bytes);
  }

  readable(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.#socket.closed ? Promise.resolve(false) : this.#socket.readable(timeoutMs, signal);
  }

  close(): void {
    if (this.#socket.closed) return;
    this.#socket.close();
    this.#paths.remove(this.#paths.local);
  }
}

/** Opens a control socket. @throws {SyscallError} ENOENT or ECONNREFUSED when nobody listens. */
export function openControlSocket(paths: ControlPaths): ControlSocket {
  // A file left by a process that was killed would make bind() fail.
  paths.remove(paths.local);
  try {
    const socket = openUnixDatagram({ local: paths.local, remote: paths.server });
    return new UnixControlSocket(socket, paths);
  } catch (error) {
    paths.remove(paths.local);
    throw error;
  }
}
