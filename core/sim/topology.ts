// Where the nodes of a simulation stand.
import type { Position } from "./medium/mod.ts";
import { SeededRandom } from "./random.ts";

/** A wire between two nodes; it shows as "eth0", "eth1" … on each. */
export interface Wire {
  readonly a: number;
  readonly b: number;
  /** Default 1,000,000. */
  readonly kbps?: number;
}

/**
 * "line": each node hears the next one alone. "grid": a square, each hears about eight. "random":
 * scattered as densely as the grid, each within range of another. "full": all hear all.
 */
export type Topology = "line" | "grid" | "random" | "full" | {
  readonly positions: readonly Position[];
};

/** The share of shadowing a topology has: a line would break by it. */
export function shadowingOf(topology: Topology): number {
  return topology === "line" || topology === "full" ? 0 : 1;
}

const LINE_SPACING_M = 130;
const GRID_SPACING_M = 110;
const FULL_RADIUS_M = 15;
const RANDOM_REACH_M = 110;
const TRIES_MAX = 200;

function random(nodes: number, seed: number): Position[] {
  const numbers = new SeededRandom(seed, 0x706f);
  const side = Math.sqrt(nodes) * GRID_SPACING_M;
  const places: Position[] = [];
  for (let index = 0; index < nodes; index++) {
    let place = { x: side / 2, y: side / 2 };
    for (let attempt = 0; index > 0 && attempt < TRIES_MAX; attempt++) {
      place = { x: numbers.unit() * side, y: numbers.unit() * side };
      if (places.some((p) => Math.hypot(p.x - place.x, p.y - place.y) < RANDOM_REACH_M)) break;
      const near = places[numbers.below(places.length)] ?? place;
      const angle = numbers.unit() * 2 * Math.PI;
      place = {
        x: near.x + Math.cos(angle) * RANDOM_REACH_M * 0.8,
        y: near.y + Math.sin(angle) * RANDOM_REACH_M * 0.8,
      };
    }
    places.push(place);
  }
  return places;
}

/** The places of `nodes` nodes in metres; the same for the same seed. */
export function places(topology: Topology, nodes: number, seed: number): Position[] {
  const all = Array.from({ length: nodes }, (_, index) => index);
  if (topology === "line") return all.map((index) => ({ x: index * LINE_SPACING_M, y: 0 }));
  if (topology === "grid") {
    const width = Math.ceil(Math.sqrt(nodes));
    return all.map((index) => ({
      x: (index % width) * GRID_SPACING_M,
      y: Math.floor(index / width) * GRID_SPACING_M,
    }));
  }
  if (topology === "full") {
    return all.map((index) => ({
      x: Math.cos((2 * Math.PI * index) / nodes) * FULL_RADIUS_M,
      y: Math.sin((2 * Math.PI * index) / nodes) * FULL_RADIUS_M,
    }));
  }
  if (topology === "random") return random(nodes, seed);
  return all.map((index) => topology.positions[index] ?? { x: index * LINE_SPACING_M, y: 0 });
}
