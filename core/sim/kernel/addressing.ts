// Addresses, routes and rules of one simulated node, with the routes the kernel keeps by itself.
// Nothing is sent along these routes: the simulation carries mesh traffic alone.
import type { Address, Route, RouteSpec, RoutingRule } from "../../ports/mod.ts";
import { ROUTES_MAX } from "../limits.ts";
import { canonicalIp, canonicalPrefix, contains, formatIp, masked, octetsOf } from "./ip.ts";
import { checkRange, fault, type LinkState, type NodeState } from "./state.ts";

const TABLE_MAIN = 254;
const TABLE_LOCAL = 255;
const PROTOCOL_KERNEL = 2;
const PROTOCOL_STATIC = 4;
/** Metric the kernel gives IPv6 routes. */
const METRIC_V6 = 256;
const METRIC_V6_USER = 1024;

function scopeOf(address: string): Address["scope"] {
  if (address === "::1" || address.startsWith("127.")) return "host";
  if (/^fe[89ab]/.test(address) || address.startsWith("169.254.")) return "link";
  if (/^fe[c-f]/.test(address)) return "site";
  return "global";
}

function kernelRoutes(address: Address): Route[] {
  const v6 = address.address.includes(":");
  const bits = v6 ? 128 : 32;
  const common = { gateway: null, link: address.link, protocol: PROTOCOL_KERNEL };
  const routes: Route[] = [{
    ...common,
    destination: `${address.address}/${bits}`,
    table: TABLE_LOCAL,
    metric: v6 ? 0 : null,
    type: "local",
    source: v6 ? null : address.address,
  }];
  if (address.prefixLength < bits) {
    const network = formatIp(masked(octetsOf(address.address), address.prefixLength));
    routes.push({
      ...common,
      destination: `${network}/${address.prefixLength}`,
      table: TABLE_MAIN,
      metric: v6 ? METRIC_V6 : null,
      type: "unicast",
      source: v6 ? null : address.address,
    });
  }
  return routes;
}

function sameRoute(a: Route, b: Route): boolean {
  return a.destination === b.destination && a.table === b.table && a.type === b.type &&
    (a.metric ?? 0) === (b.metric ?? 0) && a.link === b.link && a.gateway === b.gateway;
}

/** Adds an address, with the kernel's routes when the link is up. */
export function addAddress(
  node: NodeState,
  link: LinkState,
  address: string,
  prefixLength: number,
): void {
  const text = canonicalIp(address);
  checkRange("the prefix length", prefixLength, 0, text.includes(":") ? 128 : 32);
  const same = node.addresses.some((known) =>
    known.link === link.name && known.address === text &&
    (text.includes(":") || known.prefixLength === prefixLength)
  );
  if (same) throw fault("exists", `Cannot add "${text}" to "${link.name}": it is there`);
  if (node.addresses.length >= ROUTES_MAX) {
    throw fault("busy", `Cannot add "${text}": the node has ${ROUTES_MAX} addresses`);
  }
  const made: Address = {
    link: link.name,
    address: text,
    prefixLength,
    scope: scopeOf(text),
    tentative: false,
    duplicate: false,
  };
  node.addresses.push(made);
  node.events.emit({ type: "address", link: link.name, address: text, prefixLength });
  if (link.up) addKernelRoutes(node, made);
}

function addKernelRoutes(node: NodeState, address: Address): void {
  for (const route of kernelRoutes(address)) {
    if (!node.routes.some((known) => sameRoute(known, route))) node.routes.push(route);
  }
}

/** The automatic link-local address of a link that came up. */
export function addAutomatic(node: NodeState, link: LinkState, address: string): void {
  const known = node.addresses.some((one) => one.link === link.name && one.address === address);
  if (!known) addAddress(node, link, address, 64);
}

export function removeAddress(
  node: NodeState,
  link: LinkState,
  address: string,
  prefixLength: number,
): void {
  const text = canonicalIp(address);
  const found = node.addresses.find((known) =>
    known.link === link.name && known.address === text && known.prefixLength === prefixLength
  );
  if (found === undefined) {
    throw fault("not-found", `Cannot remove "${text}/${prefixLength}": "${link.name}" has it not`);
  }
  drop(node, found);
}

function drop(node: NodeState, address: Address): void {
  node.addresses = node.addresses.filter((known) => known !== address);
  const kept = node.addresses.filter((known) => known.link === address.link).flatMap(kernelRoutes);
  for (const gone of kernelRoutes(address)) {
    if (kept.some((route) => sameRoute(route, gone))) continue;
    node.routes = node.routes.filter((route) =>
      !(route.protocol === PROTOCOL_KERNEL && sameRoute(route, gone))
    );
  }
  const { link, address: text, prefixLength } = address;
  node.events.emit({ type: "address-removed", link, address: text, prefixLength });
}

/** The kernel's routes of a link's addresses appear. */
export function linkUp(node: NodeState, link: LinkState): void {
  for (const address of node.addresses) {
    if (address.link === link.name) addKernelRoutes(node, address);
  }
}

/** Routes over the link vanish, and its IPv6 addresses with them, as in Linux. */
export function linkDown(node: NodeState, link: LinkState): void {
  node.routes = node.routes.filter((route) => route.link !== link.name);
  for (const address of [...node.addresses]) {
    if (address.link === link.name && address.address.includes(":")) drop(node, address);
  }
}

export function linkGone(node: NodeState, link: LinkState): void {
  for (const address of [...node.addresses]) if (address.link === link.name) drop(node, address);
  node.routes = node.routes.filter((route) => route.link !== link.name);
  node.neighbours = node.neighbours.filter((entry) => entry.link !== link.name);
}

