// The pieces that tunnels are made of, joined; and the order in which they are set up and taken down.
import { messageOf } from "../base/mod.ts";
import { type Arrival, MemberParty } from "../handshake/mod.ts";
import {
  KernelFault,
  type PacketLink,
  type Packets,
  type PacketSender,
  type SocketAddress,
  type TcpListener,
} from "../ports/mod.ts";
import { AddressBook } from "./address_book.ts";
import { beaconKey } from "./beacon.ts";
import { OverlayDevice } from "./device.ts";
import { Dialler } from "./dialler.ts";
import { Discovery } from "./discovery.ts";
import { TunnelError } from "./errors.ts";
import { MAX_NODE_MACS, NODE_MAC_LIFETIME_MS } from "./limits.ts";
import { NodeMacs } from "./node_macs.ts";
import type { Settings, TunnelOptions, TunnelPorts } from "./options.ts";
import { Overlay } from "./overlay.ts";
import { OverlayFirewall } from "./overlay_firewall.ts";
import { PacketWaiter, type Wanted } from "./packet_waiter.ts";
import { Prober } from "./prober.ts";
import { type Tunnel, TunnelTable } from "./tunnel_table.ts";
import { WitnessSessions } from "./witness.ts";

/** What the pieces ask of their owner. */
export interface Wiring {
  mayTake(arrival: Arrival): boolean;
  heard(nodeId: string, address: SocketAddress): void;
  installed(tunnel: Tunnel, dialled: boolean, moved: boolean): Promise<void>;
  removed(nodeId: string): void;
  wanted(nodeId: string): Wanted;
}

/** All pieces. What is `null` at first comes with {@link setUp}, or not where it cannot be had. */
export interface Parts {
  readonly settings: Settings;
  readonly wiring: Wiring;
  readonly overlay: Overlay;
  readonly membership: MemberParty;
  readonly book: AddressBook;
  readonly device: OverlayDevice;
  readonly firewall: OverlayFirewall;
  readonly sessions: WitnessSessions;
  readonly table: TunnelTable;
  readonly dialler: Dialler;
  readonly prober: Prober;
  discovery: Discovery | null;
  /** `null` where packets can't wait, for the reason beside it. */
  waiter: PacketWaiter | null;
  waiterReason: string | null;
  listener: TcpListener | null;
  macs: NodeMacs | null;
  firewallError: string | null;
}

/** Joins the pieces; nothing of the kernel is touched yet. */
export function partsOf(
  ports: TunnelPorts,
  settings: Settings,
  options: TunnelOptions,
  wiring: Wiring,
): Parts {
  const { clock, random, network, kernel, state } = ports;
  const { port, tunnelLink, waitingLink, links } = settings;
  const overlay = new Overlay(state.meshHash, state.credential.nodeId);
  const membership = new MemberParty(ports);
  const book = new AddressBook();
  const device = new OverlayDevice(
    kernel,
    { tunnelLink, waitingLink, underlays: links, port },
    overlay,
  );
  const sessions = new WitnessSessions({
    clock,
    party: () => membership.party(),
    cache: membership.cache,
    ...(options.modes === undefined ? {} : { modes: options.modes }),
  }, {
    mayTake: wiring.mayTake,
    dialled(nodeId, address, good) {
      if (good) book.proved(nodeId, address, clock.monotonicMs());
      else book.failed(nodeId, address, clock.monotonicMs());
    },
  });
  const parts: Parts = {
    settings,
    wiring,
    overlay,
    membership,
    book,
    device,
    firewall: new OverlayFirewall(kernel.firewall),
    sessions,
    table: new TunnelTable({
      clock,
      random,
      device,
      overlay,
      membership,
      book,
      port,
      whereabouts: (outcome) => sessions.whereabouts(outcome),
      installed: wiring.installed,
      removed: wiring.removed,
    }),
    dialler: new Dialler({
      clock,
      network,
      book,
      seek: (nodeId) => parts.discovery?.seek(nodeId) ?? Promise.resolve(false),
    }),
    prober: new Prober({
      clock,
      network,
      membership,
      found(nodeId, address) {
        // The address was given: it does not run out as a beacon's would.
        book.give(nodeId, address);
        wiring.heard(nodeId, address);
      },
    }),
    discovery: null,
    waiter: null,
    waiterReason: null,
    listener: null,
    macs: null,
    firewallError: null,
  };
  return parts;
}

