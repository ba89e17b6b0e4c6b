// BATMAN_V: ELP link metrics and what a router does with the OGM2s of one received frame.
// Source: linux v6.12 net/batman-adv/bat_v_elp.c and bat_v_ogm.c.
//
// Throughput is in units of 100 kbit/s, as on the wire. Departs from the kernel: unicast probing of
// idle wireless links is left out, since the medium's expected throughput needs no traffic.
import { OGM_MAX_ORIGDIFF, TQ_LOCAL_WINDOW, TQ_MAX } from "../limits.ts";
import { resetRefused } from "./iv.ts";
import { type Edge, OGM_WORDS, ORIGIN_WORDS, ROW_WORDS } from "./router.ts";

/** Throughput assumed of a link that tells none: 1 Mbit/s (BATADV_THROUGHPUT_DEFAULT_VALUE). */
const THROUGHPUT_DEFAULT = 10;
/** BATADV_THROUGHPUT_MAX_VALUE. */
export const THROUGHPUT_MAX = 0xffffffff;

/** An ELP arrived: the neighbour lives; its link's throughput enters the moving average. */
export function receiveElp(edge: Edge, nowMs: number): void {
  edge.lastDirectMs = nowMs;
  const override = edge.toIf.throughputOverrideKbps;
  const kbps = override > 0
    ? override
    : edge.toIf.port.links.get(edge.fromIf.port.id)?.throughputKbps ?? THROUGHPUT_DEFAULT * 100;
  const sample = Math.max(1, Math.round(kbps / 100));
  edge.throughput = edge.throughput === 0
    ? sample
    : Math.max(1, Math.round((edge.throughput * 7 + sample) / 8));
}

/**
 * Takes in the OGM2s `[start, end)` (words) of a frame that arrived over `edge`.
 *
 * @param sent the sender's queue.
 * @param tick now, in units of 100 ms.
 */
export function receiveV(
  edge: Edge,
  sent: Uint32Array,
  start: number,
  end: number,
  tick: number,
): void {
  // OGMs of a neighbour without ELP are dropped.
  if (edge.throughput === 0) return;
  const router = edge.to;
  const origins = router.origins;
  const table = edge.table;
  const slot = edge.slot + 1;
  const { outPort, inPort, wifi } = edge;
  const penalty = TQ_MAX - edge.from.hopPenalty;
  for (let at = start; at < end; at += OGM_WORDS) {
    const head = sent[at] as number;
    const id = head & 0xffff;
    if (id === router.id) continue;
    const seq16 = head >>> 16;
    const flags = sent[at + 1] as number;
    const previous = (sent[at + 3] as number) - 1;
    let offered = sent[at + 2] as number;
    if (previous >= 0) {
      // batadv_v_forward_penalty, counted by the sender for the interface it sends on.
      offered = wifi && flags >>> 16 === outPort && offered > 10
        ? offered >>> 1
        : Math.floor((offered * penalty) / TQ_MAX);
    }
    if (offered === 0) continue;

    const origin = id * ORIGIN_WORDS;
    const row = id * ROW_WORDS;
    const state = origins[origin] as number;
    const known = origins[origin + 1] !== 0;
    const ahead = ((seq16 - state) << 16) >> 16;
    if (known && (ahead <= -TQ_LOCAL_WINDOW || ahead >= 0x4000)) {
      if (resetRefused(router, id, tick)) continue;
      table[row + 1] = 0;
      origins[origin + 3] = 0;
    } else if (
      known && table[row + 1] !== 0 &&
      (((seq16 - (table[row] as number)) << 16) >> 16) <= 0
    ) continue;
    const ttl = flags & 0xff;
    const throughput = Math.min(edge.throughput, offered);
    const newest = !known || ahead > 0 || ahead <= -TQ_LOCAL_WINDOW;
    if (newest) {
      origins[origin] = seq16 | (state & 0xff0000) | (ttl << 24);
      origins[origin + 1] = tick + 1;
    }
    table[row] = seq16 | (tick << 16);
    table[row + 1] = throughput;

    const routerSlot = ((origins[origin] as number) >>> 16) & 0xff;
    if (routerSlot !== slot) {
      if (routerSlot !== 0) {
        const best = router.slots[routerSlot - 1];
        const routerSeq = best ? best.table[row] as number : seq16 - OGM_MAX_ORIGDIFF;
        const behind = ((seq16 - routerSeq) << 16) >> 16;
        if (behind < OGM_MAX_ORIGDIFF && (origins[origin + 2] as number) >= throughput) continue;
      }
      origins[origin] = ((origins[origin] as number) & 0xff00ffff) | (slot << 16);
    }
    origins[origin + 2] = throughput;
    // From the best next hop: repeated once for each sequence number.
    const forwarded = origins[origin + 3] as number;
    if (ttl <= 1 || (forwarded !== 0 && (((seq16 - (forwarded - 1)) << 16) >> 16) <= 0)) continue;
    origins[origin + 3] = seq16 + 1;
    router.enqueue(head, (ttl - 1) | inPort, throughput, edge.from.id + 1);
  }
}
