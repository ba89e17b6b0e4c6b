// BATMAN_IV: what a router does with the OGMs of one received frame.
// Source: linux v6.12 net/batman-adv/bat_iv_ogm.c (batadv_iv_ogm_process and callees).
//
// The rules are the kernel's: echoes give the link quality, the asymmetry penalty, the average over
// the non-zero TQs of the last five, a strictly better average to switch, repeating only what came
// from the best next hop, the loop check on the previous sender. Departs from bat_iv_ogm.c: secondary
// hard interfaces announce the primary's address, one table serves all outgoing interfaces, and bonding
// does not send over two interfaces.
import { RESET_PROTECTION_MS, TQ_LOCAL_WINDOW, TQ_MAX } from "../limits.ts";
import {
  type Edge,
  FLAG_DIRECT_LINK,
  FLAG_NOT_BEST_NEXT_HOP,
  OGM_WORDS,
  ORIGIN_WORDS,
  type Router,
  ROW_WORDS,
} from "./router.ts";

/** Number of ones in a 32-bit word. */
function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** batadv_hop_penalty: `tq` after one more hop. */
export function hopPenalty(tq: number, penalty: number): number {
  return ((tq * (TQ_MAX - penalty)) / TQ_MAX) | 0;
}

/** batadv_iv_ogm_calc_tq: the factor a link puts on every TQ heard over it. */
export function updateLinkTq(edge: Edge): void {
  edge.rqCount = ones(edge.rqLow) + ones(edge.rqHigh);
  edge.echoCount = ones(edge.echoLow) + ones(edge.echoHigh);
  if (edge.rqCount === 0 || edge.echoCount === 0) {
    edge.linkTq = 0;
    return;
  }
  const own = Math.floor((TQ_MAX * Math.min(edge.echoCount, edge.rqCount)) / edge.rqCount);
  const missing = TQ_LOCAL_WINDOW - edge.rqCount;
  const asymmetry = TQ_MAX - Math.floor((TQ_MAX * missing ** 3) / TQ_LOCAL_WINDOW ** 3);
  const received = TQ_MAX - edge.toIf.hopPenalty;
  edge.linkTq = Math.floor((own * asymmetry * received) / (TQ_MAX * TQ_MAX));
}

/** Slides the record of echoes when we send our next own OGM. */
export function slideEchoes(edge: Edge): void {
  edge.echoHigh = (edge.echoHigh << 1) | (edge.echoLow >>> 31);
  edge.echoLow = edge.echoLow << 1;
  updateLinkTq(edge);
}

/** The neighbour repeated our OGM `seq16`. */
function countEcho(edge: Edge, seq16: number): void {
  const age = (edge.to.seq - 1 - seq16) & 0xffff;
  if (age >= TQ_LOCAL_WINDOW) return;
  if (age < 32) edge.echoLow |= 1 << age;
  else edge.echoHigh |= 1 << (age - 32);
  updateLinkTq(edge);
}

/** The neighbour's own OGM `seq16` arrived. */
function countDirect(edge: Edge, seq16: number): void {
  const ahead = edge.rqCount === 0 && edge.rqSeq < 0
    ? TQ_LOCAL_WINDOW
    : ((seq16 - edge.rqSeq) << 16) >> 16;
  if (ahead <= 0 && ahead > -TQ_LOCAL_WINDOW) return;
  if (ahead < 0 || ahead >= TQ_LOCAL_WINDOW) {
    edge.rqLow = 0;
    edge.rqHigh = 0;
  } else if (ahead >= 32) {
    edge.rqHigh = edge.rqLow << (ahead - 32);
    edge.rqLow = 0;
  } else {
    edge.rqHigh = (edge.rqHigh << ahead) | (edge.rqLow >>> (32 - ahead));
    edge.rqLow = edge.rqLow << ahead;
  }
  edge.rqLow |= 1;
  edge.rqSeq = seq16;
  updateLinkTq(edge);
}

