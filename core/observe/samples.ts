// Metrics out of snapshots: levels of the latest, rates between the two. Pure.
//
// Subjects: "wlan0" (link or wireless interface), "wlan0/MAC" (neighbour or station on it), "bat0".
import type { MetricSample, NodeSnapshot } from "../node/mod.ts";
import { aliveNeighbours, aliveOriginators, neighbourSubject } from "./diff_mesh.ts";
import { stationSubject } from "./diff_radios.ts";
import { changesByKey } from "./keyed.ts";
import { directTqs } from "./quality.ts";

type Add = (subject: string, metric: string, value: number | null) => void;

/** Samples of the present snapshot. @param elapsedMs between the two, on the monotonic clock. */
export function samplesOf(
  previous: NodeSnapshot,
  next: NodeSnapshot,
  elapsedMs: number,
): readonly MetricSample[] {
  const out: MetricSample[] = [];
  const add: Add = (subject, metric, value) => {
    if (value !== null && Number.isFinite(value)) out.push({ subject, metric, value });
  };
  addMesh(add, next);
  addStations(add, previous, next);
  addSurveys(add, previous, next);
  if (previous.revision > 0 && elapsedMs > 0) addLinks(add, previous, next, elapsedMs / 1000);
  return out;
}

function addMesh(add: Add, { mesh }: NodeSnapshot): void {
  if (mesh === null) return;
  const neighbours = aliveNeighbours(mesh);
  const tqs = directTqs(mesh);
  for (const entry of neighbours) {
    const subject = neighbourSubject(entry);
    add(subject, "tq", tqs.get(subject) ?? null);
    add(subject, "throughputKbps", entry.throughputKbps);
  }
  const { mesh: name } = mesh.info;
  add(name, "neighbours", neighbours.length);
  add(name, "originators", aliveOriginators(mesh).length);
  add(name, "localClients", mesh.localClients.length);
  add(name, "globalClients", mesh.globalClients.length);
}

function addStations(add: Add, previous: NodeSnapshot, next: NodeSnapshot): void {
  const changes = changesByKey(previous.stations, next.stations, stationSubject);
  for (const station of next.stations) {
    const subject = stationSubject(station);
    add(subject, "signalDbm", station.signalAverageDbm ?? station.signalDbm);
    add(subject, "txBitrateKbps", station.txBitrateKbps);
    add(subject, "rxBitrateKbps", station.rxBitrateKbps);
    add(subject, "expectedThroughputKbps", station.expectedThroughputKbps);
  }
  for (const [was, is] of changes.kept) {
    const packets = is.txPackets - was.txPackets;
    if (packets <= 0) continue;
    add(stationSubject(is), "txRetryPercent", 100 * (is.txRetries - was.txRetries) / packets);
    add(stationSubject(is), "txFailedPercent", 100 * (is.txFailed - was.txFailed) / packets);
  }
}

function addSurveys(add: Add, previous: NodeSnapshot, next: NodeSnapshot): void {
  if (previous.surveys === next.surveys) return;
  const key = (survey: { readonly interface: string; readonly frequencyMhz: number }) =>
    `${survey.interface} ${survey.frequencyMhz}`;
  const changes = changesByKey(previous.surveys, next.surveys, key);
  for (const survey of next.surveys) {
    if (survey.inUse) add(survey.interface, "noiseDbm", survey.noiseDbm);
  }
  for (const [was, is] of changes.kept) {
    if (!is.inUse || is.activeMs === null || was.activeMs === null) continue;
    const activeMs = is.activeMs - was.activeMs;
    if (activeMs <= 0) continue;
    const share = (now: number | null, before: number | null) =>
      now === null || before === null ? null : 100 * (now - before) / activeMs;
    add(is.interface, "busyPercent", share(is.busyMs, was.busyMs));
    add(is.interface, "receivePercent", share(is.receiveMs, was.receiveMs));
    add(is.interface, "transmitPercent", share(is.transmitMs, was.transmitMs));
  }
}

function addLinks(add: Add, previous: NodeSnapshot, next: NodeSnapshot, elapsedS: number): void {
  const changes = changesByKey(previous.links, next.links, ({ name, index }) => `${index} ${name}`);
  for (const [{ counters: was }, { name, loopback, up, counters: is }] of changes.kept) {
    if (loopback || !up) continue;
    // A counter that went back was reset by its driver: there is no rate to tell.
    const rate = (metric: string, now: number, before: number) =>
      add(name, metric, now >= before ? (now - before) / elapsedS : null);
    rate("rxBytesPerS", is.rxBytes, was.rxBytes);
    rate("txBytesPerS", is.txBytes, was.txBytes);
    rate("rxPacketsPerS", is.rxPackets, was.rxPackets);
    rate("txPacketsPerS", is.txPackets, was.txPackets);
    rate("errorsPerS", is.rxErrors + is.txErrors, was.rxErrors + was.txErrors);
    rate("droppedPerS", is.rxDropped + is.txDropped, was.rxDropped + was.txDropped);
  }
}
