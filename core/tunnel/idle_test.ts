import { assert, assertEquals } from "@std/assert";
import { isDead, isIdle, keepaliveFor, lookAt, newUse, quietBytes } from "./idle.ts";

const counters = (rxBytes: number, txBytes: number) => ({ rxBytes, txBytes });

Deno.test("isIdle() waits for the whole time, and less for a tunnel that was never used", () => {
  const never = lookAt(newUse(0), counters(0, 0), 10_000);
  assert(!isIdle(never, 59_999, 300));
  assert(isIdle(never, 60_000, 300));
  const used = lookAt(newUse(0), counters(100, 100), 10_000);
  assert(!isIdle(used, 309_999, 300));
  assert(isIdle(used, 310_000, 300));
  const still = lookAt(used, counters(100, 100), 20_000);
  assertEquals(still.activeMs, 10_000);
  assert(!isIdle(lookAt(still, counters(100, 101), 30_000), 320_000, 300));
});

Deno.test("lookAt() takes keepalives and their handshakes for silence", () => {
  let use = lookAt(newUse(0), counters(10_000, 10_000), 10_000, 25);
  let bytes = 20_000;
  for (let nowMs = 20_000; nowMs <= 320_000; nowMs += 10_000) {
    // Both ends every 25 s, a new session every 120 s.
    bytes += nowMs % 50_000 === 0 ? 128 : 0;
    bytes += nowMs % 120_000 === 0 ? 240 : 0;
    use = lookAt(use, counters(bytes / 2, bytes / 2), nowMs, 25);
  }
  assertEquals(use.activeMs, 10_000);
  assert(isIdle(use, 320_000, 300));
  assertEquals(lookAt(use, counters(bytes, bytes), 330_000, 25).activeMs, 330_000);
  assertEquals(quietBytes(1_000_000, 0), 0);
});

Deno.test("isDead() wants 15 s of sending without any answer", () => {
  let use = lookAt(newUse(0), counters(100, 100), 10_000);
  use = lookAt(use, counters(100, 248), 20_000);
  assert(!isDead(use, 20_000));
  assert(isDead(lookAt(use, counters(100, 396), 30_000), 30_000));
  assert(!isDead(lookAt(use, counters(132, 396), 30_000), 30_000), "a keepalive is an answer");
});

Deno.test("lookAt() begins anew with a peer that was made anew", () => {
  const use = lookAt(newUse(0), counters(1_000, 1_000), 10_000);
  const again = lookAt(use, counters(50, 50), 20_000);
  assertEquals([again.activeMs, again.unansweredSinceMs], [20_000, null]);
});

Deno.test("keepaliveFor() is for the internet alone", () => {
  assertEquals([keepaliveFor("fe80::1%bat0"), keepaliveFor("198.51.100.1")], [0, 25]);
});
