// Events of radios, wireless interfaces and stations. Pure.
import type { EventDraft, NodeSnapshot } from "../node/mod.ts";
import type { Station } from "../ports/mod.ts";
import { changesByKey } from "./keyed.ts";

/** What happened to the radios between two snapshots. */
export function diffRadios(previous: NodeSnapshot, next: NodeSnapshot): EventDraft[] {
  const radios = changesByKey(previous.radios, next.radios, ({ name }) => name);
  const out: EventDraft[] = [
    ...radios.added.map(({ name }): EventDraft => ({
      severity: "notice",
      type: "radio.plugged",
      subject: name,
      message: `Radio ${name} is there`,
    })),
    ...radios.removed.map(({ name }): EventDraft => ({
      severity: "error",
      type: "radio.unplugged",
      subject: name,
      message: `Radio ${name} is gone`,
    })),
    ...diffInterfaces(previous, next),
    ...diffStations(previous, next),
  ];
  const from = previous.regulatoryDomain?.country ?? null;
  const to = next.regulatoryDomain?.country ?? null;
  if (from !== null && to !== null && from !== to) {
    out.push({
      severity: "notice",
      type: "radio.country-changed",
      subject: to,
      message: `The radios follow the rules of ${to} now, before ${from}`,
      data: { from, to },
    });
  }
  return out;
}

function diffInterfaces(previous: NodeSnapshot, next: NodeSnapshot): EventDraft[] {
  const changes = changesByKey(
    previous.wirelessInterfaces,
    next.wirelessInterfaces,
    ({ name }) => name,
  );
  const out: EventDraft[] = [];
  const event = (
    severity: EventDraft["severity"],
    type: string,
    subject: string,
    message: string,
    from: unknown,
    to: unknown,
  ) => out.push({ severity, type, subject, message, data: { from, to } });
  for (const [was, is] of changes.kept) {
    const { name } = is;
    if (was.mode !== is.mode) {
      const message = `${name} changed from mode ${was.mode} to ${is.mode}`;
      event("notice", "radio.mode-changed", name, message, was.mode, is.mode);
    }
    if (was.frequencyMhz !== is.frequencyMhz || was.widthMhz !== is.widthMhz) {
      const message = is.frequencyMhz === null
        ? `${name} left its channel`
        : `${name} is on ${is.frequencyMhz} MHz, ${is.widthMhz ?? "?"} MHz wide`;
      event("notice", "radio.channel-changed", name, message, was.frequencyMhz, is.frequencyMhz);
    }
    if (was.ssid !== is.ssid) {
      const message = is.ssid === null
        ? `${name} left "${was.ssid}"`
        : `${name} joined "${is.ssid}"`;
      event("notice", "radio.network-changed", name, message, was.ssid, is.ssid);
    }
  }
  return out;
}

/** Subject of a station's events and metrics. */
export function stationSubject(station: Station): string {
  return `${station.interface}/${station.mac}`;
}

function diffStations(previous: NodeSnapshot, next: NodeSnapshot): EventDraft[] {
  const changes = changesByKey(previous.stations, next.stations, stationSubject);
  const modes = new Map(next.wirelessInterfaces.map(({ name, mode }) => [name, mode]));
  const noun = (station: Station) =>
    modes.get(station.interface) === "ap" ? "Client" : "Radio neighbour";
  return [
    ...changes.added.map((station): EventDraft => ({
      severity: "info",
      type: "station.joined",
      subject: stationSubject(station),
      message: `${noun(station)} ${station.mac} joined ${station.interface}`,
      data: { signalDbm: station.signalDbm },
    })),
    ...changes.removed.map((station): EventDraft => ({
      severity: "info",
      type: "station.left",
      subject: stationSubject(station),
      message: `${noun(station)} ${station.mac} left ${station.interface}`,
      data: { signalDbm: station.signalDbm, connectedS: station.connectedS },
    })),
  ];
}
