/** WireGuard keys are 32 octets, base64 as `wg` prints them. Private and preshared keys are never read back. */
export interface WireguardDevice {
  readonly name: string;
  readonly publicKey: string | null;
  readonly listenPort: number;
  readonly fwmark: number;
  readonly peers: readonly WireguardPeer[];
}

/** A peer with its counters. */
export interface WireguardPeer {
  readonly publicKey: string;
  readonly hasPresharedKey: boolean;
  readonly endpoint: { readonly address: string; readonly port: number } | null;
  /** "10.0.0.0/24", "fd00::/8". */
  readonly allowedIps: readonly string[];
  readonly keepaliveS: number;
  /** Wall-clock milliseconds, or `null` before the first handshake. */
  readonly lastHandshakeMs: number | null;
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** What to change of a peer; what is left out stays. */
export interface WireguardPeerChange {
  readonly publicKey: string;
  readonly remove?: boolean;
  /** Change only if the peer exists: a removed peer is not brought back by a late key update. */
  readonly updateOnly?: boolean;
  readonly presharedKey?: Uint8Array;
  readonly endpoint?: { readonly address: string; readonly port: number };
  readonly keepaliveS?: number;
  readonly replaceAllowedIps?: boolean;
  readonly allowedIps?: readonly string[];
}

/** What to change of a device; what is left out stays. Key material is never logged. */
export interface WireguardChange {
  readonly privateKey?: Uint8Array;
  readonly listenPort?: number;
  readonly fwmark?: number;
  readonly replacePeers?: boolean;
  readonly peers?: readonly WireguardPeerChange[];
}

/** WireGuard over generic netlink. Every method rejects with KernelFault. */
export interface Wireguard {
  device(name: string): Promise<WireguardDevice>;
  configure(name: string, change: WireguardChange): Promise<void>;
}
