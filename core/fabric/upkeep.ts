// What the fabric does by itself, once a second: keeps enough connections and not too many, mixes them so that
// a mesh that was parted grows together, asks for signs of life, judges credentials again, compares documents,
// tells the node's status.
import type { Clock, Random } from "../ports/mod.ts";
import type { Contacts } from "./contacts.ts";
import type { Link, Links } from "./links.ts";
import { MAX_DIALS, MAX_EXTRA_CONNECTIONS } from "./limits.ts";
import type { FabricTiming } from "./timing.ts";

/** What it runs on. */
export interface UpkeepPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly timing: FabricTiming;
  readonly links: Links;
  readonly contacts: Contacts;
  /** Connections that this node keeps by itself. */
  readonly wanted: number;
  /** Tries once; never rejects. */
  dial(nodeId: string): Promise<void>;
  /** Milliseconds there and back; rejects when no answer comes. */
  ping(nodeId: string, signal: AbortSignal): Promise<number>;
  /** Whether a stream with a node is open. */
  inUse(nodeId: string): boolean;
  /** Whether a connected node is still admitted. */
  admitted(nodeId: string): Promise<boolean>;
  /** Makes sure that gossip knows a connected node. */
  gossipWith(nodeId: string): void;
  compare(nodeId: string): void;
  tellStatus(): Promise<void>;
  remember(): Promise<void>;
  /** Something failed that should not have. */
  failed(error: unknown): void;
}

/** What is known of one link. */
interface Care {
  rttMs: number | null;
  pingAtMs: number;
  pinging: boolean;
  usedAtMs: number;
  /** Age at which it is made anew. */
  readonly endsAtMs: number;
}

/** The fabric's housekeeping. */
export class Upkeep {
  readonly #ports: UpkeepPorts;
  readonly #care = new Map<Link, Care>();
  /** Links that this node closed because they were too many: nothing was lost with them. */
  readonly #trimmed = new WeakSet<Link>();
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #nextMixMs = 0;
  #nextCompareMs = 0;
  #nextStatusMs = 0;
  #nextJudgeMs = 0;
  #nextRememberMs = 0;

  constructor(ports: UpkeepPorts) {
    this.#ports = ports;
  }

