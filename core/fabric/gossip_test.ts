import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { GossipSub, Message, TopicValidatorFn } from "@libp2p/gossipsub";
import { ManualClock } from "../../tests/fixtures/clock.ts";
import type { VerifiedCredential } from "../identity/mod.ts";
import { testParty } from "../handshake/testing.ts";
import { webcryptoBackend } from "../pq/mod.ts";
import type { Directory } from "./directory.ts";
import { decodeEnvelope, encodeEnvelope } from "./envelope.ts";
import { FabricError } from "./errors.ts";
import { Gossip } from "./gossip.ts";
import { GOSSIP_BURST, MAX_GOSSIP_BYTES, MAX_TOPICS } from "./limits.ts";
import { peerIdOf } from "./peer_id.ts";
import { ReplayWindows } from "./replay.ts";
import type { GossipMessage, Verdict } from "./types.ts";

const native = webcryptoBackend(crypto.subtle);

/** Takes gossipsub's place where a test plays the neighbour; tests/integration runs the real one. */
class Wire {
  readonly topicValidators = new Map<string, TopicValidatorFn>();
  readonly sent: Uint8Array[] = [];

  subscribe(): void {}

  unsubscribe(): void {}

  publish(_topic: string, data: Uint8Array): Promise<void> {
    this.sent.push(data);
    return Promise.resolve();
  }
}

const parties = await Promise.all([1, 2, 3].map((index) => testParty(native, index)));
const members = new Map<string, VerifiedCredential>(
  parties.map(({ credential }) => [credential.nodeId, credential]),
);

function node(index: number, windows = new ReplayWindows(), run = 10) {
  const party = parties[index];
  assert(party !== undefined);
  const wire = new Wire();
  const clock = new ManualClock();
  const strikes: string[] = [];
  const gone = new Set<string>();
  const directory = {
    find: (nodeId: string) =>
      Promise.resolve(gone.has(nodeId) ? null : members.get(nodeId) ?? null),
  } as unknown as Directory;
  const gossip = new Gossip({
    clock,
    backend: native,
    nodeId: party.credential.nodeId,
    run,
    windows,
    directory,
    party: () => party,
    strike: (nodeId) => strikes.push(nodeId),
  }, wire as unknown as GossipSub);
  const heard: GossipMessage[] = [];
  const listen = (topic = "news", verdict: Verdict = "accept") =>
    gossip.subscribe(topic, (message) => {
      heard.push(message);
      return verdict;
    });
  const receive = async (from: string, data: Uint8Array, topic = "news") => {
    const validate = wire.topicValidators.get(`x0tta6bl4/${topic}`);
    assert(validate !== undefined);
    const message: Message = { type: "unsigned", topic: `x0tta6bl4/${topic}`, data };
    return await validate(peerIdOf(from), message) as string;
  };
  const { nodeId } = party.credential;
  return { nodeId, gossip, wire, clock, strikes, gone, heard, listen, receive, windows };
}

/** Node 0 publishes, node 1 hands on, node 2 hears. */
async function scene() {
  const [origin, neighbour, hearer] = [node(0), node(1), node(2)];
  hearer.listen();
  await origin.gossip.publish("news", Uint8Array.of(1));
  const [sent] = origin.wire.sent;
  assert(sent !== undefined);
  return { origin, neighbour, hearer, sent };
}

Deno.test("Gossip hands on what its origin signed, whoever brings it", async () => {
  const { origin, neighbour, hearer, sent } = await scene();
  assertEquals(await hearer.receive(neighbour.nodeId, sent), "accept");
  assertEquals(hearer.heard, [
    { origin: origin.nodeId, from: neighbour.nodeId, bytes: Uint8Array.of(1) },
  ]);
});

Deno.test("Gossip takes a message once, also over a restart", async () => {
  const { neighbour, hearer, sent } = await scene();
  await hearer.receive(neighbour.nodeId, sent);
  assertEquals(await hearer.receive(neighbour.nodeId, sent), "ignore");
  const windows = new ReplayWindows();
  windows.restore(hearer.windows.encode(1));
  const again = node(2, windows);
  again.listen();
  assertEquals(await again.receive(neighbour.nodeId, sent), "ignore");
  assertEquals([hearer.heard.length, again.heard.length], [1, 0]);
  assertEquals(hearer.strikes, []);
});

Deno.test("Gossip of a run before the origin's last start is old", async () => {
  const { neighbour, hearer, sent } = await scene();
  const restarted = node(0, new ReplayWindows(), 11);
  await restarted.gossip.publish("news", Uint8Array.of(2));
  const [newer] = restarted.wire.sent;
  assert(newer !== undefined);
  assertEquals(await hearer.receive(neighbour.nodeId, newer), "accept");
  assertEquals(await hearer.receive(neighbour.nodeId, sent), "ignore");
});

