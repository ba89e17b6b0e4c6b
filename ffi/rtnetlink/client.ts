// The routing tables of one network namespace: joins the codecs to a connection.
import { ERRNO, errnoName, NamespaceHandle } from "../sys/mod.ts";
import {
  KernelError,
  type Netlink,
  NETLINK_ROUTE,
  NLM_F,
  openNetlink,
  type OpenNetlinkOptions,
} from "../netlink/mod.ts";
import {
  type AddressMessage,
  type AddressSpec,
  decodeAddress,
  encodeAddress,
  encodeAddressDump,
} from "./address.ts";
import {
  decodeLink,
  encodeAltName,
  encodeLinkDump,
  encodeLinkGet,
  encodeLinkIndex,
  encodeNewLink,
  encodeSetLink,
  type LinkMessage,
  type LinkSettings,
  type NewLink,
} from "./link.ts";
import {
  decodeNeighbour,
  encodeNeighbour,
  encodeNeighbourDump,
  type NeighbourMessage,
  type NeighbourSpec,
} from "./neighbour.ts";
import {
  decodeRoute,
  encodeRoute,
  encodeRouteDump,
  type RouteMessage,
  type RouteSpec,
} from "./route.ts";
import { decodeRule, encodeRule, encodeRuleDump, type RuleMessage, type RuleSpec } from "./rule.ts";
import { RTM } from "./spec.ts";

const NEW = NLM_F.CREATE | NLM_F.EXCL;

/** Whether counters are read along with links; without them an answer is half as long. */
export interface LinkReading {
  /** Default true. */
  readonly stats?: boolean;
}

/** Namespaces by name, in place of descriptors. */
export interface IntoNamespace {
  /** A name under /run/netns. */
  readonly netns?: string;
}

/** A link to create, with namespaces by name. */
export type NewLinkIn = NewLink & IntoNamespace & { readonly peerNetns?: string };

function present<T>(values: readonly (T | null)[]): T[] {
  return values.filter((value) => value !== null);
}

/** See the module's header. Owns its connection. Every method throws KernelError, NetlinkTimeout, DecodeError. */
export class Rtnetlink implements Disposable {
  readonly #netlink: Netlink;

  constructor(netlink: Netlink) {
    this.#netlink = netlink;
  }

  /** All links. */
  async links(reading: LinkReading = {}): Promise<LinkMessage[]> {
    const payload = encodeLinkDump(reading.stats ?? true);
    const answers = await this.#netlink.dump("list links", RTM.GETLINK, payload);
    return answers.map((answer) => decodeLink(answer.payload));
  }

  /** One link, by index or name. @throws {KernelError} ENODEV when there is none. */
  async link(which: number | string, reading: LinkReading = {}): Promise<LinkMessage> {
    const op = `read link "${which}"`;
    // The kernel takes an empty name or index 0 for "none given", which is another error.
    if (which === "" || which === 0) throw noDevice(op);
    const payload = encodeLinkGet(which, reading.stats ?? true);
    const [answer] = await this.#netlink.request(op, RTM.GETLINK, payload);
    if (answer === undefined) throw noDevice(op);
    return decodeLink(answer.payload);
  }

  /** Index of a link. @throws {KernelError} ENODEV when there is none. */
  async index(name: string): Promise<number> {
    return (await this.link(name, { stats: false })).index;
  }

