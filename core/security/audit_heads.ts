// How members' audit logs end, told over the fabric and remembered: whoever rewrites a log contradicts what
// the others keep.
import { messageOf, WireReader, WireWriter } from "../base/mod.ts";
import {
  type AuditSigner,
  decodeAuditHead,
  encodeAuditHead,
  HeadBook,
  type HeadTable,
  type HeadVerdict,
  type KnownHead,
  signAuditHead,
  type SignedAuditHead,
} from "../audit/mod.ts";
import type { Fabric, Verdict } from "../fabric/mod.ts";
import type { Member, Membership } from "../membership/mod.ts";
import type { Directory } from "./directory.ts";
import { HEAD_EVERY_MS } from "./limits.ts";

const TOPIC = "audit-head";
const HEAD = "x0-audit-head-1";

/** What they work with. */
export interface AuditHeadsPorts {
  readonly membership: Membership;
  readonly fabric: Pick<Fabric, "publish" | "subscribe" | "handle" | "request">;
  readonly directory: Directory;
  readonly table: HeadTable;
  /** Told of a node that contradicts itself, once a time it does. */
  forked(nodeId: string, sentence: string): void;
  readonly log: (message: string) => void;
}

/** The heads of a mesh as one member knows them. */
export class AuditHeads {
  readonly #ports: AuditHeadsPorts;
  readonly #book: HeadBook;
  readonly #stop = new AbortController();
  #unsubscribe: () => void = () => {};
  #wake = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(ports: AuditHeadsPorts) {
    this.#ports = ports;
    const { backend, clock } = ports.membership.context;
    this.#book = new HeadBook(ports.table, backend, clock);
  }

  /** Newest known head of each node. */
  list(): readonly KnownHead[] {
    return this.#book.list();
  }

  async start(): Promise<void> {
    const { fabric } = this.#ports;
    this.#unsubscribe = fabric.subscribe(
      TOPIC,
      ({ origin, bytes }) => this.#heard(origin, bytes),
    );
    await fabric.handle(HEAD, async (_nodeId, request) => {
      const since = new WireReader(request, "question for a head").u53();
      const head = await this.#sign(since);
      if (head === null) throw new Error("no member");
      return encodeAuditHead(head);
    });
    this.#running = this.#run();
  }

  /** The log has a new entry: tell the others. */
  hurry(): void {
    this.#wake.abort();
  }

  get #member(): Member | null {
    return this.#ports.membership.member;
  }

  async #sign(since: number): Promise<SignedAuditHead | null> {
    const { membership: { context: { audit, clock } } } = this.#ports;
    const member = this.#member;
    if (member === null) return null;
    const { keys, state } = member;
    const signer: AuditSigner = {
      trustDomain: state.trustDomain,
      suite: state.chain.current.suite,
      keys: keys.publicKeys,
    };
    const stretch = audit.stretch(since);
    return await signAuditHead(signer, keys, stretch, Math.max(0, Math.round(clock.wallMs())));
  }

  async #run(): Promise<void> {
    const { membership: { context: { clock, audit } }, fabric, log } = this.#ports;
    const { signal } = this.#stop;
    let told = 0;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      try {
        const head = await this.#sign(told);
        if (head !== null && head.count > 0) {
          await fabric.publish(TOPIC, encodeAuditHead(head));
          told = audit.head().count;
        }
      } catch (thrown) {
        if (!signal.aborted) log(`The audit log's end could not be told: ${messageOf(thrown)}`);
      }
      await clock.sleep(HEAD_EVERY_MS, AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  async #heard(origin: string, bytes: Uint8Array): Promise<Verdict> {
    const signer = this.#signerOf(origin);
    if (signer === null) return "ignore";
    const verdict = await this.#book.offer(signer, decodeAuditHead(bytes));
    return await this.#judge(origin, signer, verdict);
  }

  #signerOf(nodeId: string): AuditSigner | null {
    const credential = this.#ports.directory.get(nodeId);
    const member = this.#member;
    if (credential === null || member === null) return null;
    const { trustDomain, keys } = credential.claims;
    return { trustDomain, suite: member.state.chain.current.suite, keys };
  }

  async #judge(nodeId: string, signer: AuditSigner, verdict: HeadVerdict): Promise<Verdict> {
    switch (verdict.kind) {
      case "false":
        return "reject";
      case "gap": {
        const question = new WireWriter().u53(verdict.since).finish();
        const { fabric } = this.#ports;
        const answer = await fabric.request(nodeId, HEAD, question, { signal: this.#stop.signal });
        const live = await this.#book.offer(signer, decodeAuditHead(answer), verdict.since);
        this.#tell(nodeId, live);
        return "accept";
      }
      default:
        this.#tell(nodeId, verdict);
        return verdict.kind === "older" ? "ignore" : "accept";
    }
  }

  #tell(nodeId: string, verdict: HeadVerdict): void {
    const { forked } = this.#ports;
    if (verdict.kind === "fork") {
      forked(nodeId, `Node ${nodeId} signed two audit logs that contradict each other`);
    } else if (verdict.kind === "shorter") {
      forked(
        nodeId,
        `Node ${nodeId} has lost entries of its audit log: it had ${verdict.held.count}`,
      );
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#unsubscribe();
    await this.#running;
  }
}
