// Fabrics of several nodes in one process, over real TCP on loopback and over the simulated network, in real
// time. Who is let in, what spreads, what heals, what is refused.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Fabric, FabricError, type FabricErrorCode } from "../../core/fabric/mod.ts";
import {
  memoryInMemory,
  startMember,
  testDocument,
  type TestMember,
  testMember,
  warmUp,
} from "../../core/fabric/testing.ts";
import type { TestPartyOptions } from "../../core/handshake/testing.ts";
import { hostClock, hostNetwork } from "../../core/host/mod.ts";
import type { Network } from "../../core/ports/mod.ts";
import { webcryptoBackend } from "../../core/pq/mod.ts";
import { eventually } from "../fixtures/eventually.ts";

const native = webcryptoBackend(crypto.subtle);
const clock = hostClock();
const tcp = hostNetwork();
await warmUp(native, clock, tcp);

const text = (octets: Uint8Array) => new TextDecoder().decode(octets);
const octets = (value: string) => new TextEncoder().encode(value);
const codeOf = async (task: Promise<unknown>): Promise<FabricErrorCode> =>
  (await assertRejects(() => task, FabricError)).code;

interface Node {
  readonly member: TestMember;
  readonly fabric: Fabric;
  readonly document: ReturnType<typeof testDocument>;
}

type StartOptions = TestPartyOptions & Parameters<typeof startMember>[1] & {
  readonly network?: Network;
  readonly memory?: ReturnType<typeof memoryInMemory>;
};

/** Node `index`, which dials nobody by itself unless told to. */
async function start(index: number, options: StartOptions = {}): Promise<Node> {
  const member = await testMember(native, clock, options.network ?? tcp, index, options);
  const document = testDocument("revocations");
  const fabric = await startMember(member, {
    documents: [document],
    wantedConnections: 0,
    ...options,
  });
  return { member, fabric, document };
}

function introduce(from: Node, to: Node, host?: string): void {
  const [local] = to.fabric.local;
  assert(local !== undefined);
  from.fabric.introduce(to.member.nodeId, { host: host ?? local.host, port: local.port });
}

/** Connects two nodes by a request. */
async function connect(from: Node, to: Node, host?: string): Promise<void> {
  introduce(from, to, host);
  const stream = await from.fabric.openStream(to.member.nodeId, "none/1").catch(() => null);
  stream?.close();
  await eventually(
    "both ends are connected",
    () => peersOf(from).includes(to.member.nodeId) && peersOf(to).includes(from.member.nodeId),
  );
}

const peersOf = ({ fabric }: Node) => fabric.peers().map(({ nodeId }) => nodeId);

/** Stops all; libp2p's queues say that they are empty in a turn of their own, after that. */
async function stopAll(...nodes: Node[]): Promise<void> {
  await Promise.all(nodes.map(({ fabric }) => fabric.stop()));
  await clock.sleep(10);
}

Deno.test("Fabric: requests reach a node that was introduced, and both ends see the link", async () => {
  const [a, b] = [await start(1), await start(2)];
  await b.fabric.handle(
    "echo/1",
    (from, request) => Promise.resolve(octets(`${from === a.member.nodeId} ${text(request)}`)),
  );
  introduce(a, b);
  assertEquals(text(await a.fabric.request(b.member.nodeId, "echo/1", octets("hi"))), "true hi");
  assertEquals(a.fabric.peers()[0]?.direction, "outbound");
  assertEquals(b.fabric.peers()[0]?.direction, "inbound");
  assertEquals(b.fabric.peers()[0]?.roles, ["node"]);
  await eventually("times are measured", () => a.fabric.peers()[0]?.rttMs !== null);
  await stopAll(a, b);
});

