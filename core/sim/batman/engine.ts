// The routing protocol of every mesh interface of a simulation, run as one sequential process.
//
// Method. Each router collects OGMs (its own, and those it repeats) and sends what it has once in each
// aggregation window of 100 ms, at its own phase within it. That is the kernel's aggregation
// (BATADV_MAX_AGGREGATION_MS); a frame holds up to 21 OGMs, and for each frame and each receiver the
// medium's chance is drawn once, as the air does. At its turn a router takes in what its neighbours
// sent since its last one, in the order sent, runs the protocol on each OGM, and queues what it
// repeats for the frames it then sends. Nothing is shared between routers and nothing is
// solved centrally: a table holds what arrived, and a path of n hops takes n windows to learn.
// What makes it quick is layout alone: tables are typed arrays, one per neighbour; all that one router
// receives in a window is handled together, while its tables are in cache; there is no event per OGM.
//
// Cost: a router handles, for each neighbour and second, one OGM per originator. So a node's cost is
// proportional to its neighbours, and, as in batman-adv itself, to the originators there are.
import { invariant, type Mac } from "../../base/mod.ts";
import type { MeshAlgorithm, MeshSettings } from "../../ports/mod.ts";
import {
  AGGREGATION_MS,
  AGGREGATION_OGMS,
  JITTER_MS,
  NEIGHBOURS_MAX,
  NODES_MAX,
  PURGE_PERIOD_MS,
  ROUTERS_MAX,
  TQ_MAX,
  TTL,
} from "../limits.ts";
import type { Medium, Port } from "../medium/mod.ts";
import { SeededRandom } from "../random.ts";
import type { Announcements } from "./announcements.ts";
import { arrange, syncEdges } from "./edges.ts";
import { receiveIv, slideEchoes } from "./iv.ts";
import { dropSlot, purge } from "./purge.ts";
import { type Edge, type HardIf, OGM_WORDS, ORIGIN_WORDS, Router, ROW_WORDS } from "./router.ts";
import { receiveElp, receiveV, THROUGHPUT_MAX } from "./v.ts";

const OGM_BYTES = 24;
const FRAME_BYTES = 14 + 28;
const ELP_BYTES = 16;

/** Runs the mesh of all nodes. Advanced by the simulation; never by itself. */
export class Engine {
  readonly #medium: Medium;
  readonly #random: SeededRandom;
  readonly #routers = new Set<Router>();
  #agenda: Router[] = [];
  #agendaStale = false;
  /** By router index: OGMs of its last frames, when sent, how many a frame. */
  readonly #sentCount = new Int32Array(ROUTERS_MAX);
  readonly #sentMs = new Float64Array(ROUTERS_MAX).fill(-1);
  readonly #perFrame = new Int32Array(ROUTERS_MAX).fill(1);
  readonly #freeIndexes: number[] = [];
  #mediumVersion = -1;
  /** Ports whose links changed since the edges were made. */
  readonly #stalePorts = new Set<Port>();
  #capacity: number;
  readonly #ids = new Map<Mac, number>();
  readonly #macs: Mac[] = [];
  readonly #byId: (Router | null)[] = [];
  readonly #said: Announcements[] = [];
  readonly #owners = new Map<number, { readonly router: Router; readonly hardIf: HardIf }>();
  /** Window and place in the agenda that come next. */
  #windowMs = 0;
  #cursor = 0;
  /** OGM receptions handled: what the cost of a run is proportional to. */
  receptions = 0;

  /** @param expected routers expected, so that tables need not grow. */
  constructor(medium: Medium, seed: number, expected: number) {
    this.#medium = medium;
    this.#random = new SeededRandom(seed, 0x6f67);
    this.#capacity = Math.max(16, expected + 8);
    medium.onLinks = (port) => this.#stalePorts.add(port);
  }

