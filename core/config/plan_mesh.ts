// The mesh interface, its settings, hard interfaces on wires and VLANs.
import type { PathPart } from "../document/mod.ts";
import type { HardInterface, MeshSettings } from "../ports/mod.ts";
import type { Planner } from "./planner.ts";
import type { Config } from "./schema.ts";
import type { Action } from "./step.ts";

type Mesh = Config["mesh"];

/** Settings of the mesh interface and the key each comes from. */
function wantedSettings(mesh: Mesh): readonly (readonly [keyof MeshSettings, PathPart[]])[] {
  const own: (keyof MeshSettings & keyof Mesh)[] = [
    "bridgeLoopAvoidance",
    "distributedArpTable",
    "originatorIntervalMs",
    "hopPenalty",
    "aggregatedOgms",
    "fragmentation",
    "bonding",
    "apIsolation",
    "isolationMark",
    "isolationMask",
    "multicastForceflood",
    "multicastFanout",
  ];
  const out: [keyof MeshSettings, PathPart[]][] = own.map((name) => [name, ["mesh", name]]);
  out.push(["gatewayMode", ["mesh", "gateway", "mode"]]);
  if (mesh.gateway.mode === "server") {
    out.push(["gatewayDownKbps", ["mesh", "gateway", "downKbps"]]);
    out.push(["gatewayUpKbps", ["mesh", "gateway", "upKbps"]]);
  }
  if (mesh.gateway.mode === "client") {
    out.push(["gatewaySelectionClass", ["mesh", "gateway", "selectionClass"]]);
  }
  return out;
}

function valueOf(mesh: Mesh, name: keyof MeshSettings): MeshSettings[keyof MeshSettings] {
  switch (name) {
    case "gatewayMode":
      return mesh.gateway.mode;
    // The kernel keeps bandwidths in units of 100 kbit/s.
    case "gatewayDownKbps":
      return Math.floor(mesh.gateway.downKbps / 100) * 100;
    case "gatewayUpKbps":
      return Math.floor(mesh.gateway.upKbps / 100) * 100;
    case "gatewaySelectionClass":
      return mesh.gateway.selectionClass;
    default:
      return mesh[name];
  }
}

function planSettings(planner: Planner): void {
  const { mesh } = planner.config;
  const found = planner.observed.mesh?.settings ?? null;
  for (const [name, path] of wantedSettings(mesh)) {
    const value = valueOf(mesh, name);
    const now = found === null ? null : found[name];
    const settings = { [name]: value } as Partial<MeshSettings>;
    planner.want({ path, wanted: value, found: now }, () => ({
      sentence: `set ${path.at(-1)} of ${mesh.interface} to ${value}`,
      action: { do: "configure-mesh", mesh: mesh.interface, settings },
      undo: now === null
        ? null
        : { do: "configure-mesh", mesh: mesh.interface, settings: { [name]: now } },
      mayDisconnect: name === "apIsolation" || name === "bridgeLoopAvoidance",
    }));
  }
}

/** Whether this kernel can make the mesh interface that is wanted; else says why not. */
function possible(planner: Planner): boolean {
  const { mesh } = planner.config;
  const { algorithms } = planner.observed;
  const fact = { path: ["mesh", "interface"], wanted: mesh.interface, found: null };
  if (!algorithms.ok) {
    planner.obstacle(fact, `this kernel has no batman-adv: ${algorithms.reason}`);
    return false;
  }
  if (!algorithms.value.includes(mesh.algorithm)) {
    const has = algorithms.value.length === 0 ? null : algorithms.value.join(", ");
    planner.obstacle(
      { path: ["mesh", "algorithm"], wanted: mesh.algorithm, found: has },
      `this kernel's batman-adv has no ${mesh.algorithm}`,
    );
    return false;
  }
  return true;
}

/** Makes the mesh interface. @returns whether it is there or will be. */
export function planMesh(planner: Planner): boolean {
  const { config, observed, previous } = planner;
  const { mesh } = config;
  const gone = previous?.mesh.enabled === true &&
    (!mesh.enabled || previous.mesh.interface !== mesh.interface);
  if (gone) planner.remove(["mesh", "interface"], previous.mesh.interface);
  if (!mesh.enabled || !possible(planner)) return false;
  const link = planner.link(mesh.interface);
  if (link !== null && link.kind !== "batadv") {
    planner.obstacle(
      { path: ["mesh", "interface"], wanted: "a mesh interface", found: link.kind },
      `${mesh.interface} is there already and is a ${link.kind}`,
    );
    return false;
  }
  const create: Action = {
    do: "create-link",
    spec: { kind: "batadv", name: mesh.interface, algorithm: mesh.algorithm },
  };
  const wrong = link !== null && observed.mesh !== null &&
    observed.mesh.algorithm !== mesh.algorithm;
  if (wrong) {
    const found = observed.mesh.algorithm;
    planner.mend({ path: ["mesh", "algorithm"], wanted: mesh.algorithm, found }, {
      sentence: `remove ${mesh.interface}, which routes by ${found}`,
      action: { do: "delete-link", name: mesh.interface },
      mayDisconnect: true,
    });
    planner.forget(mesh.interface);
  }
  if (link === null || wrong) {
    planner.mend({ path: ["mesh", "interface"], wanted: mesh.interface, found: null }, {
      sentence: `make ${mesh.interface} with ${mesh.algorithm}`,
      action: create,
      undo: { do: "delete-link", name: mesh.interface },
    });
  } else planner.fine();
  planSettings(planner);
  planner.mtu(["mesh", "mtu"], mesh.interface, mesh.mtu);
  planner.up(["mesh", "enabled"], mesh.interface);
  return true;
}

