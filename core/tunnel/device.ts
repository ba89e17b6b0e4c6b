// The kernel's side: the WireGuard link, the link where packets wait, their addresses, routes and MTU.
// Routes decide who carries a packet: the mesh's /48 leads to where it waits, a node's /128 into the tunnel
// once that is up. The tunnel's own /48, of a worse metric, is for packets that are sent past the others.
import {
  type Kernel,
  KernelFault,
  type KernelFaultCode,
  type WireguardDevice,
  type WireguardPeerChange,
} from "../ports/mod.ts";
import { TunnelError } from "./errors.ts";
import { MIN_MTU, WIREGUARD_OVERHEAD_BYTES } from "./limits.ts";
import type { Overlay } from "./overlay.ts";

const WAITING_METRIC = 1_024;
const TUNNEL_METRIC = 4_096;
/** IN6_ADDR_GEN_MODE_NONE: a link that carries packets of known nodes alone needs no link-local address. */
const NO_AUTOMATIC_ADDRESS = "1";

/** Names and port. */
export interface DeviceOptions {
  readonly tunnelLink: string;
  readonly waitingLink: string;
  /** Links that tunnels run over; the smallest MTU of those that are there counts. */
  readonly underlays: readonly string[];
  /** UDP port of WireGuard. */
  readonly port: number;
}

/** MTU of the tunnels over underlays of these MTUs. */
export function tunnelMtu(underlayMtus: readonly number[]): number {
  const least = Math.min(1_500, ...underlayMtus);
  return Math.max(MIN_MTU, least - WIREGUARD_OVERHEAD_BYTES);
}

/** Runs an action that may find its work done already. */
async function unless(codes: readonly KernelFaultCode[], action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (!(error instanceof KernelFault) || !codes.includes(error.code)) throw error;
  }
}

/** The links of one node's tunnels. Every method rejects with KernelFault. */
export class OverlayDevice {
  readonly #kernel: Kernel;
  readonly #options: DeviceOptions;
  readonly #overlay: Overlay;
  #made = false;
  #waiting = false;
  #mtu = 0;

  constructor(kernel: Kernel, options: DeviceOptions, overlay: Overlay) {
    this.#kernel = kernel;
    this.#options = options;
    this.#overlay = overlay;
  }

  /** MTU of the tunnels now; 0 before {@link setUp}. */
  get mtu(): number {
    return this.#mtu;
  }

  /**
   * Makes the WireGuard link; one that a program before left behind goes first, with its peers and routes.
   *
   * @throws {TunnelError} "not-supported", "name-taken"
   */
  async setUp(privateKey: Uint8Array): Promise<void> {
    const { links, wireguard, sysctl } = this.#kernel;
    const { tunnelLink: name, port } = this.#options;
    const before = (await links.list()).find((link) => link.name === name);
    if (before !== undefined && before.kind !== "wireguard") {
      throw new TunnelError(
        "name-taken",
        `Cannot make tunnels: "${name}" is a link of kind ${before.kind}`,
      );
    }
    if (before !== undefined) await links.delete(name);
    try {
      await links.create({ kind: "wireguard", name });
    } catch (cause) {
      if (!(cause instanceof KernelFault) || cause.code !== "not-supported") throw cause;
      throw new TunnelError("not-supported", "Cannot make tunnels: this kernel has no WireGuard", {
        cause,
      });
    }
    this.#made = true;
    await wireguard.configure(name, { privateKey, listenPort: port });
    await unless(
      ["not-found", "not-supported", "not-permitted"],
      sysctl.write(`net.ipv6.conf.${name}.addr_gen_mode`, NO_AUTOMATIC_ADDRESS),
    );
    await this.followMtu();
    await unless(["exists"], links.addAddress(name, this.#overlay.address, 128));
    await links.change(name, { up: true });
    await unless(
      ["exists"],
      links.addRoute({ destination: this.#overlay.network, link: name, metric: TUNNEL_METRIC }),
    );
  }

  /** Leads the mesh's packets to the link where they wait, which is there already. */
  async setUpWaiting(): Promise<void> {
    const { links, sysctl } = this.#kernel;
    const { waitingLink: link } = this.#options;
    await unless(
      ["not-found", "not-supported", "not-permitted"],
      sysctl.write(`net.ipv6.conf.${link}.addr_gen_mode`, NO_AUTOMATIC_ADDRESS),
    );
    await links.change(link, { mtu: this.#mtu, up: true });
    const { network: destination } = this.#overlay;
    await unless(["exists"], links.addRoute({ destination, link, metric: WAITING_METRIC }));
    this.#waiting = true;
  }

  /** Sets the MTU after the underlays'. */
  async followMtu(): Promise<void> {
    const { links } = this.#kernel;
    const { tunnelLink, waitingLink, underlays } = this.#options;
    const all = await links.list();
    const mtus = all.filter(({ name }) => underlays.includes(name)).map(({ mtu }) => mtu);
    const mtu = tunnelMtu(mtus);
    for (const name of this.#waiting ? [tunnelLink, waitingLink] : [tunnelLink]) {
      if (all.find((link) => link.name === name)?.mtu !== mtu) await links.change(name, { mtu });
    }
    this.#mtu = mtu;
  }

  /** The device with its peers. */
  read(): Promise<WireguardDevice> {
    return this.#kernel.wireguard.device(this.#options.tunnelLink);
  }

  /** Replaces the private key; peers and sessions stay. */
  async setKey(privateKey: Uint8Array): Promise<void> {
    await this.#kernel.wireguard.configure(this.#options.tunnelLink, { privateKey });
  }

  /** Makes or changes a peer. */
  async change(peer: WireguardPeerChange): Promise<void> {
    await this.#kernel.wireguard.configure(this.#options.tunnelLink, { peers: [peer] });
  }

  /** Removes peers; those that are gone stay gone. */
  async remove(...publicKeys: readonly string[]): Promise<void> {
    const peers = publicKeys.map((publicKey) => ({ publicKey, remove: true, updateOnly: true }));
    await this.#kernel.wireguard.configure(this.#options.tunnelLink, { peers });
  }

  /** A node's packets go into the tunnel from now on. */
  async route(address: string): Promise<void> {
    await unless(["exists"], this.#kernel.links.addRoute(this.#route(address)));
  }

  /** A node's packets wait from now on. */
  async unroute(address: string): Promise<void> {
    await unless(
      ["not-found", "no-such-link"],
      this.#kernel.links.removeRoute(this.#route(address)),
    );
  }

  #route(address: string) {
    return { destination: `${address}/128`, link: this.#options.tunnelLink };
  }

  /** Removes the link that this made; never somebody else's of the same name. */
  async tearDown(): Promise<void> {
    if (!this.#made) return;
    this.#made = false;
    await unless(
      ["no-such-link", "not-found"],
      this.#kernel.links.delete(this.#options.tunnelLink),
    );
  }
}
