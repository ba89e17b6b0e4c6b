// Kernel parameters of one simulated node: a few global ones, and those each link has.
import type { Sysctl } from "../../ports/mod.ts";
import { SYSCTL_MAX } from "../limits.ts";
import { fault, type NodeState } from "./state.ts";

const GLOBAL: Readonly<Record<string, string>> = {
  "kernel.hostname": "simulated",
  "kernel.osrelease": "simulated",
  "net.ipv4.ip_forward": "0",
  "net.bridge.bridge-nf-call-iptables": "0",
};
const PER_LINK: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ipv4: { forwarding: "0", rp_filter: "0", accept_local: "0", arp_ignore: "0", proxy_arp: "0" },
  ipv6: {
    forwarding: "0",
    accept_ra: "1",
    autoconf: "1",
    disable_ipv6: "0",
    addr_gen_mode: "0",
    accept_dad: "1",
    use_tempaddr: "0",
  },
};

/** The Sysctl port of one simulated node. Values are kept and have no effect. */
export class SimSysctl implements Sysctl {
  readonly #node: NodeState;

  constructor(node: NodeState) {
    this.#node = node;
  }

  // deno-lint-ignore require-await
  async read(name: string): Promise<string | null> {
    const fallback = this.#default(name);
    return fallback === null ? null : this.#node.sysctl.get(name) ?? fallback;
  }

  // deno-lint-ignore require-await
  async write(name: string, value: string): Promise<void> {
    if (this.#default(name) === null) {
      throw fault("not-found", `Cannot write the parameter "${name}": there is none`);
    }
    if (this.#node.sysctl.size >= SYSCTL_MAX) {
      throw fault("busy", `Cannot write the parameter "${name}": too many were written`);
    }
    if (name.startsWith("net.") && !/^-?\d+$/.test(value.trim())) {
      throw fault("invalid", `Cannot write "${value}" to "${name}": it takes a whole number`);
    }
    this.#node.sysctl.set(name, value.trim());
  }

  #default(name: string): string | null {
    if (Object.hasOwn(GLOBAL, name)) return GLOBAL[name] ?? null;
    const found = /^net\.(ipv4|ipv6)\.conf\.(.+)\.(\w+)$/.exec(name);
    const [, family = "", link = "", leaf = ""] = found ?? [];
    const known = link === "all" || link === "default" ||
      this.#node.links.has(link.replaceAll("/", "."));
    return found !== null && known ? PER_LINK[family]?.[leaf] ?? null : null;
  }
}
