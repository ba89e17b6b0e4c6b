import { assertEquals } from "@std/assert";
import { MAX_SOURCES } from "./limits.ts";
import { TokenBuckets } from "./token_buckets.ts";

Deno.test("TokenBuckets gives a burst, then a rate, and remembers a bounded number", () => {
  const buckets = new TokenBuckets(3, 2);
  const taken = (nowMs: number) => [1, 2, 3, 4].filter(() => buckets.take("a", nowMs)).length;
  assertEquals(taken(0), 3);
  assertEquals(taken(400), 0);
  assertEquals(taken(500), 1);
  assertEquals(taken(1_000_000), 3);
  for (let index = 0; index < MAX_SOURCES + 10; index++) buckets.take(`s${index}`, 0);
  assertEquals(buckets.size, MAX_SOURCES);
});
