// The radio medium and the wires: who hears whom, how well, at this second. Radios are found through
// a spatial index, so that what one node costs depends on its neighbours and not on the number of
// nodes. Deliberately not: single frames; the mesh draws each frame's fate from a link's chances.
import { invariant, type Mac } from "../../base/mod.ts";
import { FADING_PERIOD_MS, STATION_TIMEOUT_MS } from "../limits.ts";
import { mix, SeededRandom } from "../random.ts";
import { distanceM, Grid, type Position } from "./grid.ts";
import { newLink, overlap, refreshAir, refreshWire, silence } from "./link.ts";
import { type AirLink, Port, type Tuning } from "./port.ts";
import * as radio from "./propagation.ts";

interface Pair {
  readonly a: Port;
  readonly b: Port;
  readonly ab: AirLink;
  readonly ba: AirLink;
  /** Kept for a wire; 0 for air. */
  readonly wireKbps: number;
  lossDb: number;
  fadeDb: number;
}

interface NodePair {
  cut: boolean;
  /** Extra loss from the lower to the higher node number, and back. */
  up: number;
  down: number;
}

/** Told of each station that comes or goes. */
export type StationListener = (port: Port, mac: Mac, present: boolean) => void;

const CELL_M = 150;
const BROADCAST_RATE_KBPS = 6_000;
const PREAMBLE_MS = 0.1;

/** The medium of one simulation. */
export class Medium {
  readonly #seed: number;
  readonly #shadowing: number;
  readonly #random: SeededRandom;
  readonly #ports: Port[] = [];
  readonly #pairs = new Map<string, Pair>();
  readonly #grid = new Grid<Port>(CELL_M);
  readonly #positions = new Map<number, Position>();
  readonly #nodePairs = new Map<string, NodePair>();
  #lastFadeMs = 0;
  /** Grows whenever the chances of a link may have changed. */
  version = 0;
  /** Called when the set of a port's links changed. */
  onLinks: (port: Port) => void = () => {};
  onStation: StationListener = () => {};

  /** @param shadowing factor on the shadowing of places: 0 for open country, 1 as usual. */
  constructor(seed: number, shadowing = 1) {
    this.#seed = seed;
    this.#shadowing = shadowing;
    this.#random = new SeededRandom(seed, 0x6d65);
  }

  addRadio(node: number, mac: Mac): Port {
    return this.#addPort(node, "radio", mac);
  }

  /** A full-duplex wire between two new ports. */
  addWire(
    a: { readonly node: number; readonly mac: Mac },
    b: { readonly node: number; readonly mac: Mac },
    kbps: number,
  ): readonly [Port, Port] {
    const first = this.#addPort(a.node, "wire", a.mac);
    const second = this.#addPort(b.node, "wire", b.mac);
    const pair = this.#makePair(first, second, kbps);
    this.#refresh(pair);
    return [first, second];
  }

  /** Takes a port out for good. */
  remove(port: Port): void {
    for (const link of [...port.links.values()]) this.#dropPair(port, link.to);
    this.#grid.delete(port);
    port.active = false;
    this.onLinks(port);
  }

  position(node: number): Position {
    return this.#positions.get(node) ?? { x: 0, y: 0 };
  }

