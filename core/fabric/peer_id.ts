// Node ids as libp2p's peer ids, and back.
//
// Departs from libp2p's peer-ids specification: a peer id is not the hash of a public key that libp2p signs
// with. It is the node id itself, after a fixed prefix, in the shape of a SHA-256 multihash. So libp2p never
// holds a key of ours, a peer id is known wherever a node id is, and one that is not a node id is no peer.
// The handshake binds it: whose credential was proved, that node's peer id the connection has.
import type { PeerId, PrivateKey, RSAPublicKey } from "@libp2p/interface";
import { peerIdFromMultihash } from "@libp2p/peer-id";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { InvariantError } from "../base/mod.ts";
import { formatNodeId, parseNodeId } from "../identity/mod.ts";

const SHA2_256 = 0x12;
const LIBP2P_KEY = 0x72;
const DIGEST_BYTES = 32;
const NODE_ID_BYTES = 10;
const PREFIX = new TextEncoder().encode("x0tta6bl4 fabric v1\0\0\0");

function digestOf(nodeId: string): ReturnType<typeof Digest.create<typeof SHA2_256>> {
  const digest = new Uint8Array(DIGEST_BYTES);
  digest.set(PREFIX);
  digest.set(parseNodeId(nodeId), DIGEST_BYTES - NODE_ID_BYTES);
  return Digest.create(SHA2_256, digest);
}

/** The peer id of a node. @throws {IdentityError} "malformed" */
export function peerIdOf(nodeId: string): PeerId {
  return peerIdFromMultihash(digestOf(nodeId));
}

/** The node a peer id stands for; `null` when it is none of ours. */
export function nodeIdOfPeer(peerId: PeerId): string | null {
  const { code, digest } = peerId.toMultihash();
  if (code !== SHA2_256 || digest.length !== DIGEST_BYTES) return null;
  if (!PREFIX.every((octet, i) => digest[i] === octet)) return null;
  return formatNodeId(digest.subarray(DIGEST_BYTES - NODE_ID_BYTES));
}

const noKey = (): never => {
  throw new InvariantError("libp2p asked for a key, and it has none");
};

/**
 * What libp2p takes in place of a private key, to learn its own peer id from. It signs, verifies and shows
 * nothing: whatever part of libp2p would need a signature fails instead of making a weaker one.
 */
export function keylessIdentity(nodeId: string): PrivateKey {
  const multihash = digestOf(nodeId);
  const publicKey: RSAPublicKey = {
    type: "RSA",
    get raw() {
      return noKey();
    },
    get jwk() {
      return noKey();
    },
    equals: noKey,
    toMultihash: () => multihash,
    toCID: () => CID.createV1(LIBP2P_KEY, multihash),
    toString: () => nodeId,
    verify: noKey,
  };
  return {
    type: "RSA",
    publicKey,
    get raw() {
      return noKey();
    },
    get jwk() {
      return noKey();
    },
    equals: noKey,
    sign: noKey,
  };
}
