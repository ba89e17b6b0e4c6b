// A map's side of respondd, as yanic and gluon-neighbour-info speak it. Run as a program it asks once and
// prints the answer as JSON, or nothing after the time is up: ADDRESS PORT REQUEST TIMEOUT_MS.
import dgram from "node:dgram";
import { inflateRawSync } from "node:zlib";

/** Whom to ask. */
export interface ResponddPeer {
  /** IPv4, IPv6 or a group with its link, "ff02::2:1001%bat0". */
  readonly address: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/** Sends one request; the answer's octets, or `null` when none came in time. */
export async function askRespondd(
  request: string,
  { address, port, timeoutMs }: ResponddPeer,
): Promise<Uint8Array | null> {
  const socket = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
  try {
    return await new Promise<Uint8Array | null>((resolve, reject) => {
      const late = setTimeout(() => resolve(null), timeoutMs);
      const done = <T>(settle: (value: T) => void) => (value: T) => {
        clearTimeout(late);
        settle(value);
      };
      socket.on("error", done(reject));
      socket.on("message", done((message: Uint8Array) => resolve(new Uint8Array(message))));
      socket.bind(0, () => {
        // A group's link is an option of the socket; only an address of one link (fe80::) carries it.
        const [group = "", link] = address.split("%");
        const multicast = link !== undefined && /^ff/i.test(group);
        if (multicast) socket.setMulticastInterface(`::%${link}`);
        socket.send(request, port, multicast ? group : address);
      });
    });
  } finally {
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }
}

/** Reads an answer: compressed for "GET …", plain otherwise. */
export function readRespondd(request: string, answer: Uint8Array): Record<string, unknown> {
  const bytes = request.startsWith("GET ") ? inflateRawSync(answer) : answer;
  return JSON.parse(new TextDecoder().decode(bytes));
}

if (import.meta.main) {
  const [address = "::1", port = "1001", request = "", timeoutMs = "3000"] = Deno.args;
  const peer = { address, port: Number(port), timeoutMs: Number(timeoutMs) };
  const answer = await askRespondd(request, peer);
  if (answer !== null) console.log(JSON.stringify(readRespondd(request, answer)));
}
