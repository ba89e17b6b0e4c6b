// The kernel's WireGuard peers, one a node, as the handshakes' keys go in and out. A peer exists in the
// kernel only from its first agreed PSK on, so that no packet leaves under none.
import type { MemberParty, Outcome, PskSink } from "../handshake/mod.ts";
import type { VerifiedCredential } from "../identity/mod.ts";
import type { Clock, Random, SocketAddress, WireguardDevice } from "../ports/mod.ts";
import type { AddressBook } from "./address_book.ts";
import type { OverlayDevice } from "./device.ts";
import { TunnelError } from "./errors.ts";
import { isDead, isIdle, keepaliveFor, lookAt, newUse, type Use } from "./idle.ts";
import type { Overlay } from "./overlay.ts";
import type { Whereabouts } from "./witness.ts";

/** Octets of WireGuard's preshared key. */
const PSK_BYTES = 32;

/** One peer that is kept. */
export interface Tunnel {
  readonly nodeId: string;
  /** Overlay address. */
  readonly address: string;
  /** Key of the peer in the kernel; `null` while there is none. */
  publicKey: string | null;
  installedMs: number;
  /** An agreed PSK is installed. */
  up: boolean;
  /** The node's packets go into the tunnel. */
  routed: boolean;
  credential: VerifiedCredential | null;
  /** Where the last handshake took place. */
  underlay: SocketAddress | null;
  /** Where the kernel sends to. */
  endpoint: SocketAddress | null;
  keepaliveS: number;
  use: Use;
  demandedMs: number;
  /** Wall time of WireGuard's own last handshake. */
  lastHandshakeMs: number | null;
}

/** What the table runs on. */
export interface TablePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly device: OverlayDevice;
  readonly overlay: Overlay;
  readonly membership: MemberParty;
  readonly book: AddressBook;
  /** The port assumed of a peer that dialled us and was not heard of. */
  readonly port: number;
  whereabouts(outcome: Outcome): Whereabouts | null;
  /** A PSK of a handshake is in the kernel. Rejections count as the kernel's. */
  installed(tunnel: Tunnel, dialled: boolean, moved: boolean): Promise<void>;
  removed(nodeId: string): void;
}

/** What a look at the kernel's counters found. */
export interface Findings {
  /** Not used for the time given. */
  readonly idle: readonly string[];
  /** What is sent finds no answer: the peer has lost the tunnel. */
  readonly dead: readonly string[];
  /** The kernel has lost the peer. */
  readonly missing: readonly string[];
}

/** See the module's header. */
export class TunnelTable implements PskSink {
  readonly #ports: TablePorts;
  readonly #tunnels = new Map<string, Tunnel>();
  /** WireGuard key → node id. */
  readonly #owners = new Map<string, string>();

  constructor(ports: TablePorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#tunnels.size;
  }

  get(nodeId: string): Tunnel | undefined {
    return this.#tunnels.get(nodeId);
  }

