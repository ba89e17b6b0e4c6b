// What tunnels tell about themselves. Never any key.
import type { SessionFigures } from "../handshake/mod.ts";
import type { SocketAddress } from "../ports/mod.ts";
import type { DiscoveryFigures } from "./discovery.ts";
import type { OverlayDrops } from "./overlay_firewall.ts";
import type { WaitingFigures } from "./packet_waiter.ts";

/** One peer that a tunnel is kept to. */
export interface TunnelPeerStatus {
  readonly nodeId: string;
  /** Overlay address. */
  readonly address: string;
  /** "up": keyed by a handshake. "down": it was, and no handshake came in time; nothing passes. */
  readonly state: "up" | "connecting" | "down";
  /** Where WireGuard sends to, or the last handshake took place; `null` before the first. */
  readonly underlay: SocketAddress | null;
  readonly psk: {
    /** "none": no peer in the kernel. "random": one that nobody shares. "agreed": from a handshake. */
    readonly kind: "none" | "random" | "agreed";
    readonly ageS: number | null;
  };
  /** Wall time of WireGuard's own last handshake. */
  readonly lastHandshakeMs: number | null;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Since anything was sent or received. */
  readonly silentS: number;
  /** Handshakes that failed since the last good one, and good ones ever. */
  readonly failures: number;
  readonly completed: number;
  readonly lastError: { readonly code: string; readonly agoS: number } | null;
}

/** Everything about this node's tunnels. */
export interface TunnelsStatus {
  readonly nodeId: string;
  /** This node's overlay address, and the mesh's network. */
  readonly address: string;
  readonly network: string;
  readonly link: string;
  readonly mtu: number;
  readonly port: number;
  /** "on-demand": tunnels come up when packets wait. "kept": packets can't wait here, so known peers' are. */
  readonly mode: "on-demand" | "kept";
  /** Why packets can't wait; `null` where they can. */
  readonly modeReason: string | null;
  /** Why nothing outside the tunnels is dropped; `null` where it is. */
  readonly firewallError: string | null;
  /** What of the upkeep failed last; `null` when all is well. */
  readonly error: string | null;
  readonly peers: readonly TunnelPeerStatus[];
  readonly totals: {
    /** Nodes with an address. */
    readonly known: number;
    readonly kept: number;
    readonly up: number;
    /** Tunnels let go because nothing used them, because the peer had lost them, for want of room. */
    readonly idled: number;
    readonly lost: number;
    readonly displaced: number;
    /** Peers that no tunnel could be made for. */
    readonly refused: number;
    /** Addresses where it is not known who is there. */
    readonly unnamed: number;
  };
  readonly handshakes: SessionFigures;
  readonly discovery: DiscoveryFigures;
  readonly waiting: WaitingFigures | null;
  readonly drops: OverlayDrops | null;
}
