// What handshakes cost: one of them on both sides, a node that keeps a thousand peers, and honest ones
// while somebody floods the port. Processor time is this process'; the other ends run in processes of their
// own. X0_BENCH_PEERS and X0_BENCH_WINDOW_S make the middle part smaller for a try.
import process from "node:process";
import tls from "node:tls";
import { once } from "node:events";
import {
  HandshakeError,
  Initiator,
  PeerKeeper,
  Responder,
  TIMING,
} from "../../core/handshake/mod.ts";
import { hostClock, hostNetwork, hostRandom } from "../../core/host/mod.ts";
import { streamPair } from "../../core/handshake/testing.ts";
import type { ByteStream, TcpListener } from "../../core/ports/mod.ts";
import type { Bytes } from "../../core/pq/mod.ts";
import { type BenchOutcome, type BenchRow, quantile, rowOf } from "../lib/bench.ts";
import { benchNode } from "./_handshake_node.ts";

const clock = hostClock();
const CHILD = new URL("./_handshake_child.ts", import.meta.url).pathname;
const BATCHES = 20;
const PER_BATCH = 25;
const PEERS = Number(Deno.env.get("X0_BENCH_PEERS") ?? 1_000);
/** One whole rekey interval: each peer rekeys once in it. */
const WINDOW_S = Number(Deno.env.get("X0_BENCH_WINDOW_S") ?? TIMING.rekeyMs / 1000);
const FLOOD_PER_S = 10_000;
const FLOOD_S = 10;

/** Milliseconds of processor time, user and system, of all this process' threads. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Processor time of one `run`, in batches. */
async function cpuOf(run: () => Promise<void>): Promise<number[]> {
  // The compiler's threads count as well: they are to be done first.
  for (let warm = 0; warm < 12 * PER_BATCH; warm++) await run();
  const samples: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const before = cpuMs();
    for (let each = 0; each < PER_BATCH; each++) await run();
    samples.push((cpuMs() - before) / PER_BATCH);
  }
  return samples;
}

async function oneHandshake(): Promise<{ hash: number[]; full: number[] }> {
  const [a, b] = [await benchNode(0, clock), await benchNode(1, clock)];
  const run = async (wantFull: boolean, deliveredTo: Bytes | null) => {
    const initiator = new Initiator(a.party(), { wantFull, deliveredTo });
    const responder = new Responder(b.party());
    const m2 = await responder.receiveM1(await initiator.begin());
    const answer = await responder.receiveM3(await initiator.receiveM2(m2));
    (await initiator.receiveM4(await answer.confirm())).wipe();
    answer.outcome.wipe();
  };
  const known = b.party().cacheEpoch;
  const prime = async () => {
    // Both caches are filled as sessions fill them.
    const [near, far] = streamPair();
    const answered = b.sessions.answer(far, "a", () => Promise.resolve(true));
    (await a.sessions.dial(near, b.nodeId, () => true)).outcome.wipe();
    (await answered)?.outcome.wipe();
  };
  await prime();
  return {
    hash: await cpuOf(() => run(false, known)),
    full: await cpuOf(() => run(true, null)),
  };
}

/** A certificate of its own for each end, both P-256, made by the openssl command. */
async function certificate(name: string): Promise<{ key: string; cert: string }> {
  const folder = await Deno.makeTempDir();
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  args.push(
    "-nodes",
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
    "-addext",
    `subjectAltName=DNS:${name}`,
  );
  args.push("-keyout", `${folder}/key`, "-out", `${folder}/cert`);
  const { success } = await new Deno.Command("openssl", { args, stderr: "null" }).output();
  if (!success) throw new Error("Cannot make a certificate: openssl failed");
  const pair = {
    key: await Deno.readTextFile(`${folder}/key`),
    cert: await Deno.readTextFile(`${folder}/cert`),
  };
  await Deno.remove(folder, { recursive: true });
  return pair;
}

