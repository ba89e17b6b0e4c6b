// Every bit of every message of a handshake, flipped one at a time: the party that receives it refuses, and
// takes nothing after it. X0_FLIP_STRIDE=1 flips all of them (a minute); else one in 61, and since 61 is
// prime to 8 every position within an octet comes up.
import { assert, assertEquals } from "@std/assert";
import type { MessageName, Replay } from "./handshake_replay.ts";

/** One bit in how many. */
export const STRIDE = Number(Deno.env.get("X0_FLIP_STRIDE") ?? 61);

/** Registers the test of one mode. */
export function testFlips(name: string, replay: () => Promise<Replay>, stride = STRIDE): void {
  Deno.test(`handshake (${name}): every flipped bit is refused, and nothing after it is taken`, async (t) => {
    const { good, receive } = await replay();
    for (const message of ["m1", "m2", "m3", "m4"] as const satisfies readonly MessageName[]) {
      await t.step(message, async () => {
        assertEquals(await receive(message, good[message]), "taken", "the message itself is good");
        const bytes = good[message].slice();
        let flipped = 0;
        for (let bit = 0; bit < bytes.length * 8; bit += message === "m4" ? 1 : stride) {
          const at = bit >> 3;
          const before = bytes[at] ?? 0;
          bytes[at] = before ^ (1 << (bit & 7));
          assertEquals(await receive(message, bytes), "refused", `bit ${bit} of ${message}`);
          bytes[at] = before;
          flipped++;
        }
        assert(flipped >= 20, `only ${flipped} bits`);
      });
    }
  });
}
