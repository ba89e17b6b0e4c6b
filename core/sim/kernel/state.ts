// The state of one simulated node, shared by the parts of its Kernel. Data and look-ups; the rules
// for changing it are in the parts.
import type { Mac } from "../../base/mod.ts";
import {
  type Address,
  type Clock,
  type InterfaceMode,
  type IpNeighbour,
  KernelFault,
  type KernelFaultCode,
  type Link,
  type LinkKind,
  type MeshParameters,
  type OperState,
  type Route,
  type RoutingRule,
  type WireguardPeer,
} from "../../ports/mod.ts";
import type { Engine, HardIf, Router } from "../batman/mod.ts";
import type { Medium, Port, Tuning } from "../medium/mod.ts";
import type { SeededRandom } from "../random.ts";
import { EventHub } from "./events.ts";

/** What all nodes of a simulation share. */
export interface World {
  readonly clock: Clock;
  readonly medium: Medium;
  readonly engine: Engine;
  readonly random: SeededRandom;
  /** "simulated mesh of 5 nodes, seed 1" */
  readonly description: string;
}

/** The wireless side of a link. */
export interface WirelessState {
  readonly radio: string;
  mode: InterfaceMode;
  /** Mesh id or SSID while joined. */
  joined: string | null;
  channel: Omit<Tuning, "network"> | null;
  parameters: MeshParameters;
}

/** The mesh side of a link of kind "batadv". */
export interface MeshState {
  readonly router: Router;
  readonly hardIfs: Map<string, HardIf>;
  readonly vlans: Map<number, { apIsolation: boolean }>;
  readonly clients: Map<string, ClientState>;
  readonly datCache: Map<string, { mac: Mac; vlan: number | null; seenMs: number }>;
  readonly measuring: Set<Mac>;
}

/** A client of this node's translation table. */
export interface ClientState {
  readonly mac: Mac;
  readonly vlan: number | null;
  readonly own: boolean;
  readonly wireless: boolean;
  readonly seenMs: number;
}

/** The WireGuard side of a link. */
export interface WireguardState {
  privateKey: Uint8Array<ArrayBuffer> | null;
  publicKey: string | null;
  listenPort: number;
  fwmark: number;
  peers: Map<string, WireguardPeer>;
}

/** One link. */
export interface LinkState {
  readonly index: number;
  name: string;
  readonly kind: LinkKind;
  mac: Mac | null;
  mtu: number;
  up: boolean;
  readonly loopback: boolean;
  master: string | null;
  parent: string | null;
  readonly id: number | null;
  /** Name of the other end of a veth. */
  peer: string | null;
  readonly port: Port | null;
  readonly wireless: WirelessState | null;
  readonly mesh: MeshState | null;
  readonly wireguard: WireguardState | null;
}

/** A radio (wiphy). */
export interface RadioState {
  readonly index: number;
  readonly name: string;
  /** `null` is automatic. */
  fixedPowerDbm: number | null;
}

/** One node. */
export class NodeState {
  readonly events = new EventHub();
  readonly links = new Map<string, LinkState>();
  readonly radios = new Map<string, RadioState>();
  addresses: Address[] = [];
  routes: Route[] = [];
  neighbours: IpNeighbour[] = [];
  rules: RoutingRule[] = [];
  readonly sysctl = new Map<string, string>();
  /** "family name" → ruleset text and set elements. */
  readonly tables = new Map<string, { text: string; sets: Map<string, Map<string, string>> }>();
  /** Plugs of wires, by the name of their link. */
  readonly plugs = new Map<string, Port>();
  country = "00";
  running = true;
  nextIndex = 1;

  constructor(readonly index: number, readonly world: World) {}

  /** @throws {KernelFault} "no-such-link" */
  link(name: string, act = "use"): LinkState {
    const link = this.links.get(name);
    if (link === undefined) {
      throw fault("no-such-link", `Cannot ${act} "${name}": there is no such link`);
    }
    return link;
  }

  /** The mesh interface of that name. @throws {KernelFault} "no-such-link", "invalid" */
  mesh(name: string): { readonly link: LinkState; readonly mesh: MeshState } {
    const link = this.link(name, "use the mesh");
    if (link.mesh === null) {
      throw fault("invalid", `Cannot use the mesh "${name}": it is a ${link.kind} link`);
    }
    return { link, mesh: link.mesh };
  }

  /** The wireless interface of that name. @throws {KernelFault} "no-such-link" */
  wireless(
    name: string,
  ): { readonly link: LinkState; readonly wireless: WirelessState; readonly port: Port } {
    const link = this.link(name, "use the wireless interface");
    if (link.wireless === null || link.port === null) {
      throw fault("no-such-link", `Cannot use "${name}" as a wireless interface: it is none`);
    }
    return { link, wireless: link.wireless, port: link.port };
  }

  /** The other end of a veth, or of a wire into another node's running port. */
  carrier(link: LinkState): boolean {
    if (!link.up) return false;
    if (link.wireless !== null) return link.wireless.joined !== null;
    if (link.kind === "veth") return this.links.get(link.peer ?? "")?.up ?? true;
    if (link.port?.kind === "wire") {
      return [...link.port.links.values()].some((air) => air.to.active);
    }
    if (link.kind === "vlan" || (link.kind === "vxlan" && link.parent !== null)) {
      const parent = this.links.get(link.parent ?? "");
      return parent === undefined || this.carrier(parent);
    }
    if (link.kind === "bridge") {
      return [...this.links.values()].some((port) =>
        port.master === link.name && this.carrier(port)
      );
    }
    return link.kind !== "device" || link.loopback;
  }

  operState(link: LinkState): OperState {
    const quiet = link.loopback || link.kind === "dummy" || link.kind === "wireguard" ||
      link.kind === "batadv" || link.kind === "vxlan";
    if (!link.up) return link.loopback ? "unknown" : "down";
    if (quiet) return "unknown";
    if (this.carrier(link)) return "up";
    return link.kind === "veth" || link.kind === "vlan" ? "lower-layer-down" : "down";
  }

  /** A link as the Links port shows it. */
  view(link: LinkState): Link {
    const port = link.port;
    return {
      index: link.index,
      name: link.name,
      kind: link.kind,
      mac: link.mac,
      mtu: link.mtu,
      up: link.up,
      carrier: this.carrier(link),
      operState: this.operState(link),
      loopback: link.loopback,
      master: link.master,
      parent: link.parent,
      id: link.id,
      counters: {
        rxBytes: Math.round(port?.rxBytes ?? 0),
        txBytes: Math.round(port?.txBytes ?? 0),
        rxPackets: port?.rxPackets ?? 0,
        txPackets: port?.txPackets ?? 0,
        rxErrors: 0,
        txErrors: 0,
        rxDropped: 0,
        txDropped: 0,
      },
    };
  }

  changed(link: LinkState): void {
    this.events.emit({ type: "link", link: this.view(link) });
  }

  /** Makes a port's activity follow its link and node. */
  syncPort(link: LinkState): void {
    if (link.port === null) return;
    const before = link.port.active;
    this.world.medium.setActive(link.port, link.up && this.running);
    if (before === link.port.active) return;
    const peer = this.links.get(link.peer ?? "");
    if (peer !== undefined) this.changed(peer);
  }
}

/** Shorthand for the port's error. */
export function fault(code: KernelFaultCode, message: string): KernelFault {
  return new KernelFault(code, message);
}

/** Checks a whole number in a range. @throws {KernelFault} "invalid" */
export function checkRange(what: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw fault("invalid", `Cannot set ${what} to ${value}: it must be from ${low} to ${high}`);
}