Deno.test("Gossip: one member can't speak for another, and is blamed", async () => {
  const { neighbour, hearer, sent } = await scene();
  const envelope = decodeEnvelope(sent);
  const forgeries = [
    { ...envelope, payload: Uint8Array.of(9) },
    { ...envelope, number: envelope.number + 1 },
    { ...envelope, run: envelope.run + 1 },
    { ...envelope, origin: neighbour.nodeId },
    { ...envelope, signature: new Uint8Array(64) },
  ];
  for (const forgery of forgeries) {
    assertEquals(await hearer.receive(neighbour.nodeId, encodeEnvelope(forgery)), "reject");
  }
  assertEquals(hearer.heard, []);
  assertEquals(hearer.strikes, forgeries.map(() => neighbour.nodeId));
  // A forged number doesn't use up the real one.
  assertEquals(await hearer.receive(neighbour.nodeId, sent), "accept");
});

Deno.test("Gossip of one topic is none of another", async () => {
  const { neighbour, hearer, sent } = await scene();
  hearer.listen("other");
  assertEquals(await hearer.receive(neighbour.nodeId, sent, "other"), "reject");
  assertEquals(hearer.heard, []);
});

Deno.test("Gossip of who is no member, or no longer, goes no further; its bringer isn't blamed", async () => {
  const { origin, neighbour, hearer, sent } = await scene();
  hearer.gone.add(origin.nodeId);
  assertEquals(await hearer.receive(neighbour.nodeId, sent), "ignore");
  assertEquals([hearer.heard, hearer.strikes], [[], []]);
});

Deno.test("Gossip that is none is blamed on its bringer", async () => {
  const { neighbour, hearer, sent } = await scene();
  for (let at = 0; at < sent.length; at++) {
    assertEquals(await hearer.receive(neighbour.nodeId, sent.subarray(0, at)), "reject");
  }
  assertEquals(hearer.strikes.length, sent.length);
});

Deno.test("Gossip: a neighbour that hands on too much isn't listened to for a while", async () => {
  const { neighbour, hearer, sent } = await scene();
  for (let i = 0; i < GOSSIP_BURST; i++) await hearer.receive(neighbour.nodeId, new Uint8Array(1));
  assertEquals(await hearer.receive(neighbour.nodeId, sent), "ignore");
  assertEquals(hearer.gossip.figures["limited"], 1);
  await hearer.clock.advance(1_000);
  assertEquals(await hearer.receive(neighbour.nodeId, sent), "accept");
});

Deno.test("Gossip: a handler's verdict counts, and one that throws only ignores", async () => {
  for (const verdict of ["accept", "ignore", "reject"] as const) {
    const [origin, hearer] = [node(0), node(2)];
    hearer.listen("news", verdict);
    await origin.gossip.publish("news", Uint8Array.of(1));
    assertEquals(
      await hearer.receive(origin.nodeId, origin.wire.sent[0] ?? Uint8Array.of()),
      verdict,
    );
  }
  const [origin, hearer] = [node(0), node(2)];
  hearer.gossip.subscribe("news", () => {
    throw new Error("A handler's mistake");
  });
  await origin.gossip.publish("news", Uint8Array.of(1));
  assertEquals(
    await hearer.receive(origin.nodeId, origin.wire.sent[0] ?? Uint8Array.of()),
    "ignore",
  );
  assertEquals(hearer.strikes, []);
});

Deno.test("Gossip: limits of payload, topics and names", async () => {
  const { gossip } = node(0);
  const large = new Uint8Array(MAX_GOSSIP_BYTES + 1);
  assertEquals(
    (await assertRejects(() => gossip.publish("news", large), FabricError)).code,
    "too-large",
  );
  await gossip.publish("news", large.subarray(1));
  for (const name of ["", "News", "a/b", "-a", "a".repeat(65)]) {
    assertThrows(() => gossip.subscribe(name, () => "accept"), FabricError);
  }
  const end = gossip.subscribe("topic-0", () => "accept");
  assertThrows(() => gossip.subscribe("topic-0", () => "accept"), FabricError);
  for (let i = 1; i < MAX_TOPICS; i++) gossip.subscribe(`topic-${i}`, () => "accept");
  assertThrows(() => gossip.subscribe("one-more", () => "accept"), FabricError);
  end();
  gossip.subscribe("one-more", () => "accept");
});