  all(): readonly Tunnel[] {
    return [...this.#tunnels.values()];
  }

  /** The tunnel's record, made when there is none. */
  ensure(nodeId: string): Tunnel {
    const known = this.#tunnels.get(nodeId);
    if (known !== undefined) return known;
    const nowMs = this.#ports.clock.monotonicMs();
    const made: Tunnel = {
      nodeId,
      address: this.#ports.overlay.addressOf(nodeId),
      publicKey: null,
      installedMs: nowMs,
      up: false,
      routed: false,
      credential: null,
      underlay: null,
      endpoint: null,
      keepaliveS: 0,
      use: newUse(nowMs),
      demandedMs: -Infinity,
      lastHandshakeMs: null,
    };
    this.#tunnels.set(nodeId, made);
    return made;
  }

  async install(nodeId: string, outcome: Outcome): Promise<void> {
    const { membership, device, clock, whereabouts } = this.#ports;
    const { peer, psk } = outcome;
    // Between the handshake's checks and this moment the peer may have been revoked.
    if (!membership.believes(peer)) {
      throw new TunnelError("untrusted", `Cannot make a tunnel to "${nodeId}": it is out`);
    }
    const publicKey = peer.claims.wireguard.toBase64();
    const tunnel = this.ensure(nodeId);
    this.#claim(tunnel, publicKey);
    if (tunnel.publicKey !== null && tunnel.publicKey !== publicKey) await this.#dropPeer(tunnel);
    const where = whereabouts(outcome);
    const underlay = where === null ? null : this.#underlayOf(nodeId, where);
    // What the kernel has learnt by roaming stays, unless the peer has proved to be elsewhere.
    const moved = underlay !== null && underlay.host !== tunnel.underlay?.host;
    const fresh = tunnel.publicKey === null;
    const goTo = moved ? underlay : fresh ? tunnel.underlay : null;
    if (underlay !== null) tunnel.keepaliveS = keepaliveFor(underlay.host);
    await device.change({
      publicKey,
      presharedKey: psk,
      keepaliveS: tunnel.keepaliveS,
      ...(fresh
        ? { replaceAllowedIps: true, allowedIps: [`${tunnel.address}/128`] }
        : { updateOnly: true }),
      ...(goTo === null ? {} : { endpoint: { address: goTo.host, port: goTo.port } }),
    });
    if (fresh) tunnel.installedMs = clock.monotonicMs();
    tunnel.publicKey = publicKey;
    tunnel.credential = peer;
    tunnel.up = true;
    if (underlay !== null) tunnel.underlay = underlay;
    if (goTo !== null) tunnel.endpoint = goTo;
    await this.#ports.installed(tunnel, where?.dialled ?? false, moved);
  }

  async installRandom(nodeId: string): Promise<void> {
    const { device, random } = this.#ports;
    const tunnel = this.ensure(nodeId);
    tunnel.up = false;
    const { publicKey } = tunnel;
    if (publicKey === null) return;
    const presharedKey = random.bytes(PSK_BYTES);
    try {
      await device.change({ publicKey, updateOnly: true, presharedKey });
    } finally {
      presharedKey.fill(0);
    }
    await this.unroute(tunnel);
  }

  async remove(nodeId: string): Promise<void> {
    const tunnel = this.#tunnels.get(nodeId);
    if (tunnel === undefined) return;
    tunnel.up = false;
    this.#tunnels.delete(nodeId);
    try {
      // The peer goes first: that is what cuts it off. One that the kernel keeps is removed by a sweep.
      await this.#dropPeer(tunnel);
    } finally {
      this.#ports.removed(nodeId);
      await this.unroute(tunnel);
    }
  }

  /** The node's packets go into the tunnel. */
  async route(tunnel: Tunnel): Promise<void> {
    if (tunnel.routed) return;
    await this.#ports.device.route(tunnel.address);
    tunnel.routed = true;
  }

  /** The node's packets wait. */
  async unroute(tunnel: Tunnel): Promise<void> {
    if (!tunnel.routed) return;
    tunnel.routed = false;
    await this.#ports.device.unroute(tunnel.address);
  }

  /**
   * Reads the kernel's counters. Peers of the kernel that belong to no tunnel are removed: one whose
   * removal failed, or that somebody else made.
   */
  async sweep(idleS: number): Promise<Findings> {
    const { device, clock } = this.#ports;
    const begunMs = clock.monotonicMs();
    const state = await device.read();
    const nowMs = clock.monotonicMs();
    const strangers = state.peers.map(({ publicKey }) => publicKey)
      .filter((key) => !this.#owners.has(key));
    if (strangers.length > 0) await device.remove(...strangers);
    const findings = {
      idle: [] as string[],
      dead: [] as string[],
      missing: [] as string[],
    };
    const peers = new Map(state.peers.map((peer) => [peer.publicKey, peer]));
    for (const tunnel of this.#tunnels.values()) {
      const peer = tunnel.publicKey === null ? undefined : peers.get(tunnel.publicKey);
      if (peer !== undefined) this.#look(tunnel, peer, nowMs);
      const { publicKey, installedMs, use, nodeId } = tunnel;
      if (publicKey !== null && peer === undefined && installedMs < begunMs) {
        findings.missing.push(nodeId);
      } else if (tunnel.up && peer !== undefined && isDead(use, nowMs)) findings.dead.push(nodeId);
      else if (isIdle(use, nowMs, idleS)) findings.idle.push(nodeId);
    }
    return findings;
  }

  #look(tunnel: Tunnel, peer: WireguardDevice["peers"][number], nowMs: number): void {
    tunnel.use = lookAt(tunnel.use, peer, nowMs, tunnel.keepaliveS);
    tunnel.lastHandshakeMs = peer.lastHandshakeMs;
    if (peer.endpoint !== null) {
      tunnel.endpoint = { host: peer.endpoint.address, port: peer.endpoint.port };
    }
  }

  /** The tunnel that may make room for another; `null` when all are in use. */
  longestSilent(silentMs: number): string | null {
    const nowMs = this.#ports.clock.monotonicMs();
    let found: Tunnel | null = null;
    for (const tunnel of this.#tunnels.values()) {
      if (nowMs - tunnel.use.activeMs < silentMs) continue;
      if (found === null || tunnel.use.activeMs < found.use.activeMs) found = tunnel;
    }
    return found?.nodeId ?? null;
  }

  /** A credential may name any key: one that another node has already is not to be taken from it. */
  #claim(tunnel: Tunnel, publicKey: string): void {
    const { membership } = this.#ports;
    const own = membership.keys.wireguardPublic.toBase64();
    const owner = this.#owners.get(publicKey);
    if (publicKey === own || (owner !== undefined && owner !== tunnel.nodeId)) {
      throw new TunnelError(
        "key-taken",
        `Cannot make a tunnel to "${tunnel.nodeId}": its WireGuard key is ${
          owner === undefined ? "this node's" : `that of "${owner}"`
        }`,
      );
    }
    this.#owners.set(publicKey, tunnel.nodeId);
  }

  async #dropPeer(tunnel: Tunnel): Promise<void> {
    const { publicKey, nodeId } = tunnel;
    for (const [key, owner] of this.#owners) {
      if (owner === nodeId && key !== publicKey && this.#tunnels.get(nodeId) !== tunnel) {
        this.#owners.delete(key);
      }
    }
    if (publicKey === null) return;
    tunnel.publicKey = null;
    this.#owners.delete(publicKey);
    await this.#ports.device.remove(publicKey);
  }

  /** Where WireGuard finds a peer: UDP at the port where it takes handshakes. */
  #underlayOf(nodeId: string, { host, port }: Whereabouts): SocketAddress | null {
    const { overlay, book, clock } = this.#ports;
    if (overlay.contains(host)) return null;
    if (port !== null) return { host, port };
    // The host is proved, the port is what most use: good enough to dial back to.
    const guess = { host, port: book.portAt(nodeId, host) ?? this.#ports.port };
    book.hint(nodeId, guess, clock.monotonicMs());
    return guess;
  }
}
