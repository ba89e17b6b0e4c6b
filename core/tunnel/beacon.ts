// Beacons: 42 octets by multicast that say "this node takes handshakes at this port" or "is this node
// here?". Sealed under a key from the mesh's shared secret: whoever lacks it neither reads who is there nor
// makes one up. A member may lie, and anybody may repeat what was heard: so a beacon is a hint only.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import { formatNodeId, parseNodeId } from "../identity/mod.ts";
import type { Random } from "../ports/mod.ts";
import { type Backend, type Bytes, hkdfExpand, hkdfExtract } from "../pq/mod.ts";

const VERSION = 1;
const KIND = Object.freeze({ here: 1, seek: 2 });
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PLAIN_BYTES = 14;
const NODE_ID_BYTES = 10;

/** Octets of every beacon. */
export const BEACON_BYTES = NONCE_BYTES + PLAIN_BYTES + TAG_BYTES;

const label = (text: string) => new TextEncoder().encode(text);
const AAD = label("x0tta6bl4 v1 beacon");

/** What a beacon says. */
export type Beacon =
  /** Handshakes are taken at this TCP port of whoever sent it. */
  | { readonly kind: "here"; readonly nodeId: string; readonly port: number }
  /** Whoever this is, say that you are here. */
  | { readonly kind: "seek"; readonly nodeId: string };

/** The beacons' key. @param meshPsk the mesh's shared secret. */
export function beaconKey(meshPsk: Uint8Array): Bytes {
  const root = hkdfExtract(label("x0tta6bl4 v1 discovery"), meshPsk);
  const key = hkdfExpand(root, label("beacon"), 32);
  root.fill(0);
  return key;
}

/** Encodes and seals. */
export async function sealBeacon(
  backend: Backend,
  random: Random,
  key: Bytes,
  beacon: Beacon,
): Promise<Bytes> {
  const plain = new WireWriter().u8(VERSION).u8(KIND[beacon.kind])
    .fixed(parseNodeId(beacon.nodeId), NODE_ID_BYTES)
    .u16(beacon.kind === "here" ? beacon.port : 0).finish();
  const nonce = random.bytes(NONCE_BYTES);
  const sealed = await backend.seal(key, nonce, AAD, plain);
  return Uint8Array.from([...nonce, ...sealed]);
}

/** Opens and decodes; `null` for whatever is no beacon of this mesh. */
export async function openBeacon(
  backend: Backend,
  key: Bytes,
  octets: Uint8Array,
): Promise<Beacon | null> {
  if (octets.length !== BEACON_BYTES) return null;
  const nonce = octets.slice(0, NONCE_BYTES);
  const plain = await backend.open(key, nonce, AAD, octets.slice(NONCE_BYTES));
  return plain === null ? null : decode(plain);
}

function decode(plain: Uint8Array): Beacon | null {
  try {
    const reader = new WireReader(plain, "beacon");
    if (reader.u8() !== VERSION) return null;
    const kind = reader.u8();
    const nodeId = formatNodeId(reader.fixed(NODE_ID_BYTES));
    const port = reader.u16();
    reader.end();
    if (kind === KIND.here && port !== 0) return { kind: "here", nodeId, port };
    if (kind === KIND.seek && port === 0) return { kind: "seek", nodeId };
    return null;
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