type HardKeys = Pick<
  Mesh["wired"][number],
  "hopPenalty" | "elpIntervalMs" | "throughputOverrideKbps"
>;

/** What a hard interface should have; a key that was taken out of the document means its default again. */
function wantedHard(
  mesh: Mesh,
  keys: HardKeys,
  before: HardKeys | null,
): readonly (readonly [keyof HardKeys, number])[] {
  const out: [keyof HardKeys, number][] = [];
  const penalty = keys.hopPenalty ?? (before?.hopPenalty === undefined ? undefined : 0);
  if (penalty !== undefined) out.push(["hopPenalty", penalty]);
  if (mesh.algorithm !== "BATMAN_V") return out;
  out.push(["elpIntervalMs", keys.elpIntervalMs ?? mesh.elpIntervalMs]);
  const override = keys.throughputOverrideKbps ??
    (before?.throughputOverrideKbps === undefined ? undefined : 0);
  // The kernel keeps it in units of 100 kbit/s.
  if (override !== undefined) {
    out.push(["throughputOverrideKbps", Math.floor(override / 100) * 100]);
  }
  return out;
}

/** Settings of one hard interface that is or will be in the mesh. */
export function planHardSettings(
  planner: Planner,
  path: readonly PathPart[],
  name: string,
  keys: HardKeys,
  before: HardKeys | null,
): void {
  const { mesh } = planner.config;
  const found: HardInterface | undefined = planner.link(name)?.master === mesh.interface
    ? planner.observed.hardInterfaces.find((hard) => hard.name === name)
    : undefined;
  for (const [key, value] of wantedHard(mesh, keys, before)) {
    const now = found?.[key] ?? null;
    planner.want({ path: [...path, key], wanted: value, found: now }, () => ({
      sentence: `set ${key} of ${name} to ${value}`,
      action: {
        do: "configure-hard-interface",
        mesh: mesh.interface,
        name,
        settings: { [key]: value },
      },
      undo: now === null ? null : {
        do: "configure-hard-interface",
        mesh: mesh.interface,
        name,
        settings: { [key]: now },
      },
    }));
  }
}

/** Cables to other mesh nodes. */
export function planWired(planner: Planner): void {
  const { config, previous } = planner;
  const { mesh } = config;
  const names = new Set(mesh.wired.map((wired) => wired.interface));
  for (const wired of previous?.mesh.wired ?? []) {
    if (!names.has(wired.interface)) {
      planner.release(["mesh", "wired"], wired.interface, previous?.mesh.interface ?? "");
    }
  }
  if (!mesh.enabled) return;
  for (const [i, wired] of mesh.wired.entries()) {
    const name = wired.interface;
    const path = ["mesh", "wired", i];
    if (planner.link(name) === null) {
      const fact = { path: [...path, "interface"], wanted: name, found: null };
      planner.obstacle(fact, `there is no interface ${name}`);
      continue;
    }
    planner.mtu(["mesh", "hardMtu"], name, mesh.hardMtu);
    planner.up([...path, "interface"], name);
    if (!planner.willExist(mesh.interface)) continue;
    planner.master([...path, "interface"], name, mesh.interface, true);
    const before = previous?.mesh.wired.find((other) => other.interface === name) ?? null;
    planHardSettings(planner, path, name, wired, before);
  }
}

/** VLANs on the mesh interface. */
export function planVlans(planner: Planner): void {
  const { config, previous } = planner;
  const { mesh } = config;
  const ids = new Set(mesh.vlans.map((vlan) => vlan.id));
  for (const vlan of previous?.mesh.vlans ?? []) {
    if (!mesh.enabled || !ids.has(vlan.id)) {
      planner.remove(["mesh", "vlans"], `${previous?.mesh.interface}.${vlan.id}`);
    }
  }
  if (!mesh.enabled || !planner.willExist(mesh.interface)) return;
  for (const [i, vlan] of mesh.vlans.entries()) {
    const name = `${mesh.interface}.${vlan.id}`;
    const path = ["mesh", "vlans", i];
    const exists = planner.link(name) !== null;
    planner.want(
      { path: [...path, "id"], wanted: name, found: exists ? name : null },
      () => ({
        sentence: `make ${name}`,
        action: {
          do: "create-link",
          spec: { kind: "vlan", name, parent: mesh.interface, id: vlan.id },
        },
        undo: { do: "delete-link", name },
      }),
    );
    planner.up([...path, "id"], name);
    const found = planner.observed.vlans.find((other) => other.vlan === vlan.id)?.apIsolation ??
      null;
    planner.want({ path: [...path, "apIsolation"], wanted: vlan.apIsolation, found }, () => ({
      sentence: `turn isolation of VLAN ${vlan.id} ${vlan.apIsolation ? "on" : "off"}`,
      action: {
        do: "configure-vlan",
        mesh: mesh.interface,
        vlan: vlan.id,
        apIsolation: vlan.apIsolation,
      },
    }));
  }
}
