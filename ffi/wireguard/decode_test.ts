import { assertEquals, assertThrows } from "@std/assert";
import { DecodeError } from "../netlink/mod.ts";
import { decodeDevice } from "./decode.ts";
import {
  DEVICE_FIRST,
  DEVICE_MORE,
  type DeviceSample,
  key,
  PEER_V4,
  sample,
  timespec,
} from "./testing.ts";
import { formatKey } from "./text.ts";

const withPeer = (change: NonNullable<DeviceSample["peers"]>[number]) =>
  sample({ ...DEVICE_FIRST, peers: [{ ...PEER_V4, ...change }] });

Deno.test("decodeDevice() reads the device and both kinds of endpoint", () => {
  assertEquals(decodeDevice([sample(DEVICE_FIRST)]), {
    ifindex: 9,
    name: "wg0",
    privateKey: key(50),
    publicKey: formatKey(key(60)),
    listenPort: 51_820,
    fwmark: 0x42,
    peers: [
      {
        publicKey: formatKey(key(1)),
        presharedKey: key(100),
        endpoint: { address: "192.0.2.7", port: 51_820, scopeId: 0 },
        allowedIps: ["10.0.0.0/24", "fd00::/8"],
        keepaliveS: 25,
        lastHandshakeMs: 1_700_000_000_250,
        rxBytes: 148n,
        txBytes: 9_007_199_254_740_993n,
        protocolVersion: 1,
      },
      {
        publicKey: formatKey(key(2)),
        presharedKey: null,
        endpoint: { address: "fe80::1", port: 4_242, scopeId: 5 },
        allowedIps: [],
        keepaliveS: 0,
        lastHandshakeMs: null,
        rxBytes: 0n,
        txBytes: 0n,
        protocolVersion: 1,
      },
    ],
  });
});

Deno.test("decodeDevice() joins a peer that goes on in the next message", () => {
  const { peers } = decodeDevice([sample(DEVICE_FIRST), sample(DEVICE_MORE)]);
  assertEquals(peers.map((peer) => peer.publicKey), [1, 2, 3].map((n) => formatKey(key(n))));
  assertEquals(peers[1]?.allowedIps, ["10.9.0.1/32"]);
  assertEquals(peers[1]?.endpoint?.scopeId, 5);
});

Deno.test("decodeDevice() reads a device without keys or peers", () => {
  const bare = decodeDevice([sample({ ifindex: 9, ifname: "wg0", listenPort: 0, fwmark: 0 })]);
  assertEquals([bare.privateKey, bare.publicKey, bare.peers], [null, null, []]);
});

Deno.test("decodeDevice() gives null for an endpoint of no family", () => {
  assertEquals(
    decodeDevice([withPeer({ endpoint: new Uint8Array(16) })]).peers[0]?.endpoint,
    null,
  );
});

Deno.test("decodeDevice() refuses what is not the kernel's", () => {
  const short6 = new Uint8Array(16);
  short6[0] = 10;
  const rows = [
    { name: "no message", messages: [] },
    { name: "no index", messages: [sample({ ifname: "wg0" })] },
    { name: "no name", messages: [sample({ ifindex: 1 })] },
    { name: "short key", messages: [withPeer({ publicKey: key(1).subarray(1) })] },
    { name: "long PSK", messages: [withPeer({ presharedKey: new Uint8Array(33) })] },
    { name: "short time", messages: [withPeer({ lastHandshakeTime: new Uint8Array(8) })] },
    { name: "short endpoint", messages: [withPeer({ endpoint: new Uint8Array(8) })] },
    { name: "IPv6 cut short", messages: [withPeer({ endpoint: short6 })] },
    {
      name: "mask too long",
      messages: [withPeer({ allowedIps: [{ family: 2, ipAddr: "10.0.0.0", cidrMask: 33 }] })],
    },
    { name: "no mask", messages: [withPeer({ allowedIps: [{ family: 2, ipAddr: "10.0.0.0" }] })] },
  ];
  for (const { name, messages } of rows) {
    assertThrows(() => decodeDevice(messages), DecodeError, "wireguard.", name);
  }
});

Deno.test("decodeDevice() keeps what is below a millisecond of the handshake time", () => {
  const device = decodeDevice([withPeer({ lastHandshakeTime: timespec(1n, 1_500_000n) })]);
  assertEquals(device.peers[0]?.lastHandshakeMs, 1001.5);
});
