// Unicast frames through the mesh: at every hop the router there looks up its own table, and the
// medium decides about every attempt. Used by ping, traceroute and the throughput meter.
import { TTL, UNICAST_ATTEMPTS } from "../limits.ts";
import type { SeededRandom } from "../random.ts";
import type { Router } from "./router.ts";

/** Where a frame ended. */
export interface Journey {
  /** Routers that had it in hand, the sender's own excluded, the last one included. */
  readonly routers: readonly Router[];
  readonly elapsedMs: number;
  readonly end: "arrived" | "lost" | "no-route" | "ttl";
  readonly ttl: number;
}

/** Time a router takes to pass a frame on. */
const FORWARD_MS = 0.15;

/** Sends one frame of `bytes` from `source` to the originator `id`, with `ttl` hops to live. */
export function send(
  random: SeededRandom,
  source: Router,
  id: number,
  bytes: number,
  ttl = TTL,
): Journey {
  const routers: Router[] = [];
  let here = source;
  let elapsedMs = 0;
  let left = ttl;
  while (here.id !== id) {
    if (left === 0) return { routers, elapsedMs, end: "ttl", ttl: left };
    const edge = here.nextHop(id);
    if (edge === null || !here.running) return { routers, elapsedMs, end: "no-route", ttl: left };
    const link = edge.toIf.port.links.get(edge.fromIf.port.id);
    const chance = link?.talks && edge.from.running ? link.unicast : 0;
    const airtimeMs = (bytes * 8) / Math.max(1, link?.bitrateKbps ?? 1);
    let passed = false;
    for (let attempt = 0; attempt < UNICAST_ATTEMPTS && !passed; attempt++) {
      const waitMs = link?.wired ? 0.01 : 0.1 + random.unit() * 0.1 * 2 ** Math.min(attempt, 5);
      elapsedMs += airtimeMs + waitMs;
      passed = random.unit() < chance;
    }
    if (!passed) return { routers, elapsedMs, end: "lost", ttl: left };
    elapsedMs += FORWARD_MS;
    left--;
    here = edge.from;
    routers.push(here);
  }
  return { routers, elapsedMs, end: "arrived", ttl: left };
}

/**
 * What TCP-like traffic gets from `source` to `id`: the air is shared by successive radio hops (a
 * radio cannot receive while its neighbour two hops on sends), wires add nothing. 0 without a path.
 */
export function pathThroughputKbps(source: Router, id: number): number {
  let secondsPerKilobit = 0;
  let wireKbps = Infinity;
  let here = source;
  for (let hop = 0; hop < TTL && here.id !== id; hop++) {
    const edge = here.nextHop(id);
    const link = edge?.toIf.port.links.get(edge.fromIf.port.id);
    if (!edge || !link?.talks || link.throughputKbps === 0) return 0;
    if (link.wired) wireKbps = Math.min(wireKbps, link.throughputKbps);
    else if (hop < 3) secondsPerKilobit += 1 / link.throughputKbps;
    else secondsPerKilobit = Math.max(secondsPerKilobit, 3 / link.throughputKbps);
    here = edge.from;
  }
  if (here.id !== id) return 0;
  const airKbps = secondsPerKilobit === 0 ? Infinity : 1 / secondsPerKilobit;
  const kbps = Math.min(airKbps, wireKbps);
  return Number.isFinite(kbps) ? kbps : 0;
}
