// Who a node is, derived from its keys, so that nobody can claim it without them.
import { type Bytes, hashParts } from "../pq/mod.ts";
import { IdentityError } from "./errors.ts";

/** Octets of a node id: 80 bits. */
export const NODE_ID_BYTES = 10;

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const label = (text: string) => new TextEncoder().encode(text);

/** The public halves of a node's long-lived signing keys. */
export interface NodePublicKeys {
  /** ML-DSA-65 or -87, by the mesh's suite. */
  readonly postQuantum: Bytes;
  readonly ed25519: Bytes;
}

/** First 80 bits of SHA-384 over both public keys. */
export function nodeIdOf(keys: NodePublicKeys): Bytes {
  return hashParts(label("x0tta6bl4 node v1"), keys.postQuantum, keys.ed25519)
    .slice(0, NODE_ID_BYTES);
}

/** Sixteen characters of RFC 4648 base32, lower case. */
export function formatNodeId(id: Uint8Array): string {
  let bits = 0n;
  for (const octet of id) bits = (bits << 8n) | BigInt(octet);
  let out = "";
  for (let shift = id.length * 8 - 5; shift >= 0; shift -= 5) {
    out += ALPHABET[Number((bits >> BigInt(shift)) & 31n)];
  }
  return out;
}

/** Reads the text of a node id. @throws {IdentityError} "malformed" */
export function parseNodeId(text: string): Bytes {
  if (!/^[a-z2-7]{16}$/.test(text)) {
    throw new IdentityError("malformed", `Cannot use "${text.slice(0, 40)}" as node id`);
  }
  let bits = 0n;
  for (const char of text) bits = (bits << 5n) | BigInt(ALPHABET.indexOf(char));
  const out = new Uint8Array(NODE_ID_BYTES);
  for (let i = NODE_ID_BYTES - 1; i >= 0; i--) {
    out[i] = Number(bits & 255n);
    bits >>= 8n;
  }
  return out;
}

/** The mesh's fingerprint: its name and the authority it began with. Stable under rotation. */
export function meshHashOf(trustDomain: string, genesisAuthority: Uint8Array): Bytes {
  return hashParts(label("x0tta6bl4 mesh v1"), label(trustDomain), genesisAuthority);
}

function ipv6Of(octets: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push((((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0)).toString(16));
  }
  return groups.join(":");
}

/** Overlay address: fd ‖ 40 bits of the mesh's hash ‖ 80 bits of node id (RFC 4193 §3.2.1 shape). */
export function overlayAddress(meshHash: Uint8Array, nodeId: Uint8Array): string {
  return ipv6Of(Uint8Array.from([0xfd, ...meshHash.subarray(0, 5), ...nodeId]));
}

/** The mesh's overlay network, "fdxx:xxxx:xxxx::/48". */
export function overlayPrefix(meshHash: Uint8Array): string {
  const octets = Uint8Array.from([0xfd, ...meshHash.subarray(0, 5)]);
  const groups = [0, 2, 4].map((i) =>
    (((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0)).toString(16)
  );
  return `${groups.join(":")}::/48`;
}
