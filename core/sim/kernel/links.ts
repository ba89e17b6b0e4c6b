// Links of one simulated node: create, change, delete, and what the kernel does along with it.
// Error codes follow linux v6.12 net/core/rtnetlink.c and the link kinds' own checks.
import { isMac, macToBytes } from "../../base/mod.ts";
import type {
  Address,
  IpNeighbour,
  Link,
  LinkChange,
  Links,
  LinkSpec,
  Route,
  RouteSpec,
  RoutingRule,
} from "../../ports/mod.ts";
import { LINKS_MAX } from "../limits.ts";
import * as addressing from "./addressing.ts";
import { canonicalIp, linkLocal } from "./ip.ts";
import {
  attachHardIf,
  createMesh,
  destroyMesh,
  detachHardIf,
  refreshOwnClients,
} from "./mesh_state.ts";
import { randomMac } from "./mac.ts";
import { checkRange, fault, type LinkState, type NodeState } from "./state.ts";

const PLAIN = {
  up: false,
  loopback: false,
  master: null,
  parent: null,
  id: null,
  peer: null,
  port: null,
  wireless: null,
  mesh: null,
  wireguard: null,
};

function checkName(node: NodeState, name: string): void {
  if (!/^[^\s/:%]{1,15}$/.test(name) || name === "." || name === "..") {
    throw fault("invalid", `Cannot name a link "${name}": 1 to 15 characters, no space or slash`);
  }
  if (node.links.has(name)) {
    throw fault("exists", `Cannot name a link "${name}": that name is taken`);
  }
}

/** Puts a link into the node's table. */
export function addLink(
  node: NodeState,
  link: Pick<LinkState, "name" | "kind" | "mac"> & Partial<LinkState>,
): LinkState {
  if (node.links.size >= LINKS_MAX) {
    throw fault("busy", `Cannot create "${link.name}": the node has ${LINKS_MAX} links`);
  }
  const made: LinkState = { ...PLAIN, mtu: 1500, ...link, index: node.nextIndex++ };
  node.links.set(made.name, made);
  node.changed(made);
  return made;
}

/** Takes a link and what hangs on it out of the table. */
export function removeLink(node: NodeState, link: LinkState): void {
  if (!node.links.has(link.name)) return;
  if (link.master !== null) setMaster(node, link, null);
  for (const other of [...node.links.values()]) {
    if (other.master === link.name) setMaster(node, other, null);
    if (other.parent === link.name && other.kind === "vlan") removeLink(node, other);
  }
  node.links.delete(link.name);
  addressing.linkGone(node, link);
  if (link.port !== null) node.world.medium.remove(link.port);
  if (link.mesh !== null) destroyMesh(node, link.mesh);
  node.events.emit({ type: "link-removed", name: link.name, index: link.index });
  if (link.kind === "vlan") refreshOwnClients(node, link.parent);
  const peer = node.links.get(link.peer ?? "");
  if (link.kind === "veth" && peer !== undefined) removeLink(node, peer);
}

/** Brings a link up or down, with its port, its automatic addresses and its routes. */
export function setUp(node: NodeState, link: LinkState, up: boolean): void {
  if (link.up === up) return;
  link.up = up;
  if (!up && link.wireless !== null && link.port !== null) {
    link.wireless.joined = null;
    node.world.medium.tune(link.port, null);
  }
  node.syncPort(link);
  node.changed(link);
  const octets = link.mac === null ? null : macToBytes(link.mac);
  const hasLinkLocal = octets !== null && !link.loopback && link.master === null;
  if (up && hasLinkLocal) addressing.addAutomatic(node, link, linkLocal(octets));
  if (up) addressing.linkUp(node, link);
  else addressing.linkDown(node, link);
  const peer = node.links.get(link.peer ?? "");
  if (peer !== undefined) node.changed(peer);
}

function setMaster(node: NodeState, link: LinkState, master: LinkState | null): void {
  const before = node.links.get(link.master ?? "");
  if (before === master) return;
  if (before?.mesh) detachHardIf(node, before.mesh, link);
  link.master = master?.name ?? null;
  if (master?.mesh) attachHardIf(node, master, master.mesh, link);
  node.changed(link);
  if (before) node.changed(before);
  if (master) node.changed(master);
}