const STRANGERS: readonly { readonly name: string; readonly options: TestPartyOptions }[] = [
  { name: "without the mesh's secret", options: { meshPsk: 8 } },
  { name: "of another mesh", options: { trustDomain: "other.mesh" } },
  { name: "of another authority", options: { authority: 2 } },
  { name: "of another suite", options: { suite: "category5" } },
  { name: "whose credential expired", options: { notAfterMs: 1_740_000_000_000 } },
];

for (const { name, options } of STRANGERS) {
  Deno.test(`Fabric: a node ${name} is let in nowhere`, async () => {
    const [a, stranger] = [await start(1), await start(2, options)];
    introduce(stranger, a);
    introduce(a, stranger);
    const ask = (from: Node, to: Node) =>
      codeOf(from.fabric.request(to.member.nodeId, "credential/1", octets(to.member.nodeId)));
    assertEquals(await ask(stranger, a), "unreachable");
    assertEquals(await ask(a, stranger), "unreachable");
    assertEquals([peersOf(a), peersOf(stranger)], [[], []]);
    await stopAll(a, stranger);
  });
}

Deno.test("Fabric: who speaks without a handshake is answered with nothing", async () => {
  const a = await start(1);
  const [local] = a.fabric.local;
  assert(local !== undefined);
  const hellos = ["\x13/multistream/1.0.0\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01"];
  for (const hello of hellos) {
    const connection = await tcp.dial(local);
    await connection.write(octets(hello));
    connection.close();
    const second = await tcp.dial(local);
    await second.write(new Uint8Array(2_000));
    assertEquals(await second.read().catch(() => null), null);
    second.close();
  }
  assertEquals(peersOf(a), []);
  await stopAll(a);
});

Deno.test("Fabric: dialling one node and meeting another ends the connection", async () => {
  const [a, b, c] = [await start(1), await start(2), await start(3)];
  const [local] = b.fabric.local;
  assert(local !== undefined);
  a.fabric.introduce(c.member.nodeId, local);
  assertEquals(
    await codeOf(a.fabric.request(c.member.nodeId, "echo/1", octets(""))),
    "unreachable",
  );
  assertEquals([peersOf(a), peersOf(b)], [[], []]);
  await stopAll(a, b, c);
});

Deno.test("Fabric: a revoked node's connections end at once, and it can't come back", async () => {
  const [a, b] = [await start(1), await start(2)];
  await connect(a, b);
  b.member.revoked.add(a.member.nodeId);
  await b.fabric.recheck();
  assertEquals(peersOf(b), []);
  await eventually("the revoked node is cut off", () => peersOf(a).length === 0);
  const asked = a.fabric.request(b.member.nodeId, "credential/1", octets(b.member.nodeId));
  assertEquals(await codeOf(asked), "unreachable");
  await stopAll(a, b);
});

Deno.test("Fabric: a credential that expires while connected ends the connection", async () => {
  const [a, b] = [await start(1), await start(2, { notAfterMs: 1_760_000_000_000 })];
  await connect(a, b);
  a.member.wall.ms = 1_770_000_000_000;
  await eventually("the expired node is cut off", () => peersOf(a).length === 0);
  await stopAll(a, b);
});

Deno.test("Fabric: disconnect() ends a link on both sides, also with streams under way", async () => {
  const [a, b] = [await start(1), await start(2)];
  let ended = false;
  await b.fabric.handleStream("count/1", async (_from, stream) => {
    try {
      for (;;) await stream.write(new Uint8Array(1_000));
    } finally {
      ended = true;
    }
  });
  introduce(a, b);
  const stream = await a.fabric.openStream(b.member.nodeId, "count/1");
  assert(await stream.read() !== null);
  a.fabric.disconnect(b.member.nodeId);
  await assertRejects(async () => {
    while (await stream.read() !== null);
    throw new FabricError("closed", "It ended without an error");
  }, FabricError);
  // Both are members still, so the DHT may connect them anew: it is the stream that tells.
  await eventually("the other side knows", () => ended);
  await stopAll(a, b);
});

