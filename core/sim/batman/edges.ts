// The edges between routers: who may hear whom over which pair of hard interfaces. They follow the
// medium's links; a neighbour that was heard keeps its slot and rows when its link comes back.
import { AGGREGATION_MS } from "../limits.ts";
import type { AirLink, Port } from "../medium/mod.ts";
import type { Edge, HardIf, Router } from "./router.ts";

/** Which router and hard interface a port belongs to, by the port's id. */
export type Owners = ReadonlyMap<number, { readonly router: Router; readonly hardIf: HardIf }>;

const NO_TABLE = new Uint32Array(0);

/** Makes the edges follow the medium's links. A known neighbour keeps its slot and rows. */
export function syncEdges(stalePorts: ReadonlySet<Port>, owners: Owners): void {
  const stale = new Set<Router>();
  for (const port of stalePorts) {
    const owner = owners.get(port.id);
    if (owner === undefined) continue;
    stale.add(owner.router);
    for (const link of port.links.values()) {
      const other = owners.get(link.to.id);
      if (other !== undefined) stale.add(other.router);
    }
  }
  for (const router of stale) syncIncoming(router, owners);
  const senders = new Set<Router>();
  for (const router of stale) {
    senders.add(router);
    for (const edge of router.incoming) senders.add(edge.from);
    for (const edge of router.outgoing) senders.add(edge.from).add(edge.to);
  }
  for (const router of senders) router.outgoing = [];
  for (const router of senders) {
    for (const hardIf of router.hardIfs) {
      for (const link of hardIf.port.links.values()) {
        const other = owners.get(link.to.id)?.router;
        const edge = other?.incoming.find((known) =>
          known.toIf.port === link.to && known.fromIf.port === hardIf.port
        );
        if (edge !== undefined) router.outgoing.push(edge);
      }
    }
  }
}

/** Lays out what the inner loop needs of the incoming edges. */
export function arrange(router: Router): void {
  const edges = router.incoming;
  router.inFrom = Int32Array.from(edges, (edge) => edge.from.index);
  router.inChance = Float32Array.from(edges, (edge) => edge.link.broadcast);
  router.inFrames = new Uint32Array(edges.length);
  router.inOgms = new Uint32Array(edges.length);
}

function syncIncoming(router: Router, owners: Owners): void {
  const edges: Edge[] = [];
  for (const hardIf of router.hardIfs) {
    for (const back of hardIf.port.links.values()) {
      const other = owners.get(back.to.id);
      const link = back.to.links.get(hardIf.port.id);
      if (link === undefined || other?.router.algorithm !== router.algorithm) continue;
      const same = (edge: Edge | null) =>
        edge !== null && edge.toIf === hardIf && edge.fromIf === other.hardIf;
      const known = router.incoming.find(same) ?? router.slots.find(same);
      const edge = known ?? newEdge(other.router, other.hardIf, router, hardIf, link);
      edge.link = link;
      edges.push(edge);
    }
  }
  const after = (edge: Edge) =>
    (edge.from.phaseMs - router.phaseMs + AGGREGATION_MS) % AGGREGATION_MS;
  router.incoming = edges.sort((a, b) => after(a) - after(b));
  arrange(router);
}

function newEdge(from: Router, fromIf: HardIf, to: Router, toIf: HardIf, link: AirLink): Edge {
  return {
    from,
    to,
    fromIf,
    toIf,
    link,
    outPort: fromIf.port.id,
    inPort: toIf.port.id << 16,
    wifi: fromIf.port.kind === "radio",
    slot: -1,
    table: NO_TABLE,
    linkTq: 0,
    rqLow: 0,
    rqHigh: 0,
    rqSeq: -1,
    rqCount: 0,
    echoLow: 0,
    echoHigh: 0,
    echoCount: 0,
    lastDirectMs: -1,
    throughput: 0,
  };
}