  /** Creates a link; it starts down. @throws {KernelError} EEXIST, EOPNOTSUPP for a kind the kernel lacks. */
  async createLink(link: NewLinkIn): Promise<void> {
    using own = namespaceFor(link.netns);
    using peers = namespaceFor(link.peerNetns);
    const placed: NewLink = {
      ...link,
      ...(own === null ? {} : { netnsFd: own.fd }),
      ...(link.kind === "veth" && peers !== null
        ? { peer: { ...link.peer, netnsFd: peers.fd } }
        : {}),
    };
    await this.#netlink.request(
      `create ${link.kind} "${link.name}"`,
      RTM.NEWLINK,
      encodeNewLink(placed),
      NEW,
    );
  }

  /** Changes a link. @throws {KernelError} ENODEV. */
  async setLink(which: number | string, set: LinkSettings & IntoNamespace): Promise<void> {
    const index = typeof which === "number" ? which : await this.index(which);
    using namespace = namespaceFor(set.netns);
    const placed = namespace === null ? set : { ...set, netnsFd: namespace.fd };
    const payload = encodeSetLink(index, placed);
    await this.#netlink.request(`change link "${which}"`, RTM.SETLINK, payload);
  }

  /** Deletes a link. @throws {KernelError} ENODEV; EOPNOTSUPP for hardware. */
  async deleteLink(which: number | string): Promise<void> {
    const index = typeof which === "number" ? which : await this.index(which);
    await this.#netlink.request(`delete link "${which}"`, RTM.DELLINK, encodeLinkIndex(index));
  }

  /** Gives a link a further name, up to 127 octets long. */
  async addAltName(which: number | string, name: string): Promise<void> {
    const index = typeof which === "number" ? which : await this.index(which);
    const payload = encodeAltName(index, name);
    await this.#netlink.request(`name link "${which}"`, RTM.NEWLINKPROP, payload, NEW);
  }

  /** Takes a further name away. */
  async removeAltName(which: number | string, name: string): Promise<void> {
    const index = typeof which === "number" ? which : await this.index(which);
    const payload = encodeAltName(index, name);
    await this.#netlink.request(`unname link "${which}"`, RTM.DELLINKPROP, payload);
  }

  /** All IPv4 and IPv6 addresses. */
  async addresses(): Promise<AddressMessage[]> {
    const answers = await this.#netlink.dump("list addresses", RTM.GETADDR, encodeAddressDump());
    return present(answers.map((answer) => decodeAddress(answer.payload)));
  }

  /** Adds an address. @throws {KernelError} EEXIST. */
  async addAddress(spec: AddressSpec): Promise<void> {
    const op = `add address "${spec.address}/${spec.prefixLength}"`;
    await this.#netlink.request(op, RTM.NEWADDR, encodeAddress(spec), NEW);
  }

  /** Removes an address. @throws {KernelError} EADDRNOTAVAIL. */
  async removeAddress(spec: AddressSpec): Promise<void> {
    const op = `remove address "${spec.address}/${spec.prefixLength}"`;
    await this.#netlink.request(op, RTM.DELADDR, encodeAddress(spec));
  }

  /** All IPv4 and IPv6 routes of all tables. */
  async routes(): Promise<RouteMessage[]> {
    const out: RouteMessage[] = [];
    for (const family of ["ipv4", "ipv6"] as const) {
      const payload = encodeRouteDump(family);
      const answers = await this.#netlink.dump(`list ${family} routes`, RTM.GETROUTE, payload);
      const routes = present(answers.map((answer) => decodeRoute(answer.payload)));
      // A kernel without IPv6 answers with the routes of every family it has.
      out.push(...routes.filter((route) => route.family === family));
    }
    return out;
  }

  /** Adds a route. @throws {KernelError} EEXIST; ENETUNREACH when the gateway is not reachable. */
  async addRoute(spec: RouteSpec): Promise<void> {
    const op = `add route "${spec.destination}"`;
    await this.#netlink.request(op, RTM.NEWROUTE, encodeRoute(spec, "add"), NEW);
  }

  /** Adds a route or replaces the one to the same prefix with the same metric. */
  async replaceRoute(spec: RouteSpec): Promise<void> {
    const flags = NLM_F.CREATE | NLM_F.REPLACE;
    const payload = encodeRoute(spec, "add");
    await this.#netlink.request(`set route "${spec.destination}"`, RTM.NEWROUTE, payload, flags);
  }

  /** Removes the first route that matches. @throws {KernelError} ESRCH. */
  async removeRoute(spec: RouteSpec): Promise<void> {
    const op = `remove route "${spec.destination}"`;
    await this.#netlink.request(op, RTM.DELROUTE, encodeRoute(spec, "remove"));
  }

  /** All ARP and neighbour-discovery entries. */
  async neighbours(): Promise<NeighbourMessage[]> {
    const payload = encodeNeighbourDump();
    const answers = await this.#netlink.dump("list neighbours", RTM.GETNEIGH, payload);
    return present(answers.map((answer) => decodeNeighbour(answer.payload)));
  }

  /** Adds or replaces a neighbour. */
  async setNeighbour(spec: NeighbourSpec): Promise<void> {
    const flags = NLM_F.CREATE | NLM_F.REPLACE;
    const op = `set neighbour "${spec.address}"`;
    await this.#netlink.request(op, RTM.NEWNEIGH, encodeNeighbour(spec), flags);
  }

  /** Removes a neighbour. @throws {KernelError} ENOENT. */
  async removeNeighbour(spec: NeighbourSpec): Promise<void> {
    const op = `remove neighbour "${spec.address}"`;
    await this.#netlink.request(op, RTM.DELNEIGH, encodeNeighbour(spec));
  }

  /** All IPv4 and IPv6 routing-policy rules. */
  async rules(): Promise<RuleMessage[]> {
    const answers = await this.#netlink.dump("list rules", RTM.GETRULE, encodeRuleDump());
    return present(answers.map((answer) => decodeRule(answer.payload)));
  }

  /** Adds a rule. @throws {KernelError} EEXIST. */
  async addRule(spec: RuleSpec): Promise<void> {
    const op = `add rule "${spec.priority}"`;
    await this.#netlink.request(op, RTM.NEWRULE, encodeRule(spec), NEW);
  }

  /** Removes a rule. @throws {KernelError} ENOENT. */
  async removeRule(spec: RuleSpec): Promise<void> {
    const op = `remove rule "${spec.priority}"`;
    await this.#netlink.request(op, RTM.DELRULE, encodeRule(spec));
  }

  /** Closes the connection. */
  close(): void {
    this.#netlink.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function namespaceFor(name: string | undefined): NamespaceHandle | null {
  return name === undefined ? null : new NamespaceHandle(name);
}

function noDevice(op: string): KernelError {
  return new KernelError(op, ERRNO.ENODEV, errnoName(ERRNO.ENODEV), {}, 0);
}

/** Opens the routing tables of a network namespace. @throws {SyscallError} */
export function openRtnetlink(options: OpenNetlinkOptions = {}): Rtnetlink {
  return new Rtnetlink(openNetlink(NETLINK_ROUTE, options));
}
