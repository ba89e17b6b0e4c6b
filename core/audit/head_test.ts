import { assert, assertEquals, assertThrows } from "@std/assert";
import { ManualClock } from "../../tests/fixtures/clock.ts";
import { formatNodeId, IdentityError, nodeIdOf } from "../identity/mod.ts";
import { testNodeKeys } from "../identity/testing.ts";
import { type Bytes, webcryptoBackend } from "../pq/mod.ts";
import {
  type AuditSigner,
  compareHeads,
  decodeAuditHead,
  encodeAuditHead,
  headWithin,
  provesFork,
  signAuditHead,
  type SignedAuditHead,
  verifyAuditHead,
} from "./head.ts";
import { HeadBook } from "./head_book.ts";
import { SEEN_AGAIN_MS } from "./limits.ts";
import { type AuditStretch, linkHash } from "./chain.ts";
import { flipped, MemoryHeadTable } from "./testing.ts";

const backend = webcryptoBackend(crypto.subtle);
const START: Bytes = new Uint8Array(48);

/** A log as hashes alone: link `i` says what `story[i]` says. */
function stretchOf(story: string, since = 0): AuditStretch {
  const links = [...story].map((letter) => new Uint8Array(48).fill(letter.charCodeAt(0)));
  const base = { count: since, hash: links.slice(0, since).reduce<Bytes>(linkHash, START) };
  return { base, links: links.slice(since) };
}

async function node(index: number, trustDomain = "test.mesh") {
  const key = await testNodeKeys(backend, index);
  const signer: AuditSigner = {
    trustDomain,
    suite: "category3",
    keys: { postQuantum: key.postQuantum.publicKey, ed25519: key.ed25519.publicKey },
  };
  return {
    signer,
    nodeId: formatNodeId(nodeIdOf(signer.keys)),
    sign: (story: string, since = 0, atMs = 1) =>
      signAuditHead(signer, key, stretchOf(story, since), atMs),
  };
}

Deno.test("signAuditHead() signs where the log ends; encoding keeps it", async () => {
  const { signer, sign } = await node(1);
  const head = await sign("abcdef", 2, 1234);
  assertEquals([head.count, head.base.count, head.links.length, head.atMs], [6, 2, 4, 1234]);
  assertEquals(head.hash, (await sign("abcdef")).hash);
  const read = decodeAuditHead(encodeAuditHead(head));
  assertEquals(read, head);
  assert(await verifyAuditHead(backend, signer, read));
});

Deno.test("verifyAuditHead() refuses another node, mesh, end, time and any flipped bit", async () => {
  const { signer, sign } = await node(1);
  const head = await sign("abc", 1);
  const [other, foreign] = [await node(2), await node(1, "other.mesh")];
  const rows: readonly [string, AuditSigner, SignedAuditHead][] = [
    ["another node", other.signer, head],
    ["another mesh", foreign.signer, head],
    ["another count", signer, { ...head, count: 4 }],
    ["another hash", signer, { ...head, hash: flipped(head.hash) }],
    ["another time", signer, { ...head, atMs: 2 }],
    ["no signature", signer, { ...head, signatures: [] }],
    ["fewer links", signer, { ...head, links: head.links.slice(0, 1) }],
  ];
  for (const [name, by, changed] of rows) {
    assert(!await verifyAuditHead(backend, by, changed), name);
  }
  const bytes = encodeAuditHead(head);
  // Every bit of what is signed, and a sample of the signatures behind it.
  const step = (at: number) => at < 170 ? 1 : 97;
  for (let at = 0; at < bytes.length; at += step(at)) {
    let read: SignedAuditHead;
    try {
      read = decodeAuditHead(flipped(bytes, at));
    } catch (thrown) {
      assert(thrown instanceof IdentityError);
      continue;
    }
    assert(!await verifyAuditHead(backend, signer, read), `octet ${at}`);
  }
});

Deno.test("decodeAuditHead() refuses every truncation and what is left over", async () => {
  const { sign } = await node(1);
  const bytes = encodeAuditHead(await sign("ab"));
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeAuditHead(bytes.subarray(0, length)), IdentityError);
  }
  assertThrows(() => decodeAuditHead(Uint8Array.from([...bytes, 0])), IdentityError);
});

