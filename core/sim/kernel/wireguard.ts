// WireGuard devices of one simulated node: configuration alone. No packet is encrypted and no handshake
// takes place, so `lastHandshakeMs` stays null.
import type {
  Wireguard,
  WireguardChange,
  WireguardDevice,
  WireguardPeer,
  WireguardPeerChange,
} from "../../ports/mod.ts";
import { WG_PEERS_MAX } from "../limits.ts";
import { canonicalPrefix, parseIp } from "./ip.ts";
import { checkRange, fault, type NodeState, type WireguardState } from "./state.ts";

/** ASN.1 in front of the 32 octets of an X25519 private key in PKCS #8 (RFC 8410 §7). */
const PKCS8_X25519 = Uint8Array.from([
  ...[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06],
  ...[0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20],
]);

async function publicKeyOf(privateKey: Uint8Array): Promise<string> {
  const pkcs8 = Uint8Array.from([...PKCS8_X25519, ...privateKey]);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "X25519", true, ["deriveBits"]);
  const jwk = await crypto.subtle.exportKey("jwk", key);
  return `${(jwk.x ?? "").replaceAll("-", "+").replaceAll("_", "/")}=`;
}

function isKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text);
}

function checkKey(what: string, key: Uint8Array | undefined): void {
  if (key !== undefined && key.length !== 32) {
    throw fault("invalid", `Cannot set the ${what}: it has ${key.length} octets and needs 32`);
  }
}

/** An address, a link-local one perhaps with its link. */
function isEndpointAddress(text: string): boolean {
  const [address = "", link] = text.split("%");
  return parseIp(address) !== null && (link === undefined || /^fe[89ab]/i.test(address));
}

function checkPeer(peer: WireguardPeerChange): void {
  if (!isKey(peer.publicKey)) {
    throw fault("invalid", `Cannot set the peer "${peer.publicKey}": that is no WireGuard key`);
  }
  checkKey("preshared key", peer.presharedKey);
  for (const prefix of peer.allowedIps ?? []) canonicalPrefix(prefix);
  if (peer.keepaliveS !== undefined) checkRange("the keepalive", peer.keepaliveS, 0, 65535);
  if (peer.endpoint !== undefined) {
    if (!isEndpointAddress(peer.endpoint.address)) {
      throw fault(
        "invalid",
        `Cannot set the endpoint "${peer.endpoint.address}": it is no IP address`,
      );
    }
    checkRange("the endpoint's port", peer.endpoint.port, 1, 65535);
  }
}

function changePeer(peers: Map<string, WireguardPeer>, change: WireguardPeerChange): void {
  const known = peers.get(change.publicKey);
  if (change.remove) {
    peers.delete(change.publicKey);
    return;
  }
  if (known === undefined && change.updateOnly) return;
  if (known === undefined && peers.size >= WG_PEERS_MAX) {
    throw fault("busy", `Cannot add a peer: the device has ${WG_PEERS_MAX}`);
  }
  const added = (change.allowedIps ?? []).map(canonicalPrefix);
  const taken = new Set(added);
  for (const [key, other] of taken.size === 0 ? [] : peers) {
    if (key === change.publicKey || !other.allowedIps.some((prefix) => taken.has(prefix))) continue;
    const left = other.allowedIps.filter((prefix) => !taken.has(prefix));
    peers.set(key, { ...other, allowedIps: left });
  }
  const kept = change.replaceAllowedIps ? [] : known?.allowedIps ?? [];
  peers.set(change.publicKey, {
    publicKey: change.publicKey,
    hasPresharedKey: change.presharedKey === undefined
      ? known?.hasPresharedKey ?? false
      : change.presharedKey.some((octet) => octet !== 0),
    endpoint: change.endpoint ?? known?.endpoint ?? null,
    allowedIps: [...new Set([...kept, ...added])],
    keepaliveS: change.keepaliveS ?? known?.keepaliveS ?? 0,
    lastHandshakeMs: null,
    rxBytes: 0,
    txBytes: 0,
  });
}

/** The Wireguard port of one simulated node. */
export class SimWireguard implements Wireguard {
  readonly #node: NodeState;

  constructor(node: NodeState) {
    this.#node = node;
  }

  // deno-lint-ignore require-await
  async device(name: string): Promise<WireguardDevice> {
    const { publicKey, listenPort, fwmark, peers } = this.#state(name);
    return { name, publicKey, listenPort, fwmark, peers: [...peers.values()] };
  }

  async configure(name: string, change: WireguardChange): Promise<void> {
    const state = this.#state(name);
    checkKey("private key", change.privateKey);
    if (change.listenPort !== undefined) checkRange("the port", change.listenPort, 0, 65535);
    if (change.fwmark !== undefined) checkRange("the mark", change.fwmark, 0, 0xffffffff);
    for (const peer of change.peers ?? []) checkPeer(peer);
    const zero = change.privateKey?.every((octet) => octet === 0) ?? false;
    const publicKey = change.privateKey === undefined || zero
      ? null
      : await publicKeyOf(change.privateKey);
    const peers = new Map(change.replacePeers ? [] : state.peers);
    const own = change.privateKey === undefined ? state.publicKey : publicKey;
    for (const peer of change.peers ?? []) {
      // As the kernel: a peer with the device's own key is passed over.
      if (peer.publicKey !== own) changePeer(peers, peer);
    }
    if (change.privateKey !== undefined) {
      state.publicKey = publicKey;
      state.privateKey = zero ? null : Uint8Array.from(change.privateKey);
      if (publicKey !== null) peers.delete(publicKey);
    }
    state.listenPort = change.listenPort ?? state.listenPort;
    state.fwmark = change.fwmark ?? state.fwmark;
    state.peers = peers;
  }

  #state(name: string): WireguardState {
    const link = this.#node.link(name, "use the WireGuard device");
    if (link.wireguard === null) {
      throw fault("not-supported", `Cannot use "${name}" as WireGuard: it is a ${link.kind} link`);
    }
    return link.wireguard;
  }
}