/** Sets everything up; the packet filter first, so that nothing slips out before it. */
export async function setUp(ports: TunnelPorts, parts: Parts): Promise<void> {
  try {
    await setUpFirewall(ports, parts);
    await parts.device.setUp(ports.keys.wireguardPrivate);
    await setUpWaiting(ports, parts);
    parts.listener = await listen(ports, parts.settings.port);
    parts.discovery = discoveryOf(ports, parts);
  } catch (error) {
    await tearDown(parts);
    throw error;
  }
}

/** Takes down what was set up, as far as it was. */
export async function tearDown(parts: Parts): Promise<void> {
  parts.listener?.close();
  await Promise.all([parts.discovery?.stop(), parts.prober.stop(), parts.waiter?.stop()]);
  await parts.device.tearDown();
  if (parts.firewallError === null) {
    try {
      await parts.firewall.remove();
    } catch (error) {
      // It was never there, or somebody removed it.
      if (!(error instanceof KernelFault)) throw error;
    }
  }
}

async function setUpFirewall({ clock, kernel }: TunnelPorts, parts: Parts): Promise<void> {
  const { settings, firewall, overlay } = parts;
  const { port, discoveryPort, tunnelLink, waitingLink, links, openTcp, openUdp } = settings;
  try {
    await firewall.apply({
      network: overlay.network,
      tunnelLinks: [tunnelLink, waitingLink],
      meshLinks: links,
      tcpPorts: [port, ...openTcp],
      udpPorts: [port, discoveryPort, ...openUdp],
      maxNodes: MAX_NODE_MACS,
      nodeLifetimeS: NODE_MAC_LIFETIME_MS / 1000,
    });
    parts.macs = new NodeMacs(clock, kernel.links, firewall);
  } catch (error) {
    // Tunnels protect what goes through them without it; that the rest isn't dropped is shown.
    if (!(error instanceof KernelFault)) throw error;
    parts.firewallError = error.message;
  }
}

/** Makes the link where packets wait, or notes why it can't be had. */
async function setUpWaiting(ports: TunnelPorts, parts: Parts): Promise<void> {
  const { packets, clock } = ports;
  const { settings, device, overlay, wiring } = parts;
  if (packets === undefined) {
    parts.waiterReason = "this node's kernel gives no packets to programs";
    return;
  }
  let link: PacketLink | null = null;
  try {
    link = await packets.link(settings.waitingLink);
    const sender = await reopening(packets, settings.tunnelLink);
    await device.setUpWaiting();
    parts.waiter = new PacketWaiter({ clock, overlay, link, sender, wanted: wiring.wanted });
  } catch (error) {
    link?.close();
    if (!(error instanceof KernelFault)) throw error;
    parts.waiterReason = error.message;
  }
}

/** A sender that is opened anew when its link was made anew. */
async function reopening(packets: Packets, link: string): Promise<PacketSender> {
  let inner = await packets.sender(link);
  return {
    async send(packet) {
      try {
        await inner.send(packet);
      } catch {
        inner.close();
        inner = await packets.sender(link);
        await inner.send(packet);
      }
    },
    close: () => inner.close(),
  };
}

async function listen({ network }: TunnelPorts, port: number): Promise<TcpListener> {
  try {
    return await network.listen({ host: "::", port });
  } catch (cause) {
    throw new TunnelError(
      "listen",
      `Cannot take handshakes at port ${port}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function discoveryOf(ports: TunnelPorts, parts: Parts): Discovery {
  const { clock, random, network, backend, state } = ports;
  const { settings, overlay, book, wiring } = parts;
  return new Discovery({
    clock,
    random,
    network,
    backend,
    key: beaconKey(state.meshPsk),
    nodeId: overlay.nodeId,
    port: settings.port,
    links: settings.links,
    discoveryPort: settings.discoveryPort,
    known: () => book.size,
    heard: wiring.heard,
  });
}
