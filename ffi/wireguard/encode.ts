// From a DeviceChange to the SET_DEVICE messages that make it. Pure.
// linux v6.12 uapi/linux/wireguard.h: a change too large for one message goes on in the next; flags that
// clear a list are sent once, with the first part of that list.
import { type Attributes, encodeAttributes } from "../netlink/mod.ts";
import type { DeviceChange, PeerChange } from "./device.ts";
import { MAX_ALLOWED_IPS, MAX_MESSAGE_BYTES, MAX_PEERS } from "./limits.ts";
import { ALLOWED_IP, DEVICE, DEVICE_FLAGS, DEVICE_QUERY, PEER, PEER_FLAGS } from "./spec.ts";
import { checkSecret, parseKey, parsePrefix, writeEndpoint } from "./text.ts";

type RawPeer = Attributes<typeof PEER>;
type RawDevice = Attributes<typeof DEVICE>;
type RawAllowedIp = Attributes<typeof ALLOWED_IP>;

/** Header of an attribute around `payload` octets, and padding. */
const nestedBytes = (payload: number): number => 4 + ((payload + 3) & ~3);

function inU(value: number, bits: 16 | 32, name: string): number {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) {
    throw new RangeError(`Cannot set "${name}": ${value} is no unsigned ${bits}-bit number`);
  }
  return value;
}

function allowedIpsOf(change: PeerChange): RawAllowedIp[] {
  const prefixes = change.remove === true ? [] : change.allowedIps ?? [];
  if (prefixes.length > MAX_ALLOWED_IPS) {
    throw new RangeError(
      `Cannot set allowed IPs: ${prefixes.length} is more than ${MAX_ALLOWED_IPS}`,
    );
  }
  return prefixes.map((text) => {
    const prefix = parsePrefix(text);
    return { family: prefix.family, ipAddr: prefix.address, cidrMask: prefix.length };
  });
}

/** A peer without its allowed IPs. */
function peerHead(change: PeerChange): RawPeer {
  const publicKey = parseKey(change.publicKey);
  if (change.remove === true) return { publicKey, flags: PEER_FLAGS.removeMe };
  const flags = (change.updateOnly === true ? PEER_FLAGS.updateOnly : 0) |
    (change.replaceAllowedIps === true ? PEER_FLAGS.replaceAllowedIps : 0);
  return {
    publicKey,
    ...(flags === 0 ? {} : { flags }),
    ...(change.presharedKey === undefined
      ? {}
      : { presharedKey: checkSecret(change.presharedKey, "preshared key") }),
    ...(change.endpoint === undefined ? {} : { endpoint: writeEndpoint(change.endpoint) }),
    ...(change.keepaliveS === undefined
      ? {}
      : { persistentKeepaliveInterval: inU(change.keepaliveS, 16, "keepaliveS") }),
  };
}

/** What stands before further allowed IPs of the same peer: it must not come to life by them. */
function peerContinuation(change: PeerChange): RawPeer {
  return {
    publicKey: parseKey(change.publicKey),
    ...(change.updateOnly === true ? { flags: PEER_FLAGS.updateOnly } : {}),
  };
}

/** Fills messages in order; each holds at most MAX_MESSAGE_BYTES. */
class MessageFiller {
  readonly #messages: RawDevice[] = [];
  readonly #target: RawDevice;
  #head: RawDevice;
  #peers: RawPeer[] = [];
  #usedBytes: number;

  constructor(target: RawDevice, head: RawDevice) {
    this.#target = target;
    this.#head = { ...target, ...head };
    this.#usedBytes = nestedBytes(encodeAttributes(DEVICE, this.#head).length);
  }

  #next(): void {
    this.#messages.push(
      this.#peers.length === 0 ? this.#head : { ...this.#head, peers: this.#peers },
    );
    this.#head = this.#target;
    this.#peers = [];
    this.#usedBytes = nestedBytes(encodeAttributes(DEVICE, this.#head).length);
  }

  /** Adds one peer, splitting its allowed IPs over as many messages as they need. */
  addPeer(change: PeerChange): void {
    const allowedIps = allowedIpsOf(change);
    let head = peerHead(change);
    let at = 0;
    do {
      const headBytes = nestedBytes(encodeAttributes(PEER, head).length) + 4;
      if (this.#peers.length > 0 && this.#usedBytes + headBytes + 64 > MAX_MESSAGE_BYTES) {
        this.#next();
      }
      const part: RawAllowedIp[] = [];
      this.#usedBytes += headBytes;
      for (; at < allowedIps.length; at++) {
        const prefix = allowedIps[at];
        if (prefix === undefined) break;
        const bytes = nestedBytes(encodeAttributes(ALLOWED_IP, prefix).length);
        if (this.#usedBytes + bytes > MAX_MESSAGE_BYTES) break;
        this.#usedBytes += bytes;
        part.push(prefix);
      }
      this.#peers.push(part.length === 0 ? head : { ...head, allowedIps: part });
      if (at < allowedIps.length) {
        this.#next();
        head = peerContinuation(change);
      }
    } while (at < allowedIps.length);
  }

  finish(): RawDevice[] {
    this.#next();
    return this.#messages;
  }
}

/** Attributes of GET_DEVICE. */
export function encodeDeviceQuery(ifindex: number): Uint8Array {
  return encodeAttributes(DEVICE_QUERY, { ifindex });
}

/**
 * Attributes of the SET_DEVICE messages that make `change`, to be sent in order. All of it is checked
 * before the first is returned, so a malformed change changes nothing.
 *
 * @throws {TypeError} for a malformed key, endpoint or prefix. Never holds a secret.
 * @throws {RangeError} for a number out of range or too many peers or prefixes.
 */
export function encodeDeviceChange(ifindex: number, change: DeviceChange): Uint8Array[] {
  const peers = change.peers ?? [];
  if (peers.length > MAX_PEERS) {
    throw new RangeError(`Cannot set peers: ${peers.length} is more than ${MAX_PEERS}`);
  }
  const filler = new MessageFiller({ ifindex }, {
    ...(change.replacePeers === true ? { flags: DEVICE_FLAGS.replacePeers } : {}),
    ...(change.privateKey === undefined
      ? {}
      : { privateKey: checkSecret(change.privateKey, "private key") }),
    ...(change.listenPort === undefined
      ? {}
      : { listenPort: inU(change.listenPort, 16, "listenPort") }),
    ...(change.fwmark === undefined ? {} : { fwmark: inU(change.fwmark, 32, "fwmark") }),
  });
  for (const peer of peers) filler.addPeer(peer);
  return filler.finish().map((message) => encodeAttributes(DEVICE, message));
}
