import { assert, assertEquals } from "@std/assert";
import { countingRandom } from "../handshake/testing.ts";
import { nobleBackend, webcryptoBackend } from "../pq/mod.ts";
import { type Beacon, BEACON_BYTES, beaconKey, openBeacon, sealBeacon } from "./beacon.ts";

const native = webcryptoBackend(crypto.subtle);
const NODE = "abcdefgh234567ab";
const key = beaconKey(new Uint8Array(32).fill(7));

const BEACONS: readonly Beacon[] = [
  { kind: "here", nodeId: NODE, port: 6470 },
  { kind: "here", nodeId: "7777777777777777", port: 65_535 },
  { kind: "seek", nodeId: NODE },
];

Deno.test("sealBeacon() and openBeacon() agree, on both backends", async () => {
  for (const beacon of BEACONS) {
    const octets = await sealBeacon(native, countingRandom(1), key, beacon);
    assertEquals(octets.length, BEACON_BYTES);
    assertEquals(await openBeacon(native, key, octets), beacon);
    assertEquals(await openBeacon(nobleBackend(countingRandom(2).bytes), key, octets), beacon);
  }
});

Deno.test("openBeacon() takes nothing that was truncated, changed or sealed for another mesh", async () => {
  const [beacon] = BEACONS;
  assert(beacon !== undefined);
  const octets = await sealBeacon(native, countingRandom(1), key, beacon);
  for (let length = 0; length < octets.length; length++) {
    assertEquals(await openBeacon(native, key, octets.subarray(0, length)), null);
  }
  for (let bit = 0; bit < octets.length * 8; bit++) {
    const changed = octets.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assertEquals(await openBeacon(native, key, changed), null, `bit ${bit}`);
  }
  const other = beaconKey(new Uint8Array(32).fill(8));
  assertEquals(await openBeacon(native, other, octets), null);
});

Deno.test("sealBeacon() says who is there to nobody without the key", async () => {
  const [beacon] = BEACONS;
  assert(beacon !== undefined);
  const random = countingRandom(1);
  const one = await sealBeacon(native, random, key, beacon);
  const two = await sealBeacon(native, random, key, beacon);
  assert(one.slice(0, 12).toHex() !== two.slice(0, 12).toHex(), "a nonce serves once");
  assert(one.slice(12).toHex() !== two.slice(12).toHex());
});