Deno.test("compareHeads() tells longer, older, gap and fork", async () => {
  const { sign } = await node(1);
  const rows: readonly [string, number, string, number, ReturnType<typeof compareHeads>][] = [
    ["abc", 0, "abc", 0, "same"],
    ["abc", 0, "abc", 3, "same"],
    ["abc", 0, "abcd", 0, "longer"],
    ["abc", 3, "abcde", 3, "longer"],
    ["abc", 0, "abcde", 4, "gap"],
    ["abcde", 4, "abc", 0, "older"],
    ["abcde", 0, "abc", 0, "older"],
    ["abcde", 3, "abc", 1, "older"],
    ["abc", 0, "abX", 0, "fork"],
    ["abc", 0, "aXcd", 2, "fork"],
    ["abc", 0, "abXd", 3, "fork"],
    ["abcde", 2, "aXc", 0, "fork"],
    ["abcde", 0, "aX", 0, "fork"],
    ["", 0, "a", 0, "longer"],
  ];
  for (const [held, since, offered, from, order] of rows) {
    assertEquals(compareHeads(await sign(held, since), await sign(offered, from)), order, offered);
  }
  const head = await sign("abcd", 2);
  assertEquals([1, 2, 4, 5].map((count) => headWithin(head, count)?.count ?? null), [
    null,
    2,
    4,
    null,
  ]);
});

Deno.test("`HeadBook.offer()` remembers the longest and finds what contradicts it", async () => {
  const [table, clock] = [new MemoryHeadTable(), new ManualClock()];
  const book = new HeadBook(table, backend, clock);
  const { signer, nodeId, sign } = await node(1);
  const other = await node(2);
  const offer = async (story: string, since = 0, known: number | null = null) =>
    (await book.offer(signer, await sign(story, since), known)).kind;
  assertEquals(book.of(nodeId), null);
  assertEquals(await offer("abc"), "first");
  assertEquals(await offer("abc"), "same");
  assertEquals(await offer("abcdef"), "longer");
  assertEquals(await offer("ab"), "older", "passed on late");
  assertEquals((await book.offer(other.signer, await sign("abcdefg"))).kind, "false");
  assertEquals(book.of(other.nodeId), null);
  const gap = await book.offer(signer, await sign("abcdefghij", 8));
  assertEquals(gap, { kind: "gap", since: 6 });
  assertEquals(book.of(nodeId)?.head.count, 6);
  assertEquals(await offer("abcdefghij", 6), "longer");
  assertEquals(book.of(nodeId)?.head.count, 10);
  const shorter = await book.offer(signer, await sign("abc"), 10);
  assert(shorter.kind === "shorter");
  assertEquals(shorter.held.count, 10);
  assertEquals(await offer("abcdefgh", 0, 8), "older", "the answer to a question was overtaken");
});

Deno.test("`HeadBook.offer()` of a fork keeps evidence that anybody can check", async () => {
  const [table, clock] = [new MemoryHeadTable(), new ManualClock()];
  const { signer, nodeId, sign } = await node(1);
  const book = new HeadBook(table, backend, clock);
  await book.offer(signer, await sign("abcdef"));
  // From a back-up at "abc", the node goes on with other entries and overtakes what was seen.
  assertEquals((await book.offer(signer, await sign("abcX"))).kind, "fork");
  assertEquals((await book.offer(signer, await sign("abcdefg"))).kind, "fork", "it stays");
  const known = new HeadBook(table, backend, clock).of(nodeId);
  assert(known?.conflict !== null && known !== null);
  assertEquals([known.head.count, known.conflict.count], [6, 4]);
  assert(await provesFork(backend, signer, known.head, known.conflict));
  const stranger = await node(2);
  assert(!await provesFork(backend, stranger.signer, known.head, known.conflict));
  assert(!await provesFork(backend, signer, known.head, await sign("abc")));
  const made = { ...known.conflict, signatures: known.head.signatures };
  assert(!await provesFork(backend, signer, known.head, made));
  book.forget(nodeId);
  assertEquals((await book.offer(signer, await sign("abcX"))).kind, "first");
});

Deno.test("`HeadBook` is bounded: the longest unseen goes first, evidence last", async () => {
  const [table, clock] = [new MemoryHeadTable(), new ManualClock()];
  const book = new HeadBook(table, backend, clock, 3);
  const nodes = await Promise.all([1, 2, 3, 4, 5].map((index) => node(index)));
  const [a, b, c, d, e] = nodes.map((one) => ({
    ...one,
    offer: async (story: string) => {
      await clock.advance(1);
      return (await book.offer(one.signer, await one.sign(story))).kind;
    },
  }));
  assert(a && b && c && d && e);
  await a.offer("a");
  assertEquals(await a.offer("X"), "fork");
  await b.offer("b");
  await c.offer("c");
  await clock.advance(SEEN_AGAIN_MS);
  assertEquals(await b.offer("b"), "same");
  await d.offer("d");
  const kept = () => book.list().map(({ nodeId }) => nodeId);
  assertEquals(kept(), [a.nodeId, b.nodeId, d.nodeId]);
  await e.offer("e");
  assertEquals(kept(), [a.nodeId, d.nodeId, e.nodeId]);
});
