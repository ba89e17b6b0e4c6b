import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { destinationOf, icmpChecksum, unreachable } from "./packet.ts";

function packet(next: number, payload: readonly number[]): Uint8Array {
  const out = new Uint8Array(40 + payload.length);
  out.set([0x60, 0, 0, 0, 0, payload.length, next, 64]);
  out.set([0xfd, 1], 8);
  out[23] = 1;
  out.set([0xfd, 1], 24);
  out[39] = 2;
  out.set(payload, 40);
  return out;
}

const OWN = Uint8Array.from([0xfd, 1, ...new Array(13).fill(0), 1]);

Deno.test("destinationOf() reads IPv6 packets alone", () => {
  assertEquals(destinationOf(packet(17, []))?.[15], 2);
  assertEquals(destinationOf(packet(17, []).subarray(0, 39)), null);
  assertEquals(destinationOf(Uint8Array.from({ length: 60 }, () => 0x45)), null);
});

Deno.test("icmpChecksum() agrees with a captured echo request", () => {
  // RFC 4443 §4.1 as Linux sends it: fe80::1 to fe80::2, id 1, sequence 1, no data.
  const source = Uint8Array.from([0xfe, 0x80, ...new Array(13).fill(0), 1]);
  const destination = Uint8Array.from([0xfe, 0x80, ...new Array(13).fill(0), 2]);
  const message = Uint8Array.of(128, 0, 0, 0, 0, 1, 0, 1);
  // By hand: fe80 + 1 + fe80 + 2 + 8 + 3a + 8000 + 1 + 1 = 27d47, folded 7d49, inverted 82b6.
  assertEquals(icmpChecksum(source, destination, message), 0x82b6);
});

Deno.test("unreachable() quotes the packet, to its source, with a checksum that holds", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), (payload) => {
    const original = packet(17, [...payload]);
    const answer = unreachable(original, OWN);
    assert(answer !== null && answer.length <= 1_280);
    assertEquals([answer[0], answer[6], answer[40], answer[41]], [0x60, 58, 1, 3]);
    assertEquals(answer.subarray(24, 40), original.subarray(8, 24));
    assertEquals(answer.subarray(48), original.subarray(0, answer.length - 48));
    // A sum over a message that holds its checksum is all ones.
    assertEquals(icmpChecksum(OWN, original.subarray(8, 24), answer.subarray(40)), 0);
  }));
});

Deno.test("unreachable() answers neither errors nor groups nor nobody", () => {
  assertEquals(unreachable(packet(58, [1, 3, 0, 0]), OWN), null);
  assert(unreachable(packet(58, [128, 0, 0, 0]), OWN) !== null, "an echo request is no error");
  const group = packet(17, []);
  group[8] = 0xff;
  assertEquals(unreachable(group, OWN), null);
  const nobody = packet(17, []);
  nobody.fill(0, 8, 24);
  assertEquals(unreachable(nobody, OWN), null);
});
