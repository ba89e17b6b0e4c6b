import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { mix, SeededRandom } from "./random.ts";

Deno.test("`SeededRandom` gives the same numbers for the same seed, others for another", () => {
  const draw = (...seed: number[]) => {
    const random = new SeededRandom(...seed);
    return Array.from({ length: 8 }, () => random.uint32());
  };
  assertEquals(draw(1, 2), draw(1, 2));
  assertNotEquals(draw(1, 2), draw(2, 1));
  assertNotEquals(draw(1), draw(1, 0));
});

Deno.test("`SeededRandom` is uniform and normal where it says so", () => {
  const random = new SeededRandom(5);
  const units = Array.from({ length: 20_000 }, () => random.unit());
  assert(units.every((unit) => unit >= 0 && unit < 1));
  assertAlmostEquals(units.reduce((sum, unit) => sum + unit) / units.length, 0.5, 0.01);
  const normals = Array.from({ length: 20_000 }, () => random.normal());
  const mean = normals.reduce((sum, value) => sum + value) / normals.length;
  assertAlmostEquals(mean, 0, 0.03);
  const variance = normals.reduce((sum, value) => sum + (value - mean) ** 2, 0) / normals.length;
  assertAlmostEquals(variance, 1, 0.05);
  assert(Array.from({ length: 100 }, () => random.below(3)).every((value) => value < 3));
  assertEquals(random.bytes(5).length, 5);
});

Deno.test("`mix()` depends on every value and on their order", () => {
  assertNotEquals(mix(1, 2), mix(2, 1));
  assertNotEquals(mix(1), mix(1, 0));
});
