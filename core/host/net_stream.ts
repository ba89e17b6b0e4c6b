// A TCP socket as the stream port: readiness is waited for, the octets are moved synchronously.
import { readStream, type Socket, writeStream } from "../../ffi/sys/mod.ts";
import type { SocketAddress, TcpConnection } from "../ports/mod.ts";
import { faulting } from "./errors.ts";
import { READS_PER_TURN } from "./limits.ts";

/**
 * Lets everything else of the program have its turn, once in a while: what is always ready would
 * otherwise be read for ever.
 */
export function breather(): () => Promise<void> {
  let taken = 0;
  return async () => {
    if (++taken % READS_PER_TURN === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  };
}

/** Takes ownership of a connected socket. */
export function tcpStream(socket: Socket, remote: SocketAddress): TcpConnection {
  const breathe = breather();
  // Writes of two callers must not be mixed.
  let writing: Promise<void> = Promise.resolve();
  const write = async (octets: Uint8Array): Promise<void> => {
    let rest = new Uint8Array(octets);
    while (rest.length > 0) {
      const count = writeStream(socket, rest);
      rest = rest.subarray(count);
      if (count === 0) await socket.writable(Infinity);
    }
  };
  return {
    remote,
    read: () =>
      faulting(async () => {
        await breathe();
        for (;;) {
          if (socket.closed) return null;
          const octets = readStream(socket);
          if (octets !== null) return octets.length === 0 ? null : octets;
          await socket.readable(Infinity);
        }
      }),
    write(octets) {
      const done = writing.then(() => faulting(() => write(octets)));
      writing = done.catch((error) => {
        if (!(error instanceof Error)) throw error;
      });
      return done;
    },
    close: () => socket.close(),
  };
}
