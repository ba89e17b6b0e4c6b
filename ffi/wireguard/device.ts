// What a WireGuard device is, and what can be changed of it, as plain objects.

/** Where a peer is reached. */
export interface Endpoint {
  /** IPv4 or IPv6 address, without zone. */
  readonly address: string;
  readonly port: number;
  /** Interface index of a link-local address; 0 for none. */
  readonly scopeId: number;
}

/** A peer as the kernel has it. */
export interface Peer {
  /** Base64, as `wg` prints it. */
  readonly publicKey: string;
  /** SECRET. 32 octets, owned by the caller; `null` when there is none. */
  readonly presharedKey: Uint8Array | null;
  readonly endpoint: Endpoint | null;
  /** "10.0.0.0/24", "fd00::/8"; in the kernel's order. */
  readonly allowedIps: readonly string[];
  /** 0: off. */
  readonly keepaliveS: number;
  /** Wall-clock time in milliseconds since 1970; `null` before the first handshake. */
  readonly lastHandshakeMs: number | null;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
  readonly protocolVersion: number;
}

/** A WireGuard interface as the kernel has it. */
export interface Device {
  readonly ifindex: number;
  readonly name: string;
  /** SECRET. 32 octets, owned by the caller; `null` when none is set. */
  readonly privateKey: Uint8Array | null;
  /** Base64; `null` when no private key is set. */
  readonly publicKey: string | null;
  readonly listenPort: number;
  /** 0: off. */
  readonly fwmark: number;
  readonly peers: readonly Peer[];
}

/** What to change of a peer; what is left out stays. */
export interface PeerChange {
  /** Base64. */
  readonly publicKey: string;
  /** Remove the peer. */
  readonly remove?: boolean;
  /** Do nothing if the peer does not exist, instead of adding it. */
  readonly updateOnly?: boolean;
  /** SECRET. 32 octets; all zero removes it. */
  readonly presharedKey?: Uint8Array;
  readonly endpoint?: Endpoint;
  /** 0 to 65535; 0 turns it off. */
  readonly keepaliveS?: number;
  /** Drop the allowed IPs it has before adding `allowedIps`. */
  readonly replaceAllowedIps?: boolean;
  /** "10.0.0.0/24", "fd00::/8"; added to those it has, and taken away from other peers. */
  readonly allowedIps?: readonly string[];
}

/** What to change of a device; what is left out stays. */
export interface DeviceChange {
  /** SECRET. 32 octets; all zero removes it. */
  readonly privateKey?: Uint8Array;
  /** 0 lets the kernel choose. */
  readonly listenPort?: number;
  /** 0 turns it off. */
  readonly fwmark?: number;
  /** Drop all peers it has before adding `peers`. */
  readonly replacePeers?: boolean;
  readonly peers?: readonly PeerChange[];
}
