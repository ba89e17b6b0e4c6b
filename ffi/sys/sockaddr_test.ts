import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeInet6Address,
  decodeNetlinkAddress,
  decodePacketAddress,
  decodeUnixAddress,
  encodeInet6Address,
  encodeNetlinkAddress,
  encodePacketAddress,
  encodeUnixAddress,
} from "./sockaddr.ts";

Deno.test("encodeNetlinkAddress() and decodeNetlinkAddress() agree", () => {
  const address = { portId: 4_000_000_000, groups: 0x80000001 };
  assertEquals(decodeNetlinkAddress(encodeNetlinkAddress(address)), address);
});

Deno.test("encodeInet6Address() and decodeInet6Address() agree, the port in network order", () => {
  const address = { address: new Uint8Array(16).fill(0xfe), port: 1001, scopeId: 7 };
  const bytes = encodeInet6Address(address);
  assertEquals([bytes.length, bytes[2], bytes[3]], [28, 3, 0xe9]);
  assertEquals(decodeInet6Address(bytes), address);
  assertThrows(() => encodeInet6Address({ ...address, address: new Uint8Array(4) }), RangeError);
});

Deno.test("encodePacketAddress() writes the protocol in network order", () => {
  const address = {
    protocol: 0x4305,
    ifindex: 7,
    packetType: 4,
    address: Uint8Array.of(2, 0, 0, 0, 0, 1),
  };
  const bytes = encodePacketAddress(address);
  assertEquals([bytes[2], bytes[3]], [0x43, 0x05]);
  assertEquals(decodePacketAddress(bytes), address);
  assertThrows(() => encodePacketAddress({ ...address, address: new Uint8Array(9) }), RangeError);
});

for (const path of ["/run/x/control", "@abstract", "r"]) {
  Deno.test(`encodeUnixAddress() and decodeUnixAddress() agree on "${path}"`, () => {
    assertEquals(decodeUnixAddress(encodeUnixAddress(path)), path);
  });
}

for (
  const { name, path } of [
    { name: "an empty path", path: "" },
    { name: "an empty abstract name", path: "@" },
    { name: "a path that does not fit", path: "x".repeat(108) },
    { name: "a NUL", path: "a\0b" },
  ]
) {
  Deno.test(`encodeUnixAddress() refuses ${name}`, () => {
    assertThrows(() => encodeUnixAddress(path), Error, "Cannot address");
  });
}

Deno.test("decodeUnixAddress() reads an unnamed socket's address", () => {
  assertEquals(decodeUnixAddress(Uint8Array.of(1, 0)), "");
});

Deno.test("decoders answer null for what is cut off or of another family", () => {
  const good = [
    [decodeNetlinkAddress, encodeNetlinkAddress({ portId: 1, groups: 0 })],
    [
      decodePacketAddress,
      encodePacketAddress({
        protocol: 3,
        ifindex: 1,
        packetType: 0,
        address: new Uint8Array(6).fill(1),
      }).subarray(0, 18),
    ],
  ] as const;
  const inet6 = encodeInet6Address({ address: new Uint8Array(16), port: 1, scopeId: 1 });
  for (const [decode, bytes] of [...good, [decodeInet6Address, inet6] as const]) {
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(decode(bytes.subarray(0, length)), null);
    }
    assertEquals(decode(bytes.with(0, 2)), null);
  }
  assertEquals(decodeUnixAddress(Uint8Array.of(1)), null);
  assertEquals(decodeUnixAddress(Uint8Array.of(2, 0, 65)), null);
});

Deno.test("decodePacketAddress() refuses an address longer than the structure", () => {
  const bytes = new Uint8Array(20);
  bytes[0] = 17;
  bytes[11] = 200;
  assertEquals(decodePacketAddress(bytes), null);
});
