// Tells the packet filter which MAC addresses are nodes', so that what they send in the clear is told from
// what LAN clients send. A beacon suffices for it: whoever could make one up is a member, and the worst a
// false one does is to hold a client to the services that nodes may reach too.
import { macToBytes } from "../base/mod.ts";
import type { Clock, Links } from "../ports/mod.ts";
import { MAX_NODE_MACS, NODE_MAC_LIFETIME_MS, NODE_MAC_RENEW_MS } from "./limits.ts";
import type { OverlayFirewall } from "./overlay_firewall.ts";

/**
 * MAC address in a link-local address made of it (RFC 4291 appendix A); `null` for one made otherwise.
 *
 * @param host with or without its link.
 */
export function macInLinkLocal(host: string): string | null {
  const [address = ""] = host.split("%");
  const groups = /^fe80::((?:[0-9a-f]{1,4}:){3}[0-9a-f]{1,4})$/.exec(address)?.[1]?.split(":");
  if (groups === undefined) return null;
  const octets = groups.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
  const [a = 0, b = 0, c = 0, ff, fe, d = 0, e = 0, f = 0] = octets;
  if (ff !== 0xff || fe !== 0xfe) return null;
  return [a ^ 2, b, c, d, e, f].map((octet) => octet.toString(16).padStart(2, "0")).join(":");
}

/** See the module's header. */
export class NodeMacs {
  readonly #clock: Clock;
  readonly #links: Links;
  readonly #firewall: OverlayFirewall;
  /** Link-local address → when it was last told, in the order of that. */
  readonly #told = new Map<string, number>();

  constructor(clock: Clock, links: Links, firewall: OverlayFirewall) {
    this.#clock = clock;
    this.#links = links;
    this.#firewall = firewall;
  }

  /** A node is at this address. Does nothing for addresses that are not link-local. @throws {KernelFault} */
  async saw(host: string): Promise<void> {
    if (!/^fe80:.*%/.test(host)) return;
    const nowMs = this.#clock.monotonicMs();
    const toldMs = this.#told.get(host);
    if (toldMs !== undefined && nowMs - toldMs < NODE_MAC_RENEW_MS) return;
    this.#told.delete(host);
    this.#told.set(host, nowMs);
    const [oldest] = this.#told.keys();
    if (this.#told.size > MAX_NODE_MACS && oldest !== undefined) this.#told.delete(oldest);
    const mac = await this.#macOf(host);
    const octets = mac === null ? null : macToBytes(mac);
    // Not known yet: the next beacon or handshake asks again.
    if (octets === null) this.#told.delete(host);
    else await this.#firewall.addNode(octets, NODE_MAC_LIFETIME_MS);
  }

  async #macOf(host: string): Promise<string | null> {
    const derived = macInLinkLocal(host);
    if (derived !== null) return derived;
    const [address, link] = host.split("%");
    const neighbours = await this.#links.ipNeighbours();
    return neighbours.find((one) => one.address === address && one.link === link)?.mac ?? null;
  }
}