/** Mutual TLS 1.3 over loopback, both ends in this process: P-256 and X25519, nothing post-quantum. */
async function mutualTls(): Promise<number[]> {
  const [server, client] = [await certificate("server.test"), await certificate("client.test")];
  const listener = tls.createServer({
    ...server,
    ca: [client.cert],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.3",
  }, (socket) => {
    socket.on("error", () => {});
    socket.end("x");
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("Cannot listen");
  const { port } = address;
  let resumed = 0;
  const samples = await cpuOf(async () => {
    const socket = tls.connect({
      host: "127.0.0.1",
      port,
      servername: "server.test",
      ...client,
      ca: [server.cert],
      minVersion: "TLSv1.3",
    });
    await once(socket, "data");
    if (socket.isSessionReused()) resumed++;
    socket.destroy();
  });
  listener.close();
  if (resumed > 0) throw new Error(`Cannot compare with TLS: ${resumed} sessions were resumed`);
  return samples;
}

function child(...args: string[]): {
  readonly lines: AsyncIterable<Record<string, unknown>>;
  readonly process: Deno.ChildProcess;
} {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CHILD, ...args],
    stdout: "piped",
  });
  const running = command.spawn();
  async function* lines(): AsyncGenerator<Record<string, unknown>> {
    let text = "";
    for await (const chunk of running.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const whole = text.split("\n");
      text = whole.pop() ?? "";
      for (const line of whole) yield JSON.parse(line);
    }
  }
  return { lines: lines(), process: running };
}

/** A node on the product's own sockets, with a sink that does nothing. */
async function listening(): Promise<{
  readonly keeper: PeerKeeper;
  readonly listener: TcpListener;
  readonly node: Awaited<ReturnType<typeof benchNode>>;
  readonly ports: Map<string, number>;
  readonly serving: Promise<void>;
}> {
  const network = hostNetwork();
  const node = await benchNode(0, clock);
  const ports = new Map<string, number>();
  const keeper = new PeerKeeper({
    clock,
    random: hostRandom(),
    sessions: node.sessions,
    nodeId: node.nodeId,
    sink: {
      install: () => Promise.resolve(),
      installRandom: () => Promise.resolve(),
      remove: () => Promise.resolve(),
    },
    connect: (peer, signal) =>
      network.dial({ host: "127.0.0.1", port: ports.get(peer) ?? 0 }, signal),
  });
  const listener = await network.listen({ host: "127.0.0.1", port: 0 });
  const serve = async () => {
    for (;;) {
      const connection = await listener.accept();
      if (connection === null) return;
      // Each connection counts as a source of its own, as if every peer had its own address.
      keeper.answer(connection, `${connection.remote.host}:${connection.remote.port}`);
    }
  };
  return { keeper, listener, node, ports, serving: serve() };
}

async function thousandPeers() {
  const { keeper, listener, node, ports, serving } = await listening();
  const others = child("peers", `${PEERS}`, node.nodeId, `${listener.local.port}`);
  const agreed = () => [...keeper.peers.values()].filter(({ psk }) => psk.kind === "agreed").length;
  for await (const line of others.lines) {
    const { nodeId, port } = line as { nodeId: string; port: number };
    ports.set(nodeId, port);
    keeper.add(nodeId);
    if (ports.size === PEERS) break;
  }
  const startedMs = clock.monotonicMs();
  while (agreed() < PEERS && clock.monotonicMs() < startedMs + 60_000) await clock.sleep(100);
  const completed = () =>
    [...keeper.peers.values()].reduce((sum, state) => sum + state.completed, 0);
  const [before, beforeMs, beforeCpu] = [completed(), clock.monotonicMs(), cpuMs()];
  await clock.sleep(WINDOW_S * 1000);
  const tookMs = clock.monotonicMs() - beforeMs;
  const usedMs = cpuMs() - beforeCpu;
  const raw = {
    peers: PEERS,
    agreed: agreed(),
    windowMs: tookMs,
    cpuMs: usedMs,
    rekeys: completed() - before,
    failures: node.sessions.figures.failures,
  };
  others.process.kill();
  listener.close();
  await keeper.close();
  await serving;
  await others.process.status;
  return raw;
}

async function flooded() {
  const { keeper, listener, node, serving } = await listening();
  const { port } = listener.local;
  const first = async (run: ReturnType<typeof child>) => {
    for await (const line of run.lines) return line;
    throw new Error("Cannot measure: a process ended without figures");
  };
  const honest = async () => {
    const run = child("honest", `${port}`, node.nodeId, `${FLOOD_S - 2}`);
    const line = await first(run);
    await run.process.status;
    return line as { tookMs: number[]; failed: number };
  };
  const quiet = await honest();
  const flooder = child("flood", `${port}`, `${FLOOD_PER_S}`, `${FLOOD_S}`);
  const [during, sent] = await Promise.all([honest(), first(flooder)]);
  await flooder.process.status;
  const { failures } = node.sessions.figures;
  listener.close();
  await keeper.close();
  await serving;
  return { quiet, during, sent: sent as { sent: number; seconds: number }, failures };
}

