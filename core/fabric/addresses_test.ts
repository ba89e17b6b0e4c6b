import { assertEquals, assertThrows } from "@std/assert";
import { peerIdFromString } from "@libp2p/peer-id";
import { InvariantError } from "../base/mod.ts";
import { multiaddrOf, socketAddressOf } from "./addresses.ts";
import { Contacts } from "./contacts.ts";
import { MAX_CONTACT_ADDRESSES, MAX_CONTACTS } from "./limits.ts";
import { keylessIdentity, nodeIdOfPeer, peerIdOf } from "./peer_id.ts";
import { FABRIC_TIMING } from "./timing.ts";

const NODE = "abcdefghijklmnop";

Deno.test("peerIdOf() and nodeIdOfPeer() are each other's reverse, also through text", () => {
  const peerId = peerIdOf(NODE);
  assertEquals(nodeIdOfPeer(peerId), NODE);
  assertEquals(nodeIdOfPeer(peerIdFromString(peerId.toString())), NODE);
});

Deno.test("nodeIdOfPeer() knows no node behind other peer ids", () => {
  const others = [
    "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
    "12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8",
  ];
  for (const text of others) assertEquals(nodeIdOfPeer(peerIdFromString(text)), null);
});

Deno.test("keylessIdentity() signs and shows nothing", () => {
  const identity = keylessIdentity(NODE);
  assertThrows(() => identity.sign(new Uint8Array(1)), InvariantError);
  assertThrows(() => identity.raw, InvariantError);
  assertThrows(() => identity.publicKey.raw, InvariantError);
});

Deno.test("multiaddrOf() and socketAddressOf() agree, and links are left out", () => {
  for (const host of ["10.0.0.1", "fd00::1", "fe80::1"]) {
    const address = multiaddrOf({ host, port: 6473 });
    assertEquals(address === null ? null : socketAddressOf(address), { host, port: 6473 });
  }
  const linked = multiaddrOf({ host: "fe80::1%bat0", port: 1 });
  assertEquals(linked?.toString(), "/ip6/fe80::1/tcp/1");
  for (const host of ["", "example.org", "10.0.0", "fe80::zz"]) {
    assertEquals(multiaddrOf({ host, port: 1 }), null);
  }
});

Deno.test("Contacts.hosts() puts link-local addresses on their links", () => {
  const contacts = new Contacts(FABRIC_TIMING);
  contacts.heard(NODE, { host: "fe80::1%bat0", port: 1 });
  const bare = { host: "fe80::1", port: 1 };
  assertEquals(contacts.hosts(NODE, bare, ["mesh1"]), [{ host: "fe80::1%bat0", port: 1 }]);
  assertEquals(contacts.hosts("aaaaaaaaaaaaaaaa", bare, ["bat0", "bat1"]), [
    { host: "fe80::1%bat0", port: 1 },
    { host: "fe80::1%bat1", port: 1 },
  ]);
  const routed = { host: "10.0.0.1", port: 1 };
  assertEquals(contacts.hosts(NODE, routed, ["bat0"]), [routed]);
});

Deno.test("Contacts: waits double after failures and end when the node was reached", () => {
  const contacts = new Contacts(FABRIC_TIMING);
  contacts.heard(NODE, { host: "10.0.0.1", port: 1 });
  const dueAt = (nowMs: number) => [...contacts.due(nowMs)].length === 1;
  contacts.failed(NODE, 0);
  assertEquals([dueAt(999), dueAt(1_000)], [false, true]);
  contacts.failed(NODE, 1_000);
  assertEquals([dueAt(2_999), dueAt(3_000)], [false, true]);
  for (let i = 0; i < 50; i++) contacts.failed(NODE, 0);
  assertEquals([dueAt(59_999), dueAt(60_000)], [false, true]);
  contacts.reached(NODE);
  assertEquals([...contacts.due(0)], [{ nodeId: NODE, fresh: false }]);
});

Deno.test("Contacts: neither nodes nor addresses grow without bound", () => {
  const contacts = new Contacts(FABRIC_TIMING);
  for (let port = 1; port <= 100; port++) contacts.heard(NODE, { host: "10.0.0.1", port });
  assertEquals(contacts.addresses(NODE).length, MAX_CONTACT_ADDRESSES);
  assertEquals(contacts.addresses(NODE)[0]?.port, 100);
  const name = (i: number) =>
    i.toString(4).padStart(16, "0").replace(/\d/g, (d) => "abcd"[+d] ?? "");
  for (let i = 0; i < MAX_CONTACTS + 10; i++) {
    contacts.heard(name(i), { host: "10.0.0.1", port: 1 });
  }
  assertEquals(contacts.size, MAX_CONTACTS);
});
