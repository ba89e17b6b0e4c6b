// What requests say, octet by octet where it matters, and what is refused before the kernel sees it. The
// decoders are tried on a real kernel's messages in tests/fuzz/rtnetlink_test.ts.
import { assertEquals, assertThrows } from "@std/assert";
import { DecodeError, encodeAttributes } from "../netlink/mod.ts";
import { decodeAddress, encodeAddress } from "./address.ts";
import { decodeEvent } from "./events.ts";
import { encodeRt, LINK_HEADER, NEIGHBOUR_HEADER, parsePrefix, ROUTE_HEADER } from "./header.ts";
import { decodeLink, encodeAltName, encodeLinkGet, encodeNewLink, encodeSetLink } from "./link.ts";
import { decodeNeighbour, encodeNeighbour } from "./neighbour.ts";
import { decodeRoute, encodeRoute } from "./route.ts";
import { decodeRule, encodeRule } from "./rule.ts";
import { IFF, LINK, NEIGHBOUR, ROUTE, RTM } from "./spec.ts";

const ZERO_LINK = { family: 0, deviceType: 0, index: 0, flags: 0, change: 0 };

Deno.test("encodeNewLink() puts kind and data where the kernel looks for them", () => {
  assertEquals(
    encodeNewLink({ kind: "vlan", name: "a.5", link: 2, id: 5 }).toHex(),
    "00000000000000000000000000000000" + // struct ifinfomsg
      "08000300612e3500" + // IFLA_IFNAME "a.5"
      "0800050002000000" + // IFLA_LINK 2
      "1c001280" + // IFLA_LINKINFO, nested
      "09000100766c616e00000000" + // IFLA_INFO_KIND "vlan"
      "0c000200" + "0600010005000000", // IFLA_INFO_DATA { IFLA_VLAN_ID 5 }
  );
});

Deno.test("encodeSetLink() changes no flag that was not asked for", () => {
  const flagsOf = (bytes: Uint8Array) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return [view.getUint32(8, true), view.getUint32(12, true)];
  };
  assertEquals(flagsOf(encodeSetLink(3, { mtu: 1_400 })), [0, 0]);
  assertEquals(flagsOf(encodeSetLink(3, { up: true })), [IFF.UP, IFF.UP]);
  assertEquals(flagsOf(encodeSetLink(3, { up: false })), [0, IFF.UP]);
});

Deno.test("encodeSetLink() releases a link with master 0", () => {
  assertEquals(encodeSetLink(3, { master: null }).subarray(16).toHex(), "08000a0000000000");
});

Deno.test("encodeLinkGet() asks for a long name as an alternative one", () => {
  assertEquals(encodeLinkGet("fifteen-letters", false)[26], LINK.name[0]);
  assertEquals(encodeLinkGet("sixteen-letters!", false)[26], LINK.altName[0]);
});

Deno.test("decodeLink() reads all alternative names", () => {
  const one = encodeAltName(4, "first").subarray(16);
  const two = encodeAltName(4, "second").subarray(20);
  const list = new Uint8Array([...one.subarray(4), ...two]);
  const payload = encodeRt(LINK_HEADER, LINK, {
    header: ZERO_LINK,
    attributes: { name: "x", propertyList: list },
  });
  assertEquals(decodeLink(payload).altNames, ["first", "second"]);
});

Deno.test("decodeLink() reads counters of kernels that have fewer of them, refuses a cut structure", () => {
  const link = (bytes: number) =>
    encodeRt(LINK_HEADER, LINK, {
      header: ZERO_LINK,
      attributes: { name: "x", stats64: new Uint8Array(bytes).fill(1, 0, 1) },
    });
  assertEquals(decodeLink(link(23 * 8)).stats?.rxPackets, 1);
  assertThrows(() => decodeLink(link(23 * 8 - 1)), DecodeError, "link.stats64");
});

for (
  const { name, encode } of [
    {
      name: "an MTU below 0",
      encode: () => encodeSetLink(1, { mtu: -1 }),
    },
    {
      name: "a VLAN id that would wrap around",
      encode: () => encodeNewLink({ kind: "vlan", name: "x", link: 1, id: 65_541 }),
    },
    {
      name: "a prefix length that would wrap around",
      encode: () => encodeAddress({ ifindex: 1, address: "10.0.0.1", prefixLength: 280 }),
    },
    {
      name: "a routing protocol that would wrap around",
      encode: () => encodeRoute({ destination: "10.0.0.0/8", protocol: 260 }, "add"),
    },
    {
      name: "a weight of 0",
      encode: () =>
        encodeRoute({ destination: "10.0.0.0/8", nexthops: [{ ifindex: 1, weight: 0 }] }, "add"),
    },
  ]
) {
  Deno.test(`encoding refuses ${name}`, () => {
    assertThrows(encode, RangeError, "Cannot encode");
  });
}

for (
  const { name, encode } of [
    { name: "a MAC address", encode: () => encodeSetLink(1, { address: "02:00" }) },
    {
      name: "an address",
      encode: () => encodeAddress({ ifindex: 1, address: "10.0.0.256", prefixLength: 8 }),
    },
    { name: "a prefix", encode: () => encodeRoute({ destination: "10.0.0.0" }, "add") },
    {
      name: "a gateway",
      encode: () => encodeRoute({ destination: "::/0", gateway: "router" }, "add"),
    },
    {
      name: "a neighbour",
      encode: () => encodeNeighbour({ ifindex: 1, address: "1.1.1.1", linkAddress: "zz" }),
    },
    {
      name: "a rule's prefix of the other family",
      encode: () => encodeRule({ family: "ipv4", priority: 1, table: 1, source: "::/0" }),
    },
  ]
) {
  Deno.test(`encoding refuses ${name} that is none`, () => {
    assertThrows(encode, TypeError, "Cannot");
  });
}

