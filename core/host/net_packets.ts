// The Packets port over TUN devices and raw sockets, in one network namespace.
import {
  ERRNO,
  openRaw6,
  sendRaw6,
  type SocketPlace,
  SyscallError,
  Tun,
} from "../../ffi/sys/mod.ts";
import { KernelFault, type PacketLink, type Packets, type PacketSender } from "../ports/mod.ts";
import { faulting, toFault } from "./errors.ts";
import { MAX_SEND_WAIT_MS } from "./limits.ts";
import type { HostNetworkOptions } from "./net.ts";
import { breather } from "./net_stream.ts";

/** Packets of a network namespace. Nothing is opened before the first call. */
export function hostPackets(options: HostNetworkOptions = {}): Packets {
  const place: SocketPlace = options.netns === undefined ? {} : { netns: options.netns };
  return {
    link: (name) => openLink(name, place),
    sender: (link) => openSender(link, place),
  };
}

async function openLink(name: string, place: SocketPlace): Promise<PacketLink> {
  const tun = await faulting(() => Tun.open(name, place));
  const breathe = breather();
  return {
    read: () =>
      faulting(async () => {
        await breathe();
        for (;;) {
          if (tun.closed) return null;
          const packet = tun.tryRead();
          if (packet !== null) return packet;
          await tun.readable(Infinity);
        }
      }),
    write(packet) {
      try {
        tun.write(new Uint8Array(packet));
      } catch (error) {
        // EIO: the link is down; EINVAL: no IP packet. Both lose it.
        if (!(error instanceof SyscallError)) throw error;
        if (error.errno !== ERRNO.EIO && error.errno !== ERRNO.EINVAL) throw toFault(error);
      }
    },
    close: () => tun.close(),
  };
}

async function openSender(link: string, place: SocketPlace): Promise<PacketSender> {
  const socket = await faulting(() => openRaw6(link, place));
  return {
    send: (packet) =>
      faulting(async () => {
        const octets = new Uint8Array(packet);
        for (;;) {
          try {
            return sendRaw6(socket, octets);
          } catch (error) {
            if (!(error instanceof SyscallError) || error.errno !== ERRNO.EAGAIN) throw error;
          }
          if (await socket.writable(MAX_SEND_WAIT_MS)) continue;
          throw new KernelFault("timeout", `Cannot send through "${link}": it takes no packets`);
        }
      }),
    close: () => socket.close(),
  };
}