  /** Puts a node somewhere; its radios find their neighbours anew. */
  move(node: number, position: Position): void {
    this.#positions.set(node, position);
    for (const port of this.#ports) if (port.node === node) this.#place(port);
  }

  /** Tunes a radio, or silences it with `null`. */
  tune(port: Port, tuning: Tuning | null): void {
    port.tuning = tuning;
    if (tuning === null) port.stations.clear();
    this.#place(port);
  }

  setPower(port: Port, txPowerDbm: number): void {
    port.txPowerDbm = txPowerDbm;
    this.#place(port);
  }

  setActive(port: Port, active: boolean): void {
    if (port.active === active) return;
    port.active = active;
    if (!active) port.stations.clear();
    this.#place(port);
  }

  /** Nothing passes between two nodes, by air or wire, until {@link heal}. */
  cut(a: number, b: number): void {
    this.#nodePair(a, b).cut = true;
    this.#refreshNodes(a, b);
  }

  heal(a: number, b: number): void {
    const pair = this.#nodePair(a, b);
    pair.cut = false;
    pair.up = 0;
    pair.down = 0;
    this.#refreshNodes(a, b);
  }

  /** Frames from `from` to `to` are lost with probability `loss` on top of what the air does. */
  setLoss(from: number, to: number, loss: number): void {
    invariant(loss >= 0 && loss <= 1, `Cannot set a loss of ${loss}: it is a probability`);
    const pair = this.#nodePair(from, to);
    if (from < to) pair.up = loss;
    else pair.down = loss;
    this.#refreshNodes(from, to);
  }

  /** What a radio would hear on all channels: every tuned radio whose frames it can decode now. */
  audible(
    port: Port,
  ): { readonly port: Port; readonly tuning: Tuning; readonly signalDbm: number }[] {
    const margin = 30 - radio.noiseDbm(20) - radio.PAIR_SNR_MIN_DB + 2.5 * radio.SHADOWING_DB;
    const found = [];
    for (const other of this.#grid.near(this.position(port.node), radio.rangeM(margin, 2400))) {
      const tuning = other.tuning;
      if (other.node === port.node || tuning === null || this.#isCut(port.node, other.node)) {
        continue;
      }
      const signalDbm = other.txPowerDbm - this.#lossDb(port, other, tuning.frequencyMhz);
      const chance = radio.broadcastChance(signalDbm - radio.noiseDbm(20));
      if (this.#random.unit() < chance) found.push({ port: other, tuning, signalDbm });
    }
    return found;
  }

  #isCut(a: number, b: number): boolean {
    return this.#nodePairs.get(a < b ? `${a}-${b}` : `${b}-${a}`)?.cut ?? false;
  }

  /** Counts broadcast frames of `bytes` each against the sender's airtime. */
  countBroadcast(port: Port, bytes: number, frames: number): void {
    port.txBytes += bytes * frames;
    port.txPackets += frames;
    port.airtimeMs += frames * (PREAMBLE_MS + (bytes * 8) / BROADCAST_RATE_KBPS);
  }

  /** Moves fading, interference and stations on to `nowMs`, in steps of {@link FADING_PERIOD_MS}. */
  advance(nowMs: number): void {
    while (this.#lastFadeMs + FADING_PERIOD_MS <= nowMs) {
      this.#lastFadeMs += FADING_PERIOD_MS;
      this.#second(this.#lastFadeMs);
    }
  }

  /** When {@link advance} has something to do next. */
  nextMs(): number {
    return this.#lastFadeMs + FADING_PERIOD_MS;
  }

  #second(nowMs: number): void {
    for (const port of this.#ports) {
      port.duty = Math.min(1, port.airtimeMs / FADING_PERIOD_MS);
      port.transmitMs += Math.min(port.airtimeMs, FADING_PERIOD_MS);
      port.airtimeMs = 0;
    }
    for (const port of this.#ports) if (port.active) this.#listen(port);
    const innovation = Math.sqrt(1 - radio.FADING_CORRELATION ** 2) * radio.FADING_DB;
    for (const pair of this.#pairs.values()) {
      if (pair.wireKbps === 0) {
        pair.fadeDb = radio.FADING_CORRELATION * pair.fadeDb + innovation * this.#random.normal();
      }
      this.#refresh(pair);
      this.#hear(pair.ab, nowMs);
      this.#hear(pair.ba, nowMs);
    }
    for (const port of this.#ports) this.#expire(port, nowMs);
  }

  /** Noise and occupancy of the air around a radio in the second that ended. */
  #listen(port: Port): void {
    const tuning = port.tuning;
    if (port.kind !== "radio" || tuning === null) return;
    let interference = 0;
    let busy = port.duty;
    for (const link of port.links.values()) {
      const other = link.to.links.get(port.id);
      if (other === undefined || other.from.duty === 0) continue;
      const share = other.talks ? 1 : overlap(tuning, other.from.tuning);
      if (other.signalDbm >= radio.CCA_DBM) busy += other.from.duty * share;
      if (!other.talks) interference += radio.milliwatts(other.signalDbm) * other.from.duty * share;
      if (other.talks) port.receiveMs += other.from.duty * FADING_PERIOD_MS * other.broadcast;
    }
    port.noiseDbm = radio.dbm(radio.milliwatts(radio.noiseDbm(20)) + interference);
    port.busy = Math.min(1, busy);
    port.activeMs += FADING_PERIOD_MS;
    port.busyMs += port.busy * FADING_PERIOD_MS;
  }

  #hear(link: AirLink, nowMs: number): void {
    if (link.wired || !link.talks || this.#random.unit() > link.broadcast) return;
    const stations = link.to.stations;
    const known = stations.get(link.from.mac);
    if (known === undefined) {
      stations.set(link.from.mac, {
        mac: link.from.mac,
        sinceMs: nowMs,
        lastHeardMs: nowMs,
        signalDbm: link.signalDbm,
        signalAverageDbm: link.signalDbm,
      });
      this.onStation(link.to, link.from.mac, true);
      return;
    }
    known.lastHeardMs = nowMs;
    known.signalDbm = link.signalDbm;
    known.signalAverageDbm += (link.signalDbm - known.signalAverageDbm) / 8;
  }

  #expire(port: Port, nowMs: number): void {
    for (const station of port.stations.values()) {
      if (nowMs - station.lastHeardMs < STATION_TIMEOUT_MS) continue;
      port.stations.delete(station.mac);
      this.onStation(port, station.mac, false);
    }
  }

  #addPort(node: number, kind: "radio" | "wire", mac: Mac): Port {
    const port = new Port(this.#ports.length, node, kind, mac);
    this.#ports.push(port);
    return port;
  }

