// What one direction between two ports can carry.
import type { AirLink, Port, Tuning } from "./port.ts";
import * as radio from "./propagation.ts";

/** A direction between two ports, silent until refreshed. */
export function newLink(from: Port, to: Port, wired: boolean): AirLink {
  return {
    from,
    to,
    wired,
    talks: false,
    broadcast: 0,
    unicast: 0,
    signalDbm: -128,
    bitrateKbps: 0,
    throughputKbps: 0,
    packets: 0,
    bytes: 0,
  };
}

/** Nothing passes any more. */
export function silence(link: AirLink): void {
  link.talks = false;
  link.broadcast = 0;
  link.unicast = 0;
  link.throughputKbps = 0;
}

/** Chances and rates of a wire. */
export function refreshWire(link: AirLink, open: boolean, loss: number, kbps: number): void {
  link.talks = open;
  link.broadcast = open ? 1 - loss : 0;
  link.unicast = link.broadcast;
  link.bitrateKbps = kbps;
  link.throughputKbps = Math.round(kbps * 0.94 * link.broadcast);
}

/** Chances and rates of the air, from attenuation, noise and what else is on the channel. */
export function refreshAir(
  link: AirLink,
  open: boolean,
  loss: number,
  attenuationDb: number,
): void {
  const from = link.from.tuning;
  const to = link.to.tuning;
  link.talks = open && from !== null && to !== null && from.network === to.network &&
    from.frequencyMhz === to.frequencyMhz;
  link.signalDbm = Math.round((link.from.txPowerDbm - attenuationDb) * 10) / 10;
  if (!link.talks || from === null || to === null) {
    link.broadcast = 0;
    link.unicast = 0;
    link.throughputKbps = 0;
    return;
  }
  const snrDb = link.signalDbm - link.to.noiseDbm;
  link.broadcast = radio.broadcastChance(snrDb) * (1 - loss);
  link.unicast = radio.unicastChance(snrDb) * (1 - loss);
  link.bitrateKbps = radio.bitrateKbps(snrDb, Math.min(from.widthMhz, to.widthMhz));
  link.throughputKbps = radio.expectedThroughputKbps(
    link.bitrateKbps,
    link.unicast,
    link.to.busy,
  );
}

/** Share of `own`'s band that `other` covers. */
export function overlap(own: Tuning, other: Tuning | null): number {
  if (other === null) return 0;
  const low = Math.max(
    own.centerFrequencyMhz - own.widthMhz / 2,
    other.centerFrequencyMhz - other.widthMhz / 2,
  );
  const high = Math.min(
    own.centerFrequencyMhz + own.widthMhz / 2,
    other.centerFrequencyMhz + other.widthMhz / 2,
  );
  return Math.max(0, high - low) / own.widthMhz;
}