Deno.test("Fabric: unknown protocol, refusal, oversize, silence, unknown node", async () => {
  const quick = { requestMs: 500 };
  const { QUICK } = await import("../../core/fabric/testing.ts");
  const [a, b] = [await start(1, { timing: { ...QUICK, ...quick } }), await start(2)];
  const ask = (protocol: string, request = octets("?"), options = {}) =>
    codeOf(a.fabric.request(b.member.nodeId, protocol, request, options));
  await b.fabric.handle("refuse/1", () => Promise.reject(new Error("no")));
  await b.fabric.handle("long/1", () => Promise.resolve(new Uint8Array(2_000)));
  await b.fabric.handle("small/1", () => Promise.resolve(octets("ok")), { maxRequestBytes: 10 });
  await b.fabric.handle("silent/1", () => new Promise(() => {}));
  introduce(a, b);
  assertEquals(await ask("none/1"), "unsupported");
  assertEquals(await ask("refuse/1"), "refused");
  assertEquals(await ask("long/1", octets("?"), { maxAnswerBytes: 1_000 }), "too-large");
  assertEquals(await ask("small/1", new Uint8Array(11)), "unreachable");
  assertEquals(await ask("small/1", new Uint8Array(9_000_000)), "too-large");
  assertEquals(await ask("silent/1"), "timeout");
  const nobody = "aaaaaaaaaaaaaaaa";
  assertEquals(await codeOf(a.fabric.request(nobody, "x/1", octets(""))), "unknown-peer");
  assertEquals(
    text(await a.fabric.request(b.member.nodeId, "small/1", octets("still?"))),
    "ok",
  );
  a.fabric.disconnect(b.member.nodeId);
  await stopAll(a, b);
});

Deno.test("Fabric: streams carry megabytes both ways, with a slow reader", async () => {
  const [a, b] = [await start(1), await start(2)];
  await b.fabric.handleStream("mirror/1", async (_from, stream) => {
    for (let got = await stream.read(); got !== null; got = await stream.read()) {
      await stream.write(got);
    }
  });
  introduce(a, b);
  const stream = await a.fabric.openStream(b.member.nodeId, "mirror/1");
  const sent = Uint8Array.from({ length: 4_000_000 }, (_, i) => (i * 7 + (i >> 8)) & 255);
  const reading = (async () => {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (let got = await stream.read(); got !== null; got = await stream.read()) {
      parts.push(got);
      length += got.length;
      if (parts.length % 20 === 0) await clock.sleep(5);
    }
    const all = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  })();
  for (let at = 0; at < sent.length; at += 100_000) {
    await stream.write(sent.subarray(at, at + 100_000));
  }
  await stream.end();
  const got = await reading;
  assertEquals(got.length, sent.length);
  assert(got.every((octet, i) => octet === sent[i]));
  await stopAll(a, b);
});

Deno.test("Fabric: a document spreads over a line of five, and those who know it are told no more", async () => {
  const nodes: Node[] = [];
  for (let i = 1; i <= 5; i++) nodes.push(await start(i));
  for (let i = 0; i < 4; i++) {
    const [from, to] = [nodes[i], nodes[i + 1]];
    if (from !== undefined && to !== undefined) await connect(from, to);
  }
  const [first] = nodes;
  assert(first !== undefined);
  first.document.value = 10;
  first.fabric.changed("revocations");
  await eventually("all have it", () => nodes.every(({ document }) => document.value === 10));
  assertEquals(first.fabric.figures.documents, {});
  for (const { fabric } of nodes.slice(1)) assertEquals(fabric.figures.documents["newer"], 1);
  await stopAll(...nodes);
});

Deno.test("Fabric: a node that was off learns a newer document as soon as it connects", async () => {
  const [a, b] = [await start(1), await start(2)];
  a.document.value = 6;
  await connect(b, a);
  await eventually("it has it", () => b.document.value === 6);
  await stopAll(a, b);
});

