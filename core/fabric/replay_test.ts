import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FabricError } from "./errors.ts";
import { ReplayWindows } from "./replay.ts";

const [A, B, C] = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"];

Deno.test("ReplayWindows takes each message once, in whatever order", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 400 }),
    (numbers) => {
      const windows = new ReplayWindows();
      const seen = new Set<number>();
      for (const number of numbers) {
        assertEquals(windows.take(A, 1, number), !seen.has(number));
        seen.add(number);
      }
    },
  ));
});

Deno.test("ReplayWindows refuses what is too old to know", () => {
  const windows = new ReplayWindows();
  assert(windows.take(A, 1, 1_000));
  assertEquals(windows.isNew(A, 1, 1_000 - 255), true);
  assertEquals(windows.isNew(A, 1, 1_000 - 256), false);
});

Deno.test("ReplayWindows: a later run begins anew, an earlier one is over", () => {
  const windows = new ReplayWindows();
  assert(windows.take(A, 7, 500));
  assert(windows.take(A, 8, 1));
  assertEquals(windows.take(A, 7, 501), false);
  assertEquals(windows.take(A, 8, 1), false);
});

Deno.test("ReplayWindows outlasts a restart: nothing that was seen is new", () => {
  const windows = new ReplayWindows();
  for (const number of [1, 2, 4]) windows.take(A, 3, number);
  windows.take(B, 9, 70);
  const restored = new ReplayWindows();
  assertEquals(restored.restore(windows.encode(42)), 42);
  // What was overtaken and never came counts as seen: refusing it is the safe side.
  for (const number of [1, 2, 3, 4]) assertEquals(restored.isNew(A, 3, number), false);
  assertEquals(restored.isNew(A, 3, 5), true);
  assertEquals(restored.isNew(B, 8, 99), false);
});

Deno.test("ReplayWindows forgets who was silent longest", () => {
  const windows = new ReplayWindows(2);
  windows.take(A, 1, 1);
  windows.take(B, 1, 1);
  windows.take(A, 1, 2);
  windows.take(C, 1, 1);
  assertEquals(windows.size, 2);
  assertEquals([windows.isNew(A, 1, 2), windows.isNew(B, 1, 1)], [false, true]);
});

Deno.test("ReplayWindows.restore() refuses what is none, truncated at every octet", () => {
  const windows = new ReplayWindows();
  windows.take(A, 1, 1);
  const bytes = windows.encode(1);
  for (let at = 0; at < bytes.length; at++) {
    assertThrows(() => new ReplayWindows().restore(bytes.subarray(0, at)), FabricError);
  }
});
