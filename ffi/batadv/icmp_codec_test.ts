import { assertEquals, assertThrows } from "@std/assert";
import { DecodeError } from "../netlink/mod.ts";
import {
  decodeIcmp,
  decodeIcmpFrame,
  encodeIcmp,
  encodeIcmpFrame,
  type IcmpPacket,
} from "./icmp_codec.ts";

const request: IcmpPacket = {
  type: "echoRequest",
  ttl: 50,
  destination: "02:ba:00:00:00:09",
  originator: "02:ba:00:00:00:05",
  uid: 0xa7,
  seq: 0x0102,
};

Deno.test("encodeIcmp() lays an echo request out as batadv_packet.h does", () => {
  // packet_type, version, ttl, msg_type, dst, orig, uid, reserved, seqno (network order).
  // deno-fmt-ignore
  const expected = Uint8Array.of(
    0x43, 15, 50, 8, 2, 0xba, 0, 0, 0, 9, 2, 0xba, 0, 0, 0, 5, 0xa7, 0, 1, 2,
  );
  assertEquals(encodeIcmp(request), expected);
});

Deno.test("decodeIcmpFrame() reads back what encodeIcmpFrame() wrote", () => {
  const rows: readonly { name: string; packet: IcmpPacket }[] = [
    { name: "request", packet: request },
    { name: "reply", packet: { ...request, type: "echoReply", ttl: 49 } },
    { name: "TTL exceeded", packet: { ...request, type: "ttlExceeded" } },
    { name: "unreachable", packet: { ...request, type: "destinationUnreachable" } },
    { name: "parameter problem", packet: { ...request, type: "parameterProblem" } },
    { name: "empty record", packet: { ...request, route: [] } },
    { name: "record", packet: { ...request, route: ["02:ba:00:00:00:05", "02:ba:00:00:00:06"] } },
  ];
  for (const { name, packet } of rows) {
    const frame = { to: "02:ba:00:00:00:08", from: "02:ba:00:00:00:05", packet };
    assertEquals(decodeIcmpFrame(encodeIcmpFrame(frame)), frame, name);
  }
});

Deno.test("decodeIcmpFrame() ignores the padding of a short Ethernet frame", () => {
  const frame = { to: "02:ba:00:00:00:08", from: "02:ba:00:00:00:05", packet: request };
  const padded = new Uint8Array(60);
  padded.set(encodeIcmpFrame(frame));
  assertEquals(decodeIcmpFrame(padded), frame);
});

Deno.test("decodeIcmp() refuses truncation, other versions, types and records too long", () => {
  const good = encodeIcmp(request);
  for (let length = 0; length < good.length; length++) {
    assertThrows(() => decodeIcmp(good.subarray(0, length)), DecodeError);
  }
  const rows = [
    { name: "not ICMP", at: 0, value: 0x40 },
    { name: "version 14", at: 1, value: 14 },
    { name: "throughput meter", at: 3, value: 15 },
  ];
  for (const { name, at, value } of rows) {
    const bytes = good.slice();
    bytes[at] = value;
    assertThrows(() => decodeIcmp(bytes), DecodeError, "icmp.", name);
  }
  const record = encodeIcmp({ ...request, route: [] });
  record[17] = 17;
  assertThrows(() => decodeIcmp(record), DecodeError, "icmp.route");
});

Deno.test("decodeIcmpFrame() refuses frames of others", () => {
  const frame = encodeIcmpFrame({
    to: "02:ba:00:00:00:08",
    from: "02:ba:00:00:00:05",
    packet: request,
  });
  frame[13] = 0;
  assertThrows(() => decodeIcmpFrame(frame), DecodeError, "etherType");
});

Deno.test("encodeIcmp() refuses a malformed address and a route that does not fit", () => {
  assertThrows(() => encodeIcmp({ ...request, destination: "02:ba" }), TypeError);
  const route = Array.from({ length: 17 }, () => "02:ba:00:00:00:05");
  assertThrows(() => encodeIcmp({ ...request, route }), RangeError);
});
