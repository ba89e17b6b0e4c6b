// Every decoder of ffi/netlink, ffi/genetlink and ffi/rtnetlink against messages of a real kernel, cut and
// mutated.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { concat, decodeMessages, encodeMessage, parseIp } from "../../ffi/netlink/mod.ts";
import { decodeDone, decodeError } from "../../ffi/netlink/message.ts";
import { decodeFamily, decodeGenl, encodeGenl } from "../../ffi/genetlink/mod.ts";
import { decodeAddress, decodeNeighbour, decodeRule } from "../../ffi/rtnetlink/mod.ts";
import { decodeEvent, decodeLink, decodeRoute } from "../../ffi/rtnetlink/mod.ts";
import {
  ADDRESS_HEADER,
  decodeRt,
  encodeRt,
  LINK_HEADER,
  NEIGHBOUR_HEADER,
  ROUTE_HEADER,
  type RtMessage,
  type Struct,
} from "../../ffi/rtnetlink/header.ts";
import { ADDRESS, LINK, NEIGHBOUR, ROUTE, RULE } from "../../ffi/rtnetlink/spec.ts";
import type { AttributeTable } from "../../ffi/netlink/mod.ts";
import fixture from "../fixtures/rtnetlink.json" with { type: "json" };
import { testDecoder } from "./decoder.ts";

function samples(
  kind: "links" | "addresses" | "routes" | "neighbours" | "rules" | "families",
): Uint8Array[] {
  const messages = fixture[kind].map((hex) => Uint8Array.fromHex(hex));
  assert(messages.length > 0, `fixture has no ${kind}`);
  return messages;
}

const LINK_ADDRESS = /^[0-9a-f]{2}(:[0-9a-f]{2})*$/;

function checkAddress(address: string | null, family: "ipv4" | "ipv6"): void {
  if (address === null) return;
  assertEquals(parseIp(address)?.length, family === "ipv4" ? 4 : 16, address);
}

function checkPrefix(prefix: string | null, family: "ipv4" | "ipv6"): void {
  if (prefix === null) return;
  const [address = "", length = ""] = prefix.split("/");
  checkAddress(address, family);
  assert(Number(length) >= 0 && Number(length) <= (family === "ipv4" ? 32 : 128), prefix);
}

testDecoder("decodeLink()", {
  decode: decodeLink,
  samples: samples("links"),
  check(link) {
    for (const address of [link.address, link.broadcast, link.permanentAddress]) {
      if (address !== null) assertMatch(address, LINK_ADDRESS);
    }
    assert(Object.values(link.stats ?? {}).every((count) => count >= 0));
    assert(link.data === null || link.data.kind === link.kind);
  },
});

testDecoder("decodeAddress()", {
  decode: decodeAddress,
  samples: samples("addresses"),
  check(address) {
    if (address === null) return;
    checkAddress(address.address, address.family);
    checkAddress(address.peer, address.family);
    checkAddress(address.broadcast, address.family);
    checkPrefix(`${address.address}/${address.prefixLength}`, address.family);
    assert((address.validS ?? 0) >= 0 && (address.preferredS ?? 0) >= 0);
  },
});

testDecoder("decodeRoute()", {
  decode: decodeRoute,
  samples: samples("routes"),
  check(route) {
    if (route === null) return;
    checkPrefix(route.destination, route.family);
    checkPrefix(route.sourcePrefix, route.family);
    checkAddress(route.preferredSource, route.family);
    // A gateway may be of the other version.
    if (route.gateway !== null) assert(parseIp(route.gateway) !== null);
    assert(route.nexthops.every((hop) => hop.weight >= 1 && hop.weight <= 256));
  },
});

testDecoder("decodeNeighbour()", {
  decode: decodeNeighbour,
  samples: samples("neighbours"),
  check(neighbour) {
    if (neighbour === null) return;
    checkAddress(neighbour.address, neighbour.family);
    if (neighbour.linkAddress !== null) assertMatch(neighbour.linkAddress, LINK_ADDRESS);
  },
});

testDecoder("decodeRule()", {
  decode: decodeRule,
  samples: samples("rules"),
  check(rule) {
    if (rule === null) return;
    checkPrefix(rule.source, rule.family);
    checkPrefix(rule.destination, rule.family);
    assert((rule.suppressPrefixLength ?? 0) >= 0);
  },
});

function testTable<H, const T extends AttributeTable>(
  name: string,
  struct: Struct<H>,
  table: T,
  messages: Uint8Array[],
): void {
  testDecoder<RtMessage<H, T>>(`decodeRt() of a ${name}`, {
    decode: (bytes) => decodeRt(struct, table, bytes, name),
    encode: (message) => encodeRt(struct, table, message),
    samples: messages,
  });
}

testTable("link", LINK_HEADER, LINK, samples("links"));
testTable("address", ADDRESS_HEADER, ADDRESS, samples("addresses"));
testTable("route", ROUTE_HEADER, ROUTE, samples("routes"));
testTable("neighbour", NEIGHBOUR_HEADER, NEIGHBOUR, samples("neighbours"));
testTable("rule", ROUTE_HEADER, RULE, samples("rules"));

testDecoder("decodeEvent() of rtnetlink", {
  // Two octets of message type, then the payload, so that the type is mutated too.
  decode(bytes) {
    const type = (bytes[0] ?? 0) | (bytes[1] ?? 0) << 8;
    return decodeEvent({ type, flags: 0, seq: 0, payload: bytes.subarray(2) });
  },
  samples: fixture.events.map(({ type, payload }) =>
    concat([Uint8Array.of(type & 0xff, type >> 8), Uint8Array.fromHex(payload)])
  ),
});

testDecoder("decodeFamily()", {
  decode: (bytes) => decodeFamily(decodeGenl({ payload: bytes })),
  samples: samples("families"),
  check: (family) => assert(family.id >= 0 && family.id <= 0xffff),
});

testDecoder("decodeGenl()", {
  decode: (bytes) => decodeGenl({ payload: bytes }),
  encode: ({ command, version, payload }) => encodeGenl(command, version, payload),
  samples: samples("families"),
});

const request = { type: 16, flags: 5, seq: 9, payload: samples("links")[0] ?? new Uint8Array(0) };

testDecoder("decodeMessages()", {
  decode: decodeMessages,
  encode: (messages) => concat(messages.map(encodeMessage)),
  samples: [
    encodeMessage(request),
    concat(samples("routes").map((payload) => encodeMessage({ ...request, type: 24, payload }))),
  ],
});

const refusal = concat([
  new Uint8Array(Int32Array.of(-22).buffer),
  encodeMessage({ ...request, payload: new Uint8Array(0) }),
  // NLMSGERR_ATTR_MSG "no" and NLMSGERR_ATTR_OFFS 36.
  Uint8Array.fromHex("070001006e6f00000800020024000000"),
]);

for (
  const { name, decode } of [
    { name: "decodeError()", decode: decodeError },
    { name: "decodeDone()", decode: decodeDone },
  ]
) {
  testDecoder(name, {
    decode: (payload) => decode({ type: 2, flags: 0x300, seq: 1, payload }),
    samples: name === "decodeDone()"
      ? [concat([refusal.subarray(0, 4), refusal.subarray(20)])]
      : [refusal],
    check: ({ errno }) => assert(errno >= 0),
  });
}
