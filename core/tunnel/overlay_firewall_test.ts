import { assertEquals, assertThrows } from "@std/assert";
import { macInLinkLocal } from "./node_macs.ts";
import { Overlay } from "./overlay.ts";
import { type OverlayRules, overlayRuleset, readDrops } from "./overlay_firewall.ts";

const RULES: OverlayRules = {
  network: "fd12:3456:789a::/48",
  tunnelLinks: ["x0wg", "x0wait"],
  meshLinks: ["bat0"],
  tcpPorts: [6470],
  udpPorts: [6470, 6472],
  maxNodes: 100,
  nodeLifetimeS: 60,
};

Deno.test("overlayRuleset() refuses names that could say more than a name", () => {
  for (const name of ['a"', "a b", "a;b", "a\nb", "{", "sixteen_octets_x", ""]) {
    assertThrows(() => overlayRuleset({ ...RULES, meshLinks: [name] }), RangeError);
    assertThrows(() => overlayRuleset({ ...RULES, tunnelLinks: [name] }), RangeError);
  }
});

Deno.test("readDrops() reads what nft prints, and nothing where nothing is", () => {
  const text = `table inet x0_overlay {
	counter came_outside {
		packets 12 bytes 3456
	}
	counter left_outside {
		packets 0 bytes 0
	}
}`;
  assertEquals(readDrops(text), { cameOutside: 12, leftOutside: 0, inTheClear: null });
});

Deno.test("macInLinkLocal() undoes what RFC 4291 does to a MAC address, and only that", () => {
  const rows = [
    ["fe80::ba:ff:fe00:2%bat0", "02:ba:00:00:00:02"],
    ["fe80::5054:ff:fe12:3456", "52:54:00:12:34:56"],
    ["fe80::1%bat0", null],
    ["fe80::1234:5678:9abc:def0", null],
    ["198.51.100.1", null],
  ] as const;
  for (const [host, mac] of rows) assertEquals(macInLinkLocal(host), mac, host);
});

Deno.test("Overlay: addresses and node ids follow from each other", () => {
  const overlay = new Overlay(new Uint8Array(48).fill(0x12), "abcdefgh234567ab");
  assertEquals(overlay.network, "fd12:1212:1212::/48");
  assertEquals(overlay.nodeOf(overlay.addressOctets), "abcdefgh234567ab");
  assertEquals(overlay.addressOf("abcdefgh234567ab"), overlay.address);
  const other = overlay.addressOctets;
  other[5] = 0x13;
  assertEquals(overlay.nodeOf(other), null);
  assertEquals(overlay.nodeOf(other.subarray(1)), null);
  assertEquals([overlay.contains(overlay.address), overlay.contains("fd12:1212:1213::1")], [
    true,
    false,
  ]);
});
