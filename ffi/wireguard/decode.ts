// From GET_DEVICE's messages to one Device. Pure.
// linux v6.12 uapi/linux/wireguard.h: a device's peers, and a peer's allowed IPs, may go on in the next
// message; the receiver joins adjacent peers of one key.
import { type Attributes, decodeAttributes, DecodeError } from "../netlink/mod.ts";
import type { Device, Peer } from "./device.ts";
import { type ALLOWED_IP, DEVICE, type PEER } from "./spec.ts";
import { formatKey, readEndpoint, readKey, readTimespecMs } from "./text.ts";

function readAllowedIp(raw: Attributes<typeof ALLOWED_IP>): string {
  const what = "wireguard.allowedIp";
  if (raw.ipAddr === undefined) throw new DecodeError(`${what}.ipAddr`, 0, 1, 0);
  if (raw.cidrMask === undefined) throw new DecodeError(`${what}.cidrMask`, 0, 1, 0);
  const longest = raw.ipAddr.includes(":") ? 128 : 32;
  if (raw.cidrMask > longest) throw new DecodeError(`${what}.cidrMask`, 0, longest, raw.cidrMask);
  return `${raw.ipAddr}/${raw.cidrMask}`;
}

/** The PSK attribute is always there; all zero means none. */
function readPresharedKey(bytes: Uint8Array | undefined): Uint8Array | null {
  if (bytes === undefined) return null;
  const key = readKey(bytes, "wireguard.peer.presharedKey");
  return key.every((octet) => octet === 0) ? null : key;
}

function readPeer(raw: Attributes<typeof PEER>): Peer {
  const what = "wireguard.peer";
  if (raw.publicKey === undefined) throw new DecodeError(`${what}.publicKey`, 0, 1, 0);
  return {
    publicKey: formatKey(readKey(raw.publicKey, `${what}.publicKey`)),
    presharedKey: readPresharedKey(raw.presharedKey),
    endpoint: raw.endpoint === undefined ? null : readEndpoint(raw.endpoint, `${what}.endpoint`),
    allowedIps: (raw.allowedIps ?? []).map(readAllowedIp),
    keepaliveS: raw.persistentKeepaliveInterval ?? 0,
    lastHandshakeMs: raw.lastHandshakeTime === undefined
      ? null
      : readTimespecMs(raw.lastHandshakeTime, `${what}.lastHandshakeTime`),
    rxBytes: raw.rxBytes ?? 0n,
    txBytes: raw.txBytes ?? 0n,
    protocolVersion: raw.protocolVersion ?? 1,
  };
}

/** Joins a peer that goes on in the next message: only its allowed IPs are new. */
function joinPeers(peers: Iterable<Peer>): Peer[] {
  const out: Peer[] = [];
  let more: string[] = [];
  for (const peer of peers) {
    const last = out.at(-1);
    if (last?.publicKey === peer.publicKey) {
      for (const prefix of peer.allowedIps) more.push(prefix);
    } else {
      more = [...peer.allowedIps];
      out.push({ ...peer, allowedIps: more });
    }
  }
  return out;
}

/**
 * One device from the messages of a GET_DEVICE dump, in order.
 *
 * @param messages attributes of each message.
 * @throws {DecodeError} when they are malformed or there are none.
 */
export function decodeDevice(messages: readonly Uint8Array[]): Device {
  const what = "wireguard.device";
  const parts = messages.map((bytes) => decodeAttributes(DEVICE, bytes, what));
  const [first] = parts;
  if (first === undefined) throw new DecodeError(what, 0, 1, 0);
  const { ifindex, ifname, privateKey, publicKey } = first;
  if (ifindex === undefined) throw new DecodeError(`${what}.ifindex`, 0, 1, 0);
  if (ifname === undefined) throw new DecodeError(`${what}.ifname`, 0, 1, 0);
  return {
    ifindex,
    name: ifname,
    privateKey: privateKey === undefined ? null : readKey(privateKey, `${what}.privateKey`),
    publicKey: publicKey === undefined ? null : formatKey(readKey(publicKey, `${what}.publicKey`)),
    listenPort: first.listenPort ?? 0,
    fwmark: first.fwmark ?? 0,
    peers: joinPeers(parts.flatMap((part) => part.peers ?? []).map(readPeer)),
  };
}