export function linkRenamed(node: NodeState, from: string, to: string): void {
  const renamed = <T extends { readonly link: string | null }>(entry: T): T =>
    entry.link === from ? { ...entry, link: to } : entry;
  node.addresses = node.addresses.map(renamed);
  node.routes = node.routes.map(renamed);
  node.neighbours = node.neighbours.map(renamed);
}

/** The link over which a gateway is reached by a route that needs none itself. */
function linkTowards(node: NodeState, gateway: string): string | null {
  const direct = node.routes.find((route) =>
    route.table === TABLE_MAIN && route.gateway === null && route.type === "unicast" &&
    contains(route.destination, gateway)
  );
  return direct?.link ?? null;
}

export function addRoute(node: NodeState, spec: RouteSpec): void {
  const route = resolve(node, spec);
  const clash = node.routes.some((known) =>
    known.destination === route.destination && known.table === route.table &&
    (known.metric ?? 0) === (route.metric ?? 0) &&
    (!route.destination.includes(":") || sameRoute(known, route))
  );
  if (clash) throw fault("exists", `Cannot add the route to "${route.destination}": it is there`);
  if (node.routes.length >= ROUTES_MAX) {
    throw fault("busy", `Cannot add the route to "${route.destination}": too many routes`);
  }
  node.routes.push(route);
}

function resolve(node: NodeState, spec: RouteSpec): Route {
  const destination = canonicalPrefix(spec.destination);
  const v6 = destination.includes(":");
  const type = spec.type ?? "unicast";
  const gateway = spec.gateway === undefined ? null : canonicalIp(spec.gateway);
  if (gateway !== null && gateway.includes(":") !== v6) {
    throw fault(
      "invalid",
      `Cannot add the route to "${destination}": "${gateway}" is of the other family`,
    );
  }
  let link = spec.link ?? null;
  if (link !== null) {
    if (!node.link(link, "route over").up) {
      throw fault("unreachable", `Cannot add the route to "${destination}": "${link}" is down`);
    }
  } else if (type === "unicast") {
    if (gateway === null) {
      throw fault(
        "no-such-link",
        `Cannot add the route to "${destination}": neither link nor gateway`,
      );
    }
    link = linkTowards(node, gateway);
    if (link === null) {
      throw fault(
        "unreachable",
        `Cannot add the route to "${destination}": no way to "${gateway}"`,
      );
    }
  }
  return {
    destination,
    gateway,
    link: type === "unicast" ? link : null,
    table: spec.table ?? TABLE_MAIN,
    metric: spec.metric ?? (v6 ? METRIC_V6_USER : null),
    protocol: spec.protocol ?? PROTOCOL_STATIC,
    type,
    source: null,
  };
}

export function removeRoute(node: NodeState, spec: RouteSpec): void {
  const destination = canonicalPrefix(spec.destination);
  const gateway = spec.gateway === undefined ? undefined : canonicalIp(spec.gateway);
  const found = node.routes.find((route) =>
    route.destination === destination && route.table === (spec.table ?? TABLE_MAIN) &&
    (gateway === undefined || route.gateway === gateway) &&
    (spec.link === undefined || route.link === spec.link) &&
    (spec.metric === undefined || route.metric === spec.metric) &&
    (spec.protocol === undefined || route.protocol === spec.protocol) &&
    (spec.type === undefined || route.type === spec.type)
  );
  if (found === undefined) {
    throw fault("not-found", `Cannot remove the route to "${destination}": there is none such`);
  }
  node.routes = node.routes.filter((route) => route !== found);
}

function canonicalRule(rule: RoutingRule): RoutingRule {
  const prefix = (text: string | null) => {
    if (text === null) return null;
    const canonical = canonicalPrefix(text);
    if (canonical.includes(":") === (rule.family === "ipv6")) return canonical;
    throw fault("invalid", `Cannot use "${text}" in a rule of ${rule.family}: the other family`);
  };
  return { ...rule, source: prefix(rule.source), destination: prefix(rule.destination) };
}

function sameRule(a: RoutingRule, b: RoutingRule): boolean {
  return a.family === b.family && a.priority === b.priority && a.table === b.table &&
    a.source === b.source && a.destination === b.destination && a.mark === b.mark &&
    a.inputLink === b.inputLink;
}

export function addRule(node: NodeState, rule: RoutingRule): void {
  const wanted = canonicalRule(rule);
  if (node.rules.some((known) => sameRule(known, wanted))) {
    throw fault("exists", `Cannot add the rule of priority ${rule.priority}: it is there`);
  }
  if (node.rules.length >= ROUTES_MAX) throw fault("busy", "Cannot add a rule: too many rules");
  node.rules.push(wanted);
  node.rules.sort((a, b) => a.priority - b.priority);
}

export function removeRule(node: NodeState, rule: RoutingRule): void {
  const wanted = canonicalRule(rule);
  const found = node.rules.find((known) => sameRule(known, wanted));
  if (found === undefined) {
    throw fault("not-found", `Cannot remove the rule of priority ${rule.priority}: there is none`);
  }
  node.rules = node.rules.filter((known) => known !== found);
}

/** The rules every node starts with. */
export function defaultRules(): RoutingRule[] {
  const rule = (family: "ipv4" | "ipv6", priority: number, table: number): RoutingRule => ({
    family,
    priority,
    source: null,
    destination: null,
    inputLink: null,
    mark: null,
    table,
  });
  return [
    rule("ipv4", 0, TABLE_LOCAL),
    rule("ipv6", 0, TABLE_LOCAL),
    rule("ipv4", 32766, TABLE_MAIN),
    rule("ipv6", 32766, TABLE_MAIN),
    rule("ipv4", 32767, 253),
  ];
}
