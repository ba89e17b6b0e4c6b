import { assert, assertEquals } from "@std/assert";
import { assessQuality, type QualityMemory } from "./quality.ts";
import { same } from "./same.ts";
import { samplesOf } from "./samples.ts";
import { COUNTERS, LINK, MESH, N1, neighbour, originator, snapshot, station } from "./testing.ts";

Deno.test("`assessQuality()` believes a class after three readings, with hysteresis", () => {
  let memory: QualityMemory = new Map();
  const told: string[] = [];
  const read = (tq: number) => {
    const state = { ...MESH, neighbours: [neighbour()], originators: [originator({ tq })] };
    const result = assessQuality(memory, state);
    memory = result.memory;
    told.push(...result.events.map(({ data }) => `${data?.["from"]} ${data?.["to"]}`));
  };
  for (const tq of [250, 190, 190, 190, 190]) read(tq);
  assertEquals(told, [], "within the margin of good");
  for (const tq of [170, 170, 250, 170, 170]) read(tq);
  assertEquals(told, [], "never three in a row");
  read(170);
  assertEquals(told, ["good fair"]);
  for (const tq of [210, 210, 210, 210]) read(tq);
  assertEquals(told.length, 1, "not yet above good by the margin");
  for (const tq of [220, 220, 220, 10, 10, 10]) read(tq);
  assertEquals(told, ["good fair", "fair good", "good poor"]);
  assessQuality(memory, null);
});

Deno.test("`samplesOf()` makes rates of counters and leaves out those that went back", () => {
  const before = snapshot({
    links: [{ ...LINK, counters: { ...COUNTERS, rxBytes: 1_000, txBytes: 9 } }],
  });
  const after = snapshot({
    revision: 2,
    links: [{ ...LINK, counters: { ...COUNTERS, rxBytes: 3_000, txBytes: 3 } }],
  });
  const found = new Map(
    samplesOf(before, after, 2_000).map((s) => [`${s.subject} ${s.metric}`, s.value]),
  );
  assertEquals(found.get("wlan0 rxBytesPerS"), 1_000);
  assertEquals(found.has("wlan0 txBytesPerS"), false);
  assertEquals(found.get("bat0 neighbours"), 0);
});

Deno.test("`samplesOf()` makes shares of stations and surveys", () => {
  const survey = {
    interface: "wlan0",
    frequencyMhz: 2412,
    noiseDbm: -95,
    inUse: true,
    activeMs: 1_000,
    busyMs: 100,
    receiveMs: null,
    transmitMs: 10,
  };
  const before = snapshot({ stations: [station()], surveys: [survey] });
  const after = snapshot({
    stations: [station({ txPackets: 200, txRetries: 60, txFailed: 1 })],
    surveys: [{ ...survey, activeMs: 2_000, busyMs: 350, transmitMs: 20 }],
  });
  const found = Object.fromEntries(
    samplesOf(before, after, 1_000).map((s) => [`${s.subject} ${s.metric}`, s.value]),
  );
  assertEquals(found[`wlan0/${N1} txRetryPercent`], 50);
  assertEquals(found[`wlan0/${N1} signalDbm`], -51);
  assertEquals(found["wlan0 busyPercent"], 25);
  assertEquals(found["wlan0 transmitPercent"], 1);
  assertEquals("wlan0 receivePercent" in found, false);
});

Deno.test("`same()` compares structure", () => {
  assert(same({ a: [1, { b: null }] }, { a: [1, { b: null }] }));
  assert(!same({ a: [1] }, { a: [2] }));
  assert(!same({ a: undefined }, { b: undefined }));
  assert(!same([], {}));
  assert(!same(null, {}));
  assert(!same({ a: 1 }, { a: 1, b: 2 }));
});
