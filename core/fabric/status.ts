// What nodes say of themselves, told by gossip. The table holds what was heard last, with its age; nothing in
// it is more than its origin's own word.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { FabricError } from "./errors.ts";
import { MAX_STATUS_BYTES, MAX_STATUSES } from "./limits.ts";
import type { GossipMessage, NodeStatus, SeenStatus, Verdict } from "./types.ts";

/** Topic of statuses. */
export const STATUS_TOPIC = "status";

const FORMAT = 1;
const MAX_TEXT_BYTES = 64;
const MAX_ADDRESSES = 8;

/** Cuts text so that its octets fit. */
function fitting(text: string): string {
  let out = text;
  while (new TextEncoder().encode(out).length > MAX_TEXT_BYTES) out = out.slice(0, -1);
  return out;
}

/** What doesn't fit is cut. */
export function encodeStatus({ name, version, uptimeS, addresses }: NodeStatus): Bytes {
  return new WireWriter().u8(FORMAT).text(fitting(name)).text(fitting(version))
    .u53(Math.max(0, Math.floor(uptimeS)))
    .list(addresses.slice(0, MAX_ADDRESSES), (writer, address) => writer.text(fitting(address)))
    .finish();
}

/** @throws {FabricError} "malformed" */
export function decodeStatus(bytes: Uint8Array): NodeStatus {
  try {
    if (bytes.length > MAX_STATUS_BYTES) throw new WireError("Cannot decode status: too long");
    const reader = new WireReader(bytes, "status");
    if (reader.u8() !== FORMAT) throw new WireError("Cannot decode status of another format");
    const status = {
      name: reader.text(MAX_TEXT_BYTES),
      version: reader.text(MAX_TEXT_BYTES),
      uptimeS: reader.u53(),
      addresses: reader.list(MAX_ADDRESSES, (item) => item.text(MAX_TEXT_BYTES)),
    };
    reader.end();
    return status;
  } catch (cause) {
    if (cause instanceof WireError) throw new FabricError("malformed", cause.message, { cause });
    throw cause;
  }
}

/** The last status of each node; who was silent longest makes room. */
export class StatusBoard {
  readonly #nowMs: () => number;
  readonly #max: number;
  readonly #seen = new Map<string, { readonly status: NodeStatus; readonly atMs: number }>();

  /** @param nowMs monotonic time. */
  constructor(nowMs: () => number, max: number = MAX_STATUSES) {
    this.#nowMs = nowMs;
    this.#max = max;
  }

  /** Handler of the topic. */
  take({ origin, bytes }: GossipMessage): Verdict {
    let status: NodeStatus;
    try {
      status = decodeStatus(bytes);
    } catch {
      // Signed by its origin all the same: the neighbour that handed it on isn't to blame.
      return "ignore";
    }
    this.#seen.delete(origin);
    this.#seen.set(origin, { status, atMs: this.#nowMs() });
    if (this.#seen.size > this.#max) {
      const [oldest] = this.#seen.keys();
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    return "accept";
  }

  forget(nodeId: string): void {
    this.#seen.delete(nodeId);
  }

  get list(): readonly SeenStatus[] {
    const nowMs = this.#nowMs();
    return [...this.#seen].map(([nodeId, { status, atMs }]) => ({
      ...status,
      nodeId,
      ageMs: nowMs - atMs,
    }));
  }
}