function checkMaster(node: NodeState, link: LinkState, name: string): LinkState {
  const master = node.link(name, "enslave to");
  if (master === link || (master.kind !== "bridge" && master.mesh === null)) {
    throw fault("not-supported", `Cannot enslave "${link.name}" to "${name}": it takes no links`);
  }
  if (master.mesh !== null && link.kind === "batadv") {
    throw fault("invalid", `Cannot enslave "${link.name}" to "${name}": both are meshes`);
  }
  if (link.loopback || link.kind === "wireguard") {
    throw fault("invalid", `Cannot enslave "${link.name}": it carries no Ethernet frames`);
  }
  return master;
}

function rename(node: NodeState, link: LinkState, name: string): void {
  if (name === link.name) return;
  checkName(node, name);
  const before = link.name;
  node.links.delete(before);
  link.name = name;
  node.links.set(name, link);
  for (const other of node.links.values()) {
    if (other.master === before) other.master = name;
    if (other.parent === before) other.parent = name;
    if (other.peer === before) other.peer = name;
    for (const [key, hardIf] of other.mesh?.hardIfs ?? []) {
      if (key !== before) continue;
      other.mesh?.hardIfs.delete(before);
      hardIf.name = name;
      other.mesh?.hardIfs.set(name, hardIf);
    }
  }
  addressing.linkRenamed(node, before, name);
}

function create(node: NodeState, spec: LinkSpec): void {
  checkName(node, spec.name);
  const mac = () => randomMac(node.world.random);
  switch (spec.kind) {
    case "batadv":
      createMesh(node, spec.name, spec.algorithm, mac(), (link) => addLink(node, link));
      return;
    case "wireguard": {
      const wireguard = {
        privateKey: null,
        publicKey: null,
        listenPort: 0,
        fwmark: 0,
        peers: new Map(),
      };
      addLink(node, { name: spec.name, kind: "wireguard", mac: null, mtu: 1420, wireguard });
      return;
    }
    case "bridge":
    case "dummy":
      addLink(node, { name: spec.name, kind: spec.kind, mac: mac() });
      return;
    case "veth":
      createVeth(node, spec.name, spec.peer);
      return;
    case "vlan":
      createVlan(node, spec);
      return;
    case "vxlan":
      checkRange("the VXLAN network identifier", spec.id, 0, 0xffffff);
      checkRange("the VXLAN port", spec.port ?? 4789, 1, 0xffff);
      if (spec.parent !== undefined) node.link(spec.parent, "build on");
      if (spec.local !== undefined) canonicalIp(spec.local);
      if (spec.remote !== undefined) canonicalIp(spec.remote);
      addLink(node, {
        name: spec.name,
        kind: "vxlan",
        mac: mac(),
        mtu: spec.parent === undefined ? 1500 : node.link(spec.parent).mtu - 50,
        id: spec.id,
        parent: spec.parent ?? null,
      });
  }
}

function createVeth(node: NodeState, name: string, peer: string): void {
  if (peer === name) {
    throw fault("exists", `Cannot create the veth "${name}": both ends have one name`);
  }
  checkName(node, peer);
  const macs = [randomMac(node.world.random), randomMac(node.world.random)] as const;
  const [a, b] = node.world.medium.addWire(
    { node: node.index, mac: macs[0] },
    { node: node.index, mac: macs[1] },
    10_000_000,
  );
  // The kernel numbers the peer first.
  addLink(node, { name: peer, kind: "veth", mac: macs[1], port: b, peer: name });
  addLink(node, { name, kind: "veth", mac: macs[0], port: a, peer });
}

function createVlan(node: NodeState, spec: LinkSpec & { readonly kind: "vlan" }): void {
  const parent = node.link(spec.parent, "build on");
  checkRange("the VLAN id", spec.id, 1, 4094);
  for (const other of node.links.values()) {
    if (other.kind === "vlan" && other.parent === spec.parent && other.id === spec.id) {
      throw fault("exists", `Cannot create "${spec.name}": VLAN ${spec.id} is "${other.name}"`);
    }
  }
  addLink(node, {
    name: spec.name,
    kind: "vlan",
    mac: parent.mac,
    mtu: parent.mtu,
    parent: spec.parent,
    id: spec.id,
  });
  refreshOwnClients(node, spec.parent);
}

