// Replicated documents. A node tells its neighbours which versions it has: when one is new to it, when a
// connection begins, and now and then. Whoever has an older one fetches the newer from whom it heard of it and
// tells its own neighbours. So a document crosses the mesh hop by hop, each hop judging it before it goes on;
// what is told is a few octets, and lies about versions cost the liar's neighbours one fetch.
import { invariant } from "../base/mod.ts";
import {
  decodeVersions,
  encodeVersions,
  MAX_VERSIONS_BYTES,
  type Versions,
} from "./document_messages.ts";
import type { Exchange } from "./exchange.ts";
import {
  MAX_CONNECTIONS,
  MAX_DOCUMENT_BYTES,
  MAX_DOCUMENT_NAME_BYTES,
  MAX_DOCUMENTS,
  MAX_REFUSED_DOCUMENTS,
} from "./limits.ts";
import type { Document } from "./types.ts";

/** Tells versions, answered with one's own. */
const VERSIONS = "versions/1";
/** Asks for a document by name. */
const DOCUMENT = "document/1";

const NAME = /^[a-z0-9-]+$/;

/** What it runs on. */
export interface DocumentPorts {
  readonly exchange: Exchange;
  /** Connected nodes. */
  neighbours(): readonly string[];
  /** Something newer was taken over: whom a node admits may have changed. */
  took(name: string, fromNodeId: string): void;
  /** A peer sent what its own signatures don't bear out. */
  strike(nodeId: string): void;
}

/** The documents of a node. */
export class Documents {
  readonly #ports: DocumentPorts;
  readonly #documents: readonly Document[];
  readonly #figures: Partial<Record<string, number>> = {};
  /** "node name version" of what was refused. */
  readonly #refused = new Set<string>();
  /** Peers who said they have something newer; the one that said so last, by node. */
  readonly #claims = new Map<string, Versions>();
  /** What each neighbour said it has, so that it isn't told what it knows. */
  readonly #known = new Map<string, Versions>();
  readonly #running = new Set<Promise<void>>();
  #pulling: Promise<void> | null = null;
  #stopped = false;

  constructor(documents: readonly Document[], ports: DocumentPorts) {
    invariant(documents.length <= MAX_DOCUMENTS, "Too many documents to replicate");
    const names = documents.map(({ name }) => name);
    invariant(new Set(names).size === names.length, "Two documents of one name");
    invariant(
      names.every((name) => NAME.test(name) && name.length <= MAX_DOCUMENT_NAME_BYTES),
      "A document's name has a wrong form",
    );
    this.#documents = documents;
    this.#ports = ports;
  }

