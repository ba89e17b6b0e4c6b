// What the fabric costs: memory, a connection, a stream, and how quickly news crosses a mesh.
import { type Fabric, FABRIC_TIMING } from "../../core/fabric/mod.ts";
import {
  startMember,
  testDocument,
  type TestMember,
  testMember,
} from "../../core/fabric/testing.ts";
import { hostClock, hostNetwork } from "../../core/host/mod.ts";
import type { TcpConnection } from "../../core/ports/mod.ts";
import { webcryptoBackend } from "../../core/pq/mod.ts";
import { SimNetwork } from "../../core/sim/mod.ts";
import { type BenchOutcome, rowOf } from "../lib/bench.ts";
import { ROOT } from "../lib/modules.ts";

const PEERS = 8;
const MESH = 40;
const HOP_MS = 5;
const CONNECTIONS = 30;
const CHUNK_BYTES = 65_536;
const STREAM_BYTES = 512 * CHUNK_BYTES;
const STREAMS = 5;
const SPREADS = 5;

const clock = hostClock();
const network = hostNetwork();
const backend = webcryptoBackend(crypto.subtle);
const MIB = 2 ** 20;

interface Node {
  readonly member: TestMember;
  readonly fabric: Fabric;
  readonly document: ReturnType<typeof testDocument>;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await clock.sleep(2);
}

/** Resident memory of a process before, with, and with eight peers on the fabric, MiB. */
async function memory(): Promise<Readonly<Record<string, number>>> {
  const peers: Fabric[] = [];
  for (let i = 1; i <= PEERS; i++) {
    const member = await testMember(backend, clock, network, i);
    peers.push(await startMember(member, { timing: FABRIC_TIMING, wantedConnections: 0 }));
  }
  const args = peers.map(({ nodeId, local }) => `${nodeId}:${local[0]?.port}`);
  const script = `${ROOT}/scripts/bench/_fabric_node.ts`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--v8-flags=--expose-gc", script, ...args],
    stderr: "inherit",
  }).output();
  await Promise.all(peers.map((fabric) => fabric.stop()));
  const out: Record<string, number> = {};
  for (const line of new TextDecoder().decode(stdout).trim().split("\n")) {
    const { what, rss } = JSON.parse(line) as { what: string; rss: number };
    out[what] = rss / MIB;
  }
  return out;
}

/** From nothing to the first answer, both sides in this process, ms. */
async function connections(a: Fabric, b: Fabric): Promise<number[]> {
  const out: number[] = [];
  await b.handle("echo/1", (_from, request) => Promise.resolve(request));
  const [local] = b.local;
  if (local === undefined) throw new Error("It listens nowhere");
  a.introduce(b.nodeId, local);
  for (let i = 0; i < CONNECTIONS; i++) {
    const begun = performance.now();
    await a.request(b.nodeId, "echo/1", new Uint8Array(1));
    out.push(performance.now() - begun);
    a.disconnect(b.nodeId);
    await until(() => a.peers().length + b.peers().length === 0);
    // A source may open five connections a second.
    await clock.sleep(220);
  }
  return out;
}

async function sealedMbps(a: Fabric, b: Fabric): Promise<number[]> {
  await b.handleStream("sink/1", async (_from, stream) => {
    while (await stream.read() !== null);
  });
  const out: number[] = [];
  for (let i = 0; i < STREAMS; i++) {
    const stream = await a.openStream(b.nodeId, "sink/1");
    const begun = performance.now();
    for (let at = 0; at < STREAM_BYTES; at += CHUNK_BYTES) {
      await stream.write(new Uint8Array(CHUNK_BYTES));
    }
    await stream.end();
    while (await stream.read() !== null);
    out.push(STREAM_BYTES * 8 / 1000 / (performance.now() - begun));
  }
  return out;
}

async function plainMbps(): Promise<number[]> {
  const listener = await network.listen({ host: "127.0.0.1", port: 0 });
  const out: number[] = [];
  for (let i = 0; i < STREAMS; i++) {
    const accepted = listener.accept();
    const near = await network.dial(listener.local);
    const far = await accepted as TcpConnection;
    const begun = performance.now();
    const reading = (async () => {
      let left = STREAM_BYTES;
      while (left > 0) left -= (await far.read())?.length ?? left;
    })();
    for (let at = 0; at < STREAM_BYTES; at += CHUNK_BYTES) {
      await near.write(new Uint8Array(Math.min(CHUNK_BYTES, STREAM_BYTES - at)));
    }
    await reading;
    out.push(STREAM_BYTES * 8 / 1000 / (performance.now() - begun));
    near.close();
    far.close();
  }
  listener.close();
  return out;
}