function change(node: NodeState, name: string, wanted: LinkChange): void {
  const link = node.link(name, "change");
  if (wanted.mtu !== undefined) checkRange(`the MTU of "${name}"`, wanted.mtu, 68, 65535);
  if (wanted.mac !== undefined) {
    const first = macToBytes(wanted.mac)?.[0];
    if (
      !isMac(wanted.mac) || first === undefined || (first & 1) === 1 ||
      wanted.mac === "00:00:00:00:00:00"
    ) {
      throw fault(
        "invalid",
        `Cannot give "${name}" the address "${wanted.mac}": it is no unicast MAC`,
      );
    }
    if (link.mac === null || link.loopback) {
      throw fault("not-supported", `Cannot give "${name}" an address: it has none`);
    }
  }
  const master = typeof wanted.master === "string" ? checkMaster(node, link, wanted.master) : null;
  if (wanted.name !== undefined) rename(node, link, wanted.name);
  if (wanted.mtu !== undefined) link.mtu = wanted.mtu;
  if (wanted.mac !== undefined) {
    link.mac = wanted.mac;
    if (link.port !== null) link.port.mac = wanted.mac;
    const over = node.links.get(link.master ?? "")?.mesh;
    if (over) node.world.engine.refreshPrimary(over.router);
    if (link.mesh !== null) refreshOwnClients(node, link.name);
  }
  if (wanted.master !== undefined) setMaster(node, link, master);
  if (wanted.up !== undefined) setUp(node, link, wanted.up);
  if (wanted.mtu !== undefined || wanted.mac !== undefined || wanted.name !== undefined) {
    node.changed(link);
  }
}

/** The Links port of one simulated node. */
export class SimLinks implements Links {
  readonly #node: NodeState;

  constructor(node: NodeState) {
    this.#node = node;
  }

  // deno-lint-ignore require-await
  async list(): Promise<readonly Link[]> {
    const links = [...this.#node.links.values()].sort((a, b) => a.index - b.index);
    return links.map((link) => this.#node.view(link));
  }

  // deno-lint-ignore require-await
  async get(name: string): Promise<Link> {
    return this.#node.view(this.#node.link(name, "read"));
  }

  // deno-lint-ignore require-await
  async create(spec: LinkSpec): Promise<void> {
    create(this.#node, spec);
  }

  // deno-lint-ignore require-await
  async change(name: string, wanted: LinkChange): Promise<void> {
    change(this.#node, name, wanted);
  }

  // deno-lint-ignore require-await
  async delete(name: string): Promise<void> {
    const link = this.#node.link(name, "delete");
    if (link.kind === "device") {
      throw fault("not-supported", `Cannot delete "${name}": it is a device`);
    }
    removeLink(this.#node, link);
  }

  // deno-lint-ignore require-await
  async addresses(): Promise<readonly Address[]> {
    return [...this.#node.addresses];
  }

  // deno-lint-ignore require-await
  async addAddress(link: string, address: string, prefixLength: number): Promise<void> {
    addressing.addAddress(this.#node, this.#node.link(link, "add to"), address, prefixLength);
  }

  // deno-lint-ignore require-await
  async removeAddress(link: string, address: string, prefixLength: number): Promise<void> {
    addressing.removeAddress(
      this.#node,
      this.#node.link(link, "remove from"),
      address,
      prefixLength,
    );
  }

  // deno-lint-ignore require-await
  async routes(): Promise<readonly Route[]> {
    return [...this.#node.routes];
  }

  // deno-lint-ignore require-await
  async addRoute(route: RouteSpec): Promise<void> {
    addressing.addRoute(this.#node, route);
  }

  // deno-lint-ignore require-await
  async removeRoute(route: RouteSpec): Promise<void> {
    addressing.removeRoute(this.#node, route);
  }

  // deno-lint-ignore require-await
  async ipNeighbours(): Promise<readonly IpNeighbour[]> {
    return [...this.#node.neighbours];
  }

  // deno-lint-ignore require-await
  async rules(): Promise<readonly RoutingRule[]> {
    return [...this.#node.rules];
  }

  // deno-lint-ignore require-await
  async addRule(rule: RoutingRule): Promise<void> {
    addressing.addRule(this.#node, rule);
  }

  // deno-lint-ignore require-await
  async removeRule(rule: RoutingRule): Promise<void> {
    addressing.removeRule(this.#node, rule);
  }
}
