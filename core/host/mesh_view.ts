// From batman-adv's own rows (ffi/batadv) to those of the Mesh port. Pure.
import type {
  ClientFlags,
  Gateway,
  GlobalClient,
  HardInterface,
  LocalClient,
  MeshInfo,
  MeshSettings,
} from "../../ffi/batadv/mod.ts";
import { KernelFault } from "../ports/mod.ts";
import type {
  GlobalClient as PortGlobalClient,
  HardInterface as PortHardInterface,
  LocalClient as PortLocalClient,
  MeshAlgorithm,
  MeshGateway,
  MeshInfo as PortMeshInfo,
  MeshSettings as PortMeshSettings,
  TranslationFlag,
} from "../ports/mod.ts";

const FLAG_NAMES: readonly (readonly [keyof ClientFlags, TranslationFlag])[] = [
  ["deleted", "deleted"],
  ["roam", "roam"],
  ["wireless", "wireless"],
  ["isolated", "isolated"],
  ["noPurge", "no-purge"],
  ["new", "new"],
  ["pending", "pending"],
  ["temporary", "temporary"],
];

/** The names of the flags that are set, in the port's order. */
export function flagNames(flags: ClientFlags): TranslationFlag[] {
  return FLAG_NAMES.filter(([field]) => flags[field]).map(([, name]) => name);
}

/** A feature that this kernel was built without counts as off. */
export function viewSettings(settings: MeshSettings): PortMeshSettings {
  return {
    aggregatedOgms: settings.aggregatedOgms,
    apIsolation: settings.apIsolation ?? false,
    isolationMark: settings.isolationMark,
    isolationMask: settings.isolationMask,
    bonding: settings.bonding,
    bridgeLoopAvoidance: settings.bridgeLoopAvoidance ?? false,
    distributedArpTable: settings.distributedArpTable ?? false,
    fragmentation: settings.fragmentation,
    gatewayMode: settings.gatewayMode,
    gatewayDownKbps: settings.gatewayDownKbps,
    gatewayUpKbps: settings.gatewayUpKbps,
    gatewaySelectionClass: settings.gatewaySelectionClass ?? 0,
    hopPenalty: settings.hopPenalty,
    multicastForceflood: settings.multicastForceflood ?? true,
    multicastFanout: settings.multicastFanout ?? 0,
    originatorIntervalMs: settings.origIntervalMs,
  };
}

/** @throws {KernelFault} for a routing algorithm the port does not know. */
export function viewAlgorithm(name: string, mesh: string): MeshAlgorithm {
  if (name === "BATMAN_IV" || name === "BATMAN_V") return name;
  throw new KernelFault("unexpected", `Cannot read mesh "${mesh}": routing algorithm "${name}"`);
}

/** @throws {KernelFault} for a routing algorithm the port does not know. */
export function viewMesh(info: MeshInfo): PortMeshInfo {
  return {
    mesh: info.name,
    version: info.version,
    algorithm: viewAlgorithm(info.algorithm, info.name),
    mac: info.address,
    originator: info.primary?.address ?? null,
    settings: viewSettings(info.settings),
  };
}

/** @param algorithm the kernel tells BATMAN_V's settings under BATMAN_IV too, where they mean nothing. */
export function viewHardInterface(
  hard: HardInterface,
  algorithm: MeshAlgorithm,
): PortHardInterface {
  const v = algorithm === "BATMAN_V";
  return {
    mesh: hard.meshName,
    name: hard.name,
    index: hard.ifindex,
    mac: hard.address,
    active: hard.active,
    hopPenalty: hard.hopPenalty ?? 0,
    elpIntervalMs: v ? hard.elpIntervalMs : null,
    throughputOverrideKbps: v ? hard.throughputOverrideKbps : null,
  };
}

export function viewLocalClient(client: LocalClient): PortLocalClient {
  return {
    mac: client.address,
    vlan: client.vid,
    flags: flagNames(client.flags),
    lastSeenMs: client.lastSeenMs,
  };
}

export function viewGlobalClient(client: GlobalClient): PortGlobalClient {
  return {
    mac: client.address,
    vlan: client.vid,
    originator: client.originator,
    best: client.best,
    flags: flagNames(client.flags),
    ttvn: client.ttvn,
    lastTtvn: client.lastTtvn,
  };
}

export function viewGateway(gateway: Gateway, hardInterface: string): MeshGateway {
  return {
    originator: gateway.originator,
    router: gateway.router,
    hardInterface,
    best: gateway.best,
    downKbps: gateway.downKbps,
    upKbps: gateway.upKbps,
    tq: gateway.tq,
    throughputKbps: gateway.throughputKbps,
  };
}