Deno.test("Fabric: a document that is unsound goes no further, and its bringer is left alone in the end", async () => {
  const [a, b, c] = [await start(1), await start(2), await start(3)];
  await connect(a, b);
  await connect(b, c);
  for (let version = 1; version < 20 && peersOf(b).includes(a.member.nodeId); version += 2) {
    a.document.value = version;
    a.fabric.changed("revocations");
    const before = b.fabric.figures.documents["refused"] ?? 0;
    await eventually(
      "it is refused",
      () =>
        (b.fabric.figures.documents["refused"] ?? 0) > before ||
        !peersOf(b).includes(a.member.nodeId),
    );
  }
  assertEquals([b.document.value, c.document.value], [0, 0]);
  await eventually("it is left alone", () => !peersOf(b).includes(a.member.nodeId));
  assertEquals(peersOf(b), [c.member.nodeId]);
  await stopAll(a, b, c);
});

Deno.test("Fabric: gossip reaches all over several hops, proved to be its origin's", async () => {
  const nodes: Node[] = [];
  for (let i = 1; i <= 4; i++) nodes.push(await start(i));
  const heard: string[][] = nodes.map(() => []);
  for (const [i, { fabric }] of nodes.entries()) {
    fabric.subscribe("news", ({ origin, bytes }) => {
      heard[i]?.push(`${origin} ${text(bytes)}`);
      return "accept";
    });
  }
  for (let i = 0; i < 3; i++) {
    const [from, to] = [nodes[i], nodes[i + 1]];
    if (from !== undefined && to !== undefined) await connect(from, to);
  }
  const [first] = nodes;
  assert(first !== undefined);
  let sent = 0;
  await eventually("all hear it", async () => {
    await first.fabric.publish("news", octets(`${sent++}`));
    await clock.sleep(200);
    return heard.slice(1).every((list) => list.length > 0);
  });
  for (const list of heard.slice(1)) {
    assert(list.every((line) => line.startsWith(first.member.nodeId)));
    assertEquals(new Set(list).size, list.length);
  }
  assertEquals(heard[0], []);
  await stopAll(...nodes);
});

Deno.test("Fabric: each node's status is known to the others, with its age", async () => {
  const status = (name: string) => () => ({
    name,
    version: "1",
    uptimeS: 5,
    addresses: ["fd00::1"],
  });
  const [a, b, c] = [
    await start(1, { status: status("a") }),
    await start(2, { status: status("b") }),
    await start(3, { status: status("c") }),
  ];
  await connect(a, b);
  await connect(b, c);
  const known = ({ fabric }: Node) => fabric.statuses().map(({ name }) => name).sort().join("");
  await eventually(
    "all know all others",
    () => known(a) === "bc" && known(b) === "ac" && known(c) === "ab",
  );
  assert(a.fabric.statuses().every(({ ageMs }) => ageMs >= 0 && ageMs < 10_000));
  await stopAll(a, b, c);
});

Deno.test("Fabric: find() learns a node's address from those who know it", async () => {
  const nodes: Node[] = [];
  for (let i = 1; i <= 4; i++) nodes.push(await start(i));
  const [a, hub, c, d] = nodes;
  assert(a !== undefined && hub !== undefined && c !== undefined && d !== undefined);
  for (const node of [a, c, d]) await connect(node, hub);
  await d.fabric.handle("echo/1", (_from, request) => Promise.resolve(request));
  let found: readonly { readonly port: number }[] = [];
  await eventually("it is found", async () => {
    found = await a.fabric.find(d.member.nodeId).catch(() => []);
    return found.length > 0;
  });
  assertEquals(found[0]?.port, d.fabric.local[0]?.port);
  assertEquals(text(await a.fabric.request(d.member.nodeId, "echo/1", octets("x"))), "x");
  assertEquals(await codeOf(a.fabric.find("aaaaaaaaaaaaaaaa")), "unknown-peer");
  await stopAll(...nodes);
});
