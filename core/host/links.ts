// The Links port over rtnetlink.
import { macToBytes } from "../base/mod.ts";
import {
  type Address,
  type IpNeighbour,
  KernelFault,
  type Link,
  type LinkChange,
  type Links,
  type LinkSpec,
  type Route,
  type RouteSpec,
  type RoutingRule,
} from "../ports/mod.ts";
import type {
  NewLink,
  RouteSpec as NetlinkRoute,
  Rtnetlink,
  RuleSpec,
} from "../../ffi/rtnetlink/mod.ts";
import { faulting } from "./errors.ts";
import { viewAddress, viewLink, viewNeighbour, viewRoute, viewRule } from "./link_view.ts";
import { allNames } from "./names.ts";

/** The links of the network namespace that `rtnetlink` is open in; does not own it. */
export function hostLinks(rtnetlink: Rtnetlink): Links {
  return new RtnetlinkLinks(rtnetlink);
}

/** A value that an encoder refuses was the caller's. */
function run<T>(action: () => Promise<T>): Promise<T> {
  return faulting(async () => {
    try {
      return await action();
    } catch (thrown) {
      if (thrown instanceof RangeError || thrown instanceof TypeError) {
        throw new KernelFault("invalid", thrown.message, { cause: thrown });
      }
      throw thrown;
    }
  });
}

const MAX_VLAN_ID = 4094;
const MAX_VNI = 0xffffff;

/** IFNAMSIZ without its NUL. */
const MAX_NAME_BYTES = 15;

function requireRange(what: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new KernelFault("invalid", `Cannot use ${value} as ${what}: allowed are ${min} to ${max}`);
}

/**
 * Names by the kernel's own rules (dev_valid_name()), checked here because it takes an empty name and one
 * with "%" for wishes and makes one up.
 */
function requireName(name: string): void {
  const octets = new TextEncoder().encode(name).length;
  if (octets <= MAX_NAME_BYTES && /^[^\s/:%]+$/.test(name) && name !== "." && name !== "..") return;
  const allowed = `1 to ${MAX_NAME_BYTES} octets without space, "/", ":" and "%"`;
  throw new KernelFault("invalid", `Cannot name a link "${name}": allowed are ${allowed}`);
}

function requireUnicast(mac: string): void {
  const octets = macToBytes(mac);
  const first = octets?.[0] ?? 1;
  if ((first & 1) === 0 && octets?.some((octet) => octet !== 0)) return;
  throw new KernelFault("invalid", `Cannot use "${mac}" as a link's address: no unicast MAC`);
}

class RtnetlinkLinks implements Links {
  readonly #rtnetlink: Rtnetlink;

  constructor(rtnetlink: Rtnetlink) {
    this.#rtnetlink = rtnetlink;
  }

  list(): Promise<readonly Link[]> {
    return run(async () => {
      const links = await this.#rtnetlink.links();
      const names = new Map(links.map((link) => [link.index, link.name]));
      return links.map((link) => viewLink(link, names));
    });
  }

