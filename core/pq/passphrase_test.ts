import { assertEquals, assertNotEquals } from "@std/assert";
import { passphraseKdf, portablePassphraseKdf } from "./passphrase.ts";

const COST = { memoryKiB: 64, passes: 1, lanes: 2 };

Deno.test("passphraseKdf() and portablePassphraseKdf() agree, whatever composes the characters", async () => {
  const native = passphraseKdf(crypto.subtle);
  const salt = new Uint8Array(16).fill(2);
  const wanted = await portablePassphraseKdf("caf\u00e9", salt, COST);
  assertEquals(await native("caf\u00e9", salt, COST), wanted);
  assertEquals(await native("cafe\u0301", salt, COST), wanted);
  assertEquals(await passphraseKdf(null)("caf\u00e9", salt, COST), wanted);
  assertNotEquals(await native("cafe", salt, COST), wanted);
  assertNotEquals(await native("caf\u00e9", salt, { ...COST, passes: 2 }), wanted);
});
