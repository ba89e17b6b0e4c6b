import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { WireError, WireReader, WireWriter } from "./wire.ts";

const value = fc.record({
  a: fc.integer({ min: 0, max: 255 }),
  b: fc.integer({ min: 0, max: 65_535 }),
  c: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  d: fc.maxSafeNat(),
  e: fc.uint8Array({ maxLength: 40 }),
  f: fc.string({ unit: "grapheme", maxLength: 10 }),
  g: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 5 }),
});
type Value = typeof value extends fc.Arbitrary<infer T> ? T : never;

const write = (v: Value) =>
  new WireWriter().u8(v.a).u16(v.b).u32(v.c).u53(v.d).bytes(v.e).text(v.f)
    .list(v.g, (writer, item) => writer.u8(item)).finish();

function read(bytes: Uint8Array): Value {
  const reader = new WireReader(bytes, "value");
  const v = {
    a: reader.u8(),
    b: reader.u16(),
    c: reader.u32(),
    d: reader.u53(),
    e: reader.bytes(40),
    f: reader.text(1000),
    g: reader.list(5, (item) => item.u8()),
  };
  reader.end();
  return v;
}

Deno.test("WireReader reads what WireWriter wrote", () => {
  fc.assert(fc.property(value, (v) => {
    assertEquals(read(write(v)), { ...v, e: new Uint8Array(v.e) });
  }));
});

Deno.test("WireReader refuses every truncation and everything left over", () => {
  fc.assert(
    fc.property(value, (v) => {
      const bytes = write(v);
      for (let length = 0; length < bytes.length; length++) {
        assertThrows(() => read(bytes.subarray(0, length)), WireError);
      }
      assertThrows(() => read(Uint8Array.from([...bytes, 0])), WireError, "left over");
    }),
    { numRuns: 20 },
  );
});

Deno.test("WireReader refuses lengths above its bounds, and text that is not UTF-8", () => {
  const long = new WireWriter().bytes(new Uint8Array(9)).finish();
  assertThrows(() => new WireReader(long, "x").bytes(8), WireError, "9 octets where 8");
  const bad = new WireWriter().bytes(Uint8Array.of(0xff)).finish();
  assertThrows(() => new WireReader(bad, "x").text(8), WireError, "not UTF-8");
  const huge = new Uint8Array(8).fill(255);
  assertThrows(() => new WireReader(huge, "x").u53(), WireError, "2^53");
  assertThrows(() => new WireReader(Uint8Array.of(255, 255), "x").list(3, () => 0), WireError);
});

Deno.test("WireWriter refuses numbers that do not fit", () => {
  for (const bad of [-1, 256, 1.5, NaN]) assertThrows(() => new WireWriter().u8(bad), RangeError);
  assertThrows(() => new WireWriter().fixed(new Uint8Array(3), 4), RangeError);
});
