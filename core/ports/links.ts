// Network links, addresses, routes and neighbours: rtnetlink as the product needs it.
import type { Mac } from "../base/mod.ts";

/** Statistics since the link was made. Exact up to 2^53. */
export interface LinkCounters {
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxErrors: number;
  readonly txErrors: number;
  readonly rxDropped: number;
  readonly txDropped: number;
}

/** "device" is any link without a kind (hardware). Others are the kernel's own kind names. */
export type LinkKind =
  | "device"
  | "batadv"
  | "veth"
  | "vxlan"
  | "wireguard"
  | "bridge"
  | "vlan"
  | "dummy"
  | (string & Record<never, never>);

/** RFC 2863 operational state, as the kernel words it. */
export type OperState =
  | "unknown"
  | "not-present"
  | "down"
  | "lower-layer-down"
  | "testing"
  | "dormant"
  | "up";

/** One network link. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly kind: LinkKind;
  /** `null` for links without a link-layer address (wireguard). */
  readonly mac: Mac | null;
  readonly mtu: number;
  /** Administratively up. */
  readonly up: boolean;
  readonly carrier: boolean;
  readonly operState: OperState;
  readonly loopback: boolean;
  /** Name of the bridge or mesh interface this link is enslaved to. */
  readonly master: string | null;
  /** Name of the lower link of a vlan or vxlan, when it is in this namespace. */
  readonly parent: string | null;
  /** VLAN id or VXLAN network identifier. */
  readonly id: number | null;
  readonly counters: LinkCounters;
}

/** A link to create. It starts down. */
export type LinkSpec =
  | { readonly kind: "batadv"; readonly name: string; readonly algorithm: "BATMAN_IV" | "BATMAN_V" }
  | { readonly kind: "bridge" | "dummy" | "wireguard"; readonly name: string }
  | { readonly kind: "veth"; readonly name: string; readonly peer: string }
  | {
    readonly kind: "vlan";
    readonly name: string;
    readonly parent: string;
    /** 1–4094. */
    readonly id: number;
  }
  | {
    readonly kind: "vxlan";
    readonly name: string;
    readonly parent?: string;
    /** 0–16777215. */
    readonly id: number;
    readonly local?: string;
    /** Unicast or multicast peer address. */
    readonly remote?: string;
    /** UDP port, default 4789. */
    readonly port?: number;
  };

/** What to change of a link; what is left out stays. */
export interface LinkChange {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: Mac;
  /** Enslave to this link; `null` releases it. */
  readonly master?: string | null;
  readonly name?: string;
}

/** An address on a link. */
export interface Address {
  readonly link: string;
  /** "10.0.0.1" or "fd00::1". */
  readonly address: string;
  readonly prefixLength: number;
  readonly scope: "global" | "site" | "link" | "host" | "nowhere";
  /** IPv6: not yet, or never, usable. */
  readonly tentative: boolean;
  readonly duplicate: boolean;
}

/** A route. */
export interface Route {
  /** "0.0.0.0/0", "::/0", "10.1.0.0/16". */
  readonly destination: string;
  readonly gateway: string | null;
  readonly link: string | null;
  /** Routing table; 254 is main. */
  readonly table: number;
  readonly metric: number | null;
  /** Routing protocol number: 2 kernel, 3 boot, 4 static, 16 DHCP … */
  readonly protocol: number;
  readonly type:
    | "unicast"
    | "local"
    | "broadcast"
    | "multicast"
    | "blackhole"
    | "unreachable"
    | "prohibit"
    | "other";
  readonly source: string | null;
}

/** A route to add or remove. */
export interface RouteSpec {
  readonly destination: string;
  readonly gateway?: string;
  readonly link?: string;
  readonly table?: number;
  readonly metric?: number;
  readonly protocol?: number;
  readonly type?: "unicast" | "blackhole" | "unreachable" | "prohibit";
}

/** An ARP or neighbour-discovery entry. */
export interface IpNeighbour {
  readonly link: string;
  readonly address: string;
  readonly mac: Mac | null;
  readonly state:
    | "incomplete"
    | "reachable"
    | "stale"
    | "delay"
    | "probe"
    | "failed"
    | "noarp"
    | "permanent"
    | "none";
}

/** A routing-policy rule. */
export interface RoutingRule {
  readonly family: "ipv4" | "ipv6";
  readonly priority: number;
  readonly source: string | null;
  readonly destination: string | null;
  readonly inputLink: string | null;
  readonly mark: number | null;
  readonly table: number;
}

/** Links, addresses, routes, neighbours. Every method rejects with KernelFault. */
export interface Links {
  list(): Promise<readonly Link[]>;
  /** @throws {KernelFault} "no-such-link" */
  get(name: string): Promise<Link>;
  create(spec: LinkSpec): Promise<void>;
  change(name: string, change: LinkChange): Promise<void>;
  delete(name: string): Promise<void>;
  addresses(): Promise<readonly Address[]>;
  addAddress(link: string, address: string, prefixLength: number): Promise<void>;
  removeAddress(link: string, address: string, prefixLength: number): Promise<void>;
  routes(): Promise<readonly Route[]>;
  addRoute(route: RouteSpec): Promise<void>;
  removeRoute(route: RouteSpec): Promise<void>;
  ipNeighbours(): Promise<readonly IpNeighbour[]>;
  rules(): Promise<readonly RoutingRule[]>;
  addRule(rule: RoutingRule): Promise<void>;
  removeRule(rule: RoutingRule): Promise<void>;
}