/** A mesh in this process, each node with four connections of its own making. */
async function mesh(): Promise<{ readonly nodes: readonly Node[]; readonly joinedMs: number }> {
  const sim = new SimNetwork(clock, HOP_MS);
  const nodes: Node[] = [];
  for (let i = 0; i < MESH; i++) {
    const host = sim.host({ addresses: [`fd00::${(i + 1).toString(16)}`] });
    const member = await testMember(backend, clock, host, i + 1);
    const document = testDocument("revocations");
    const fabric = await startMember(member, {
      listen: [{ host: "::", port: 6473 }],
      documents: [document],
      wantedConnections: 4,
      timing: FABRIC_TIMING,
    });
    nodes.push({ member, fabric, document });
  }
  const begun = performance.now();
  for (const { fabric } of nodes) {
    for (const [i, { member }] of nodes.entries()) {
      fabric.introduce(member.nodeId, { host: `fd00::${(i + 1).toString(16)}`, port: 6473 });
    }
  }
  await until(() => nodes.every(({ fabric }) => fabric.peers().length >= 4));
  return { nodes, joinedMs: performance.now() - begun };
}

async function spread(nodes: readonly Node[]): Promise<number[]> {
  const out: number[] = [];
  for (let i = 1; i <= SPREADS; i++) {
    const from = nodes[i * 7 % nodes.length];
    if (from === undefined) throw new Error("There is no such node");
    const version = 2 * i;
    const begun = performance.now();
    from.document.value = version;
    from.fabric.changed("revocations");
    await until(() => nodes.every(({ document }) => document.value === version));
    out.push(performance.now() - begun);
    await clock.sleep(500);
  }
  return out;
}

/** Until the last connection of a node that is revoked is gone, ms. */
async function cutOff(nodes: readonly Node[]): Promise<number> {
  const [authority, revoked] = nodes;
  if (authority === undefined || revoked === undefined) throw new Error("There is no such node");
  for (const { member } of nodes) {
    if (member !== revoked.member) member.revoked.add(revoked.member.nodeId);
  }
  const begun = performance.now();
  authority.document.value = 1_000;
  await authority.fabric.recheck();
  authority.fabric.changed("revocations");
  await until(() => revoked.fabric.peers().length === 0);
  return performance.now() - begun;
}

export async function bench(): Promise<BenchOutcome> {
  const rss = await memory();
  const [a, b] = [
    await startMember(await testMember(backend, clock, network, 1), { wantedConnections: 0 }),
    await startMember(await testMember(backend, clock, network, 2), { wantedConnections: 0 }),
  ];
  const connected = await connections(a, b);
  const sealed = await sealedMbps(a, b);
  await Promise.all([a.stop(), b.stop()]);
  const plain = await plainMbps();
  const { nodes, joinedMs } = await mesh();
  const spreads = await spread(nodes);
  const cutMs = await cutOff(nodes);
  await Promise.all(nodes.map(({ fabric }) => fabric.stop()));
  const added = (rss["started"] ?? NaN) - (rss["before"] ?? NaN);
  return {
    name: "fabric",
    method:
      `Both ends in one process over TCP on loopback; memory of a process of its own after a ` +
      `collection, with ${PEERS} peers in another; the mesh of ${MESH} in one process over the ` +
      `simulated network, ${HOP_MS} ms each way, so that all nodes share one core.`,
    rows: [
      rowOf("memory of a node with the fabric and 8 peers", "MiB", [rss["connected"] ?? NaN]),
      rowOf("memory that loading and starting it adds", "MiB", [added]),
      rowOf("dial, handshake and first answer", "ms", connected),
      rowOf("one stream, sealed", "Mbit/s", sealed, { name: "plain TCP", samples: plain }),
      rowOf(`mesh of ${MESH}: all connected`, "ms", [joinedMs]),
      rowOf(`mesh of ${MESH}: a document reaches all`, "ms", spreads),
      rowOf(`mesh of ${MESH}: a revoked node is cut off everywhere`, "ms", [cutMs]),
    ],
    raw: { rss, connected, sealed, plain, joinedMs, spreads, cutMs },
  };
}

if (import.meta.main) {
  console.log(JSON.stringify((await bench()).rows, null, 1));
  Deno.exit(0);
}
