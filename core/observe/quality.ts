// Whether a neighbour's quality changed for good: a class with hysteresis, believed after a few readings
// that agree. Pure: (memory, snapshot) → {memory, events}.
import type { EventDraft, MeshSnapshot } from "../node/mod.ts";
import { aliveNeighbours, neighbourSubject } from "./diff_mesh.ts";
import { QUALITY_READINGS } from "./limits.ts";

/** How good a neighbour is. */
export type QualityClass = "good" | "fair" | "poor";

interface Remembered {
  readonly class: QualityClass;
  /** Readings in a row that said `candidate` instead. */
  readonly candidate: QualityClass;
  readonly readings: number;
}

/** What is remembered of each neighbour, by subject. */
export type QualityMemory = ReadonlyMap<string, Remembered>;

interface Scale {
  readonly good: number;
  readonly fair: number;
  /** A class is left only when its bound is missed by this. */
  readonly margin: number;
}

/** BATMAN_IV: transmit quality, 0 to 255. */
const TQ: Scale = { good: 200, fair: 120, margin: 15 };
/** BATMAN_V: estimated throughput. */
const KBPS: Scale = { good: 20_000, fair: 4_000, margin: 1_000 };

/** TQ of the direct links, by the neighbours' subjects. Empty under BATMAN_V, which has none. */
export function directTqs(mesh: MeshSnapshot): ReadonlyMap<string, number> {
  const out = new Map<string, number>();
  for (const { originator, nextHop, hardInterface, tq } of mesh.originators) {
    if (originator === nextHop && tq !== null) out.set(`${hardInterface}/${originator}`, tq);
  }
  return out;
}

function classOf(value: number, scale: Scale, held: QualityClass | null): QualityClass {
  const shift = (bound: number, holds: boolean) => bound + (holds ? -scale.margin : scale.margin);
  const atLeast = (bound: number, holds: boolean) =>
    value >= (held === null ? bound : shift(bound, holds));
  if (atLeast(scale.good, held === "good")) return "good";
  return atLeast(scale.fair, held === "good" || held === "fair") ? "fair" : "poor";
}

/** Takes in one snapshot of the mesh. */
export function assessQuality(
  memory: QualityMemory,
  mesh: MeshSnapshot | null,
): { readonly memory: QualityMemory; readonly events: readonly EventDraft[] } {
  const next = new Map<string, Remembered>();
  const events: EventDraft[] = [];
  if (mesh === null) return { memory: next, events };
  const tqs = directTqs(mesh);
  for (const entry of aliveNeighbours(mesh)) {
    const subject = neighbourSubject(entry);
    const value = entry.throughputKbps ?? tqs.get(subject);
    if (value === undefined) continue;
    const scale = entry.throughputKbps === null ? TQ : KBPS;
    const known = memory.get(subject);
    const found = classOf(value, scale, known?.class ?? null);
    if (known === undefined || found === known.class) {
      next.set(subject, { class: found, candidate: found, readings: 0 });
      continue;
    }
    const readings = known.candidate === found ? known.readings + 1 : 1;
    if (readings < QUALITY_READINGS) {
      next.set(subject, { class: known.class, candidate: found, readings });
      continue;
    }
    next.set(subject, { class: found, candidate: found, readings: 0 });
    const figure = scale === TQ ? `TQ ${value} of 255` : `${Math.round(value / 1000)} Mbit/s`;
    events.push({
      severity: found === "poor" ? "notice" : "info",
      type: "neighbour.quality",
      subject,
      message:
        `The link to ${entry.neighbour} on ${entry.hardInterface} is ${found} now (${figure}), ` +
        `before ${known.class}`,
      data: { from: known.class, to: found, value },
    });
  }
  return { memory: next, events };
}