  /** Begins; what is due by interval comes first after a random part of it. */
  start(): void {
    const { clock, timing } = this.#ports;
    const nowMs = clock.monotonicMs();
    this.#nextMixMs = nowMs + this.#jittered(timing.mixMs);
    this.#nextCompareMs = nowMs + this.#jittered(timing.compareMs);
    this.#nextStatusMs = nowMs + timing.tickMs * (1 + this.#ports.random.unit());
    this.#nextJudgeMs = nowMs + timing.judgeMs;
    this.#nextRememberMs = nowMs + timing.rememberMs;
    this.#run(async () => {
      while (!this.#stop.signal.aborted) {
        try {
          this.#tick();
        } catch (error) {
          this.#ports.failed(error);
        }
        await clock.sleep(timing.tickMs, this.#stop.signal);
      }
    });
  }

  /** Between a half and one and a half of an interval. */
  #jittered(intervalMs: number): number {
    return intervalMs * (0.5 + this.#ports.random.unit());
  }

  /** A request or stream used this node's link. */
  used(nodeId: string): void {
    const link = this.#ports.links.open.get(nodeId);
    const care = link === undefined ? undefined : this.#care.get(link);
    if (care !== undefined) care.usedAtMs = this.#ports.clock.monotonicMs();
  }

  rttMs(link: Link): number | null {
    return this.#care.get(link)?.rttMs ?? null;
  }

  #tick(): void {
    const { clock, links } = this.#ports;
    const nowMs = clock.monotonicMs();
    this.#reconcile(nowMs);
    this.#dialSome(nowMs);
    for (const [link, care] of this.#care) {
      if (this.#ports.inUse(link.nodeId)) care.usedAtMs = nowMs;
      // A stream under way is let end, within reason.
      const overdue = nowMs >= 2 * care.endsAtMs - link.sinceMs;
      if (nowMs >= care.endsAtMs && (overdue || care.usedAtMs < nowMs)) {
        links.drop(link.nodeId);
        continue;
      }
      if (!care.pinging && nowMs >= care.pingAtMs) this.#ping(link, care);
    }
    this.#trim(nowMs);
    this.#byInterval(nowMs);
  }

  #reconcile(nowMs: number): void {
    const { links, timing, contacts } = this.#ports;
    const open = new Set(links.open.values());
    for (const link of this.#care.keys()) {
      if (open.has(link)) continue;
      this.#care.delete(link);
      // Who dialled sees to it that the link comes back.
      const lost = link.direction === "outbound" && !this.#trimmed.has(link);
      if (lost && !links.open.has(link.nodeId)) contacts.lost(link.nodeId);
    }
    for (const link of open) {
      if (this.#care.has(link)) continue;
      this.#care.set(link, {
        rttMs: null,
        pingAtMs: nowMs,
        pinging: false,
        usedAtMs: nowMs,
        endsAtMs: link.sinceMs + this.#jittered(timing.connectionAgeMs),
      });
    }
  }

  /** Nodes heard of for the first time, or lost, come before the rest. */
  #dialSome(nowMs: number): void {
    const { links, contacts, wanted, timing } = this.#ports;
    if (wanted === 0) return;
    let outbound = 0;
    for (const { direction } of links.open.values()) if (direction === "outbound") outbound++;
    const due = [...contacts.due(nowMs)].filter(({ nodeId }) =>
      !links.busy(nodeId) && !links.shuns(nodeId)
    );
    const room = Math.min(MAX_DIALS - links.dialling, wanted - outbound);
    const fresh = due.filter((one) => one.fresh);
    for (let i = 0; i < room; i++) this.#dialOne(fresh) || this.#dialOne(due);
    if (nowMs < this.#nextMixMs) return;
    this.#nextMixMs = nowMs + this.#jittered(timing.mixMs);
    if (outbound < wanted + MAX_EXTRA_CONNECTIONS) this.#dialOne(due);
  }

  /** Dials any one of some nodes. @returns whether there was one. */
  #dialOne(pool: { readonly nodeId: string }[]): boolean {
    const { links, random } = this.#ports;
    while (pool.length > 0) {
      const [picked] = pool.splice(Math.floor(random.unit() * pool.length), 1);
      if (picked === undefined || links.busy(picked.nodeId)) continue;
      this.#run(() => this.#ports.dial(picked.nodeId));
      return true;
    }
    return false;
  }

  /** Closes connections too many: of those this node dialled, the ones without use for longest. */
  #trim(nowMs: number): void {
    const { links, wanted, timing } = this.#ports;
    const own = [...this.#care].filter(([link]) => link.direction === "outbound");
    const idle = own.filter(([, { usedAtMs }]) => nowMs - usedAtMs >= timing.idleMs)
      .sort(([, a], [, b]) => a.usedAtMs - b.usedAtMs);
    for (const [link] of idle.slice(0, Math.max(0, own.length - wanted))) {
      this.#trimmed.add(link);
      links.drop(link.nodeId);
    }
  }

  #ping(link: Link, care: Care): void {
    const { clock, timing, links } = this.#ports;
    care.pinging = true;
    this.#ports.gossipWith(link.nodeId);
    this.#run(async () => {
      const late = new AbortController();
      const done = new AbortController();
      const timer = clock.sleep(timing.pingTimeoutMs, done.signal).then(() => {
        if (!done.signal.aborted) late.abort();
      });
      try {
        care.rttMs = await this.#ports.ping(link.nodeId, late.signal);
      } catch {
        if (links.open.get(link.nodeId) === link) links.drop(link.nodeId);
      } finally {
        care.pinging = false;
        care.pingAtMs = clock.monotonicMs() + this.#jittered(timing.pingMs);
        done.abort();
        await timer;
      }
    });
  }

  #byInterval(nowMs: number): void {
    const { timing, links } = this.#ports;
    if (nowMs >= this.#nextJudgeMs) {
      this.#nextJudgeMs = nowMs + timing.judgeMs;
      this.#run(() => this.judge());
    }
    if (nowMs >= this.#nextCompareMs) {
      this.#nextCompareMs = nowMs + this.#jittered(timing.compareMs);
      const neighbours = [...links.open.keys()];
      const picked = neighbours[Math.floor(this.#ports.random.unit() * neighbours.length)];
      if (picked !== undefined) this.#ports.compare(picked);
    }
    if (nowMs >= this.#nextStatusMs) {
      // A large mesh tells less often: all statuses together stay at some ten messages a second.
      const members = Math.max(links.open.size, this.#ports.contacts.size);
      this.#nextStatusMs = nowMs + this.#jittered(Math.max(timing.statusMs, members * 100));
      this.#run(() => this.#ports.tellStatus());
    }
    if (nowMs >= this.#nextRememberMs) {
      this.#nextRememberMs = nowMs + timing.rememberMs;
      this.#run(() => this.#ports.remember());
    }
  }

  /** Cuts off all who are no longer admitted. */
  async judge(): Promise<void> {
    for (const nodeId of [...this.#ports.links.open.keys()]) {
      if (!await this.#ports.admitted(nodeId)) this.#ports.links.drop(nodeId);
    }
  }

  #run(task: () => Promise<void>): void {
    const guarded = task().catch((error) => this.#ports.failed(error));
    this.#running.add(guarded);
    guarded.finally(() => this.#running.delete(guarded));
  }

  /** Ends the loop. */
  stop(): void {
    this.#stop.abort();
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }
}
