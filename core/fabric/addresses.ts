// Addresses between our form ("fe80::1%bat0", 6473) and libp2p's multiaddrs.
//
// A link's name means something on its own node only. So multiaddrs never carry one: they go to other nodes
// through the DHT. A link-local address without a link is dialled on the links that this node is told to use.
import {
  CODE_IP4,
  CODE_IP6,
  CODE_P2P,
  CODE_TCP,
  type Multiaddr,
  multiaddr,
} from "@multiformats/multiaddr";
import type { SocketAddress } from "../ports/mod.ts";

const LINK_LOCAL = /^fe[89ab][0-9a-f]:/i;

/** Whether a host is an IPv6 link-local address, with or without a link. */
export function isLinkLocal(host: string): boolean {
  return LINK_LOCAL.test(host);
}

/** The host without its link. */
export function withoutLink(host: string): string {
  return host.split("%")[0] ?? host;
}

/** As libp2p writes it; `null` for what is no IP address and port. */
export function multiaddrOf({ host, port }: SocketAddress): Multiaddr | null {
  const bare = withoutLink(host);
  try {
    return multiaddr(`/${bare.includes(":") ? "ip6" : "ip4"}/${bare}/tcp/${port}`);
  } catch {
    return null;
  }
}

/** Reverses {@link multiaddrOf}; `null` for any other kind of address. */
export function socketAddressOf(address: Multiaddr): SocketAddress | null {
  const parts = address.getComponents().filter(({ code }) => code !== CODE_P2P);
  const [ip, tcp, ...more] = parts;
  if (ip === undefined || tcp === undefined || more.length > 0) return null;
  if ((ip.code !== CODE_IP4 && ip.code !== CODE_IP6) || tcp.code !== CODE_TCP) return null;
  const port = Number(tcp.value);
  if (ip.value === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) return null;
  return { host: ip.value, port };
}
