import { assert, assertEquals } from "@std/assert";
import { webcryptoBackend } from "../pq/mod.ts";
import { CredentialCache } from "./credential_cache.ts";
import { countingRandom, testParty } from "./testing.ts";

const native = webcryptoBackend(crypto.subtle);

Deno.test("CredentialCache drops the least recently used, and what is known of its peer", async () => {
  const cache = new CredentialCache(countingRandom(1), 2);
  const parties = [];
  for (const index of [1, 2, 3]) parties.push((await testParty(native, index)).credential);
  const [one, other, third] = parties;
  assert(one !== undefined && other !== undefined && third !== undefined);
  cache.put(one);
  cache.put(other);
  cache.delivered(other.nodeId, new Uint8Array(8));
  assertEquals(cache.get(one.hash), one);
  cache.put(third);
  assertEquals([cache.size, cache.knows(one.nodeId), cache.knows(other.nodeId)], [2, true, false]);
  assertEquals(cache.deliveredTo(other.nodeId), null);
  cache.put({ ...one, hash: new Uint8Array(48) });
  assertEquals([cache.size, cache.get(one.hash)], [2, undefined]);
});
