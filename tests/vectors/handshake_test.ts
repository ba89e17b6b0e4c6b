// The handshake against its frozen runs, and its key schedule against the formulas of
// docs/protocol/handshake.md written once more, over another implementation of HMAC.
import { assert, assertEquals } from "@std/assert";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha384 } from "@noble/hashes/sha2.js";
import {
  earlySecret,
  exportKey,
  handshakeSecret,
  mac1,
  masterSecret,
  sealingKey,
  signedTranscript,
  transcript2,
  transcriptNext,
  wireguardPsk,
} from "../../core/handshake/key_schedule.ts";
import { SUITES } from "../../core/pq/mod.ts";
import { FROZEN_PATH, type FrozenRun, frozenRuns } from "./handshake_frozen.ts";

Deno.test("handshake: every octet of the frozen runs is as it was", async () => {
  const frozen: readonly FrozenRun[] = JSON.parse(await Deno.readTextFile(FROZEN_PATH));
  assert(frozen.length >= 9, `only ${frozen.length} frozen runs`);
  assertEquals(await frozenRuns(), frozen);
});

const text = (value: string) => new TextEncoder().encode(value);
const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
const u16 = (value: number) => Uint8Array.of(value >> 8, value & 255);
const u32 = (value: number) => joined(u16(value >>> 16), u16(value & 0xffff));
const field = (bytes: Uint8Array) => joined(u16(bytes.length), bytes);
const H = (...parts: Uint8Array[]) => sha384(joined(...parts.flatMap((part) => [u32(part.length), part])));
const Expand = (key: Uint8Array, label: string, context: Uint8Array, length = 48) =>
  expand(sha384, key, joined(field(text(label)), field(context)), length);

Deno.test("key schedule: every key follows from the documented formula", () => {
  for (const suite of Object.values(SUITES)) {
    const filled = (value: number, length: number) => new Uint8Array(length).fill(value);
    const [meshPsk, kemSecret, x25519Secret] = [filled(1, 32), filled(2, 32), filled(3, 32)];
    const [m1, clear, sealed2, sealed3] = [filled(4, 1270), filled(5, 1158), filled(6, 99), filled(7, 98)];
    const [wgI, wgR, credential] = [filled(8, 32), filled(9, 32), filled(10, 48)];

    const early = extract(sha384, meshPsk, sha384(text(suite.id)));
    assertEquals(earlySecret(suite, meshPsk), early);
    assertEquals(
      mac1(early, m1),
      hmac(sha384, Expand(early, "mac1", new Uint8Array(0)), m1).slice(0, 16),
    );
    const hs = extract(sha384, joined(kemSecret, x25519Secret), early);
    assertEquals(handshakeSecret(early, kemSecret, x25519Secret), hs);
    const t2 = H(m1, clear);
    const t3 = H(t2, sealed2);
    const t4 = H(t3, sealed3);
    assertEquals(transcript2(m1, clear), t2);
    assertEquals(transcriptNext(t2, sealed2), t3);
    assertEquals(transcriptNext(t3, sealed3), t4);
    assertEquals(sealingKey(hs, "r hs", t2), Expand(hs, "r hs", t2, 32));
    assertEquals(sealingKey(hs, "i hs", t3), Expand(hs, "i hs", t3, 32));
    assertEquals(sealingKey(hs, "confirm", t4), Expand(hs, "confirm", t4, 32));
    assertEquals(sealingKey(hs, "refuse", t4), Expand(hs, "refuse", t4, 32));
    const master = Expand(hs, "master", t4);
    assertEquals(masterSecret(hs, t4), master);
    assertEquals(
      wireguardPsk(master, wgI, wgR),
      Expand(master, "wireguard psk", joined(field(wgI), field(wgR)), 32),
    );
    assertEquals(exportKey(master, "fabric", 40), Expand(master, "export fabric", new Uint8Array(0), 40));
    for (const role of ["resp", "init"] as const) {
      assertEquals(signedTranscript(role, t3, credential), H(text(`x0tta6bl4 v1 ${role}`), t3, credential));
    }
  }
});
