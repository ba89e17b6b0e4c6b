// Which gossiped messages were seen: a window of numbers an origin, as IPsec keeps one (RFC 4303 §3.4.3), under
// the number of the origin's run. Bounded; an origin that is forgotten to make room is one that was silent
// longest. Pure.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import { formatNodeId, parseNodeId } from "../identity/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { FabricError } from "./errors.ts";
import { MAX_ORIGINS } from "./limits.ts";

const FORMAT = 1;
const NODE_ID_BYTES = 10;

/** How far messages of one origin may overtake each other. */
const WINDOW = 256n;
const FULL = (1n << WINDOW) - 1n;

interface Seen {
  run: number;
  /** Highest number seen in this run. */
  number: number;
  /** Bit i: number − i was seen. */
  window: bigint;
}

/** What was seen of all origins, and this node's own run. */
export class ReplayWindows {
  /** In the order of last use. */
  readonly #seen = new Map<string, Seen>();
  readonly #max: number;

  constructor(max: number = MAX_ORIGINS) {
    this.#max = max;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Whether a message was not seen and isn't too old to know. */
  isNew(origin: string, run: number, number: number): boolean {
    const seen = this.#seen.get(origin);
    if (seen === undefined || run > seen.run) return true;
    if (run < seen.run) return false;
    if (number > seen.number) return true;
    const behind = BigInt(seen.number - number);
    return behind < WINDOW && (seen.window >> behind & 1n) === 0n;
  }

  /** Marks a message whose signature holds. @returns whether it was new, as {@link isNew}. */
  take(origin: string, run: number, number: number): boolean {
    if (!this.isNew(origin, run, number)) return false;
    const seen = this.#seen.get(origin);
    this.#seen.delete(origin);
    if (seen === undefined || run > seen.run) {
      this.#seen.set(origin, { run, number, window: 1n });
    } else if (number > seen.number) {
      const by = BigInt(number - seen.number);
      const window = by >= WINDOW ? 1n : (seen.window << by | 1n) & FULL;
      this.#seen.set(origin, { run, number, window });
    } else {
      const window = seen.window | 1n << BigInt(seen.number - number);
      this.#seen.set(origin, { ...seen, window });
    }
    if (this.#seen.size > this.#max) {
      const [oldest] = this.#seen.keys();
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    return true;
  }

  /** Octets to keep over a restart. After it everything up to the highest number counts as seen. */
  encode(ownRun: number): Bytes {
    return new WireWriter().u8(FORMAT).u53(ownRun)
      .list(
        [...this.#seen],
        (writer, [origin, { run, number }]) =>
          writer.fixed(parseNodeId(origin), NODE_ID_BYTES).u53(run).u53(number),
      )
      .finish();
  }

  /** Takes over what {@link encode} wrote. @returns this node's last run. @throws {FabricError} "malformed" */
  restore(bytes: Uint8Array): number {
    try {
      const reader = new WireReader(bytes, "memory of gossip");
      if (reader.u8() !== FORMAT) throw new WireError("Cannot decode memory of another format");
      const ownRun = reader.u53();
      const entries = reader.list(MAX_ORIGINS, (item) => ({
        origin: formatNodeId(item.fixed(NODE_ID_BYTES)),
        run: item.u53(),
        number: item.u53(),
      }));
      reader.end();
      for (const { origin, run, number } of entries.slice(-this.#max)) {
        this.#seen.set(origin, { run, number, window: FULL });
      }
      return ownRun;
    } catch (cause) {
      if (cause instanceof WireError) throw new FabricError("malformed", cause.message, { cause });
      throw cause;
    }
  }
}
