import { assertEquals, assertRejects } from "@std/assert";
import type { KernelEvent } from "../ports/mod.ts";
import { EventQueue } from "./event_queue.ts";
import { MAX_QUEUED_EVENTS } from "./limits.ts";

const event = (mesh: string): KernelEvent => ({ type: "mesh-config", mesh });

Deno.test("EventQueue delivers in order, also what came before the end", async () => {
  const queue = new EventQueue();
  queue.push(event("a"));
  queue.push(event("b"));
  queue.end();
  queue.push(event("after the end"));
  assertEquals(await Array.fromAsync(queue.read()), [event("a"), event("b")]);
});

Deno.test("EventQueue wakes a reader that waits", async () => {
  const queue = new EventQueue();
  const reading = Array.fromAsync(queue.read());
  await Promise.resolve();
  queue.push(event("a"));
  await Promise.resolve();
  queue.push(event("b"));
  queue.end();
  assertEquals(await reading, [event("a"), event("b")]);
});

Deno.test("EventQueue loses nothing that comes while the reader works", async () => {
  const queue = new EventQueue();
  queue.push(event("a"));
  const seen: KernelEvent[] = [];
  for await (const item of queue.read()) {
    seen.push(item);
    if (seen.length === 1) queue.push(event("b"));
    else queue.end();
  }
  assertEquals(seen, [event("a"), event("b")]);
});

Deno.test("EventQueue tells a reader that is too slow what it lost", async () => {
  const queue = new EventQueue();
  for (let i = 0; i <= MAX_QUEUED_EVENTS; i++) queue.push(event(String(i)));
  queue.end();
  assertEquals(await Array.fromAsync(queue.read()), [
    { type: "lost" },
    event(String(MAX_QUEUED_EVENTS)),
  ]);
});

Deno.test("EventQueue ends with the first failure, after what came before it", async () => {
  const queue = new EventQueue();
  queue.push(event("a"));
  queue.fail(new RangeError("first"));
  queue.fail(new TypeError("second"));
  const seen: KernelEvent[] = [];
  await assertRejects(
    async () => {
      for await (const item of queue.read()) seen.push(item);
    },
    RangeError,
    "first",
  );
  assertEquals(seen, [event("a")]);
});
