// Where members are: "host:port" as invites carry it, and which of a node's addresses are worth telling.
import type { Address, Link, SocketAddress } from "../ports/mod.ts";
import { MAX_ANNOUNCED } from "./limits.ts";

/** "10.0.0.1:6470", "[fd00::1]:6470", "[fe80::1%bat0]:6470". */
export function formatEndpoint({ host, port }: SocketAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads "host:port"; `null` when it is none. */
export function parseEndpoint(text: string): SocketAddress | null {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([\w.-]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port < 1 || port > 65_535 ? null : { host, port };
}

/** Whether an address means nothing without its link. */
export function isLinkLocal(host: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(host);
}

const rank = ({ address, scope }: Address): number => {
  if (scope === "link") return 2;
  return address.includes(":") ? 0 : 1;
};

/**
 * Addresses of a node that others may reach, best first: routable ones, then the link-local ones of the
 * mesh, without their link, since the far end has one of its own. The overlay's own are left out: whoever
 * needs an invite isn't on it.
 */
export function announcedAddresses(
  addresses: readonly Address[],
  links: readonly Pick<Link, "name" | "loopback" | "up">[],
  { port, overlay, meshLinks }: {
    readonly port: number;
    readonly overlay: string;
    /** Links on which other nodes are: the mesh interface and its bridge. */
    readonly meshLinks: readonly string[];
  },
): readonly string[] {
  const usable = new Set(
    links.filter(({ name, loopback, up }) => up && !loopback && name !== overlay).map(({ name }) =>
      name
    ),
  );
  return addresses
    .filter(({ link, scope, tentative, duplicate }) =>
      usable.has(link) && !tentative && !duplicate && scope !== "host" && scope !== "nowhere" &&
      (scope !== "link" || meshLinks.includes(link))
    )
    .toSorted((a, b) => rank(a) - rank(b))
    .map(({ address }) => formatEndpoint({ host: address, port }))
    .filter((text, index, all) => all.indexOf(text) === index)
    .slice(0, MAX_ANNOUNCED);
}

/** Where to dial for an address: a link-local one without link is tried on every link that is up. */
export function dialTargets(
  { host, port }: SocketAddress,
  links: readonly Pick<Link, "name" | "loopback" | "up" | "carrier">[],
): readonly SocketAddress[] {
  if (!isLinkLocal(host) || host.includes("%")) return [{ host, port }];
  return links.filter(({ loopback, up, carrier }) => up && carrier && !loopback)
    .map(({ name }) => ({ host: `${host}%${name}`, port }));
}
