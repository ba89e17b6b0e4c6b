// Kernel parameters that the document implies. linux v6.12 Documentation/networking/ip-sysctl.rst.
import { forwardsToWan, lanInterfaces } from "./firewall.ts";
import type { Config } from "./schema.ts";

/** A parameter, what it should be and the key that wants it. */
export interface WantedSysctl {
  readonly name: string;
  readonly value: string;
  /** The kernel's own value, for when no document wants another any more. */
  readonly rest: string;
  readonly key: string;
}

/** The parameters a configuration implies, in the order they are to be set. */
export function wantedSysctls(config: Config): readonly WantedSysctl[] {
  const { wan, lan } = config;
  const out: WantedSysctl[] = [];
  const ipv6 = { name: "net.ipv6.conf.all.forwarding", value: "1", rest: "0" };
  if (forwardsToWan(config) && wan.interface !== undefined) {
    const key = "firewall.forward_to_wan";
    // With forwarding on, router advertisements count only where accept_ra is 2.
    out.push({
      name: `net.ipv6.conf.${wan.interface}.accept_ra`,
      value: "2",
      rest: "1",
      key,
    });
    // IPv4 forwards by the interface a packet comes from: others of this machine stay as they are. IPv6
    // knows only all or none.
    for (const link of [wan.interface, ...lanInterfaces(config)]) {
      out.push({ name: `net.ipv4.conf.${link}.forwarding`, value: "1", rest: "0", key });
    }
    out.push({ ...ipv6, key });
  } else if (lan.enabled && lan.routerAdvertisement.enabled) {
    out.push({ ...ipv6, key: "lan.router_advertisement.enabled" });
  }
  return out;
}

/** What the document before wanted and this one does not: back to the kernel's own values. */
export function restingSysctls(config: Config, previous: Config | null): readonly WantedSysctl[] {
  if (previous === null) return [];
  const kept = new Set(wantedSysctls(config).map(({ name }) => name));
  return wantedSysctls(previous).filter(({ name }) => !kept.has(name))
    .map((wanted) => ({ ...wanted, value: wanted.rest }));
}
