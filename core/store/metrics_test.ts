import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { hostFiles } from "../host/mod.ts";
import { Chunk, RESOLUTIONS } from "./chunk.ts";
import { ManualClock, openStore } from "./testing.ts";

const files = hostFiles();
const HOUR_MS = 3_600_000;

async function inTemporary(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("`Chunk.encode()` and `Chunk.decode()` round trip", () => {
  fc.assert(fc.property(
    fc.constantFrom(...RESOLUTIONS),
    fc.array(
      fc.record({
        slot: fc.nat(59),
        low: fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
        high: fc.nat(1000),
        count: fc.integer({ min: 1, max: 100_000 }),
      }),
    ),
    (resolution, points) => {
      const chunk = new Chunk(resolution, 0);
      for (const { slot, low, high, count } of points) {
        chunk.add(slot * resolution.resolutionS, low, low, Math.fround(low + high), count);
      }
      const decoded = Chunk.decode(resolution, 0, chunk.encode());
      assert(decoded !== null);
      assertEquals(decoded.encode(), chunk.encode());
      assertEquals(decoded.points().length, chunk.points().length);
    },
  ));
});

Deno.test("`Chunk.decode()` refuses each truncation", () => {
  const resolution = RESOLUTIONS[0];
  const chunk = new Chunk(resolution, 600);
  for (let n = 0; n < 60; n++) chunk.add(600 + n * 10, n, n + 0.5, n + (n % 2), 300);
  const bytes = chunk.encode();
  for (let length = 0; length < bytes.length; length++) {
    assertEquals(Chunk.decode(resolution, 600, bytes.subarray(0, length)), null);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (rubbish) => {
    Chunk.decode(resolution, 600, rubbish);
  }));
});

Deno.test("`MetricTable.query()` picks the resolution and keeps extremes", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const store = await openStore(directory, files, clock);
    const start = clock.wall;
    for (let second = 0; second < 3 * 3600; second += 5) {
      store.metrics.record([{ subject: "wlan0", metric: "noiseDbm", value: second % 60 - 95 }]);
      clock.advance(5_000);
    }
    store.flush();
    const query = (fromMs: number, toMs: number, points: number) =>
      store.metrics.query({ subject: "wlan0", metric: "noiseDbm", fromMs, toMs, points });
    const now = clock.wall;
    assertEquals(query(now - 300_000, now, 300).resolutionS, 1);
    assertEquals(query(now - 300_000, now, 300).points.length, 60);
    const tens = query(start, start + HOUR_MS, 400);
    assertEquals([tens.resolutionS, tens.points.length], [10, 361]);
    const minutes = query(start, start + 2 * HOUR_MS, 120);
    assertEquals([minutes.resolutionS, minutes.points.length], [60, 121]);
    const [first] = minutes.points;
    assertEquals(first, { atMs: start, min: -95, average: -67.5, max: -40, count: 12 });
    assertEquals(query(start, now, 3).resolutionS, 3600);
    assertEquals(store.metrics.names(), [{ subject: "wlan0", metric: "noiseDbm" }]);
    await store.close();
  }));

Deno.test("`MetricTable` goes on in the chunk that a restart interrupted", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const start = clock.wall;
    for (let run = 0; run < 3; run++) {
      const store = await openStore(directory, files, clock);
      for (let n = 0; n < 20; n++) {
        store.metrics.record([{ subject: "a", metric: "b", value: run }]);
        clock.advance(1_000);
      }
      await store.close();
    }
    const store = await openStore(directory, files, clock);
    const query = { subject: "a", metric: "b", fromMs: start, toMs: start + 60_000, points: 6 };
    const points = store.metrics.query(query).points;
    assertEquals(points.map(({ average }) => average), [0, 0, 1, 1, 2, 2]);
    const [minute] = store.metrics.query({ ...query, points: 1 }).points;
    assertEquals(minute, { atMs: start, min: 0, average: 1, max: 2, count: 60 });
    await store.close();
  }));

Deno.test("`MetricTable` in 1970 writes nothing, then moves the last hour to the right time", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const truth = clock.wall;
    clock.wall = 100_000;
    const store = await openStore(directory, files, clock);
    store.events.add([{ severity: "info", type: "x", subject: "", message: "early" }]);
    for (let second = 0; second < 2 * 3600; second += 10) {
      store.metrics.record([{ subject: "a", metric: "b", value: second }]);
      clock.advance(10_000);
    }
    assertEquals(store.metrics.unwritten, 0);
    const clockCheck = store.checks().find(({ name }) => name === "clock");
    assertEquals(clockCheck?.state, "degraded");
    assertStringIncludes(clockCheck?.reason ?? "", "1970");
    assertEquals(store.events.query({})[0]?.atMs, 100_000);
    clock.wall = truth;
    store.metrics.record([{ subject: "a", metric: "b", value: 7_200 }]);
    assertEquals(store.checks().find(({ name }) => name === "clock")?.state, "ok");
    const { points, resolutionS } = store.metrics.query({
      subject: "a",
      metric: "b",
      fromMs: truth - 2 * HOUR_MS,
      toMs: truth,
      points: 1_000,
    });
    assertEquals(resolutionS, 10);
    assertEquals(points.at(-1)?.average, 7_200);
    assert(points.length >= 361, `${points.length} points`);
    for (const { atMs, average } of points) {
      assert(Math.abs(truth - atMs - (7_200 - average) * 1_000) <= 10_000, `${atMs} ${average}`);
    }
    await store.close();
    const reopened = await openStore(directory, files, clock);
    const kept = reopened.metrics.query({
      subject: "a",
      metric: "b",
      fromMs: truth - HOUR_MS,
      toMs: truth,
      points: 1_000,
    });
    assert(kept.points.length >= 360);
    await reopened.close();
  }));

Deno.test("`MetricTable` survives a clock that goes back", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const store = await openStore(directory, files, clock);
    const sample = () => {
      store.metrics.record([{ subject: "a", metric: "b", value: 1 }]);
      clock.advance(1_000);
    };
    for (let n = 0; n < 1_000; n++) sample();
    clock.wall -= 30_000;
    for (let n = 0; n < 100; n++) sample();
    clock.wall -= 10 * HOUR_MS;
    for (let n = 0; n < 100; n++) sample();
    await store.close();
    const reopened = await openStore(directory, files, clock);
    const count = (fromMs: number) =>
      reopened.metrics.query({
        subject: "a",
        metric: "b",
        fromMs,
        toMs: clock.wall + 24 * HOUR_MS,
        points: 5_000,
      }).points.reduce((sum, point) => sum + point.count, 0);
    assertEquals(count(clock.wall - 24 * HOUR_MS), 100);
    clock.wall += 12 * HOUR_MS;
    assertEquals(count(clock.wall - 24 * HOUR_MS), 1_200);
    await reopened.close();
  }));
