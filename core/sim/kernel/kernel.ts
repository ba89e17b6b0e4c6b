// The Kernel port of one simulated node.
import type { Capability, Kernel, KernelEvent, KernelInfo } from "../../ports/mod.ts";
import { SimFirewall } from "./firewall.ts";
import { SimLinks } from "./links.ts";
import { SimMesh } from "./mesh.ts";
import { SimRadios } from "./radios.ts";
import type { NodeState } from "./state.ts";
import { SimSysctl } from "./sysctl.ts";
import { SimWireguard } from "./wireguard.ts";

const CAPABILITIES: readonly Capability[] = [
  {
    id: "net-admin",
    state: "ok",
    detail: "The simulated network may be changed by anybody.",
    needed: "changing links, addresses and the mesh",
    remedy: null,
  },
  {
    id: "batman-adv",
    state: "ok",
    detail: "Simulated BATMAN_IV and BATMAN_V; no packet leaves this process.",
    needed: "the mesh",
    remedy: null,
  },
  {
    id: "radio",
    state: "ok",
    detail: "Simulated radios on a simulated medium.",
    needed: "wireless links",
    remedy: null,
  },
  {
    id: "wireguard",
    state: "degraded",
    detail: "Simulated: devices keep their configuration, nothing is encrypted or sent.",
    needed: "encrypted tunnels",
    remedy: null,
  },
  {
    id: "nftables",
    state: "degraded",
    detail: "Simulated: tables are kept, but no packet is evaluated.",
    needed: "the firewall",
    remedy: null,
  },
  {
    id: "hostapd",
    state: "missing",
    detail: "The simulation has no client access points.",
    needed: "a client access point",
    remedy: null,
  },
  {
    id: "dnsmasq",
    state: "missing",
    detail: "The simulation carries no client traffic.",
    needed: "DHCP, DNS and router advertisements",
    remedy: null,
  },
];

/** One node of a simulation, seen through the Kernel port. */
export class SimKernel implements Kernel {
  readonly info: KernelInfo;
  readonly links: SimLinks;
  readonly mesh: SimMesh;
  readonly radios: SimRadios;
  readonly wireguard: SimWireguard;
  readonly firewall: SimFirewall;
  readonly sysctl: SimSysctl;
  readonly #node: NodeState;
  readonly #closed = new AbortController();

  constructor(node: NodeState) {
    this.#node = node;
    this.info = { kind: "simulated", description: node.world.description };
    this.links = new SimLinks(node);
    this.mesh = new SimMesh(node);
    this.radios = new SimRadios(node);
    this.wireguard = new SimWireguard(node);
    this.firewall = new SimFirewall(node);
    this.sysctl = new SimSysctl(node);
  }

  // deno-lint-ignore require-await
  async capabilities(): Promise<readonly Capability[]> {
    return CAPABILITIES;
  }

  watch(signal: AbortSignal): AsyncIterable<KernelEvent> {
    return this.#node.events.watch(AbortSignal.any([signal, this.#closed.signal]));
  }

  /** Ends this view's watchers. The node itself lives on in the simulation. */
  // deno-lint-ignore require-await
  async close(): Promise<void> {
    this.#closed.abort();
  }
}