/** The same flood at its full rate without sockets, whose other end would need a processor of its own. */
async function floodedInMemory() {
  const [node, member] = [await benchNode(0, clock), await benchNode(2_000, clock)];
  const frame = new Uint8Array(4 + 1270);
  new DataView(frame.buffer).setUint32(0, 1270);
  frame.set([1, 1, 0, 1], 4);
  const startMs = clock.monotonicMs();
  const endMs = startMs + FLOOD_S * 1000;
  let begun = 0;
  const flood = async () => {
    while (clock.monotonicMs() < endMs) {
      const due = (clock.monotonicMs() - startMs) / 1000 * FLOOD_PER_S;
      // As sockets do, a turn of the event loop brings a bounded number.
      for (const stop = Math.min(due, begun + 64); begun < stop; begun++) {
        let sent = false;
        const bad: ByteStream = {
          read: () => Promise.resolve(sent ? null : (sent = true, frame)),
          write: () => Promise.resolve(),
          close() {},
        };
        node.sessions.answer(bad, `source ${begun}`, () => Promise.resolve(true));
      }
      await clock.sleep(begun < due ? 0 : 2);
    }
  };
  const tookMs: number[] = [];
  let failed = 0;
  const honest = async () => {
    while (clock.monotonicMs() < endMs) {
      const beforeMs = clock.monotonicMs();
      const [near, far] = streamPair();
      const answered = node.sessions.answer(far, "member", () => Promise.resolve(true));
      try {
        (await member.sessions.dial(near, node.nodeId, () => true)).outcome.wipe();
        tookMs.push(clock.monotonicMs() - beforeMs);
      } catch (error) {
        if (!(error instanceof HandshakeError)) throw error;
        failed++;
      }
      (await answered)?.outcome.wipe();
      await clock.sleep(250);
    }
  };
  const before = cpuMs();
  await Promise.all([flood(), honest()]);
  return { tookMs, failed, begun, seconds: FLOOD_S, cpuMs: cpuMs() - before };
}

/** All of it. */
export async function bench(): Promise<BenchOutcome> {
  // Milliseconds of the floods are the machine's as much as ours: what else ran is kept beside them.
  const loadBefore = Deno.loadavg();
  const one = await oneHandshake();
  const peerTls = await mutualTls();
  const memory = await floodedInMemory();
  const flood = await flooded();
  const many = await thousandPeers();
  const tlsName = "mutual TLS 1.3 over loopback, P-256 and X25519, not post-quantum (node:tls)";
  const rows: BenchRow[] = [
    rowOf("one handshake, both sides, credentials by hash", "ms CPU", one.hash, {
      name: tlsName,
      samples: peerTls,
    }),
    rowOf("one handshake, both sides, whole credentials", "ms CPU", one.full, {
      name: tlsName,
      samples: peerTls,
    }),
    rowOf("the cheapest batch of those by hash", "ms CPU", [Math.min(...one.hash)]),
    rowOf(`${many.peers} peers, each rekeyed every two minutes`, "% of a core", [
      many.cpuMs / many.windowMs * 100,
    ]),
    rowOf("the same, a rekey on this side, TCP and all", "ms CPU", [many.cpuMs / many.rekeys]),
    rowOf("a bad M1", "ms CPU", [memory.cpuMs / memory.begun]),
    rowOf("flood in memory", "bad M1 a second", [memory.begun / memory.seconds]),
    rowOf("honest handshake during the flood in memory", "ms", memory.tookMs),
    rowOf("the slowest of them", "ms", [quantile(memory.tookMs, 1)]),
    rowOf("flood over TCP, as much as its sender manages here", "bad M1 a second", [
      flood.sent.sent / flood.sent.seconds,
    ]),
    rowOf("honest handshake during the flood over TCP", "ms", flood.during.tookMs, {
      name: "the same without a flood",
      samples: flood.quiet.tookMs,
    }),
    rowOf("the slowest of these", "ms", [quantile(flood.during.tookMs, 1)]),
  ];
  return {
    name: "handshake",
    method:
      "Native primitives, category 3. One handshake: both roles in this process, in memory. " +
      `${PEERS} peers: a node on loopback TCP in real time over ${WINDOW_S} s, its peers in another ` +
      `process. Flood: another process opens up to ${FLOOD_PER_S} connections a second, each with a ` +
      "bad M1, each as a source of its own; a third dials up to ten times a second; in memory the flood " +
      "and the honest member share this process",
    rows,
    raw: { one, peerTls, many, memory, flood, load: { before: loadBefore, after: Deno.loadavg() } },
  };
}