Deno.test("parsePrefix() clears host bits and refuses what is no prefix", () => {
  assertEquals(parsePrefix("10.1.2.3/20"), { address: "10.1.0.0", length: 20, family: "ipv4" });
  assertEquals(parsePrefix("fd00::ff/121").address, "fd00::80");
  assertEquals(parsePrefix("1.2.3.4/32").address, "1.2.3.4");
  assertEquals(parsePrefix("255.255.255.255/0").address, "0.0.0.0");
  for (const text of ["", "/", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/08", "x/8", "::"]) {
    assertThrows(() => parsePrefix(text), TypeError);
  }
});

Deno.test("encodeRoute() reads back as what was asked", () => {
  const route = decodeRoute(encodeRoute({
    destination: "10.9.1.2/16",
    gateway: "fd00::2",
    ifindex: 4,
    table: 1_000,
    metric: 9,
    protocol: 16,
    mtu: 1_300,
  }, "add"));
  assertEquals(
    [route?.destination, route?.gateway, route?.ifindex, route?.table, route?.metric],
    ["10.9.0.0/16", "fd00::2", 4, 1_000, 9],
  );
  assertEquals([route?.protocol, route?.type, route?.metrics], [16, "unicast", { mtu: 1_300 }]);
});

Deno.test("encodeRoute() gives a direct IPv4 route the scope of its link, any scope to remove it", () => {
  const scope = (purpose: "add" | "remove", gateway?: string) =>
    decodeRoute(
      encodeRoute(
        { destination: "10.0.0.0/8", ifindex: 1, ...(gateway === undefined ? {} : { gateway }) },
        purpose,
      ),
    )?.scope;
  assertEquals([scope("add"), scope("add", "10.0.0.1"), scope("remove")], [253, 0, 255]);
});

Deno.test("encodeRoute() and decodeRoute() agree on several paths", () => {
  const nexthops = [{ gateway: "10.0.0.2", ifindex: 3, weight: 256 }, { ifindex: 4 }];
  const route = decodeRoute(encodeRoute({ destination: "0.0.0.0/0", nexthops }, "add"));
  assertEquals(route?.nexthops, [
    { gateway: "10.0.0.2", ifindex: 3, weight: 256, flags: 0 },
    { gateway: null, ifindex: 4, weight: 1, flags: 0 },
  ]);
});

Deno.test("encodeAddress(), encodeNeighbour() and encodeRule() read back as what was asked", () => {
  const address = decodeAddress(
    encodeAddress({ ifindex: 2, address: "10.3.0.1", peer: "10.3.0.2", prefixLength: 32 }),
  );
  assertEquals([address?.address, address?.peer, address?.prefixLength], [
    "10.3.0.1",
    "10.3.0.2",
    32,
  ]);
  const neighbour = decodeNeighbour(
    encodeNeighbour({ ifindex: 2, address: "fd00::2", linkAddress: "02:00:00:00:00:0a" }),
  );
  assertEquals([neighbour?.linkAddress, neighbour?.state], ["02:00:00:00:00:0a", "permanent"]);
  const rule = decodeRule(
    encodeRule({ family: "ipv6", priority: 5, table: 300, destination: "fd00::/8", mark: 7 }),
  );
  assertEquals([rule?.destination, rule?.table, rule?.mark, rule?.source], [
    "fd00::/8",
    300,
    7,
    null,
  ]);
});

Deno.test("decoders skip other families and refuse an address of the wrong one", () => {
  const header = { family: 7, ifindex: 1, state: 2, flags: 0, type: 0 };
  const encode = (family: number) =>
    encodeRt(NEIGHBOUR_HEADER, NEIGHBOUR, {
      header: { ...header, family },
      attributes: { address: "10.0.0.1" },
    });
  assertEquals(decodeNeighbour(encode(7)), null);
  assertEquals(decodeNeighbour(encode(2))?.address, "10.0.0.1");
  assertThrows(() => decodeNeighbour(encode(10)), DecodeError);
});

Deno.test("decodeRoute() refuses a prefix longer than its family's addresses", () => {
  const route = encodeRoute({ destination: "10.0.0.0/8" }, "add");
  route[1] = 33;
  assertThrows(() => decodeRoute(route), DecodeError, "route.destination.length");
});

Deno.test("decodeRoute() refuses paths whose length lies", () => {
  for (const length of [0, 7, 9, 0xffff]) {
    const path = new Uint8Array(8);
    new DataView(path.buffer).setUint16(0, length, true);
    const header = {
      family: 2,
      destinationLength: 0,
      sourceLength: 0,
      tos: 0,
      table: 254,
      protocol: 0,
      scope: 0,
      type: 1,
      flags: 0,
    };
    const payload = encodeRt(ROUTE_HEADER, ROUTE, { header, attributes: { multipath: path } });
    assertThrows(() => decodeRoute(payload), DecodeError, "route.nexthop");
  }
});

Deno.test("decodeEvent() does not take a port that left its bridge for a link that is gone", () => {
  const link = (family: number) =>
    encodeRt(LINK_HEADER, LINK, {
      header: { ...ZERO_LINK, family, index: 3 },
      attributes: { name: "va" },
    });
  const event = (family: number) =>
    decodeEvent({ type: RTM.DELLINK, flags: 0, seq: 0, payload: link(family) });
  assertEquals(event(7), null);
  assertEquals(event(0)?.change, "removed");
  assertEquals(decodeEvent({ type: 9_999, flags: 0, seq: 0, payload: new Uint8Array() }), null);
  assertEquals(encodeAttributes(LINK, { name: "va" }).length, 8);
});
