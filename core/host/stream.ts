// Unix sockets as the stream ports.
import type { ByteStream, StreamDialer, StreamListener } from "../ports/mod.ts";

const READ_BYTES = 65536;

function streamOf(connection: Deno.Conn): ByteStream {
  const buffer = new Uint8Array(READ_BYTES);
  return {
    async read() {
      const count = await connection.read(buffer);
      return count === null ? null : buffer.slice(0, count);
    },
    async write(octets) {
      for (let at = 0; at < octets.length;) at += await connection.write(octets.subarray(at));
    },
    close() {
      try {
        connection.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    },
  };
}

/** Connects to the unix socket at `path`, once a call. */
export function unixDialer(path: string): StreamDialer {
  return async () => streamOf(await Deno.connect({ transport: "unix", path }));
}

/**
 * Listens on a unix socket for its owner alone. A socket file that nobody listens on any more is
 * replaced; one that is in use is left alone.
 *
 * @throws Deno.errors.AddrInUse when somebody listens at `path`.
 */
export async function unixListener(path: string): Promise<StreamListener> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    throw new Deno.errors.AddrInUse(`Cannot listen on "${path}": somebody does`);
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) await Deno.remove(path);
    else if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const listener = Deno.listen({ transport: "unix", path });
  await Deno.chmod(path, 0o600);
  return {
    async accept() {
      try {
        return streamOf(await listener.accept());
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return null;
        throw error;
      }
    },
    close() {
      listener.close();
      try {
        Deno.removeSync(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}
