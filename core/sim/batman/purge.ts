// Forgetting: rows and neighbours that were silent for too long, and hard interfaces taken away.
// Source: linux v6.12 net/batman-adv/originator.c (batadv_purge_orig). Departs from it: the sweep runs
// every 10 s and not every second, since a table of a thousand rows is swept whole.
import { PURGE_TIMEOUT_MS } from "../limits.ts";
import { averageAt } from "./iv.ts";
import { type Edge, ORIGIN_WORDS, type Router, ROW_WORDS } from "./router.ts";

/** Drops what was not heard for BATADV_PURGE_TIMEOUT; originators after twice that. */
export function purge(router: Router, nowMs: number, originators: number): void {
  const tick = Math.floor(nowMs / 100);
  const timeout = PURGE_TIMEOUT_MS / 100;
  for (const edge of [...router.slots]) {
    if (edge === null) continue;
    const table = edge.table;
    for (let id = 0; id < originators; id++) {
      const row = id * ROW_WORDS;
      if (table[row + 1] === 0) continue;
      if (((tick - ((table[row] as number) >>> 16)) & 0xffff) < timeout) continue;
      table[row + 1] = 0;
      if (router.nextHopSlot(id) === edge.slot) reselect(router, id);
    }
    if (edge.lastDirectMs >= 0 && nowMs - edge.lastDirectMs > PURGE_TIMEOUT_MS) {
      dropSlot(router, edge);
    }
  }
  const origins = router.origins;
  for (let id = 0; id < originators; id++) {
    const origin = id * ORIGIN_WORDS;
    const heard = origins[origin + 1] as number;
    if (heard !== 0 && tick - (heard - 1) > 2 * timeout) origins.fill(0, origin, origin + 4);
  }
}

/** Forgets a neighbour and all it said. */
export function dropSlot(router: Router, edge: Edge): void {
  const slot = edge.slot;
  if (slot < 0 || router.slots[slot] !== edge) return;
  router.slots[slot] = null;
  edge.slot = -1;
  edge.table = new Uint32Array(0);
  edge.linkTq = 0;
  edge.rqLow = edge.rqHigh = edge.rqCount = 0;
  edge.rqSeq = -1;
  edge.echoLow = edge.echoHigh = edge.echoCount = 0;
  edge.lastDirectMs = -1;
  edge.throughput = 0;
  for (let id = 0; id * ORIGIN_WORDS < router.origins.length; id++) {
    if (router.nextHopSlot(id) === slot) reselect(router, id);
  }
}

/** batadv_find_best_neighbor: the next hop becomes the best of what is left, or none. */
export function reselect(router: Router, id: number): void {
  const origin = id * ORIGIN_WORDS;
  const seq16 = (router.origins[origin] as number) & 0xffff;
  let bestSlot = 0;
  let best = 0;
  for (const edge of router.slots) {
    if (edge === null) continue;
    const metric = metricOf(router, edge, id, seq16);
    if (metric > best) {
      best = metric;
      bestSlot = edge.slot + 1;
    }
  }
  router.origins[origin] = ((router.origins[origin] as number) & 0xff00ffff) | (bestSlot << 16);
  router.origins[origin + 2] = best;
}

/** What a neighbour offers towards an originator: TQ, or units of 100 kbit/s; 0 for nothing. */
export function metricOf(router: Router, edge: Edge, id: number, seq16: number): number {
  const row = id * ROW_WORDS;
  if ((edge.table[row + 1] ?? 0) === 0) return 0;
  return router.algorithm === "BATMAN_IV"
    ? averageAt(edge.table, row, seq16)
    : edge.table[row + 1] ?? 0;
}
