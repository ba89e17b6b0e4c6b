// How members' audit logs end, told over the fabric and remembered: whoever rewrites a log contradicts what
// the others keep. A head that doesn't fit the one remembered is asked about at its node, which is shown what
// it once signed: the only way for it to see that all its files were restored from an old back-up.
import { messageOf, WireReader, WireWriter } from "../base/mod.ts";
import {
  type AuditLog,
  type AuditSigner,
  decodeAuditHead,
  encodeAuditHead,
  HeadBook,
  type HeadTable,
  type HeadVerdict,
  type KnownHead,
  signAuditHead,
  type SignedAuditHead,
  verifyAuditHead,
} from "../audit/mod.ts";
import type { Fabric, Verdict } from "../fabric/mod.ts";
import type { AuthorityKey, MeshState, NodePublicKeys } from "../identity/mod.ts";
import type { Clock } from "../ports/mod.ts";
import type { Backend } from "../pq/mod.ts";
import type { Directory } from "./directory.ts";
import { ASK_HEAD_MS, HEAD_EVERY_MS, MAX_DIRECTORY, MAX_HEAD_BYTES } from "./limits.ts";

const TOPIC = "audit-head";
const HEAD = "x0-audit-head-1";

/** This node as far as it signs heads; `null` while it is in no mesh. */
interface Signing {
  readonly keys: AuthorityKey & { readonly publicKeys: NodePublicKeys };
  readonly state: Pick<MeshState, "trustDomain" | "chain">;
}

/** What they work with. */
export interface AuditHeadsPorts {
  readonly membership: {
    readonly member: Signing | null;
    readonly context: {
      readonly audit: AuditLog;
      readonly backend: Backend;
      readonly clock: Clock;
    };
  };
  readonly fabric: Pick<Fabric, "publish" | "subscribe" | "handle" | "request">;
  /** This node's id. */
  nodeId(): string;
  readonly directory: Pick<Directory, "get">;
  readonly table: HeadTable;
  /** Told of a node that contradicts itself, this one included, once a time it does. */
  forked(nodeId: string, sentence: string): void;
  readonly log: (message: string) => void;
}

/** The heads of a mesh as one member knows them. */
export class AuditHeads {
  readonly #ports: AuditHeadsPorts;
  readonly #book: HeadBook;
  readonly #stop = new AbortController();
  /** When each node was last asked, monotonic. */
  readonly #asked = new Map<string, number>();
  /** What was told of each node. */
  readonly #told = new Map<string, string>();
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
    await fabric.handle(HEAD, (nodeId, request) => this.#answer(nodeId, request));
    this.#running = this.#run();
  }

  /** The log has a new entry: tell the others. */
  hurry(): void {
    this.#wake.abort();
  }

  get #member(): Signing | null {
    return this.#ports.membership.member;
  }

  get #self(): AuditSigner | null {
    const member = this.#member;
    if (member === null) return null;
    const { trustDomain, chain: { current: { suite } } } = member.state;
    return { trustDomain, suite, keys: member.keys.publicKeys };
  }

  /** @param since entries whoever asks knows; `null` for the newest part. */
  async #sign(since: number | null): Promise<SignedAuditHead | null> {
    const { membership: { context: { audit, clock } } } = this.#ports;
    const [member, signer] = [this.#member, this.#self];
    if (member === null || signer === null) return null;
    const stretch = since === null ? audit.recent() : audit.stretch(since);
    const { keys } = member;
    return await signAuditHead(signer, keys, stretch, Math.max(0, Math.round(clock.wallMs())));
  }

  /** Answers with the log's end, after a look at what this node is shown of itself. */
  async #answer(nodeId: string, request: Uint8Array): Promise<Uint8Array> {
    const reader = new WireReader(request, "question for a head");
    const since = reader.u53();
    const shown = reader.bytes(MAX_HEAD_BYTES);
    reader.end();
    await this.#confront(nodeId, decodeAuditHead(shown));
    const head = await this.#sign(since);
    if (head === null) throw new Error("no member");
    return encodeAuditHead(head);
  }

  /** Compares what this node once signed with its log. */
  async #confront(nodeId: string, shown: SignedAuditHead): Promise<void> {
    const { membership: { context: { audit, backend } }, forked, nodeId: own } = this.#ports;
    const signer = this.#self;
    if (signer === null || !await verifyAuditHead(backend, signer, shown)) return;
    const known = audit.rollback;
    const why = audit.confront(shown);
    if (why !== null && known === null) {
      forked(own(), `This node's audit log is not the one that ${nodeId} remembers: ${why}`);
    }
  }

  async #run(): Promise<void> {
    const { membership: { context: { clock } }, fabric, log } = this.#ports;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      try {
        const head = await this.#sign(null);
        if (head !== null && head.count > 0) await fabric.publish(TOPIC, encodeAuditHead(head));
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
      case "gap":
        if (this.#mayAsk(nodeId)) await this.#ask(nodeId, signer);
        return "accept";
      case "older":
        // Late on its way, or from a log that lost its end: its node knows.
        if (this.#mayAsk(nodeId)) await this.#ask(nodeId, signer);
        return "ignore";
      default:
        this.#tell(nodeId, verdict);
        return "accept";
    }
  }

  /** Whether a node whose head doesn't fit may be asked now: seldom. */
  #mayAsk(nodeId: string): boolean {
    const nowMs = this.#ports.membership.context.clock.monotonicMs();
    if (nowMs - (this.#asked.get(nodeId) ?? -ASK_HEAD_MS) < ASK_HEAD_MS) return false;
    this.#asked.delete(nodeId);
    this.#asked.set(nodeId, nowMs);
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > MAX_DIRECTORY && oldest !== undefined) this.#asked.delete(oldest);
    return true;
  }

  /** Asks a node how its log goes on from what is known, and shows it that. */
  async #ask(nodeId: string, signer: AuditSigner): Promise<void> {
    const known = this.#book.of(nodeId)?.head;
    if (known === undefined) return;
    const question = new WireWriter().u53(known.count).bytes(encodeAuditHead(known)).finish();
    const { fabric } = this.#ports;
    const answer = await fabric.request(nodeId, HEAD, question, { signal: this.#stop.signal });
    const head = decodeAuditHead(answer);
    this.#tell(nodeId, await this.#book.offer(signer, head, known.count));
  }

  /** Says what is wrong with a node's log, once. */
  #tell(nodeId: string, verdict: HeadVerdict): void {
    const sentence = verdict.kind === "fork"
      ? `Node ${nodeId} signed two audit logs that contradict each other`
      : verdict.kind === "shorter"
      ? `Node ${nodeId} has lost entries of its audit log: it had ${verdict.held.count}`
      : null;
    if (sentence === null || this.#told.get(nodeId) === sentence) return;
    this.#told.set(nodeId, sentence);
    const [oldest] = this.#told.keys();
    if (this.#told.size > MAX_DIRECTORY && oldest !== undefined) this.#told.delete(oldest);
    this.#ports.forked(nodeId, sentence);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#unsubscribe();
    await this.#running;
  }
}
