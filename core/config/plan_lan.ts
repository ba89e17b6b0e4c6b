// Bridges, addresses, the way to the Internet, kernel parameters, the packet filter.
import { fromTomlKey, type PathPart } from "../document/mod.ts";
import { firewallRuleset } from "./firewall.ts";
import { parseCidr } from "./ip.ts";
import type { Planner } from "./planner.ts";
import type { Config } from "./schema.ts";
import { restingSysctls, wantedSysctls } from "./sysctls.ts";

interface Port {
  readonly name: string;
  readonly path: readonly PathPart[];
}

/** Bridges of a document and their ports. Access points are put in by hostapd. */
export function bridgesOf(config: Config): ReadonlyMap<string, readonly Port[]> {
  const out = new Map<string, Port[]>();
  const add = (bridge: string, ...ports: readonly Port[]): void => {
    out.set(bridge, [...out.get(bridge) ?? [], ...ports]);
  };
  const { lan, mesh } = config;
  if (lan.enabled) {
    add(lan.bridge, ...lan.ports.map((name, i) => ({ name, path: ["lan", "ports", i] })));
    if (mesh.enabled) add(lan.bridge, { name: mesh.interface, path: ["mesh", "interface"] });
  }
  for (const [i, vlan] of mesh.enabled ? mesh.vlans.entries() : []) {
    if (vlan.bridge === undefined) continue;
    const path = ["mesh", "vlans", i, "bridge"];
    add(vlan.bridge, { name: `${mesh.interface}.${vlan.id}`, path });
  }
  for (const ap of config.clientAp) if (ap.bridge !== undefined) add(ap.bridge);
  return out;
}

/** Makes the bridges themselves: before anything is put in. */
export function planBridges(planner: Planner): void {
  const { config, previous } = planner;
  const wanted = bridgesOf(config);
  for (const [name] of previous === null ? [] : bridgesOf(previous)) {
    if (!wanted.has(name)) planner.remove(["lan", "bridge"], name);
  }
  for (const [name] of wanted) {
    const path = name === config.lan.bridge ? ["lan", "bridge"] : ["mesh", "vlans"];
    const link = planner.link(name);
    if (link !== null && link.kind !== "bridge") {
      const fact = { path, wanted: "a bridge", found: link.kind };
      planner.obstacle(fact, `${name} is there already and is a ${link.kind}`);
      continue;
    }
    planner.want({ path, wanted: name, found: link?.name ?? null }, () => ({
      sentence: `make the bridge ${name}`,
      action: { do: "create-link", spec: { kind: "bridge", name } },
      undo: { do: "delete-link", name },
    }));
    planner.up(path, name);
  }
}

/** Puts ports into the bridges. */
export function planPorts(planner: Planner): void {
  const { config, previous } = planner;
  const wanted = bridgesOf(config);
  for (const [bridge, ports] of previous === null ? [] : bridgesOf(previous)) {
    const kept = wanted.get(bridge);
    for (const { name, path } of kept === undefined ? [] : ports) {
      if (!kept?.some((port) => port.name === name)) planner.release(path, name, bridge);
    }
  }
  for (const [bridge, ports] of wanted) {
    const link = planner.link(bridge);
    if (link !== null && link.kind !== "bridge") continue;
    for (const { name, path } of ports) {
      if (planner.willExist(name)) {
        planner.up(path, name);
        planner.master(path, name, bridge, true);
      } else if (name !== config.mesh.interface && path[0] === "lan") {
        planner.obstacle({ path, wanted: name, found: null }, `there is no interface ${name}`);
      }
    }
  }
}

function planAddressList(
  planner: Planner,
  path: readonly PathPart[],
  link: string,
  wanted: readonly string[],
  before: { readonly link: string; readonly addresses: readonly string[] },
): void {
  const here = planner.observed.addresses.filter((address) => address.link === link);
  const kept = new Set<string>();
  for (const [i, text] of wanted.entries()) {
    const cidr = parseCidr(text);
    if (cidr === null) continue;
    const { address, prefixLength } = cidr;
    kept.add(`${address}/${prefixLength}`);
    const found = here.find((other) =>
      other.address === address && other.prefixLength === prefixLength
    );
    const fact = { path: [...path, i], wanted: `${address}/${prefixLength}` };
    if (found?.duplicate === true) {
      const reason = `another node has ${address} already (duplicate address detection)`;
      planner.obstacle({ ...fact, found: "a duplicate" }, reason);
      continue;
    }
    planner.want({ ...fact, found: found === undefined ? null : fact.wanted }, () => ({
      sentence: `give ${link} the address ${fact.wanted}`,
      action: { do: "add-address", link, address, prefixLength },
      undo: { do: "remove-address", link, address, prefixLength },
    }));
  }
  for (const text of before.addresses) {
    const cidr = parseCidr(text);
    if (cidr === null) continue;
    const { address, prefixLength } = cidr;
    const still = before.link === link && kept.has(`${address}/${prefixLength}`);
    const there = planner.observed.addresses.some((other) =>
      other.link === before.link && other.address === address &&
      other.prefixLength === prefixLength
    );
    if (still || !there) continue;
    planner.mend({ path, wanted: "none", found: `${address}/${prefixLength}` }, {
      sentence: `take the address ${address}/${prefixLength} from ${before.link}`,
      action: { do: "remove-address", link: before.link, address, prefixLength },
      undo: { do: "add-address", link: before.link, address, prefixLength },
      mayDisconnect: true,
    });
  }
}

