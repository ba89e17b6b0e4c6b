import { assertEquals, assertThrows } from "@std/assert";
import { concat, encodeAttributes, table } from "./attribute.ts";
import { DecodeError } from "./errors.ts";
import {
  align,
  decodeDone,
  decodeError,
  decodeMessages,
  encodeMessage,
  NLM_F,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "./message.ts";

const EXTACK = table({
  message: [1, "string"],
  offset: [2, "u32"],
  missingType: [5, "u32"],
});

function message(type: number, payload: Uint8Array, flags = 0, seq = 7) {
  return { type, flags, seq, payload };
}

Deno.test("decodeMessages() reads several messages of one datagram, padding skipped", () => {
  const first = message(16, Uint8Array.of(1, 2, 3), 2, 7);
  const second = message(17, new Uint8Array(0), 0, 0xffffffff);
  assertEquals(decodeMessages(concat([encodeMessage(first), encodeMessage(second)])), [
    first,
    second,
  ]);
});

Deno.test("decodeMessages() reads an empty datagram as no message", () => {
  assertEquals(decodeMessages(new Uint8Array(0)), []);
});

Deno.test("decodeMessages() refuses a datagram cut at any octet that loses something", () => {
  const bytes = encodeMessage(message(16, Uint8Array.of(1, 2, 3, 4, 5)));
  const length = 16 + 5;
  for (let cut = 1; cut < length; cut++) {
    assertThrows(() => decodeMessages(bytes.subarray(0, cut)), DecodeError);
  }
  // The padding at the end may be absent.
  for (let cut = length; cut <= align(length); cut++) {
    assertEquals(decodeMessages(bytes.subarray(0, cut)).length, 1);
  }
});

for (
  const { name, length } of [
    { name: "zero", length: 0 },
    { name: "shorter than a header", length: 15 },
    { name: "beyond the datagram", length: 21 },
    { name: "huge", length: 0xffffffff },
  ]
) {
  Deno.test(`decodeMessages() refuses a length that is ${name}`, () => {
    const bytes = encodeMessage(message(16, new Uint8Array(4)));
    new DataView(bytes.buffer).setUint32(0, length, true);
    assertThrows(() => decodeMessages(bytes), DecodeError, "netlink.length");
  });
}

function errorPayload(errno: number, rest: Uint8Array): Uint8Array {
  return concat([new Uint8Array(Int32Array.of(-errno).buffer), rest]);
}

const extack = { message: "Unknown device type", offset: 36, missingType: 3 };
const request = encodeMessage(message(16, Uint8Array.of(9, 9, 9, 9, 9)));

for (
  const { name, flags, echoed } of [
    { name: "capped", flags: NLM_F.CAPPED, echoed: request.subarray(0, 16) },
    { name: "with the whole request echoed", flags: 0, echoed: request },
  ]
) {
  Deno.test(`decodeError() reads the extended acknowledgement, ${name}`, () => {
    const payload = errorPayload(95, concat([echoed, encodeAttributes(EXTACK, extack)]));
    const refusal = message(NLMSG_ERROR, payload, flags | NLM_F.ACK_TLVS);
    assertEquals(decodeError(refusal), { errno: 95, extack });
  });
}

Deno.test("decodeError() takes errno 0 as an acknowledgement", () => {
  const payload = errorPayload(0, request.subarray(0, 16));
  assertEquals(decodeError(message(NLMSG_ERROR, payload)), { errno: 0, extack: {} });
});

Deno.test("decodeError() refuses an echoed request that is longer than the message", () => {
  const echoed = request.slice(0, 16);
  new DataView(echoed.buffer).setUint32(0, 4_000, true);
  const refusal = message(NLMSG_ERROR, errorPayload(1, echoed), NLM_F.ACK_TLVS);
  assertThrows(() => decodeError(refusal), DecodeError);
});

Deno.test("decodeDone() reads the errno with which a dump ended", () => {
  assertEquals(decodeDone(message(NLMSG_DONE, errorPayload(22, new Uint8Array(0)))), {
    errno: 22,
    extack: {},
  });
  const said = errorPayload(22, encodeAttributes(EXTACK, { message: "no" }));
  assertEquals(decodeDone(message(NLMSG_DONE, said, NLM_F.ACK_TLVS)).extack, { message: "no" });
  assertEquals(decodeDone(message(NLMSG_DONE, new Uint8Array(0))).errno, 0);
});
