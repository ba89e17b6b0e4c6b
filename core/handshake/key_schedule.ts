// Transcript hashes and keys. docs/protocol/handshake.md; every name is the one used there.
//
//   early  = Extract(salt = H(suite), mesh_psk)
//   hs     = Extract(early, mlkem_ss ‖ x25519_ss)            both secrets: a KDF combiner, never XOR
//   t2     = H(M1, M2 clear)     t3 = H(t2, M2 sealed)     t4 = H(t3, M3 sealed)
//   k_r    = Expand(hs, "r hs", t2)   k_i = Expand(hs, "i hs", t3)   k_c = Expand(hs, "confirm", t4)
//   k_x = Expand(hs, "refuse", t4): seals what takes the place of M4 when the responder is busy
//   master = Expand(hs, "master", t4)
import { WireWriter } from "../base/mod.ts";
import {
  type Bytes,
  equalBytes,
  HASH_BYTES,
  hashOf,
  hashParts,
  hkdfExpand,
  hkdfExtract,
  hmac,
  type Suite,
} from "../pq/mod.ts";
import { MAC1_BYTES } from "./messages.ts";

const encoder = new TextEncoder();

/** Expand with a label and the transcript it binds to. */
function expand(key: Uint8Array, label: string, context: Uint8Array, length: number): Bytes {
  return hkdfExpand(key, new WireWriter().text(label).bytes(context).finish(), length);
}

/** Secret both sides have before the first message. */
export function earlySecret(suite: Suite, meshPsk: Uint8Array): Bytes {
  return hkdfExtract(hashOf(encoder.encode(suite.id)), meshPsk);
}

/** The key of mac1. */
export function mac1Key(early: Uint8Array): Bytes {
  return expand(early, "mac1", new Uint8Array(0), HASH_BYTES);
}

/** The cheap gate in front of all costly work. */
export function mac1(early: Uint8Array, body: Uint8Array): Bytes {
  const key = mac1Key(early);
  const mac = mac1Under(key, body);
  key.fill(0);
  return mac;
}

/** mac1 with its key at hand. */
export function mac1Under(key: Uint8Array, body: Uint8Array): Bytes {
  return hmac(key, body).slice(0, MAC1_BYTES);
}

/** Whether a mac holds, in constant time. */
export function mac1Holds(early: Uint8Array, body: Uint8Array, mac: Uint8Array): boolean {
  return equalBytes(mac1(early, body), mac);
}

/** Transcript after M1 and the clear part of M2. */
export function transcript2(m1: Uint8Array, m2Clear: Uint8Array): Bytes {
  return hashParts(m1, m2Clear);
}

/** Transcript after the next sealed part: t2 → t3 → t4. */
export function transcriptNext(transcript: Uint8Array, sealed: Uint8Array): Bytes {
  return hashParts(transcript, sealed);
}

/** The secret of the handshake. The caller wipes both inputs. */
export function handshakeSecret(
  early: Uint8Array,
  kemSecret: Uint8Array,
  x25519Secret: Uint8Array,
): Bytes {
  const both = new Uint8Array(kemSecret.length + x25519Secret.length);
  both.set(kemSecret);
  both.set(x25519Secret, kemSecret.length);
  const secret = hkdfExtract(early, both);
  both.fill(0);
  return secret;
}

/** A key for one sealed part; each key seals exactly once, so its nonce is zero. */
export function sealingKey(
  secret: Uint8Array,
  label: "r hs" | "i hs" | "confirm" | "refuse",
  transcript: Uint8Array,
): Bytes {
  return expand(secret, label, transcript, 32);
}

/** What everything after the handshake derives from. */
export function masterSecret(secret: Uint8Array, t4: Uint8Array): Bytes {
  return expand(secret, "master", t4, HASH_BYTES);
}

/** WireGuard's preshared key for this pair, in this order. */
export function wireguardPsk(
  master: Uint8Array,
  initiator: Uint8Array,
  responder: Uint8Array,
): Bytes {
  const context = new WireWriter().bytes(initiator).bytes(responder).finish();
  return expand(master, "wireguard psk", context, 32);
}

/** Keys for other users of the handshake, such as the fabric's record layer. */
export function exportKey(master: Uint8Array, label: string, length: number): Bytes {
  return expand(master, `export ${label}`, new Uint8Array(0), length);
}

/** What a party signs: its role, the transcript so far, and the hash of the credential it presents. */
export function signedTranscript(
  role: "resp" | "init",
  transcript: Uint8Array,
  credentialHash: Uint8Array,
): Bytes {
  return hashParts(encoder.encode(`x0tta6bl4 v1 ${role}`), transcript, credentialHash);
}
