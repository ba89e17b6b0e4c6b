// Getting to a node: by the connection that is there, by an address that is known, or by asking the mesh.
import type { Connection, Libp2p } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import type { Clock, SocketAddress } from "../ports/mod.ts";
import { multiaddrOf, socketAddressOf } from "./addresses.ts";
import type { Contacts } from "./contacts.ts";
import { FabricError } from "./errors.ts";
import type { Links } from "./links.ts";
import { peerIdOf } from "./peer_id.ts";
import type { FabricTiming } from "./timing.ts";

/** How often a connection that is being made is looked for. */
const LOOK_MS = 50;

/** What it runs on. */
export interface ReachPorts {
  readonly libp2p: Libp2p;
  readonly clock: Clock;
  readonly timing: FabricTiming;
  readonly links: Links;
  readonly contacts: Contacts;
}

/** Ways to other nodes. */
export class Reach {
  readonly #ports: ReachPorts;

  constructor(ports: ReachPorts) {
    this.#ports = ports;
  }

  /** An open connection, made if need be. @throws {FabricError} "unknown-peer", "unreachable"; what a dial throws. */
  async connect(nodeId: string, signal: AbortSignal): Promise<Connection> {
    const { libp2p, links, contacts, clock } = this.#ports;
    const peerId = peerIdOf(nodeId);
    while (!signal.aborted) {
      const open = libp2p.getConnections(peerId).find(({ status }) => status === "open");
      if (open !== undefined) return open;
      if (!links.busy(nodeId)) {
        if (contacts.addresses(nodeId).length === 0) await this.find(nodeId, signal);
        await this.dial(nodeId, signal);
      }
      // Done, or under way by the peer's own dial.
      await clock.sleep(libp2p.getConnections(peerId).length > 0 ? 0 : LOOK_MS, signal);
    }
    throw new FabricError("unreachable", `Cannot reach node "${nodeId}": no connection came about`);
  }

  /** Dials the addresses that are known. A dial that gave way to the peer's own is no failure. */
  async dial(nodeId: string, signal?: AbortSignal): Promise<void> {
    const { libp2p, links, contacts, clock, timing } = this.#ports;
    const peer = `/p2p/${peerIdOf(nodeId)}`;
    const named = new Map<string, Multiaddr>();
    for (const address of contacts.addresses(nodeId)) {
      const full = multiaddrOf(address)?.encapsulate(peer);
      if (full !== undefined) named.set(full.toString(), full);
    }
    try {
      await libp2p.dial([...named.values()], {
        signal: signal ?? AbortSignal.timeout(timing.dialMs),
      });
      contacts.reached(nodeId);
    } catch (error) {
      if (links.busy(nodeId)) return;
      contacts.failed(nodeId, clock.monotonicMs());
      throw error;
    }
  }

  /** As {@link Fabric.find}. */
  async find(nodeId: string, signal?: AbortSignal): Promise<readonly SocketAddress[]> {
    const { libp2p, contacts, timing } = this.#ports;
    const unknown = (why: string, cause?: unknown) =>
      new FabricError("unknown-peer", `Cannot find node "${nodeId}": ${why}`, { cause });
    let multiaddrs: readonly Multiaddr[];
    try {
      ({ multiaddrs } = await libp2p.peerRouting.findPeer(peerIdOf(nodeId), {
        signal: signal ?? AbortSignal.timeout(timing.requestMs),
      }));
    } catch (cause) {
      throw unknown("nobody who was asked knows it", cause);
    }
    const addresses = multiaddrs.flatMap((one) => socketAddressOf(one) ?? []);
    if (addresses.length === 0) throw unknown("it has no address");
    for (const address of addresses) contacts.heard(nodeId, address);
    return addresses;
  }
}
