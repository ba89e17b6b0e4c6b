// UDP services of the daemon: questions that come, each with the way back. Two kinds: on the machine's
// links with multicast groups, and a plain one that needs no privileges and loads no library.
import { parseIp } from "../../ffi/netlink/mod.ts";
import {
  ERRNO,
  joinGroup,
  openUdp,
  type Received,
  type Socket,
  SyscallError,
} from "../../ffi/sys/mod.ts";

/** One datagram that somebody sent. */
export interface UdpQuestion {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Sends a datagram back, through the link the question came from. */
  answer(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** A bound UDP socket. */
export interface UdpService {
  /** Questions until {@link close}. */
  questions(): AsyncIterable<UdpQuestion>;
  /** Also hears what is sent to a group on one link; again does nothing. @throws when it cannot. */
  join(group: string, linkIndex: number): void;
  close(): void;
}

/** Opens a service on the links of a network namespace; the caller's own by default. @throws {SyscallError} */
export function openLinkUdp(port: number, netns?: string): UdpService {
  const socket = openUdp({ port, ...netns === undefined ? {} : { netns } });
  return {
    questions: () => questionsOf(socket),
    join(group, linkIndex) {
      const address = parseIp(group);
      if (address?.length !== 16) throw new TypeError(`Cannot join "${group}": no IPv6 group`);
      try {
        joinGroup(socket, address, linkIndex);
      } catch (error) {
        if (!(error instanceof SyscallError) || error.errno !== ERRNO.EADDRINUSE) throw error;
      }
    },
    close: () => socket.close(),
  };
}

async function* questionsOf(socket: Socket): AsyncGenerator<UdpQuestion, void, void> {
  while (!socket.closed) {
    const received = tryReceive(socket);
    if (received === null) {
      await socket.readable(Infinity);
      continue;
    }
    const { bytes, from } = received;
    yield {
      bytes,
      answer(answer) {
        socket.send(answer, from);
        return Promise.resolve();
      },
    };
  }
}

/** A datagram that is too long for any question counts as none. */
function tryReceive(socket: Socket): Received | null {
  try {
    return socket.tryReceive();
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ERRNO.EMSGSIZE) return null;
    throw error;
  }
}

/** Opens a service that answers whoever asks this machine itself; it joins no groups. @throws */
export function openPlainUdp(port: number): UdpService {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "::", port });
  return {
    async *questions() {
      for await (const [bytes, from] of socket) {
        yield {
          bytes: new Uint8Array(bytes),
          async answer(answer) {
            await socket.send(answer, from);
          },
        };
      }
    },
    join() {},
    close: () => socket.close(),
  };
}
