// The Wireguard port over its netlink family. Private and preshared keys that the kernel hands out stay
// below this line.
import {
  type Device,
  type DeviceChange,
  type Endpoint,
  type PeerChange,
  Wireguard as WireguardClient,
} from "../../ffi/wireguard/mod.ts";
import { KernelFault } from "../ports/mod.ts";
import type {
  Wireguard,
  WireguardChange,
  WireguardDevice,
  WireguardPeerChange,
} from "../ports/mod.ts";
import { toFault } from "./errors.ts";
import { FamilyClient, type LinkNames } from "./family.ts";

/** What {@link hostWireguard} needs. */
export interface HostWireguardOptions {
  readonly names: LinkNames;
  /** A network namespace under /run/netns; the caller's own when absent. */
  readonly netns?: string;
}

/** The Wireguard port with an end. */
export interface HostWireguard extends Wireguard {
  close(): Promise<void>;
}

/** Reads and changes the WireGuard devices of this machine. Nothing is opened before the first call. */
export function hostWireguard(options: HostWireguardOptions): HostWireguard {
  const place = options.netns === undefined ? {} : { netns: options.netns };
  return new KernelWireguard(options.names, new FamilyClient(() => WireguardClient.open(place)));
}

/** A value that the codec refuses was the caller's; its messages hold no secret. */
function fault(thrown: unknown): unknown {
  if (thrown instanceof RangeError || thrown instanceof TypeError) {
    return new KernelFault("invalid", thrown.message, { cause: thrown });
  }
  return toFault(thrown);
}

class KernelWireguard implements HostWireguard {
  readonly #names: LinkNames;
  readonly #family: FamilyClient<WireguardClient>;

  constructor(names: LinkNames, family: FamilyClient<WireguardClient>) {
    this.#names = names;
    this.#family = family;
  }

  close(): Promise<void> {
    return this.#family.close();
  }

  device(name: string): Promise<WireguardDevice> {
    return this.#run(async (client) => {
      const device = await client.device(await this.#names.indexOf(name));
      return await this.#view(device);
    });
  }

  configure(name: string, change: WireguardChange): Promise<void> {
    return this.#run(async (client) => {
      const index = await this.#names.indexOf(name);
      await client.setDevice(index, await this.#change(change));
    });
  }

  async #view(device: Device): Promise<WireguardDevice> {
    const peers = await Promise.all(device.peers.map(async (peer) => ({
      publicKey: peer.publicKey,
      hasPresharedKey: peer.presharedKey !== null,
      endpoint: peer.endpoint === null ? null : await this.#viewEndpoint(peer.endpoint),
      allowedIps: peer.allowedIps,
      keepaliveS: peer.keepaliveS,
      lastHandshakeMs: peer.lastHandshakeMs,
      rxBytes: Number(peer.rxBytes),
      txBytes: Number(peer.txBytes),
    })));
    const { name, publicKey, listenPort, fwmark } = device;
    return { name, publicKey, listenPort, fwmark, peers };
  }

  /** A link-local address carries its zone: "fe80::1%eth0", as text does elsewhere. */
  async #viewEndpoint(endpoint: Endpoint): Promise<{ address: string; port: number }> {
    const { address, port, scopeId } = endpoint;
    if (scopeId === 0) return { address, port };
    return { address: `${address}%${await this.#names.nameOf(scopeId) ?? scopeId}`, port };
  }

  async #endpoint(given: { readonly address: string; readonly port: number }): Promise<Endpoint> {
    const { port } = given;
    const percent = given.address.indexOf("%");
    if (percent < 0) return { address: given.address, port, scopeId: 0 };
    const zone = given.address.slice(percent + 1);
    const scopeId = /^[1-9]\d*$/.test(zone) ? Number(zone) : await this.#names.indexOf(zone);
    return { address: given.address.slice(0, percent), port, scopeId };
  }

  async #change(change: WireguardChange): Promise<DeviceChange> {
    const { peers, ...same } = change;
    if (peers === undefined) return same;
    return { ...same, peers: await Promise.all(peers.map((peer) => this.#peerChange(peer))) };
  }

  async #peerChange(change: WireguardPeerChange): Promise<PeerChange> {
    const { endpoint, ...same } = change;
    return endpoint === undefined ? same : { ...same, endpoint: await this.#endpoint(endpoint) };
  }

  async #run<T>(action: (client: WireguardClient) => Promise<T>): Promise<T> {
    try {
      return await this.#family.use(action);
    } catch (thrown) {
      throw fault(thrown);
    }
  }
}
