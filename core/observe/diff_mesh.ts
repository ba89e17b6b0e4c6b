// Events of the mesh: interface, settings, hard interfaces, neighbours, originators, gateways. Pure.
import type { EventDraft, MeshSnapshot, NodeSnapshot } from "../node/mod.ts";
import type { MeshNeighbour, Originator } from "../ports/mod.ts";
import { changesByKey } from "./keyed.ts";
import { LOST_MIN_MS, NEIGHBOUR_LOST_INTERVALS, ORIGINATOR_LOST_INTERVALS } from "./limits.ts";
import { same } from "./same.ts";

/** What happened to the mesh between two snapshots. */
export function diffMesh(previous: NodeSnapshot, next: NodeSnapshot): EventDraft[] {
  const before = previous.mesh;
  const after = next.mesh;
  if (before === null && after === null) return [];
  if (after === null) {
    const subject = before?.info.mesh ?? "";
    const why = next.problems.find(({ part }) => part === "mesh")?.message ?? "it is gone";
    return [{
      severity: "error",
      type: "mesh.down",
      subject,
      message: `Mesh ${subject} is not there any more: ${why}`,
    }];
  }
  if (before === null || before.info.mesh !== after.info.mesh) {
    const { mesh, algorithm } = after.info;
    return [{
      severity: "notice",
      type: "mesh.up",
      subject: mesh,
      message: `Mesh ${mesh} runs ${algorithm}`,
      data: { algorithm },
    }];
  }
  return [
    ...diffSettings(before, after),
    ...diffHardInterfaces(before, after),
    ...diffNeighbours(before, after),
    ...diffOriginators(before, after),
    ...diffGateway(before, after),
  ];
}

function diffSettings(before: MeshSnapshot, after: MeshSnapshot): EventDraft[] {
  const old = new Map<string, unknown>(Object.entries(before.info.settings));
  const changed = Object.entries(after.info.settings)
    .filter(([key, value]) => !same(old.get(key), value));
  const { mesh } = after.info;
  const out: EventDraft[] = [];
  if (changed.length > 0) {
    const text = changed.map(([key, value]) => `${key} ${old.get(key)} → ${value}`).join(", ");
    out.push({
      severity: "notice",
      type: "mesh.settings-changed",
      subject: mesh,
      message: `Settings of mesh ${mesh} changed: ${text}`,
      data: Object.fromEntries(changed.map(([key, value]) => [key, [old.get(key), value]])),
    });
  }
  if (before.info.originator !== after.info.originator) {
    out.push({
      severity: "notice",
      type: "mesh.originator-changed",
      subject: mesh,
      message: `This node's originator address is now ${after.info.originator ?? "unknown"}`,
      data: { from: before.info.originator, to: after.info.originator },
    });
  }
  return out;
}

function diffHardInterfaces(before: MeshSnapshot, after: MeshSnapshot): EventDraft[] {
  const { mesh } = after.info;
  const changes = changesByKey(before.hardInterfaces, after.hardInterfaces, ({ name }) => name);
  const event = (
    severity: EventDraft["severity"],
    type: string,
    subject: string,
    message: string,
  ): EventDraft => ({ severity, type, subject, message, data: { mesh } });
  return [
    ...changes.added.map(({ name }) =>
      event("info", "mesh.interface-added", name, `${name} carries mesh ${mesh} now`)
    ),
    ...changes.removed.map(({ name }) =>
      event(
        "warning",
        "mesh.interface-removed",
        name,
        `${name} does not carry mesh ${mesh} any more`,
      )
    ),
    ...changes.kept.filter(([was, is]) => was.active !== is.active).map(([, { name, active }]) =>
      active
        ? event("info", "mesh.interface-active", name, `${name} is active in mesh ${mesh}`)
        : event("warning", "mesh.interface-inactive", name, `${name} is inactive in mesh ${mesh}`)
    ),
  ];
}

/** Neighbours heard of lately; the kernel keeps silent ones for minutes. */
export function aliveNeighbours(mesh: MeshSnapshot): readonly MeshNeighbour[] {
  const limitMs = silenceLimitMs(mesh, NEIGHBOUR_LOST_INTERVALS);
  return mesh.neighbours.filter(({ lastSeenMs }) => lastSeenMs <= limitMs);
}

/** Best routes to originators heard of lately. */
export function aliveOriginators(mesh: MeshSnapshot): readonly Originator[] {
  const limitMs = silenceLimitMs(mesh, ORIGINATOR_LOST_INTERVALS);
  return mesh.originators.filter(({ best, lastSeenMs }) => best && lastSeenMs <= limitMs);
}

function silenceLimitMs(mesh: MeshSnapshot, intervals: number): number {
  return Math.max(LOST_MIN_MS, intervals * mesh.info.settings.originatorIntervalMs);
}

/** Subject of a neighbour's events and metrics. */
export function neighbourSubject(entry: MeshNeighbour): string {
  return `${entry.hardInterface}/${entry.neighbour}`;
}

function diffNeighbours(before: MeshSnapshot, after: MeshSnapshot): EventDraft[] {
  const changes = changesByKey(aliveNeighbours(before), aliveNeighbours(after), neighbourSubject);
  return [
    ...changes.added.map((entry): EventDraft => ({
      severity: "info",
      type: "neighbour.appeared",
      subject: neighbourSubject(entry),
      message: `Neighbour ${entry.neighbour} is heard on ${entry.hardInterface}`,
    })),
    ...changes.removed.map((entry): EventDraft => ({
      severity: "warning",
      type: "neighbour.lost",
      subject: neighbourSubject(entry),
      message: `Neighbour ${entry.neighbour} is not heard on ${entry.hardInterface} any more`,
    })),
  ];
}

function diffOriginators(before: MeshSnapshot, after: MeshSnapshot): EventDraft[] {
  const changes = changesByKey(
    aliveOriginators(before),
    aliveOriginators(after),
    ({ originator }) => originator,
  );
  return [
    ...changes.added.map(({ originator, nextHop, hardInterface }): EventDraft => ({
      severity: "info",
      type: "originator.appeared",
      subject: originator,
      message: originator === nextHop
        ? `Node ${originator} is reached directly over ${hardInterface}`
        : `Node ${originator} is reached through ${nextHop} over ${hardInterface}`,
      data: { nextHop, hardInterface },
    })),
    ...changes.removed.map(({ originator }): EventDraft => ({
      severity: "notice",
      type: "originator.lost",
      subject: originator,
      message: `Node ${originator} is not reached any more`,
    })),
  ];
}

function diffGateway(before: MeshSnapshot, after: MeshSnapshot): EventDraft[] {
  const best = (mesh: MeshSnapshot) =>
    mesh.gateways.find((entry) => entry.best)?.originator ?? null;
  const from = best(before);
  const to = best(after);
  if (from === to) return [];
  return [{
    severity: to === null ? "warning" : "notice",
    type: "gateway.changed",
    subject: to ?? from ?? "",
    message: to === null
      ? `Gateway ${from} is gone and there is no other`
      : from === null
      ? `Gateway ${to} was chosen`
      : `Gateway changed from ${from} to ${to}`,
    data: { from, to },
  }];
}