/** Mean of the TQs that are not zero. */
function average(four: number): number {
  const a = four & 0xff;
  const b = (four >>> 8) & 0xff;
  const c = (four >>> 16) & 0xff;
  const d = four >>> 24;
  const count = (a > 0 ? 1 : 0) + (b > 0 ? 1 : 0) + (c > 0 ? 1 : 0) + (d > 0 ? 1 : 0);
  return count === 0 ? 0 : ((a + b + c + d) / count) | 0;
}

/** Average of a row when `seq16` is the newest: sequence numbers it has not delivered count as lost. */
export function averageAt(table: Uint32Array, row: number, seq16: number): number {
  const missing = (seq16 - (table[row] as number)) & 0xffff;
  return missing > 3 ? 0 : average((table[row + 1] as number) << (8 * missing));
}

/** Writes the TQ of a new sequence number into a row; returns the new average. */
function writeRow(
  table: Uint32Array,
  row: number,
  seq16: number,
  tick: number,
  tq: number,
): number {
  const before = table[row + 1] as number;
  const ahead = (seq16 - (table[row] as number)) & 0xffff;
  const four = before !== 0 && ahead < 4 ? (before << (8 * ahead)) | tq : tq;
  table[row] = seq16 | (tick << 16);
  table[row + 1] = four;
  return average(four);
}

/** batadv_window_protected: whether an implausible sequence number must be ignored for now. */
export function resetRefused(router: Router, id: number, tick: number): boolean {
  const last = router.resets.get(id);
  if (last !== undefined && (tick - last) * 100 < RESET_PROTECTION_MS) return true;
  router.resets.set(id, tick);
  return false;
}

/** Places of the OGMs of a frame that are worth a closer look; reused by every frame. */
const worthy = new Int32Array(4096);

/**
 * Picks the OGMs of a frame that the first checks let pass, and reads their rows, so that these come
 * into the cache side by side and not one by one as the protocol needs them. Returns how many.
 */
function pick(edge: Edge, sent: Uint32Array, start: number, end: number): number {
  const router = edge.to;
  const { origins, slotIds, id: self } = router;
  const table = edge.table;
  const slot = edge.slot + 1;
  let count = 0;
  let seen = 0;
  for (let at = start; at < end; at += OGM_WORDS) {
    const id = (sent[at] as number) & 0xffff;
    const previous = (sent[at + 3] as number) - 1;
    if (id !== self) {
      // Our own words repeated, or repeated for the sake of an echo alone.
      if (previous === self || ((sent[at + 1] as number) & FLAG_NOT_BEST_NEXT_HOP) !== 0) continue;
      const routerSlot = ((origins[id * ORIGIN_WORDS] as number) >>> 16) & 0xff;
      // What our own next hop sent comes back by way of somebody who also heard it: a loop.
      if (
        routerSlot !== 0 && routerSlot !== slot && previous !== id && previous >= 0 &&
        slotIds[routerSlot - 1] === previous &&
        (((origins[previous * ORIGIN_WORDS] as number) >>> 16) & 0xff) === routerSlot
      ) continue;
      seen |= table[id * ROW_WORDS] as number;
    }
    worthy[count++] = at;
  }
  // Always true: keeps the compiler from dropping the reads.
  return (seen & 0) === 0 ? count : 0;
}

/**
 * Takes in the OGMs `[start, end)` (words) of a frame that arrived over `edge`.
 *
 * @param sent the sender's queue.
 * @param tick now, in units of 100 ms.
 */
