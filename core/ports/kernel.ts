// The one port to the network side of an operating system. Two implementations: core/host (Linux over
// netlink) and core/sim (a simulated mesh). tests/conformance holds what both must do.
import type { Firewall } from "./firewall.ts";
import type { Link, Links } from "./links.ts";
import type { Mesh } from "./mesh.ts";
import type { Radios } from "./radios.ts";
import type { Wireguard } from "./wireguard.ts";
import type { Mac } from "../base/mod.ts";

/** What stands behind the port. Shown in logs, API and page: nothing simulated is ever called real. */
export interface KernelInfo {
  readonly kind: "linux" | "simulated";
  /** "Linux 6.12.48 x86_64", or "simulated mesh of 5 nodes, seed 1". */
  readonly description: string;
}

/** Something this machine can or cannot do. */
export interface Capability {
  /** Stable id, e.g. "batman-adv", "net-admin", "wireguard", "radio", "nftables", "hostapd", "dnsmasq". */
  readonly id: string;
  readonly state: "ok" | "missing" | "degraded";
  /** One sentence: what was found. */
  readonly detail: string;
  /** What does not work without it. */
  readonly needed: string;
  /** A command or step that would mend it, or `null`. */
  readonly remedy: string | null;
}

/** A change the kernel reported. */
export type KernelEvent =
  | { readonly type: "link"; readonly link: Link }
  | { readonly type: "link-removed"; readonly name: string; readonly index: number }
  | {
    readonly type: "address" | "address-removed";
    readonly link: string;
    readonly address: string;
    readonly prefixLength: number;
  }
  | { readonly type: "mesh-config"; readonly mesh: string }
  | {
    readonly type: "station" | "station-removed";
    readonly interface: string;
    readonly mac: Mac;
  }
  | { readonly type: "radio"; readonly radio: string; readonly present: boolean }
  | { readonly type: "regulatory"; readonly country: string }
  | { readonly type: "radar"; readonly frequencyMhz: number }
  /** Events were dropped: read everything again. */
  | { readonly type: "lost" };

/** Kernel parameters by dotted name, e.g. "net.ipv6.conf.bat0.forwarding". */
export interface Sysctl {
  /** `null` when there is no such parameter. */
  read(name: string): Promise<string | null>;
  write(name: string, value: string): Promise<void>;
}

/** The kernel of one node (one network namespace). */
export interface Kernel {
  readonly info: KernelInfo;
  readonly links: Links;
  readonly mesh: Mesh;
  readonly radios: Radios;
  readonly wireguard: Wireguard;
  readonly firewall: Firewall;
  readonly sysctl: Sysctl;
  /** What this machine can and cannot do; never rejects. */
  capabilities(): Promise<readonly Capability[]>;
  /** Changes from now on, until `signal` fires. */
  watch(signal: AbortSignal): AsyncIterable<KernelEvent>;
  close(): Promise<void>;
}
