// Where the topology's nodes are drawn: this node in the middle, its neighbours around it, what is behind
// a neighbour further out in that neighbour's sector. Distance from the middle of each ring grows as
// quality falls. Pure and without randomness, so that a node stays where it was as long as the mesh does.
import type { Topology, TopologyNode } from "../../core/interop/mod.ts";

/** A node and its place, in the drawing's units. */
export interface Placed {
  readonly node: TopologyNode;
  readonly x: number;
  readonly y: number;
}

/** Half the drawing's size. */
export const HALF_WIDTH = 490;
export const HALF_HEIGHT = 375;
const STRETCH = 1.28;
const NEIGHBOUR_RADIUS = 120;
const NEIGHBOUR_SPREAD = 70;
/** Where nothing is further out, neighbours have its room too. */
const ALONE = 1.75;
const REMOTE_RADIUS = 245;
const REMOTE_SPREAD = 75;
/** Remote nodes of one sector closer than this, in radians, are staggered. */
const CROWDED = 0.12;
const STAGGER = 34;

/** Places all nodes; every one lies inside the drawing. */
export function layout({ self, nodes, edges }: Topology): readonly Placed[] {
  const behind = childrenOf(edges);
  const neighbours = nodes.filter((node) => node.kind === "neighbour").toSorted(byId);
  const byMac = new Map(nodes.map((node) => [node.id, node]));
  const known = new Set(neighbours.map((node) => node.id));
  const orphans = nodes.filter((node) =>
    node.kind === "remote" && !known.has(behind.parent.get(node.id) ?? "")
  ).toSorted(byId);
  const placed: Placed[] = nodes.filter((node) => node.id === self)
    .map((node) => ({ node, x: 0, y: 0 }));
  const remotesBehind = ({ id }: TopologyNode): readonly TopologyNode[] =>
    (behind.children.get(id) ?? []).flatMap((child) => byMac.get(child) ?? [])
      .filter((child) => child.kind === "remote").toSorted(byId);
  const scale = nodes.some((node) => node.kind === "remote") ? 1 : ALONE;
  const weightOf = (node: TopologyNode): number => 2 + Math.sqrt(remotesBehind(node).length);
  const total = neighbours.reduce((sum, node) => sum + weightOf(node), 0) +
    (orphans.length > 0 ? 2 : 0);
  let angle = -Math.PI / 2;
  for (const node of neighbours) {
    const sector = 2 * Math.PI * weightOf(node) / total;
    const middle = angle + sector / 2;
    const radius = NEIGHBOUR_RADIUS + NEIGHBOUR_SPREAD * (1 - (node.quality ?? 0));
    placed.push(at(node, middle, scale * radius));
    placed.push(...fan(remotesBehind(node), angle, sector));
    angle += sector;
  }
  placed.push(...fan(orphans, angle, 4 * Math.PI / Math.max(2, total)));
  return placed;
}

function byId(a: TopologyNode, b: TopologyNode): number {
  return a.id < b.id ? -1 : 1;
}

function childrenOf(edges: Topology["edges"]): {
  readonly parent: ReadonlyMap<string, string>;
  readonly children: ReadonlyMap<string, readonly string[]>;
} {
  const parent = new Map<string, string>();
  for (const edge of edges) {
    if (edge.kind === "path" && (edge.best || !parent.has(edge.to))) parent.set(edge.to, edge.from);
  }
  const children = new Map<string, string[]>();
  for (const [child, via] of parent) {
    const list = children.get(via);
    if (list === undefined) children.set(via, [child]);
    else list.push(child);
  }
  return { parent, children };
}

/** Spreads nodes over a sector, in two or three rows where they would touch. */
function fan(nodes: readonly TopologyNode[], from: number, sector: number): Placed[] {
  const margin = Math.min(0.08, sector / 8);
  const step = (sector - 2 * margin) / Math.max(1, nodes.length);
  const rows = step >= CROWDED ? 1 : step >= CROWDED / 2 ? 2 : 3;
  return nodes.map((node, index) => {
    const radius = REMOTE_RADIUS + REMOTE_SPREAD * (1 - (node.quality ?? 0)) +
      STAGGER * (index % rows - (rows - 1) / 2);
    return at(node, from + margin + step * (index + 0.5), radius);
  });
}

function at(node: TopologyNode, angle: number, radius: number): Placed {
  const tenth = (value: number): number => Math.round(value * 10) / 10;
  return { node, x: tenth(STRETCH * radius * Math.cos(angle)), y: tenth(radius * Math.sin(angle)) };
}
