import { assertEquals, assertThrows } from "@std/assert";
import { decodeAttributes, encodeAttributes, indexed, list, nest, table } from "./attribute.ts";
import { DecodeError } from "./errors.ts";
import { formatIp, parseIp } from "./values.ts";

const inner = table({ rate: [1, "u32"], name: [2, "string"] });
const outer = table({
  id: [1, "u16"],
  big: [2, "u64"],
  mac: [3, "mac"],
  on: [4, "flag"],
  inner: [5, nest(inner)],
  peers: [6, list(inner)],
  bands: [7, indexed(inner)],
  suites: [8, "u32s"],
  address: [9, "ip"],
  port: [10, "u16be"],
});

const sample = {
  id: 7,
  big: 2n ** 63n,
  mac: "02:ba:00:00:00:01",
  on: true,
  inner: { rate: 54, name: "mesh" },
  peers: [{ rate: 1 }, { name: "b" }],
  bands: [{ index: 3, value: { rate: 9 } }],
  suites: [1, 0xfac04],
  address: "fd00::1",
  port: 4789,
} as const;

Deno.test("decodeAttributes() reads back what encodeAttributes() wrote", () => {
  assertEquals(decodeAttributes(outer, encodeAttributes(outer, sample), "t"), sample);
});

Deno.test("decodeAttributes() refuses every truncation that cuts an attribute", () => {
  const bytes = encodeAttributes(outer, sample);
  let refused = 0;
  for (let length = 0; length < bytes.length; length++) {
    try {
      decodeAttributes(outer, bytes.subarray(0, length), "t");
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      refused++;
    }
  }
  // Only the ends of the ten attributes (and of their padding) are valid cuts.
  assertEquals(refused > bytes.length - 30, true);
});

Deno.test("decodeAttributes() skips unknown attributes and throws on a known one of wrong length", () => {
  const other = table({ strange: [99, "u32"], id: [1, "u32"] });
  assertEquals(decodeAttributes(outer, encodeAttributes(other, { strange: 1 }), "t"), {});
  assertThrows(
    () => decodeAttributes(outer, encodeAttributes(other, { id: 1 }), "t"),
    DecodeError,
    "t.id",
  );
});

Deno.test("decodeAttributes() refuses nesting beyond the limit", () => {
  const recursive: Record<string, readonly [number, { nest: Record<string, never> }]> = {};
  recursive.down = [1, { nest: recursive as unknown as Record<string, never> }];
  let bytes: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < 40; i++) {
    const next = new Uint8Array(bytes.length + 4);
    new DataView(next.buffer).setUint16(0, next.length, true);
    new DataView(next.buffer).setUint16(2, 1, true);
    next.set(bytes, 4);
    bytes = next;
  }
  assertThrows(() => decodeAttributes(recursive, bytes, "deep"), DecodeError);
});

Deno.test("parseIp() and formatIp() agree, in RFC 5952 form", () => {
  const rows = [
    "0.0.0.0",
    "255.1.2.3",
    "::",
    "::1",
    "fe80::1:0:0:2",
    "2001:db8::",
    "1:2:3:4:5:6:7:8",
  ];
  for (const text of rows) assertEquals(formatIp(parseIp(text) ?? new Uint8Array(4)), text);
  for (
    const text of ["", "1.2.3", "256.0.0.1", "01.2.3.4", ":::", "1::2::3", "g::", "1:2:3:4:5:6:7"]
  ) {
    assertEquals(parseIp(text), null, text);
  }
  assertEquals(formatIp(parseIp("::ffff:1.2.3.4") ?? new Uint8Array(4)), "::ffff:102:304");
});
