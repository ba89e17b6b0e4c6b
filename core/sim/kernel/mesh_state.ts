// Mesh interfaces of one simulated node: settings, hard interfaces and what they announce.
import type { Mac } from "../../base/mod.ts";
import type { MeshAlgorithm, MeshSettings } from "../../ports/mod.ts";
import type { HardIf } from "../batman/mod.ts";
import { CLIENTS_MAX } from "../limits.ts";
import {
  type ClientState,
  fault,
  type LinkState,
  type MeshState,
  type NodeState,
} from "./state.ts";

/** What a new mesh interface is set to (linux v6.12 net/batman-adv/mesh-interface.c). */
export function defaultSettings(algorithm: MeshAlgorithm): MeshSettings {
  return {
    aggregatedOgms: true,
    apIsolation: false,
    isolationMark: 0,
    isolationMask: 0,
    bonding: false,
    bridgeLoopAvoidance: true,
    distributedArpTable: true,
    fragmentation: true,
    gatewayMode: "off",
    gatewayDownKbps: 10_000,
    gatewayUpKbps: 2_000,
    gatewaySelectionClass: algorithm === "BATMAN_IV" ? 20 : 50,
    hopPenalty: 30,
    multicastForceflood: false,
    multicastFanout: 16,
    originatorIntervalMs: 1000,
  };
}

/** Makes a mesh interface. */
export function createMesh(
  node: NodeState,
  name: string,
  algorithm: MeshAlgorithm,
  mac: Mac,
  add: (link: Pick<LinkState, "name" | "kind" | "mac"> & Partial<LinkState>) => LinkState,
): void {
  const { engine } = node.world;
  if (algorithm !== "BATMAN_IV" && algorithm !== "BATMAN_V") {
    throw fault("invalid", `Cannot create "${name}": there is no algorithm "${algorithm}"`);
  }
  const router = engine.create(node.index, name, algorithm, mac, defaultSettings(algorithm));
  const mesh: MeshState = {
    router,
    hardIfs: new Map(),
    vlans: new Map(),
    clients: new Map(),
    datCache: new Map(),
    measuring: new Set(),
  };
  router.running = node.running;
  add({ name, kind: "batadv", mac, mesh });
  refreshOwnClients(node, name);
}

export function destroyMesh(node: NodeState, mesh: MeshState): void {
  node.world.engine.destroy(mesh.router);
  mesh.hardIfs.clear();
}

/** Puts a link into a mesh. Links without a plug into the medium take part and hear nobody. */
export function attachHardIf(
  node: NodeState,
  master: LinkState,
  mesh: MeshState,
  link: LinkState,
): void {
  const { engine, medium } = node.world;
  const port = link.port ?? medium.addRadio(node.index, link.mac ?? "");
  const hardIf: HardIf = {
    name: link.name,
    index: link.index,
    port,
    hopPenalty: 0,
    elpIntervalMs: 500,
    throughputOverrideKbps: 0,
    nextElpMs: 0,
  };
  mesh.hardIfs.set(link.name, hardIf);
  engine.addHardIf(mesh.router, hardIf);
  node.events.emit({ type: "mesh-config", mesh: master.name });
}

export function detachHardIf(node: NodeState, mesh: MeshState, link: LinkState): void {
  const hardIf = mesh.hardIfs.get(link.name);
  if (hardIf === undefined) return;
  mesh.hardIfs.delete(link.name);
  node.world.engine.removeHardIf(mesh.router, hardIf);
  node.events.emit({ type: "mesh-config", mesh: mesh.router.mesh });
}

/** The mesh interface's own address is its client, on each VLAN that lies on it. */
export function refreshOwnClients(node: NodeState, name: string | null): void {
  const link = node.links.get(name ?? "");
  if (!link?.mesh || link.mac === null) return;
  const { mesh, mac } = link;
  for (const [key, client] of mesh.clients) if (client.own) mesh.clients.delete(key);
  const vlans: (number | null)[] = [null];
  for (const other of node.links.values()) {
    if (other.kind === "vlan" && other.parent === link.name && other.id !== null) {
      vlans.push(other.id);
    }
  }
  for (const vlan of vlans) {
    if (vlan !== null && !mesh.vlans.has(vlan)) mesh.vlans.set(vlan, { apIsolation: false });
    putClient(mesh, { mac, vlan, own: true, wireless: false, seenMs: 0 });
  }
  for (const vlan of mesh.vlans.keys()) if (!vlans.includes(vlan)) mesh.vlans.delete(vlan);
  publish(mesh, true);
}

/** Adds or refreshes a client. Does not announce: call {@link publish}. */
export function putClient(mesh: MeshState, client: ClientState): void {
  const key = `${client.mac}/${client.vlan}`;
  if (!mesh.clients.has(key) && mesh.clients.size >= CLIENTS_MAX) {
    throw fault("busy", `Cannot add the client "${client.mac}": the table is full`);
  }
  mesh.clients.set(key, client);
}

/** Announces gateway and clients with the next OGM. */
export function publish(mesh: MeshState, clientsChanged: boolean): void {
  const { router } = mesh;
  const isolated = (vlan: number | null) =>
    vlan === null ? router.settings.apIsolation : mesh.vlans.get(vlan)?.apIsolation ?? false;
  router.announcements.publish(router.seq, {
    clients: [...mesh.clients.values()].map((client) => ({
      mac: client.mac,
      vlan: client.vlan,
      flags: [
        ...(client.own ? ["no-purge" as const] : []),
        ...(client.wireless ? ["wireless" as const] : []),
        ...(client.wireless && isolated(client.vlan) ? ["isolated" as const] : []),
      ],
    })),
    gateway: {
      mode: router.settings.gatewayMode,
      downKbps: router.settings.gatewayDownKbps,
      upKbps: router.settings.gatewayUpKbps,
    },
  }, clientsChanged);
}
