// A router's tables in the words of the Mesh port. Reads only what that router itself holds.
import type { Mac } from "../../base/mod.ts";
import type { GlobalClient, MeshGateway, MeshNeighbour, Originator } from "../../ports/mod.ts";
import type { Announcement } from "./announcements.ts";
import type { Engine } from "./engine.ts";
import { metricOf } from "./purge.ts";
import { type Edge, ORIGIN_WORDS, type Router, ROW_WORDS } from "./router.ts";

function silentMs(edge: Edge, id: number, nowMs: number): number {
  const tick = Math.floor(nowMs / 100);
  const heard = (edge.table[id * ROW_WORDS] ?? 0) >>> 16;
  return ((tick - heard) & 0xffff) * 100;
}

/** GET_ORIGINATORS: every next hop towards every originator, the best one marked. */
export function originators(engine: Engine, router: Router, nowMs: number): Originator[] {
  const rows: Originator[] = [];
  const iv = router.algorithm === "BATMAN_IV";
  for (let id = 0; id < engine.originators; id++) {
    const seq16 = router.newestSeq(id);
    if (seq16 === null) continue;
    const bestSlot = router.nextHopSlot(id);
    for (const edge of router.slots) {
      if (edge === null || (edge.table[id * ROW_WORDS + 1] ?? 0) === 0) continue;
      const metric = metricOf(router, edge, id, seq16);
      const best = edge.slot === bestSlot;
      rows.push({
        originator: engine.macOf(id),
        nextHop: edge.fromIf.port.mac,
        hardInterface: edge.toIf.name,
        best,
        lastSeenMs: silentMs(edge, id, nowMs),
        tq: iv ? (best ? router.origins[id * ORIGIN_WORDS + 2] ?? 0 : metric) : null,
        throughputKbps: iv ? null : metric * 100,
      });
    }
  }
  return rows;
}

/** GET_NEIGHBORS. */
export function neighbours(router: Router, nowMs: number): MeshNeighbour[] {
  const rows: MeshNeighbour[] = [];
  for (const edge of router.slots) {
    if (edge === null || edge.lastDirectMs < 0) continue;
    rows.push({
      neighbour: edge.fromIf.port.mac,
      hardInterface: edge.toIf.name,
      lastSeenMs: Math.max(0, Math.round(nowMs - edge.lastDirectMs)),
      throughputKbps: router.algorithm === "BATMAN_V" ? edge.throughput * 100 : null,
    });
  }
  return rows;
}

/** What a router has heard an originator announce, or `null`. */
export function heard(engine: Engine, router: Router, id: number): Announcement | null {
  const seq16 = router.newestSeq(id);
  if (seq16 === null || router.nextHopSlot(id) < 0) return null;
  return engine.announcementsOf(id)?.at(seq16) ?? null;
}

/** GET_GATEWAYS. In server mode or off, none is selected. */
export function gateways(engine: Engine, router: Router): MeshGateway[] {
  const rows: MeshGateway[] = [];
  for (let id = 0; id < engine.originators; id++) {
    if (id === router.id) continue;
    const said = heard(engine, router, id);
    const edge = router.nextHop(id);
    if (said?.gateway.mode !== "server" || edge === null) continue;
    const metric = router.origins[id * ORIGIN_WORDS + 2] ?? 0;
    rows.push({
      originator: engine.macOf(id),
      router: edge.fromIf.port.mac,
      hardInterface: edge.toIf.name,
      best: router.settings.gatewayMode === "client" && selectGateway(engine, router) === id,
      downKbps: said.gateway.downKbps,
      upKbps: said.gateway.upKbps,
      tq: router.algorithm === "BATMAN_IV" ? metric : null,
      throughputKbps: router.algorithm === "BATMAN_V" ? metric * 100 : null,
    });
  }
  return rows;
}

/**
 * The gateway a client uses: it keeps the one it has until another is better by the selection class
 * (BATMAN_IV classes above 1, "late switch"); class 1 weighs the announced bandwidth in.
 */
export function selectGateway(engine: Engine, router: Router): number {
  const threshold = router.settings.gatewaySelectionClass;
  let best = -1;
  let bestScore = 0;
  let current = 0;
  for (let id = 0; id < engine.originators; id++) {
    if (id === router.id) continue;
    const said = heard(engine, router, id);
    if (said?.gateway.mode !== "server") continue;
    const metric = router.origins[id * ORIGIN_WORDS + 2] ?? 0;
    const score = router.algorithm === "BATMAN_IV" && threshold === 1
      ? metric * metric * said.gateway.downKbps
      : router.algorithm === "BATMAN_V"
      ? Math.min(metric, said.gateway.downKbps / 100)
      : metric;
    if (id === router.gateway) current = score;
    if (score > bestScore) {
      best = id;
      bestScore = score;
    }
  }
  if (current > 0 && bestScore - current < threshold) best = router.gateway;
  router.gateway = best;
  return best;
}

/** GET_TRANSTABLE_GLOBAL: clients of other originators, as announced and heard. */
export function globalClients(engine: Engine, router: Router): GlobalClient[] {
  const rows: GlobalClient[] = [];
  const bestOf = new Map<string, { metric: number; index: number }>();
  for (let id = 0; id < engine.originators; id++) {
    if (id === router.id) continue;
    const said = heard(engine, router, id);
    if (said === null) continue;
    const metric = router.origins[id * ORIGIN_WORDS + 2] ?? 0;
    for (const client of said.clients) {
      const key = `${client.mac}/${client.vlan}`;
      const rival = bestOf.get(key);
      if (rival === undefined || metric > rival.metric) {
        bestOf.set(key, { metric, index: rows.length });
      }
      rows.push({
        mac: client.mac,
        vlan: client.vlan,
        originator: engine.macOf(id),
        best: false,
        flags: client.flags.filter((flag) => flag !== "no-purge"),
        ttvn: said.ttvn,
        lastTtvn: said.ttvn,
      });
    }
  }
  const best = new Set([...bestOf.values()].map((entry) => entry.index));
  return rows.map((row, index) => ({ ...row, best: best.has(index) }));
}

/** The originator that serves a MAC address: itself an originator, a client's, or none. */
export function translate(engine: Engine, router: Router, mac: Mac): Mac | null {
  const id = engine.idOf(mac);
  if (id >= 0 && (id === router.id || router.nextHopSlot(id) >= 0)) return mac;
  return globalClients(engine, router).find((row) => row.best && row.mac === mac)?.originator ??
    null;
}
