// The Packets port of a simulated host: what "the kernel" routes to the link is what a test puts there,
// and what is sent past it is kept for the test to read.
import type { Links, PacketLink, Packets, PacketSender } from "../ports/mod.ts";
import { DATAGRAM_QUEUE_MAX, SENT_PACKETS_MAX } from "./limits.ts";
import { Mailbox } from "./net_stream.ts";

/** A packet that left, and through which link. */
export interface SentPacket {
  readonly link: string;
  readonly packet: Uint8Array;
}

/** Packets of one simulated host. */
export class SimPackets implements Packets {
  readonly #links: Links;
  readonly #open = new Map<string, Mailbox<Uint8Array>>();
  /** Packets that left through a sender, oldest first; at most {@link SENT_PACKETS_MAX}. */
  readonly sent: SentPacket[] = [];
  /** Packets that arrived from a link, likewise. */
  readonly arrived: SentPacket[] = [];

  /** @param links where the link appears, as a dummy: the simulated kernel has no TUN driver. */
  constructor(links: Links) {
    this.#links = links;
  }

  /** A packet is routed to a link. `false` when nobody has it open, or its queue is full. */
  route(link: string, packet: Uint8Array): boolean {
    return this.#open.get(link)?.put(packet.slice()) ?? false;
  }

  async link(name: string): Promise<PacketLink> {
    await this.#links.create({ kind: "dummy", name });
    const queue = new Mailbox<Uint8Array>(DATAGRAM_QUEUE_MAX);
    this.#open.set(name, queue);
    return {
      read: () => queue.take(),
      write: (packet) => keep(this.arrived, { link: name, packet: packet.slice() }),
      close: () => {
        this.#open.delete(name);
        queue.close();
        // As the kernel does when the last descriptor closes.
        void this.#links.delete(name);
      },
    };
  }

  async sender(link: string): Promise<PacketSender> {
    await this.#links.get(link);
    return {
      send: async (packet) => {
        await this.#links.get(link);
        keep(this.sent, { link, packet: packet.slice() });
        // Whoever has the far end of that link reads it.
        this.route(link, packet);
      },
      close() {},
    };
  }
}

function keep(list: SentPacket[], packet: SentPacket): void {
  list.push(packet);
  if (list.length > SENT_PACKETS_MAX) list.shift();
}