  /** Makes a mesh interface; it is silent until it has a hard interface and runs. */
  create(
    node: number,
    mesh: string,
    algorithm: MeshAlgorithm,
    mac: Mac,
    settings: MeshSettings,
  ): Router {
    invariant(this.#routers.size < ROUTERS_MAX, "Cannot add a mesh interface: too many");
    const index = this.#freeIndexes.pop() ?? this.#routers.size;
    const router = new Router(index, node, mesh, algorithm, mac, settings, {
      capacity: this.#capacity,
      seq: this.#random.below(0x8000) + 1,
      phaseMs: this.#random.unit() * AGGREGATION_MS,
    });
    this.#routers.add(router);
    this.#agendaStale = true;
    return router;
  }

  destroy(router: Router): void {
    for (const hardIf of [...router.hardIfs]) this.removeHardIf(router, hardIf);
    router.running = false;
    if (this.#routers.delete(router)) this.#freeIndexes.push(router.index);
    this.#sentCount[router.index] = 0;
    this.#agendaStale = true;
  }

  /** Adds a hard interface. The first one gives the originator address. */
  addHardIf(router: Router, hardIf: HardIf): void {
    router.hardIfs.push(hardIf);
    this.#owners.set(hardIf.port.id, { router, hardIf });
    hardIf.nextElpMs = this.#windowMs + this.#random.unit() * hardIf.elpIntervalMs;
    if (router.hardIfs.length === 1) this.#setPrimary(router);
    this.#stalePorts.add(hardIf.port);
  }

  removeHardIf(router: Router, hardIf: HardIf): void {
    const index = router.hardIfs.indexOf(hardIf);
    if (index < 0) return;
    router.hardIfs.splice(index, 1);
    this.#owners.delete(hardIf.port.id);
    for (const edge of [...router.slots]) if (edge?.toIf === hardIf) dropSlot(router, edge);
    for (const edge of router.outgoing) {
      if (edge.fromIf !== hardIf) continue;
      edge.to.incoming = edge.to.incoming.filter((known) => known !== edge);
      arrange(edge.to);
    }
    for (const edge of router.incoming) {
      if (edge.toIf !== hardIf) continue;
      edge.from.outgoing = edge.from.outgoing.filter((known) => known !== edge);
    }
    router.outgoing = router.outgoing.filter((edge) => edge.fromIf !== hardIf);
    router.incoming = router.incoming.filter((edge) => edge.toIf !== hardIf);
    arrange(router);
    if (index === 0) this.#setPrimary(router);
  }

  /** Takes up a changed address of the primary hard interface. */
  refreshPrimary(router: Router): void {
    this.#setPrimary(router);
  }

  /** The id of an originator address, or -1 when no router ever had it. */
  idOf(mac: Mac): number {
    return this.#ids.get(mac) ?? -1;
  }

  macOf(id: number): Mac {
    const mac = this.#macs[id];
    invariant(mac !== undefined, `Cannot name originator ${id}: there is none`);
    return mac;
  }

  /** The router that has an originator id now. */
  routerOf(id: number): Router | null {
    return this.#byId[id] ?? null;
  }

  /** What an originator announced, also after it went away: others keep what they heard. */
  announcementsOf(id: number): Announcements | null {
    return this.#said[id] ?? null;
  }

  /** Number of originator ids given out. */
  get originators(): number {
    return this.#macs.length;
  }

  get routers(): Iterable<Router> {
    return this.#routers;
  }

  /** Runs the protocol and the medium up to `toMs`. */
  advance(toMs: number): void {
    for (;;) {
      if (this.#cursor === 0) {
        if (this.#windowMs > toMs) return;
        this.#medium.advance(this.#windowMs);
        this.#sortAgenda();
      }
      const edgesStale = this.#stalePorts.size > 0;
      if (edgesStale) {
        syncEdges(this.#stalePorts, this.#owners);
        this.#stalePorts.clear();
      }
      if (edgesStale || this.#mediumVersion !== this.#medium.version) {
        this.#mediumVersion = this.#medium.version;
        this.#exchangeWithMedium();
      }
      const agenda = this.#agenda;
      while (this.#cursor < agenda.length) {
        const router = agenda[this.#cursor] as Router;
        const nowMs = this.#windowMs + router.phaseMs;
        if (nowMs > toMs) return;
        this.#cursor++;
        if (router.running && router.id >= 0) this.#turn(router, nowMs);
      }
      this.#cursor = 0;
      this.#windowMs += AGGREGATION_MS;
    }
  }

  #sortAgenda(): void {
    if (!this.#agendaStale) return;
    this.#agendaStale = false;
    this.#agenda = [...this.#routers].sort((a, b) => a.phaseMs - b.phaseMs);
  }

  #turn(router: Router, nowMs: number): void {
    this.#receive(router);
    router.turnMs = nowMs;
    if (router.algorithm === "BATMAN_V") this.#sendElps(router, nowMs);
    if (router.nextOgmMs <= nowMs) this.#originate(router, nowMs);
    this.#send(router, nowMs);
    if (router.nextPurgeMs <= nowMs) {
      router.nextPurgeMs = nowMs + PURGE_PERIOD_MS;
      purge(router, nowMs, this.originators);
    }
  }

  /** Takes in what the neighbours sent since our last turn. */
  #receive(router: Router): void {
    const receive = router.algorithm === "BATMAN_IV" ? receiveIv : receiveV;
    const { inFrom, inChance, inFrames, inOgms, turnMs } = router;
    const random = this.#random;
    for (let index = 0; index < inFrom.length; index++) {
      const chance = inChance[index] as number;
      if (chance === 0) continue;
      const from = inFrom[index] as number;
      const count = this.#sentCount[from] as number;
      if (count === 0 || (this.#sentMs[from] as number) <= turnMs) continue;
      const perFrame = this.#perFrame[from] as number;
      for (let first = 0; first < count; first += perFrame) {
        if (random.unit() >= chance) continue;
        const edge = router.incoming[index] as Edge;
        if (edge.slot < 0 && !this.#takeSlot(edge)) break;
        const last = Math.min(count, first + perFrame);
        inFrames[index] = (inFrames[index] as number) + 1;
        inOgms[index] = (inOgms[index] as number) + last - first;
        this.receptions += last - first;
        const tick = Math.floor((this.#sentMs[from] as number) / 100);
        receive(edge, edge.from.sent, first * OGM_WORDS, last * OGM_WORDS, tick);
      }
    }
  }

  /** Takes over the chances of all links, and hands over what was counted since. */
  #exchangeWithMedium(): void {
    for (const router of this.#routers) {
      for (const [index, edge] of router.incoming.entries()) {
        router.inChance[index] = edge.link.broadcast;
        const frames = router.inFrames[index] as number;
        if (frames === 0) continue;
        const bytes = FRAME_BYTES * frames + OGM_BYTES * (router.inOgms[index] as number);
        const port = edge.toIf.port;
        port.rxPackets += frames;
        port.rxBytes += bytes;
        edge.link.packets += frames;
        edge.link.bytes += bytes;
        router.inFrames[index] = 0;
        router.inOgms[index] = 0;
      }
    }
  }

  /** Queues our own OGM, whose sequence number tells what it announces. */
  #originate(router: Router, nowMs: number): void {
    const intervalMs = router.settings.originatorIntervalMs;
    if (router.nextOgmMs + 10 * intervalMs < nowMs) router.nextOgmMs = nowMs;
    while (router.nextOgmMs <= nowMs) {
      const metric = router.algorithm === "BATMAN_IV" ? TQ_MAX : THROUGHPUT_MAX;
      router.enqueue(router.id | ((router.seq & 0xffff) << 16), TTL, metric, 0);
      router.announcements.sent(router.seq);
      router.seq++;
      router.nextOgmMs += intervalMs + (this.#random.unit() * 2 - 1) * JITTER_MS;
      if (router.algorithm === "BATMAN_IV") {
        for (const edge of router.slots) if (edge !== null) slideEchoes(edge);
      }
    }
  }

  #sendElps(router: Router, nowMs: number): void {
    for (const hardIf of router.hardIfs) {
      if (hardIf.nextElpMs > nowMs) continue;
      hardIf.nextElpMs = Math.max(hardIf.nextElpMs, nowMs - hardIf.elpIntervalMs) +
        hardIf.elpIntervalMs + (this.#random.unit() * 2 - 1) * JITTER_MS;
      this.#medium.countBroadcast(hardIf.port, FRAME_BYTES + ELP_BYTES, 1);
      for (const edge of router.outgoing) {
        if (edge.fromIf !== hardIf || !edge.link.talks) continue;
        if (this.#random.unit() >= edge.link.broadcast) continue;
        if (edge.slot < 0 && !this.#takeSlot(edge)) continue;
        receiveElp(edge, nowMs);
      }
    }
  }

  /** Sends what is queued: the neighbours take it in at their turns. */
  #send(router: Router, nowMs: number): void {
    const count = router.takeQueue();
    const perFrame = router.settings.aggregatedOgms ? AGGREGATION_OGMS : 1;
    this.#sentCount[router.index] = count;
    this.#sentMs[router.index] = nowMs;
    this.#perFrame[router.index] = perFrame;
    if (count === 0) return;
    const frames = Math.ceil(count / perFrame);
    const bytes = FRAME_BYTES + (OGM_BYTES * count) / frames;
    for (const hardIf of router.hardIfs) {
      if (!hardIf.port.active) continue;
      this.#medium.countBroadcast(hardIf.port, bytes, frames);
      router.sentFrames += frames;
      router.sentOgms += count;
    }
  }

  /** Gives a neighbour heard for the first time its slot and table. */
  #takeSlot(edge: Edge): boolean {
    const slots = edge.to.slots;
    let slot = slots.indexOf(null);
    if (slot < 0) slot = slots.length;
    if (slot >= NEIGHBOURS_MAX) return false;
    slots[slot] = edge;
    edge.to.slotIds[slot] = edge.from.id;
    edge.slot = slot;
    edge.table = new Uint32Array(this.#capacity * ROW_WORDS);
    return true;
  }

  #setPrimary(router: Router): void {
    const primary = router.hardIfs[0];
    const before = router.id;
    if (before >= 0 && this.#byId[before] === router) this.#byId[before] = null;
    if (primary === undefined) {
      router.id = -1;
      return;
    }
    const mac = primary.port.mac;
    let id = this.#ids.get(mac);
    if (id === undefined) {
      id = this.#macs.length;
      invariant(id < NODES_MAX, "Cannot name another originator: too many addresses were used");
      this.#ids.set(mac, id);
      this.#macs.push(mac);
      if (id >= this.#capacity) this.#grow();
    }
    router.id = id;
    this.#byId[id] = router;
    for (const edge of router.outgoing) if (edge.slot >= 0) edge.to.slotIds[edge.slot] = id;
    this.#said[id] = router.announcements;
    router.nextOgmMs = this.#windowMs + this.#random.unit() * router.settings.originatorIntervalMs;
    router.nextPurgeMs = this.#windowMs + this.#random.unit() * PURGE_PERIOD_MS;
  }

  #grow(): void {
    this.#capacity *= 2;
    for (const router of this.#routers) {
      const origins = new Uint32Array(this.#capacity * ORIGIN_WORDS);
      origins.set(router.origins);
      router.origins = origins;
      for (const edge of router.slots) {
        if (edge === null) continue;
        const table = new Uint32Array(this.#capacity * ROW_WORDS);
        table.set(edge.table);
        edge.table = table;
      }
    }
  }
}
