// Three tests for outcomes_test.ts: it checks that the lab counts them truly.

import { assertEquals } from "@std/assert";

Deno.test("passes", () => assertEquals(1, 1));
Deno.test("fails", () => assertEquals(1, 2));
Deno.test({ name: "is skipped", ignore: true, fn: () => assertEquals(1, 2) });
