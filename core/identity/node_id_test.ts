import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { IdentityError } from "./errors.ts";
import {
  formatNodeId,
  meshHashOf,
  nodeIdOf,
  overlayAddress,
  overlayPrefix,
  parseNodeId,
} from "./node_id.ts";
import { formatSpiffeId, parseSpiffeId } from "./spiffe_id.ts";

Deno.test("parseNodeId() reads what formatNodeId() wrote", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 10, maxLength: 10 }), (id) => {
    const text = formatNodeId(id);
    assertMatch(text, /^[a-z2-7]{16}$/);
    assertEquals(parseNodeId(text), new Uint8Array(id));
  }));
  for (const text of ["", "abc", "a".repeat(17), "A".repeat(16), "1".repeat(16)]) {
    assertThrows(() => parseNodeId(text), IdentityError);
  }
});

Deno.test("nodeIdOf() and overlayAddress() depend on both keys and stay as they are", () => {
  const keys = { postQuantum: new Uint8Array(1952).fill(1), ed25519: new Uint8Array(32).fill(2) };
  const id = nodeIdOf(keys);
  const mesh = meshHashOf("berlin.mesh", new Uint8Array(48).fill(3));
  const address = overlayAddress(mesh, id);
  assertEquals(address.startsWith(overlayPrefix(mesh).replace("::/48", "")), true);
  assertEquals(nodeIdOf({ ...keys, ed25519: new Uint8Array(32) }).toHex() === id.toHex(), false);
  assertEquals(
    nodeIdOf({ ...keys, postQuantum: new Uint8Array(1952) }).toHex() === id.toHex(),
    false,
  );
  // Frozen: a change of derivation would make every deployed node another node.
  assertEquals([formatNodeId(id), address], FROZEN);
});

const FROZEN = ["rybdcrvpx3idbpxn", "fd7b:cd99:f5c1:8e02:3146:afbe:d030:beed"];

Deno.test("parseSpiffeId() follows SPIFFE-ID §2", () => {
  for (const good of ["spiffe://berlin.mesh", "spiffe://a.b/node/x", "spiffe://t/A_b-c.d/9"]) {
    assertEquals(formatSpiffeId(parseSpiffeId(good)), good);
  }
  const bad = [
    "",
    "http://a/b",
    "spiffe://",
    "spiffe:///x",
    "spiffe://A.b/x",
    "spiffe://a:1/x",
    "spiffe://u@a/x",
    "spiffe://a/x/",
    "spiffe://a//x",
    "spiffe://a/./x",
    "spiffe://a/../x",
    "spiffe://a/x?q",
    "spiffe://a/x#f",
    "spiffe://a/x%20y",
    "spiffe://a/ü",
    `spiffe://a/${"x".repeat(2048)}`,
    `spiffe://${"a".repeat(256)}/x`,
  ];
  for (const text of bad) assertThrows(() => parseSpiffeId(text), IdentityError);
});
