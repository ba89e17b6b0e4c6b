// Kernel parameters that the document implies. linux v6.12 Documentation/networking/ip-sysctl.rst.
import { forwardsToWan } from "./firewall.ts";
import type { Config } from "./schema.ts";

/** A parameter, what it should be and the key that wants it. */
export interface WantedSysctl {
  readonly name: string;
  readonly value: string;
  readonly key: string;
}

/** The parameters a configuration implies, in the order they are to be set. */
export function wantedSysctls(config: Config): readonly WantedSysctl[] {
  const { wan, lan } = config;
  const out: WantedSysctl[] = [];
  if (forwardsToWan(config) && wan.interface !== undefined) {
    // Forwarding turns router advertisements off unless accept_ra is 2. A name with a dot is written
    // with a slash, as sysctl(8) does.
    const link = wan.interface.replaceAll(".", "/");
    const key = "firewall.forward_to_wan";
    out.push({ name: `net.ipv6.conf.${link}.accept_ra`, value: "2", key });
    out.push({ name: "net.ipv4.ip_forward", value: "1", key });
    out.push({ name: "net.ipv6.conf.all.forwarding", value: "1", key });
  } else if (lan.enabled && lan.routerAdvertisement.enabled) {
    out.push({
      name: "net.ipv6.conf.all.forwarding",
      value: "1",
      key: "lan.router_advertisement.enabled",
    });
  }
  return out;
}

/** Names of {@link wantedSysctls}. */
export function sysctlNames(config: Config): readonly string[] {
  return wantedSysctls(config).map(({ name }) => name);
}
