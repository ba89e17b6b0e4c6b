// What libp2p remembers of peers and for the DHT, in memory and bounded: members may tell us of as many peers
// and records as they like.
import { MemoryDatastore } from "datastore-core";
import { MAX_DHT_RECORDS, MAX_STORED_PEERS } from "./limits.ts";

type Key = Parameters<MemoryDatastore["put"]>[0];
type Value = Parameters<MemoryDatastore["put"]>[1];

/** The oldest entry of a kind makes room for a new one. */
export class BoundedDatastore extends MemoryDatastore {
  readonly #peers = new Map<string, Key>();
  readonly #others = new Map<string, Key>();

  override put(key: Key, value: Value): ReturnType<MemoryDatastore["put"]> {
    const name = key.toString();
    const isPeer = name.startsWith("/peers/");
    const kept = isPeer ? this.#peers : this.#others;
    kept.delete(name);
    kept.set(name, key);
    if (kept.size > (isPeer ? MAX_STORED_PEERS : MAX_DHT_RECORDS)) {
      const [oldest] = kept.values();
      if (oldest !== undefined) this.delete(oldest);
    }
    return super.put(key, value);
  }

  override delete(key: Key): ReturnType<MemoryDatastore["delete"]> {
    this.#peers.delete(key.toString());
    this.#others.delete(key.toString());
    return super.delete(key);
  }
}
