// What other nodes signed about their logs. A node that rewrites its log, or runs on from an old back-up,
// contradicts a head that somebody remembers; the two signed heads are the evidence.
import type { Clock } from "../ports/mod.ts";
import { formatNodeId, nodeIdOf } from "../identity/mod.ts";
import type { Backend } from "../pq/mod.ts";
import {
  type AuditSigner,
  compareHeads,
  decodeAuditHead,
  encodeAuditHead,
  type SignedAuditHead,
  verifyAuditHead,
} from "./head.ts";
import { MAX_HEADS, SEEN_AGAIN_MS } from "./limits.ts";
import type { HeadRecord, HeadTable } from "./ports.ts";

/** What became of a head that was offered. */
export type HeadVerdict =
  | { readonly kind: "false" } // the node did not sign it
  | { readonly kind: "first" | "same" | "longer" | "older" }
  /** Ask the node for a head whose links begin at `since`. */
  | { readonly kind: "gap"; readonly since: number }
  /** The node itself says now that its log is shorter than it once signed: show it `held`. */
  | { readonly kind: "shorter"; readonly held: SignedAuditHead }
  /** Proof for anybody: the node signed both. */
  | {
    readonly kind: "fork";
    readonly held: SignedAuditHead;
    readonly offered: SignedAuditHead;
  };

/** What is known of one node's log. */
export interface KnownHead {
  readonly nodeId: string;
  readonly head: SignedAuditHead;
  readonly seenMs: number;
  /** A head that contradicts `head`, or `null`. */
  readonly conflict: SignedAuditHead | null;
}

/** The heads of a mesh's nodes, as far as this node saw them. */
export class HeadBook {
  readonly #table: HeadTable;
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #limit: number;

  /** @param limit nodes that are remembered; the longest unseen goes first. */
  constructor(table: HeadTable, backend: Backend, clock: Clock, limit: number = MAX_HEADS) {
    this.#table = table;
    this.#backend = backend;
    this.#clock = clock;
    this.#limit = limit;
  }

  /**
   * Takes a head and compares it with what the node signed before.
   *
   * @param signer the node, whose credential was checked.
   * @param known for a head that the node itself gave as its newest when it was asked: how many entries
   *   were known of it when the question was sent. `null` for one that was passed on: it may be old
   *   without anything being wrong.
   */
  async offer(
    signer: AuditSigner,
    offered: SignedAuditHead,
    known: number | null = null,
  ): Promise<HeadVerdict> {
    if (!await verifyAuditHead(this.#backend, signer, offered)) return { kind: "false" };
    const nodeId = formatNodeId(nodeIdOf(signer.keys));
    // After the last wait, so that two offers at once do not overwrite each other.
    const record = this.#table.get(nodeId);
    const seenMs = Math.max(0, Math.round(this.#clock.wallMs()));
    if (record === null) {
      this.#makeRoom();
      this.#keep({ nodeId, head: offered, seenMs, conflict: null });
      return { kind: "first" };
    }
    const { head: held, conflict } = knownOf(record);
    if (conflict !== null) return { kind: "fork", held, offered: conflict };
    const kind = compareHeads(held, offered);
    switch (kind) {
      case "fork":
        this.#keep({ nodeId, head: held, seenMs, conflict: offered });
        return { kind, held, offered };
      case "gap":
        return { kind, since: held.count };
      case "older":
        return known !== null && offered.count < known ? { kind: "shorter", held } : { kind };
      case "same":
        if (Math.abs(seenMs - record.seenMs) >= SEEN_AGAIN_MS) {
          this.#keep({ nodeId, head: held, seenMs, conflict });
        }
        return { kind };
      case "longer":
        this.#keep({ nodeId, head: offered, seenMs, conflict });
        return { kind };
    }
  }

  #keep({ nodeId, head, seenMs, conflict }: KnownHead): void {
    this.#table.put({
      node: nodeId,
      head: encodeAuditHead(head),
      seenMs,
      conflict: conflict === null ? null : encodeAuditHead(conflict),
    });
  }

  /** Makes room for one more; evidence goes last. */
  #makeRoom(): void {
    const excess = this.#table.count() - this.#limit + 1;
    if (excess <= 0) return;
    const rows = this.#table.list(this.#limit + excess);
    const harmless = rows.filter(({ conflict }) => conflict === null);
    for (const { node } of [...harmless, ...rows].slice(0, excess)) this.#table.remove(node);
  }

  /** What is known of a node; also what to give back to it, so that it can see whether it lost entries. */
  of(nodeId: string): KnownHead | null {
    const record = this.#table.get(nodeId);
    return record === null ? null : knownOf(record);
  }

  /** All that is known, longest unseen first. */
  list(limit: number = MAX_HEADS): readonly KnownHead[] {
    return this.#table.list(limit).map(knownOf);
  }

  /** Forgets a node, with the evidence against it: somebody looked into it, or it was revoked. */
  forget(nodeId: string): void {
    this.#table.remove(nodeId);
  }
}

function knownOf({ node, head, seenMs, conflict }: HeadRecord): KnownHead {
  return {
    nodeId: node,
    head: decodeAuditHead(head),
    seenMs,
    conflict: conflict === null ? null : decodeAuditHead(conflict),
  };
}