/** Addresses on the LAN bridge. */
export function planLanAddresses(planner: Planner): void {
  const { lan } = planner.config;
  const { previous } = planner;
  const wanted = lan.enabled ? lan.addresses : [];
  planAddressList(planner, ["lan", "addresses"], lan.bridge, wanted, {
    link: previous?.lan.bridge ?? lan.bridge,
    addresses: previous?.lan.addresses ?? [],
  });
}

function planDefaultRoute(planner: Planner, link: string, gateway: string): void {
  const destination = gateway.includes(":") ? "::/0" : "0.0.0.0/0";
  const routes = planner.observed.routes.filter((route) =>
    route.destination === destination && route.table === 254 && route.link === link
  );
  const found = routes.find((route) => route.gateway === gateway) ?? routes[0];
  const wanted = `by way of ${gateway}`;
  const now = found === undefined ? null : `by way of ${found.gateway}`;
  planner.want({ path: ["wan", "gateway"], wanted, found: now }, () => ({
    sentence: `route to the Internet ${wanted} on ${link}`,
    action: { do: "add-route", route: { destination, gateway, link, protocol: 4 } },
    undo: { do: "remove-route", route: { destination, gateway, link } },
    mayDisconnect: true,
  }));
}

function planOldRoute(planner: Planner): void {
  const { config, previous } = planner;
  const { gateway, interface: link } = previous?.wan ?? {};
  if (gateway === undefined || link === undefined) return;
  const destination = gateway.includes(":") ? "::/0" : "0.0.0.0/0";
  const same = config.wan.gateway === gateway && config.wan.interface === link;
  const there = planner.observed.routes.some((route) =>
    route.destination === destination && route.gateway === gateway && route.link === link
  );
  if (same || !there) return;
  planner.mend({ path: ["wan", "gateway"], wanted: "none", found: `by way of ${gateway}` }, {
    sentence: `remove the route to the Internet by way of ${gateway}`,
    action: { do: "remove-route", route: { destination, gateway, link } },
    undo: { do: "add-route", route: { destination, gateway, link, protocol: 4 } },
    mayDisconnect: true,
  });
}

/** The way to the Internet. */
export function planWan(planner: Planner): void {
  const { config, previous, observed } = planner;
  const { wan } = config;
  planOldRoute(planner);
  const name = wan.interface;
  const link = name === undefined ? null : planner.link(name);
  if (name !== undefined && link === null && wan.method !== "none") {
    const fact = { path: ["wan", "interface"], wanted: name, found: null };
    planner.obstacle(fact, `there is no interface ${name}`);
  }
  const wanted = link === null || wan.method !== "static" ? [] : wan.addresses;
  const before = previous?.wan.interface;
  if (name !== undefined || before !== undefined) {
    planAddressList(planner, ["wan", "addresses"], name ?? before ?? "", wanted, {
      link: before ?? "",
      addresses: before === undefined ? [] : previous?.wan.addresses ?? [],
    });
  }
  if (name === undefined || link === null || wan.method === "none") return;
  planner.up(["wan", "interface"], name);
  if (wan.method === "static" && wan.gateway !== undefined) {
    planDefaultRoute(planner, name, wan.gateway);
  }
  if (wan.method !== "dhcp") return;
  const address = observed.addresses.find((other) =>
    other.link === name && other.scope === "global"
  );
  if (address !== undefined) return planner.fine();
  const fact = { path: ["wan", "method"], wanted: "an address by DHCP", found: null };
  planner.obstacle(fact, `the system's DHCP client has given ${name} none yet`);
}

/** Kernel parameters. */
export function planSysctls(planner: Planner): void {
  const { config, previous, observed } = planner;
  const resting = restingSysctls(config, previous);
  for (const { name, value, key } of [...wantedSysctls(config), ...resting]) {
    const found = observed.sysctls.get(name) ?? null;
    const path = key.split(".").map(fromTomlKey);
    if (found === null) {
      // Those of a link that a step makes can be read in the next round; those of none need no rest.
      const link = /^net\.ipv[46]\.conf\.(.+)\.\w+$/.exec(name)?.[1];
      const absent = resting.some((rest) => rest.name === name) ||
        (link !== undefined && !planner.willExist(link));
      if (absent) continue;
      planner.obstacle({ path, wanted: `${name} = ${value}`, found }, `there is no ${name}`);
      continue;
    }
    planner.want({ path, wanted: value, found }, () => ({
      sentence: `set ${name} to ${value}`,
      action: { do: "write-sysctl", name, value },
      undo: { do: "write-sysctl", name, value: found },
    }));
  }
}

/** The packet filter, as one transaction. */
export function planFirewall(planner: Planner): void {
  const { config, observed } = planner;
  const path = ["firewall", "enabled"];
  const { firewall } = observed;
  if (!firewall.ok) {
    if (!config.firewall.enabled) return;
    return planner.obstacle({ path, wanted: "a packet filter", found: null }, firewall.reason);
  }
  if (!config.firewall.enabled) {
    if (firewall.value === null) return planner.fine();
    return planner.mend({ path, wanted: "none", found: "a packet filter" }, {
      sentence: "remove the packet filter",
      action: { do: "delete-firewall" },
      undo: { do: "apply-firewall", text: firewall.value },
    });
  }
  const ruleset = firewallRuleset(config);
  if (firewall.value?.includes(ruleset.mark) === true) return planner.fine();
  const found = firewall.value === null ? null : "other rules";
  planner.mend({ path, wanted: "the document's rules", found }, {
    sentence: found === null ? "set up the packet filter" : "replace the packet filter's rules",
    action: { do: "apply-firewall", text: ruleset.text },
    undo: firewall.value === null ? { do: "delete-firewall" } : null,
    mayDisconnect: true,
  });
}
