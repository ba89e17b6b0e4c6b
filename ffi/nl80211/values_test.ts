import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ssidBytes, ssidText } from "./values.ts";

const NAMES = [
  { name: "plain", bytes: [0x61, 0x20, 0x62], text: "a b" },
  { name: "UTF-8", bytes: [0x61, 0xc3, 0xa9], text: "aé" },
  { name: "no UTF-8", bytes: [0xff, 0x61, 0xc3], text: "\\xffa\\xc3" },
  { name: "control characters", bytes: [0x0a, 0x00, 0x7f], text: "\\x0a\\x00\\x7f" },
  { name: "a backslash", bytes: [0x5c, 0x71], text: "\\q" },
  {
    name: "what looks like an escape",
    bytes: [0x5c, 0x78, 0x34, 0x31],
    text: "\\x5cx41",
  },
  {
    name: "a character that turns text around",
    bytes: [0xe2, 0x80, 0xae],
    text: "\\xe2\\x80\\xae",
  },
] as const;

for (const { name, bytes, text } of NAMES) {
  Deno.test(`ssidText() writes ${name} and ssidBytes() reads it back`, () => {
    assertEquals(ssidText(Uint8Array.from(bytes)), text);
    assertEquals([...ssidBytes(text)], [...bytes]);
  });
}

Deno.test("ssidBytes() restores every name ssidText() writes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 32 }), (bytes) => {
      assertEquals(ssidBytes(ssidText(bytes)), bytes);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("ssidBytes() refuses more than 32 octets", () => {
  assertEquals(ssidBytes("x".repeat(32)).length, 32);
  assertThrows(() => ssidBytes("é".repeat(17)), TypeError, "34 octets");
});