  get figures(): Readonly<Record<string, number>> {
    return { ...this.#figures } as Record<string, number>;
  }

  /** Answers members who tell and ask. */
  async serve(): Promise<void> {
    const { exchange } = this.#ports;
    await exchange.handle(VERSIONS, (nodeId, request) => {
      const own = encodeVersions(this.#versions());
      this.#heard(nodeId, decodeVersions(request));
      return Promise.resolve(own);
    }, { maxRequestBytes: MAX_VERSIONS_BYTES, maxAnswerBytes: MAX_VERSIONS_BYTES });
    await exchange.handle(DOCUMENT, (_nodeId, request) => {
      const name = new TextDecoder().decode(request);
      const document = this.#documents.find((one) => one.name === name);
      if (document === undefined || document.version() === 0) {
        return Promise.reject(new Error("Not here"));
      }
      return Promise.resolve(document.current());
    }, { maxRequestBytes: MAX_DOCUMENT_NAME_BYTES, maxAnswerBytes: MAX_DOCUMENT_BYTES });
  }

  #versions(): Versions {
    return new Map(this.#documents.map((document) => [document.name, document.version()]));
  }

  /** Compares with one node, both ways. A node that doesn't answer is asked again by whoever meets it. */
  compare(nodeId: string): void {
    if (this.#stopped || this.#documents.length === 0) return;
    this.#run(async () => {
      const { exchange } = this.#ports;
      const answer = await exchange.request(nodeId, VERSIONS, encodeVersions(this.#versions()), {
        maxAnswerBytes: MAX_VERSIONS_BYTES,
      });
      this.#heard(nodeId, decodeVersions(answer));
    });
  }

  /** Tells all neighbours that aren't known to have as much. */
  announce(): void {
    const neighbours = new Set(this.#ports.neighbours());
    for (const nodeId of this.#known.keys()) {
      if (!neighbours.has(nodeId)) this.#known.delete(nodeId);
    }
    for (const nodeId of neighbours) {
      const known = this.#known.get(nodeId);
      const behind = this.#documents.some((document) =>
        document.version() > (known?.get(document.name) ?? 0)
      );
      if (behind) this.compare(nodeId);
    }
  }

  #heard(nodeId: string, versions: Versions): void {
    // A peer that is not, or no longer, a neighbour is left out when the next news is told.
    if (this.#known.size < MAX_CONNECTIONS * 2) this.#known.set(nodeId, versions);
    if (this.#stopped || !this.#documents.some((one) => this.#wanted(one, nodeId, versions))) {
      return;
    }
    this.#claims.set(nodeId, versions);
    if (this.#pulling !== null) return;
    this.#pulling = this.#run(() => this.#pullAll()).finally(() => this.#pulling = null);
  }

  #wanted(document: Document, nodeId: string, versions: Versions): boolean {
    const version = versions.get(document.name) ?? 0;
    return version > document.version() &&
      !this.#refused.has(`${nodeId} ${document.name} ${version}`);
  }

  /** One fetch at a time, in the order of the documents: what signs comes before what it signed. */
  async #pullAll(): Promise<void> {
    for (;;) {
      const next = this.#next();
      if (next === null || this.#stopped) return;
      await this.#pull(next.document, next.nodeId, next.version);
    }
  }

  #next(): { document: Document; nodeId: string; version: number } | null {
    for (const document of this.#documents) {
      for (const [nodeId, versions] of this.#claims) {
        if (!this.#wanted(document, nodeId, versions)) continue;
        return { document, nodeId, version: versions.get(document.name) ?? 0 };
      }
    }
    this.#claims.clear();
    return null;
  }

  async #pull(document: Document, nodeId: string, version: number): Promise<void> {
    const { exchange } = this.#ports;
    let outcome: string;
    try {
      const request = new TextEncoder().encode(document.name);
      const bytes = await exchange.request(nodeId, DOCUMENT, request, {
        maxAnswerBytes: MAX_DOCUMENT_BYTES,
      });
      outcome = await document.offer(bytes, nodeId);
    } catch {
      outcome = "failed";
    }
    this.#figures[outcome] = (this.#figures[outcome] ?? 0) + 1;
    // Whatever it was, this claim was looked at: a peer that still has more says so again.
    this.#forget(nodeId, document.name);
    if (outcome === "newer") {
      // What was refused may have waited for just this.
      this.#refused.clear();
      this.#ports.took(document.name, nodeId);
      this.announce();
    } else if (outcome === "refused") {
      this.#refuse(`${nodeId} ${document.name} ${version}`);
      this.#ports.strike(nodeId);
    }
  }

  #forget(nodeId: string, name: string): void {
    const versions = new Map(this.#claims.get(nodeId));
    versions.delete(name);
    if (versions.size === 0) this.#claims.delete(nodeId);
    else this.#claims.set(nodeId, versions);
  }

  #refuse(what: string): void {
    this.#refused.add(what);
    if (this.#refused.size <= MAX_REFUSED_DOCUMENTS) return;
    const [oldest] = this.#refused;
    if (oldest !== undefined) this.#refused.delete(oldest);
  }

  #run(task: () => Promise<void>): Promise<void> {
    const guarded = task().catch(() => {});
    this.#running.add(guarded);
    return guarded.finally(() => this.#running.delete(guarded));
  }

  /** Resolves when nothing is under way; the exchange was stopped before. */
  async stop(): Promise<void> {
    this.#stopped = true;
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }
}
