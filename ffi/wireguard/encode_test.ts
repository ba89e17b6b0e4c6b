import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeAttributes } from "../netlink/mod.ts";
import type { DeviceChange, PeerChange } from "./device.ts";
import { encodeDeviceChange } from "./encode.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { DEVICE } from "./spec.ts";
import { key } from "./testing.ts";
import { formatKey, writeEndpoint } from "./text.ts";

const sent = (change: DeviceChange) =>
  encodeDeviceChange(9, change).map((bytes) => decodeAttributes(DEVICE, bytes, "t"));

const PEER: PeerChange = { publicKey: formatKey(key(1)) };

Deno.test("encodeDeviceChange() writes one message with every setting", () => {
  const endpoint = { address: "fe80::1", port: 7, scopeId: 3 };
  const messages = sent({
    privateKey: key(50),
    listenPort: 0,
    fwmark: 0xffff_ffff,
    replacePeers: true,
    peers: [{
      ...PEER,
      updateOnly: true,
      replaceAllowedIps: true,
      presharedKey: key(100),
      endpoint,
      keepaliveS: 25,
      allowedIps: ["10.0.0.0/24", "fd00::/8", "192.0.2.1"],
    }],
  });
  assertEquals(messages, [{
    ifindex: 9,
    flags: 1,
    privateKey: key(50),
    listenPort: 0,
    fwmark: 0xffff_ffff,
    peers: [{
      publicKey: key(1),
      flags: 4 | 2,
      presharedKey: key(100),
      endpoint: writeEndpoint(endpoint),
      persistentKeepaliveInterval: 25,
      allowedIps: [
        { family: 2, ipAddr: "10.0.0.0", cidrMask: 24 },
        { family: 10, ipAddr: "fd00::", cidrMask: 8 },
        { family: 2, ipAddr: "192.0.2.1", cidrMask: 32 },
      ],
    }],
  }]);
});

Deno.test("encodeDeviceChange() writes only what changes", () => {
  assertEquals(sent({}), [{ ifindex: 9 }]);
  assertEquals(sent({ peers: [PEER] }), [{ ifindex: 9, peers: [{ publicKey: key(1) }] }]);
});

Deno.test("encodeDeviceChange() removes a peer with nothing but its key", () => {
  const peer = { ...PEER, remove: true, presharedKey: key(9), allowedIps: ["10.0.0.0/8"] };
  assertEquals(sent({ peers: [peer] }), [{
    ifindex: 9,
    peers: [{ publicKey: key(1), flags: 1 }],
  }]);
});

Deno.test("encodeDeviceChange() splits many peers and clears the list once", () => {
  const peers = Array.from({ length: 1000 }, (_, i) => ({
    publicKey: formatKey(key(i & 0xff).fill(i >> 8, 0, 1).fill(i & 0xff, 1, 2)),
    replaceAllowedIps: true,
    allowedIps: [`10.${i >> 8}.${i & 0xff}.0/24`],
  }));
  const bytes = encodeDeviceChange(9, { replacePeers: true, listenPort: 1, peers });
  for (const message of bytes) assert(message.length <= MAX_MESSAGE_BYTES);
  const messages = sent({ replacePeers: true, listenPort: 1, peers });
  assert(messages.length > 1);
  assertEquals(messages.map((message) => message.flags), [
    1,
    ...messages.slice(1).map(() => undefined),
  ]);
  assertEquals(messages.slice(1).every((message) => message.listenPort === undefined), true);
  const all = messages.flatMap((message) => message.peers ?? []);
  assertEquals(
    all.map((peer) => peer.publicKey && formatKey(peer.publicKey)),
    peers.map((peer) => peer.publicKey),
  );
  assertEquals(all.every((peer) => peer.flags === 2 && peer.allowedIps?.length === 1), true);
});

Deno.test("encodeDeviceChange() splits many allowed IPs of one peer and clears them once", () => {
  const allowedIps = Array.from({ length: 5000 }, (_, i) => `10.${i >> 8}.${i & 0xff}.0/24`);
  const change = { ...PEER, updateOnly: true, replaceAllowedIps: true, keepaliveS: 5, allowedIps };
  for (const bytes of encodeDeviceChange(9, { peers: [change] })) {
    assert(bytes.length <= MAX_MESSAGE_BYTES);
  }
  const parts = sent({ peers: [change] }).flatMap((message) => message.peers ?? []);
  assert(parts.length > 1);
  // UPDATE_ONLY stays: a peer removed in between must not come back by its own continuation.
  assertEquals(parts.map((part) => part.flags), [6, ...parts.slice(1).map(() => 4)]);
  assertEquals(
    parts.slice(1).every((part) => part.persistentKeepaliveInterval === undefined),
    true,
  );
  const written = parts.flatMap((part) => part.allowedIps ?? [])
    .map((prefix) => `${prefix.ipAddr}/${prefix.cidrMask}`);
  assertEquals(written, allowedIps);
});

Deno.test("encodeDeviceChange() refuses malformed changes without telling a secret", () => {
  const secret = new Uint8Array(31).fill(0x41);
  const rows: readonly { name: string; change: DeviceChange }[] = [
    { name: "private key", change: { privateKey: secret } },
    { name: "preshared key", change: { peers: [{ ...PEER, presharedKey: secret }] } },
    { name: "public key", change: { peers: [{ publicKey: "AAAA" }] } },
    { name: "non-canonical key", change: { peers: [{ publicKey: `${"A".repeat(42)}B=` }] } },
    { name: "prefix", change: { peers: [{ ...PEER, allowedIps: ["10.0.0.0/33"] }] } },
    { name: "name", change: { peers: [{ ...PEER, allowedIps: ["example.org/8"] }] } },
    { name: "leading zero", change: { peers: [{ ...PEER, allowedIps: ["10.0.0.0/08"] }] } },
    {
      name: "endpoint",
      change: { peers: [{ ...PEER, endpoint: { address: "host", port: 1, scopeId: 0 } }] },
    },
    {
      name: "port 0",
      change: { peers: [{ ...PEER, endpoint: { address: "::1", port: 0, scopeId: 0 } }] },
    },
    { name: "listen port", change: { listenPort: 65_536 } },
    { name: "fwmark", change: { fwmark: -1 } },
    { name: "keepalive", change: { peers: [{ ...PEER, keepaliveS: 1.5 }] } },
  ];
  for (const { name, change } of rows) {
    const error = assertThrows(() => encodeDeviceChange(9, change), Error, "Cannot ", name);
    assert(error instanceof TypeError || error instanceof RangeError, name);
    assert(!/AAAA|41|65,65/.test(error.message), `${name}: ${error.message}`);
  }
});