  /** Finds a port's neighbours anew: after tuning, moving, going up or down. */
  #place(port: Port): void {
    if (port.kind === "wire") {
      for (const link of port.links.values()) this.#refreshBetween(port, link.to);
      this.onLinks(port);
      return;
    }
    const tuning = port.active ? port.tuning : null;
    if (tuning === null) {
      this.#grid.delete(port);
      for (const link of [...port.links.values()]) this.#dropPair(port, link.to);
      this.onLinks(port);
      return;
    }
    const position = this.position(port.node);
    this.#grid.set(port, position);
    // The loudest radio the rules know of sends 30 dBm; shadowing is clipped at 2.5 deviations.
    const margin = 30 - radio.noiseDbm(20) - radio.PAIR_SNR_MIN_DB + 2.5 * radio.SHADOWING_DB;
    const near = this.#grid.near(
      position,
      Math.min(2_000, radio.rangeM(margin, tuning.frequencyMhz)),
    );
    const keep = new Set<Port>();
    for (const other of near) {
      if (other === port || other.node === port.node) continue;
      if (overlap(tuning, other.tuning) === 0) continue;
      const lossDb = this.#lossDb(port, other, tuning.frequencyMhz);
      const loudest = Math.max(port.txPowerDbm, other.txPowerDbm);
      if (loudest - lossDb - radio.noiseDbm(20) < radio.PAIR_SNR_MIN_DB) continue;
      keep.add(other);
      const pair = this.#pairs.get(pairKey(port, other)) ?? this.#makePair(port, other, 0);
      pair.lossDb = lossDb;
      this.#refresh(pair);
    }
    for (const link of [...port.links.values()]) {
      if (!keep.has(link.to)) this.#dropPair(port, link.to);
    }
    this.onLinks(port);
  }

  /** Path loss and the pair's own shadowing, the same in both directions and for one seed. */
  #lossDb(a: Port, b: Port, frequencyMhz: number): number {
    const low = Math.min(a.node, b.node);
    const high = Math.max(a.node, b.node);
    const draw = new SeededRandom(this.#seed, mix(low, high), 0x7368).normal();
    const shadowing = Math.max(-2.5, Math.min(2.5, draw)) * radio.SHADOWING_DB *
      this.#shadowing;
    return radio.pathLossDb(distanceM(this.position(a.node), this.position(b.node)), frequencyMhz) +
      shadowing;
  }

  #makePair(a: Port, b: Port, wireKbps: number): Pair {
    const ab = newLink(a, b, wireKbps > 0);
    const ba = newLink(b, a, wireKbps > 0);
    const pair: Pair = { a, b, ab, ba, wireKbps, lossDb: 0, fadeDb: 0 };
    this.#pairs.set(pairKey(a, b), pair);
    a.links.set(b.id, ab);
    b.links.set(a.id, ba);
    if (wireKbps === 0) this.onLinks(b);
    return pair;
  }

  #dropPair(a: Port, b: Port): void {
    const pair = this.#pairs.get(pairKey(a, b));
    this.version++;
    if (pair !== undefined) {
      silence(pair.ab);
      silence(pair.ba);
    }
    this.#pairs.delete(pairKey(a, b));
    a.links.delete(b.id);
    b.links.delete(a.id);
    this.onLinks(b);
  }

  #refreshBetween(a: Port, b: Port): void {
    const pair = this.#pairs.get(pairKey(a, b));
    if (pair !== undefined) this.#refresh(pair);
  }

  #refreshNodes(a: number, b: number): void {
    for (const port of this.#ports) {
      if (port.node !== a) continue;
      for (const link of port.links.values()) {
        if (link.to.node === b) this.#refreshBetween(port, link.to);
      }
    }
  }

  #nodePair(a: number, b: number): NodePair {
    const key = a < b ? `${a}-${b}` : `${b}-${a}`;
    const known = this.#nodePairs.get(key);
    if (known !== undefined) return known;
    const made = { cut: false, up: 0, down: 0 };
    this.#nodePairs.set(key, made);
    return made;
  }

  #refresh(pair: Pair): void {
    this.version++;
    const { a, b } = pair;
    const key = a.node < b.node ? `${a.node}-${b.node}` : `${b.node}-${a.node}`;
    const rules = this.#nodePairs.size === 0 ? undefined : this.#nodePairs.get(key);
    const open = a.active && b.active && !(rules?.cut ?? false);
    const lossAb = rules === undefined ? 0 : a.node < b.node ? rules.up : rules.down;
    const lossBa = rules === undefined ? 0 : a.node < b.node ? rules.down : rules.up;
    if (pair.wireKbps > 0) {
      refreshWire(pair.ab, open, lossAb, pair.wireKbps);
      refreshWire(pair.ba, open, lossBa, pair.wireKbps);
      return;
    }
    const attenuationDb = pair.lossDb - Math.max(-4.5, Math.min(4.5, pair.fadeDb));
    refreshAir(pair.ab, open, lossAb, attenuationDb);
    refreshAir(pair.ba, open, lossBa, attenuationDb);
  }
}

function pairKey(a: Port, b: Port): string {
  return a.id < b.id ? `${a.id}-${b.id}` : `${b.id}-${a.id}`;
}