  get(name: string): Promise<Link> {
    return run(async () => {
      const link = await this.#rtnetlink.link(name);
      const related = [link.master, link.link].filter((index) => index !== null);
      const lower = link.data?.kind === "vxlan" ? link.data.attributes.link ?? 0 : 0;
      const needed = lower === 0 ? related : [...related, lower];
      const names = needed.length === 0 ? new Map() : await allNames(this.#rtnetlink);
      return viewLink(link, names);
    });
  }

  create(spec: LinkSpec): Promise<void> {
    return run(async () => await this.#rtnetlink.createLink(await this.#newLink(spec)));
  }

  change(name: string, change: LinkChange): Promise<void> {
    return run(async () => {
      const { master, mac, ...same } = change;
      if (change.name !== undefined) requireName(change.name);
      if (mac !== undefined) requireUnicast(mac);
      const index = await this.#rtnetlink.index(name);
      await this.#rtnetlink.setLink(index, {
        ...same,
        ...(mac === undefined ? {} : { address: mac }),
        ...(master === undefined
          ? {}
          : { master: master === null ? null : await this.#rtnetlink.index(master) }),
      });
    });
  }

  delete(name: string): Promise<void> {
    return run(() => this.#rtnetlink.deleteLink(name));
  }

  addresses(): Promise<readonly Address[]> {
    return run(async () => {
      const addresses = await this.#rtnetlink.addresses();
      const names = await allNames(this.#rtnetlink);
      return addresses.map((address) => viewAddress(address, names)).filter((view) =>
        view !== null
      );
    });
  }

  addAddress(link: string, address: string, prefixLength: number): Promise<void> {
    return run(async () => {
      const ifindex = await this.#rtnetlink.index(link);
      await this.#rtnetlink.addAddress({ ifindex, address, prefixLength });
    });
  }

  removeAddress(link: string, address: string, prefixLength: number): Promise<void> {
    return run(async () => {
      const ifindex = await this.#rtnetlink.index(link);
      await this.#rtnetlink.removeAddress({ ifindex, address, prefixLength });
    });
  }

  routes(): Promise<readonly Route[]> {
    return run(async () => {
      const routes = await this.#rtnetlink.routes();
      const names = await allNames(this.#rtnetlink);
      return routes.flatMap((route) => viewRoute(route, names));
    });
  }

  addRoute(route: RouteSpec): Promise<void> {
    return run(async () => await this.#rtnetlink.addRoute(await this.#route(route)));
  }

  removeRoute(route: RouteSpec): Promise<void> {
    return run(async () => await this.#rtnetlink.removeRoute(await this.#route(route)));
  }

  ipNeighbours(): Promise<readonly IpNeighbour[]> {
    return run(async () => {
      const neighbours = await this.#rtnetlink.neighbours();
      const names = await allNames(this.#rtnetlink);
      return neighbours.map((neighbour) => viewNeighbour(neighbour, names)).filter((view) =>
        view !== null
      );
    });
  }

  rules(): Promise<readonly RoutingRule[]> {
    return run(async () => (await this.#rtnetlink.rules()).map(viewRule));
  }

  addRule(rule: RoutingRule): Promise<void> {
    return run(() => this.#rtnetlink.addRule(ruleSpec(rule)));
  }

  removeRule(rule: RoutingRule): Promise<void> {
    return run(() => this.#rtnetlink.removeRule(ruleSpec(rule)));
  }

  async #newLink(spec: LinkSpec): Promise<NewLink> {
    requireName(spec.name);
    switch (spec.kind) {
      case "veth":
        requireName(spec.peer);
        return { kind: "veth", name: spec.name, peer: { name: spec.peer } };
      case "vlan": {
        requireRange("VLAN id", spec.id, 1, MAX_VLAN_ID);
        const { kind, name, id } = spec;
        return { kind, name, id, link: await this.#rtnetlink.index(spec.parent) };
      }
      case "vxlan": {
        requireRange("VXLAN network identifier", spec.id, 0, MAX_VNI);
        const { parent, ...same } = spec;
        const lower = parent === undefined ? {} : { link: await this.#rtnetlink.index(parent) };
        return { ...same, ...lower };
      }
      default:
        return spec;
    }
  }

  async #route(route: RouteSpec): Promise<NetlinkRoute> {
    const { link, ...same } = route;
    return link === undefined ? same : { ...same, ifindex: await this.#rtnetlink.index(link) };
  }
}

function ruleSpec(rule: RoutingRule): RuleSpec {
  return {
    family: rule.family,
    priority: rule.priority,
    table: rule.table,
    ...(rule.source === null ? {} : { source: rule.source }),
    ...(rule.destination === null ? {} : { destination: rule.destination }),
    ...(rule.inputLink === null ? {} : { inputName: rule.inputLink }),
    ...(rule.mark === null ? {} : { mark: rule.mark }),
  };
}