export function receiveIv(
  edge: Edge,
  sent: Uint32Array,
  start: number,
  end: number,
  tick: number,
): void {
  const router = edge.to;
  const origins = router.origins;
  const table = edge.table;
  const self = router.id;
  const sender = edge.from.id;
  const slot = edge.slot + 1;
  const { outPort, inPort, wifi } = edge;
  const senderPenalty = edge.from.hopPenalty;
  const ownPenalty = router.hopPenalty;
  const count = pick(edge, sent, start, end);
  for (let pass = 0; pass < count; pass++) {
    const at = worthy[pass] as number;
    const head = sent[at] as number;
    const id = head & 0xffff;
    const seq16 = head >>> 16;
    const flags = sent[at + 1] as number;
    const previous = (sent[at + 3] as number) - 1;
    if (id === self) {
      if ((flags & FLAG_DIRECT_LINK) !== 0 && previous === self && flags >>> 16 === outPort) {
        countEcho(edge, seq16);
      }
      continue;
    }
    const direct = id === sender;
    if (direct) {
      countDirect(edge, seq16);
      edge.lastDirectMs = tick * 100;
    } else if (((origins[sender * ORIGIN_WORDS] as number) & 0xff0000) === 0) {
      // An OGM via a neighbour that we have no route to.
      continue;
    }
    const heardTq = sent[at + 2] as number;
    if (heardTq === 0) continue;

    const origin = id * ORIGIN_WORDS;
    const state = origins[origin] as number;
    const known = origins[origin + 1] !== 0;
    const routerSlot = (state >>> 16) & 0xff;
    const row = id * ROW_WORDS;
    const ahead = ((seq16 - state) << 16) >> 16;
    let fresh = !known || ahead > 0;
    if (known && (ahead <= -TQ_LOCAL_WINDOW || ahead >= 0x4000)) {
      if (resetRefused(router, id, tick)) continue;
      table[row + 1] = 0;
      fresh = true;
    }
    if (!fresh) {
      // Late, or a duplicate from this very neighbour.
      if (ahead < 0) continue;
      if (
        table[row + 1] !== 0 &&
        (((seq16 - (table[row] as number)) << 16) >> 16) <= 0
      ) continue;
    }
    // The sender counts the half-duplex penalty of repeating on the interface it heard on.
    const offered = wifi && flags >>> 16 === outPort && previous >= 0
      ? hopPenalty(heardTq, senderPenalty)
      : heardTq;
    const tq = ((offered * edge.linkTq) / TQ_MAX) | 0;
    const ttl = flags & 0xff;
    const routerAverage = origins[origin + 2] as number;
    const fromBest = routerSlot === slot && routerAverage !== 0;

    if (fresh) {
      origins[origin] = seq16 | (state & 0xff0000) | (ttl << 24);
      origins[origin + 1] = tick + 1;
      if (routerSlot !== 0 && routerSlot !== slot) {
        const routerEdge = router.slots[routerSlot - 1];
        origins[origin + 2] = routerEdge ? averageAt(routerEdge.table, row, seq16) : 0;
      }
    }
    if (tq > 0 && (fresh || (state >>> 24) - 3 <= ttl)) {
      const mean = writeRow(table, row, seq16, tick, tq);
      if (routerSlot === slot || routerSlot === 0) {
        origins[origin + 2] = mean;
        if (routerSlot === 0) origins[origin] = (origins[origin] as number) | (slot << 16);
      } else {
        const best = origins[origin + 2] as number;
        if (mean > best || (mean === best && moreSymmetric(router, edge, routerSlot - 1))) {
          origins[origin] = ((origins[origin] as number) & 0xff00ffff) | (slot << 16);
          origins[origin + 2] = mean;
        }
      }
    }
    if (ttl <= 1) continue;
    if (direct) {
      // Repeated even when it is not the best path, so that the neighbour hears its echo.
      const mark = (fromBest ? 0 : FLAG_NOT_BEST_NEXT_HOP) | FLAG_DIRECT_LINK;
      router.enqueue(head, (ttl - 1) | mark | inPort, hopPenalty(tq, ownPenalty), sender + 1);
    } else if (tq > 0 && fromBest) {
      router.enqueue(head, (ttl - 1) | inPort, hopPenalty(tq, ownPenalty), sender + 1);
    }
  }
}

function moreSymmetric(router: Router, edge: Edge, routerSlot: number): boolean {
  return edge.echoCount > (router.slots[routerSlot]?.echoCount ?? 0);
}
