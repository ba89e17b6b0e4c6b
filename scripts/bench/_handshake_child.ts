// The other ends of the handshake benchmark, in a process of their own so that their work isn't counted:
//   peers COUNT NODE_ID PORT   members that keep one peer, the node under test; prints their addresses
//   flood PORT PER_S SECONDS   connections with an M1 of the right length and a wrong mac
//   honest PORT NODE_ID SECONDS   a member that dials ten times a second; prints how long each dial took
// Sockets are Deno's: this is no part of the product.
import { PeerKeeper } from "../../core/handshake/mod.ts";
import { countingRandom } from "../../core/handshake/testing.ts";
import type { ByteStream } from "../../core/ports/mod.ts";
import { hostClock, hostRandom } from "../../core/host/mod.ts";
import { benchNode } from "./_handshake_node.ts";

const clock = hostClock();
const say = (line: unknown) => console.log(JSON.stringify(line));

/** Deno's connection as a stream. */
function stream(connection: Deno.TcpConn): ByteStream {
  const buffer = new Uint8Array(16_384);
  let closed = false;
  return {
    async read() {
      const count = await connection.read(buffer);
      return count === null ? null : buffer.slice(0, count);
    },
    async write(octets) {
      for (let at = 0; at < octets.length;) at += await connection.write(octets.subarray(at));
    },
    close() {
      if (!closed) connection.close();
      closed = true;
    },
  };
}

async function peers(count: number, node: string, port: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const { nodeId, sessions } = await benchNode(index + 1, clock);
    const keeper = new PeerKeeper({
      clock,
      random: hostRandom(),
      sessions,
      nodeId,
      sink: {
        install: () => Promise.resolve(),
        installRandom: () => Promise.resolve(),
        remove: () => Promise.resolve(),
      },
      connect: async () => stream(await Deno.connect({ hostname: "127.0.0.1", port })),
    });
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    (async () => {
      for await (const connection of listener) keeper.answer(stream(connection), "node");
    })();
    say({ nodeId, port: listener.addr.port });
    keeper.add(node);
    await clock.sleep(8);
  }
}

async function flood(port: number, perS: number, seconds: number): Promise<void> {
  const frame = new Uint8Array(4 + 1270);
  new DataView(frame.buffer).setUint32(0, 1270);
  frame.set(countingRandom(1).bytes(1268), 6);
  frame.set([1, 1, 0, 1], 4);
  let [sent, failed, open] = [0, 0, 0];
  const one = async () => {
    open++;
    try {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(frame);
      await connection.read(new Uint8Array(1)).catch(() => null);
      connection.close();
      sent++;
    } catch {
      failed++;
    }
    open--;
  };
  const startMs = clock.monotonicMs();
  for (let begun = 0; clock.monotonicMs() < startMs + seconds * 1000;) {
    const due = (clock.monotonicMs() - startMs) / 1000 * perS;
    while (begun < due && open < 200) {
      one();
      begun++;
    }
    if (open >= 200) begun = Math.max(begun, due - perS);
    await clock.sleep(1);
  }
  say({ sent, failed, seconds: (clock.monotonicMs() - startMs) / 1000 });
}

async function honest(port: number, node: string, seconds: number): Promise<void> {
  const { sessions } = await benchNode(2_000, clock);
  const endMs = clock.monotonicMs() + seconds * 1000;
  const tookMs: number[] = [];
  let failed = 0;
  while (clock.monotonicMs() < endMs) {
    const beforeMs = clock.monotonicMs();
    try {
      const connection = stream(await Deno.connect({ hostname: "127.0.0.1", port }));
      const { outcome } = await sessions.dial(connection, node, () => true);
      outcome.wipe();
      connection.close();
      tookMs.push(clock.monotonicMs() - beforeMs);
    } catch {
      failed++;
    }
    await clock.sleep(Math.max(0, 100 - (clock.monotonicMs() - beforeMs)));
  }
  say({ tookMs, failed });
}

const [role, ...rest] = Deno.args;
if (role === "peers") await peers(Number(rest[0]), rest[1] ?? "", Number(rest[2]));
else if (role === "flood") await flood(Number(rest[0]), Number(rest[1]), Number(rest[2]));
else if (role === "honest") await honest(Number(rest[0]), rest[1] ?? "", Number(rest[2]));
