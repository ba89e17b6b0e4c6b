// How tunnels are run, and what they run on.
import type { Mode, ModeService, PartyKeys, PartyState, Timing } from "../handshake/mod.ts";
import type { VerifiedCredential } from "../identity/mod.ts";
import type { Clock, Kernel, Network, Packets, Random, SocketAddress } from "../ports/mod.ts";
import type { Backend } from "../pq/mod.ts";
import { TunnelError } from "./errors.ts";
import { DEFAULT_PORT, DISCOVERY_PORT, IDLE_S, MAX_EAGER_TUNNELS, MAX_TUNNELS } from "./limits.ts";

/** The world as tunnels need it. */
export interface TunnelPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly kernel: Kernel;
  readonly network: Network;
  /** Packets that can wait; without it tunnels of known peers are kept up. */
  readonly packets?: Packets;
  /** The caller's, who wipes them after {@link Tunnels.stop}. */
  readonly keys: PartyKeys;
  readonly state: PartyState;
  readonly backend: Backend;
}

/** Whose tunnel came up, and where it is. */
export interface PeerAppeared {
  readonly nodeId: string;
  readonly credential: VerifiedCredential;
  /** Overlay address. */
  readonly address: string;
  /** Where the handshake took place; its port is that of handshakes. */
  readonly underlay: SocketAddress | null;
}

/** What may be chosen. */
export interface TunnelOptions {
  /** Links to the mesh: beacons go out of them, and tunnels over them. Default "bat0". */
  readonly links?: readonly string[];
  /** TCP port of handshakes and UDP port of WireGuard. Default 6470. */
  readonly port?: number;
  /** UDP port of beacons. Default 6472. */
  readonly discoveryPort?: number;
  /** Name of the WireGuard link. Default "x0wg". */
  readonly tunnelLink?: string;
  /** Name of the link where packets wait. Default "x0wait". */
  readonly waitingLink?: string;
  /** Silence after which a tunnel goes. Default 300. */
  readonly idleS?: number;
  readonly maxTunnels?: number;
  /** Tunnels kept up where packets can't wait. */
  readonly maxKept?: number;
  /** TCP ports that nodes may reach in the clear besides the handshake's: the fabric, the page, DNS. */
  readonly openTcp?: readonly number[];
  /** UDP ports likewise: DNS, DHCP, respondd. */
  readonly openUdp?: readonly number[];
  /** Who answers handshakes of other modes on the same port: enrolment, the fabric. */
  readonly modes?: ReadonlyMap<Mode, ModeService>;
  readonly timing?: Timing;
}

/** Options with every default filled in. */
export type Settings = Required<Omit<TunnelOptions, "modes" | "timing">>;

const isPort = (port: number) => Number.isInteger(port) && port > 0 && port <= 65_535;

/** @throws {TunnelError} "invalid" */
export function settingsOf(options: TunnelOptions): Settings {
  const settings: Settings = {
    links: options.links ?? ["bat0"],
    port: options.port ?? DEFAULT_PORT,
    discoveryPort: options.discoveryPort ?? DISCOVERY_PORT,
    tunnelLink: options.tunnelLink ?? "x0wg",
    waitingLink: options.waitingLink ?? "x0wait",
    idleS: options.idleS ?? IDLE_S,
    maxTunnels: options.maxTunnels ?? MAX_TUNNELS,
    maxKept: options.maxKept ?? MAX_EAGER_TUNNELS,
    openTcp: options.openTcp ?? [],
    openUdp: options.openUdp ?? [],
  };
  const { port, discoveryPort, openTcp, openUdp } = settings;
  for (const one of [port, discoveryPort, ...openTcp, ...openUdp]) {
    if (!isPort(one)) throw new TunnelError("invalid", `Cannot use ${one} as a port`);
  }
  if (!(settings.idleS > 0) || settings.maxTunnels < 1 || settings.maxKept < 1) {
    throw new TunnelError("invalid", "Cannot make tunnels: bounds must be above 0");
  }
  return settings;
}
