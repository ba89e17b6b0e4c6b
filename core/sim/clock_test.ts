import { assertEquals } from "@std/assert";
import { VirtualClock } from "./clock.ts";

Deno.test("`VirtualClock` fires timers in order of time, then of setting", async () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  for (const [name, ms] of [["c", 30], ["a", 10], ["b", 20], ["b2", 20]] as const) {
    clock.schedule(ms, () => fired.push(`${name}@${clock.monotonicMs()}`));
  }
  const cancel = clock.schedule(15, () => fired.push("cancelled"));
  cancel();
  await clock.run(25);
  assertEquals(fired, ["a@10", "b@20", "b2@20"]);
  assertEquals(clock.monotonicMs(), 25);
  await clock.run(30);
  assertEquals(fired.at(-1), "c@30");
});

Deno.test("`VirtualClock.sleep()` lets awakened code run before time moves on", async () => {
  const clock = new VirtualClock();
  const seen: number[] = [];
  const work = (async () => {
    for (let turn = 0; turn < 3; turn++) {
      await clock.sleep(10);
      seen.push(clock.monotonicMs());
    }
  })();
  await clock.run(100);
  await work;
  assertEquals(seen, [10, 20, 30]);
});

Deno.test("`VirtualClock.sleep()` ends when its signal fires", async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const sleeping = clock.sleep(1000, stop.signal);
  stop.abort();
  await sleeping;
  await clock.sleep(1000, AbortSignal.abort());
  assertEquals(clock.monotonicMs(), 0);
});

Deno.test("`VirtualClock.wallMs()` may start in 1970 and be stepped; monotonic time goes on", async () => {
  const clock = new VirtualClock(0);
  await clock.run(500);
  assertEquals([clock.wallMs(), clock.monotonicMs()], [500, 500]);
  clock.setWallMs(1_800_000_000_000);
  await clock.run(600);
  assertEquals([clock.wallMs(), clock.monotonicMs()], [1_800_000_000_100, 600]);
});

Deno.test("`VirtualClock` runs timers as a sorted list would, whatever is set", async () => {
  const clock = new VirtualClock();
  const times = Array.from({ length: 300 }, (_, index) => (index * 7919) % 1000);
  const fired: number[] = [];
  for (const ms of times) clock.schedule(ms, () => fired.push(ms));
  await clock.run(1000);
  assertEquals(fired, times.toSorted((a, b) => a - b));
});
