// Where nodes may be found. Three kinds of address: proved by a handshake, given by configuration, and
// mere hints from beacons. Bounded, and hints never displace what is better founded, so that a flood of
// false beacons costs nothing but the hints. Pure.
import type { SocketAddress } from "../ports/mod.ts";
import { HINT_LIFETIME_MS, MAX_ADDRESSES_PER_NODE, MAX_KNOWN_NODES } from "./limits.ts";

interface Entry {
  readonly address: SocketAddress;
  given: boolean;
  /** Monotonic times; `null` for never. */
  provedMs: number | null;
  heardMs: number | null;
  failedMs: number | null;
}

const keyOf = ({ host, port }: SocketAddress) => `${host} ${port}`;
const founded = (entry: Entry) => entry.given || entry.provedMs !== null;
const lastGood = (entry: Entry) => Math.max(entry.provedMs ?? -1, entry.heardMs ?? -1);

/** Sorts the best first: not failed lately, proved, given, heard of latest. */
function better(a: Entry, b: Entry): number {
  const failed = (entry: Entry) => entry.failedMs !== null && entry.failedMs >= lastGood(entry);
  return Number(failed(a)) - Number(failed(b)) ||
    Number(b.provedMs !== null) - Number(a.provedMs !== null) ||
    Number(b.given) - Number(a.given) ||
    lastGood(b) - lastGood(a);
}

/** Addresses by node id. */
export class AddressBook {
  readonly #maxNodes: number;
  /** In the order of the last news. */
  readonly #nodes = new Map<string, Map<string, Entry>>();

  constructor(maxNodes: number = MAX_KNOWN_NODES) {
    this.#maxNodes = maxNodes;
  }

  /** Nodes with an address. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Ids of all nodes with an address. */
  nodes(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  /** A beacon said so. `false` when there was no room for it. */
  hint(nodeId: string, address: SocketAddress, nowMs: number): boolean {
    const entry = this.#entry(nodeId, address, false);
    if (entry === null) return false;
    entry.heardMs = nowMs;
    return true;
  }

  /** The configuration, or the fabric, says so. */
  give(nodeId: string, address: SocketAddress): boolean {
    const entry = this.#entry(nodeId, address, true);
    if (entry === null) return false;
    entry.given = true;
    return true;
  }

  /** A handshake showed it. */
  proved(nodeId: string, address: SocketAddress, nowMs: number): void {
    const entry = this.#entry(nodeId, address, true);
    if (entry === null) return;
    entry.provedMs = nowMs;
    entry.failedMs = null;
  }

  /** Nobody, or somebody else, was there. */
  failed(nodeId: string, address: SocketAddress, nowMs: number): void {
    const entry = this.#nodes.get(nodeId)?.get(keyOf(address));
    if (entry !== undefined) entry.failedMs = nowMs;
  }

  /** Addresses to try, the best first. */
  candidates(nodeId: string, nowMs: number): readonly SocketAddress[] {
    const entries = [...this.#nodes.get(nodeId)?.values() ?? []];
    return entries.filter((entry) =>
      founded(entry) || nowMs - (entry.heardMs ?? 0) < HINT_LIFETIME_MS
    ).sort(better).map(({ address }) => address);
  }

  /** The port a node was known by at a host; `null` when it wasn't. */
  portAt(nodeId: string, host: string): number | null {
    for (const { address } of this.#nodes.get(nodeId)?.values() ?? []) {
      if (address.host === host) return address.port;
    }
    return null;
  }

  /** Drops hints that ran out. */
  sweep(nowMs: number): void {
    for (const [nodeId, entries] of this.#nodes) {
      for (const [key, entry] of entries) {
        if (founded(entry) || nowMs - (entry.heardMs ?? 0) < HINT_LIFETIME_MS) continue;
        entries.delete(key);
      }
      if (entries.size === 0) this.#nodes.delete(nodeId);
    }
  }

  forget(nodeId: string): void {
    this.#nodes.delete(nodeId);
  }

  #entry(nodeId: string, address: SocketAddress, mayDisplace: boolean): Entry | null {
    const entries = this.#room(nodeId, mayDisplace);
    if (entries === null) return null;
    const key = keyOf(address);
    const known = entries.get(key);
    if (known !== undefined) return known;
    if (entries.size >= MAX_ADDRESSES_PER_NODE) {
      const worst = [...entries.values()].sort(better)
        .findLast((entry) => !founded(entry) || (mayDisplace && !entry.given));
      if (worst === undefined) return null;
      entries.delete(keyOf(worst.address));
    }
    const made: Entry = { address, given: false, provedMs: null, heardMs: null, failedMs: null };
    entries.set(key, made);
    return made;
  }

  /** A node's entries; makes room among nodes that are only hinted at, the longest silent first. */
  #room(nodeId: string, mayDisplace: boolean): Map<string, Entry> | null {
    const known = this.#nodes.get(nodeId);
    if (known !== undefined) {
      this.#nodes.delete(nodeId);
      this.#nodes.set(nodeId, known);
      return known;
    }
    if (this.#nodes.size >= this.#maxNodes) {
      const found = [...this.#nodes].find(([, entries]) => ![...entries.values()].some(founded));
      const [oldest] = found ?? (mayDisplace ? [...this.#nodes.keys()] : []);
      if (oldest === undefined) return null;
      this.#nodes.delete(oldest);
    }
    const entries = new Map<string, Entry>();
    this.#nodes.set(nodeId, entries);
    return entries;
  }
}
