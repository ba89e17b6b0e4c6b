import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { ManualClock } from "../../tests/fixtures/clock.ts";
import { webcryptoBackend } from "../pq/mod.ts";
import type { Outcome } from "./party.ts";
import { PeerKeeper } from "./keeper.ts";
import { admission, CredentialCache } from "./credential_cache.ts";
import { Sessions } from "./session.ts";
import { countingRandom, streamPair, testParty } from "./testing.ts";
import { testAuthority } from "../identity/testing.ts";

const native = webcryptoBackend(crypto.subtle);

/** Waits for work that takes real but no virtual time. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 5_000; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`Cannot wait any longer: ${what}`);
}

/** A mesh of keepers, lower node ids first, whose network can be cut. */
async function mesh(size: number) {
  const clock = new ManualClock();
  const { set } = await testAuthority(native);
  const network = { up: true };
  const byId = new Map<string, PeerKeeper>();
  const nodes: {
    readonly nodeId: string;
    readonly keeper: PeerKeeper;
    readonly calls: string[];
    readonly broken: { sink: boolean };
    readonly sessions: Sessions;
  }[] = [];
  for (let index = 1; index <= size; index++) {
    const base = await testParty(native, index);
    const { nodeId } = base.credential;
    const cache = new CredentialCache(countingRandom(index));
    const trust = {
      backend: native,
      sets: () => [set],
      wallMs: () => 1_750_000_000_000,
      revoked: () => false,
    };
    const party = { ...base, cacheEpoch: cache.epoch, admit: admission(trust, cache) };
    const sessions = new Sessions({ clock, party: () => party, cache });
    const calls: string[] = [];
    const broken = { sink: false };
    const keeper = new PeerKeeper({
      clock,
      random: { ...countingRandom(index), unit: () => 0 },
      sessions,
      nodeId,
      sink: {
        // deno-lint-ignore require-await
        async install(_peer: string, outcome: Outcome) {
          if (broken.sink) throw new Error("the kernel says no");
          calls.push(outcome.psk.toHex());
        },
        // deno-lint-ignore require-await
        async installRandom() {
          calls.push("random");
        },
        // deno-lint-ignore require-await
        async remove() {
          calls.push("removed");
        },
      },
      // deno-lint-ignore require-await
      async connect(peer) {
        const there = byId.get(peer);
        if (!network.up || there === undefined) throw new Error("no way there");
        const [near, far] = streamPair();
        there.answer(far, `fe80::${index}`);
        return near;
      },
    });
    byId.set(nodeId, keeper);
    nodes.push({ nodeId, keeper, calls, broken, sessions });
  }
  nodes.sort((a, b) => a.nodeId < b.nodeId ? -1 : 1);
  const close = () => Promise.all(nodes.map(({ keeper }) => keeper.close()));
  return { clock, network, nodes, close };
}

Deno.test("PeerKeeper: from a random PSK to an agreed one, rekeyed, expired, removed", async () => {
  const { clock, network, nodes, close } = await mesh(2);
  const [a, b] = nodes;
  assert(a !== undefined && b !== undefined);
  a.keeper.add(b.nodeId);
  b.keeper.add(a.nodeId);
  const agreed = (count: number) => () =>
    a.calls.length === count && b.calls.length === count && a.calls.at(-1) === b.calls.at(-1);
  await until(agreed(2), "the first PSK");
  assertEquals(a.calls[0], "random");
  assertEquals(b.calls[0], "random");
  assertEquals(a.sessions.figures.dialled, 1, "the lower node id dials");
  await clock.advance(120_000);
  await until(agreed(3), "the second PSK");
  assertNotEquals(a.calls[1], a.calls[2]);
  assertEquals(a.sessions.figures.dialled, 2);
  network.up = false;
  await clock.advance(180_000);
  await until(() => a.calls.length === 4 && b.calls.length === 4, "the random PSKs");
  assertEquals([a.calls[3], b.calls[3]], ["random", "random"]);
  const state = a.keeper.peers.get(b.nodeId);
  assertEquals(state?.psk.kind, "random");
  assertEquals(state?.lastError?.code, "closed");
  assert((state?.failures ?? 0) > 5);
  network.up = true;
  // Virtual time stands while a handshake is under way, or its deadline would pass before its work is done.
  const quiet = () =>
    nodes.every(({ keeper }) => [...keeper.peers.values()].every((one) => one.dial === null));
  for (let step = 0; step < 48 && !agreed(5)(); step++) {
    await clock.advance(250);
    await until(quiet, "the end of a handshake");
  }
  await until(agreed(5), "the PSK after the outage");
  await a.keeper.remove(b.nodeId);
  assertEquals(a.calls.at(-1), "removed");
  assertEquals(a.keeper.peers.size, 0);
  await close();
  assertEquals(clock.waiting, 0);
});

Deno.test("PeerKeeper: the higher node id dials on demand, and glare ends in one PSK", async () => {
  const { clock, nodes, close } = await mesh(2);
  const [a, b] = nodes;
  assert(a !== undefined && b !== undefined);
  b.keeper.add(a.nodeId);
  a.keeper.add(b.nodeId);
  b.keeper.demand(a.nodeId);
  for (let half = 0; half < 20; half++) {
    await clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const last = () => a.calls.at(-1) !== "random" && a.calls.at(-1) === b.calls.at(-1);
  await until(last, "one PSK");
  await close();
});

Deno.test("PeerKeeper: a peer added again right after its removal is a new one", async () => {
  const { nodes, close } = await mesh(2);
  const [a, b] = nodes;
  assert(a !== undefined && b !== undefined);
  a.keeper.add(b.nodeId);
  const removed = a.keeper.remove(b.nodeId);
  a.keeper.add(b.nodeId);
  await removed;
  await until(
    () => a.calls.length === 4 && a.calls.at(-1) === b.calls.at(-1),
    "the PSK of the second peer",
  );
  assertEquals(a.calls.slice(0, 3), ["random", "removed", "random"]);
  const state = a.keeper.peers.get(b.nodeId);
  assertEquals([state?.failures, state?.completed, state?.lastError], [0, 1, null]);
  await close();
});

Deno.test("PeerKeeper: whoever is admitted is kept; a kernel that refuses is tried again", async () => {
  const { clock, nodes, close } = await mesh(2);
  const [a, b] = nodes;
  assert(a !== undefined && b !== undefined);
  b.broken.sink = true;
  a.keeper.add(b.nodeId);
  await until(() => b.keeper.peers.get(a.nodeId)?.lastError?.code === "Error", "the refusal");
  await until(() => a.keeper.peers.get(b.nodeId)?.lastError !== null, "no M4");
  assertEquals(b.keeper.peers.get(a.nodeId)?.psk.kind, "none");
  assertEquals(a.keeper.peers.get(b.nodeId)?.psk.kind, "random");
  b.broken.sink = false;
  await clock.advance(10_000);
  const same = () => a.calls.length > 1 && a.calls.at(-1) === b.calls.at(-1);
  for (let second = 0; second < 10 && !same(); second++) {
    await clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert(same(), `${a.calls} ${b.calls}`);
  await close();
});
