// The WireGuard decoder against damaged messages, one and several.
import { assert, assertEquals } from "@std/assert";
import { parseIp } from "../../ffi/netlink/mod.ts";
import { decodeDevice } from "../../ffi/wireguard/decode.ts";
import type { Device } from "../../ffi/wireguard/device.ts";
import { DEVICE_FIRST, DEVICE_MORE, sample } from "../../ffi/wireguard/testing.ts";
import { formatKey, parseKey } from "../../ffi/wireguard/text.ts";
import { testDecoder } from "./decoder.ts";

function checkDevice(device: Device): void {
  assert(device.privateKey === null || device.privateKey.length === 32);
  if (device.publicKey !== null) {
    assertEquals(formatKey(parseKey(device.publicKey)), device.publicKey);
  }
  for (const peer of device.peers) {
    assertEquals(parseKey(peer.publicKey).length, 32);
    assert(peer.presharedKey === null || peer.presharedKey.some((octet) => octet !== 0));
    if (peer.endpoint !== null) assert(parseIp(peer.endpoint.address) !== null);
    for (const prefix of peer.allowedIps) {
      const [address = "", length = ""] = prefix.split("/");
      const octets = parseIp(address);
      assert(octets !== null && Number(length) <= octets.length * 8, prefix);
    }
  }
}

testDecoder("decodeDevice()", {
  decode: (bytes) => decodeDevice([bytes]),
  samples: [sample(DEVICE_FIRST)],
  check: checkDevice,
});

// The second message is the damaged one: an incomplete peer must not slip into the first.
testDecoder("decodeDevice() of two messages", {
  decode: (bytes) => decodeDevice([sample(DEVICE_FIRST), bytes]),
  samples: [sample(DEVICE_MORE)],
  check: checkDevice,
});
