// Which originator serves an address, as `batctl translate` finds it. Pure: works on tables that were
// read before.
import type { DatEntry, GlobalClient, LocalClient, Originator } from "./tables_codec.ts";

/** The tables an address is looked up in. */
export interface TranslationTables {
  /** This node's own originator address; `null` while it has no active hard interface. */
  readonly self: string | null;
  readonly originators: readonly Originator[];
  readonly local: readonly LocalClient[];
  readonly global: readonly GlobalClient[];
}

/**
 * The originator that serves the node or client with MAC address `mac`; `null` when nobody does.
 * Of several announcers the one in use counts.
 */
export function translateMac(mac: string, tables: TranslationTables): string | null {
  const { self, originators, local, global } = tables;
  if (mac === self || originators.some((row) => row.originator === mac)) return mac;
  const announced = global.filter((client) => client.address === mac);
  const chosen = announced.find((client) => client.best) ?? announced[0];
  if (chosen !== undefined) return chosen.originator;
  return local.some((client) => client.address === mac) ? self : null;
}

/** The MAC address that the ARP cache knows for an IPv4 address; `null` when it knows none. */
export function macOfIp(ip: string, cache: readonly DatEntry[]): string | null {
  return cache.find((entry) => entry.ip === ip)?.address ?? null;
}
