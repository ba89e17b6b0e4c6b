// A node's membership as one service: create, invite, join, approve, revoke, rotate, back up, renew. It
// decides nothing about tunnels or the fabric; whoever runs them subscribes to what changes here.
import { messageOf } from "../base/mod.ts";
import {
  authorityHash,
  decodeChain,
  decodeRevocations,
  encodeChain,
  encodeRevocations,
  IdentityError,
  MeshState,
  type NodeKeys,
} from "../identity/mod.ts";
import { type Bytes, equalBytes } from "../pq/mod.ts";
import {
  revokeNode,
  rotateAuthority,
  type RotateOptions,
  settleRevocation,
  signRevocation,
} from "./authority_work.ts";
import { type Carried, takeCarried, waitingRequests } from "./carrying.ts";
import {
  type Context,
  makeContext,
  type Member,
  type MembershipPorts,
  trustedNowMs,
} from "./context.ts";
import { EnrolmentDesk } from "./desk.ts";
import { type EnrolmentOutcome, EnrolmentServer } from "./enrolment_server.ts";
import { backUp, createMesh, type CreateOptions, requireUnenrolled, restore } from "./founding.ts";
import {
  cancelInvite,
  type InviteOptions,
  listInvites,
  type MadeInvite,
  makeInvite,
} from "./invites.ts";
import { Joining, type JoinOutcome } from "./joining.ts";
import { MAX_ROWS } from "./limits.ts";
import type { SigningRequest, TokenRecord } from "./ports.ts";
import {
  pauseBeforeRenewal,
  renewalDue,
  type RenewalWays,
  renewCredential,
  rotateNodeKeys,
} from "./renewal.ts";
import { keysOf } from "./own_keys.ts";
import { exportRequest, goodSignatures, importRequest, signCarried } from "./requests.ts";
import { type MembershipStatus, memberStatus, type RequestView, viewOf } from "./status.ts";
import type { MembershipChange, MembershipOptions } from "./service_types.ts";

/** The service of one node. */
export class Membership {
  readonly #context: Context;
  readonly #options: MembershipOptions;
  readonly #listeners = new Set<(change: MembershipChange) => void>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #joining: Joining;
  #member: { keys: NodeKeys; readonly state: MeshState } | null = null;
  #desk: EnrolmentDesk | null = null;
  #server: EnrolmentServer | null = null;
  #problem: string | null = null;
  /** Ends the pause before the next look at the credential's age. */
  #replaced: AbortController | null = null;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(context: Context, options: MembershipOptions) {
    this.#context = context;
    this.#options = options;
    this.#joining = new Joining(context, {
      ...options,
      signal: this.#stop.signal,
      spawn: (task) => this.#spawn(task),
      changed: () => this.#tell("join"),
      entered: (member) => this.#become(member),
    });
  }

  /** Reads what is on the disk. A state that can't be trusted is left alone and told of. */
  static async open(ports: MembershipPorts, options: MembershipOptions): Promise<Membership> {
    const membership = new Membership(await makeContext(ports), options);
    try {
      await membership.#load();
    } catch (thrown) {
      if (!(thrown instanceof IdentityError)) throw thrown;
      membership.#problem = thrown.message;
      options.log(thrown.message);
    }
    return membership;
  }

  async #load(): Promise<void> {
    const { keyStore, stateOptions } = this.#context;
    const state = await MeshState.open(stateOptions);
    if (state === null) {
      return await this.#joining.resume();
    }
    const keys = await keysOf(this.#context, state);
    if (keys === null) {
      throw new IdentityError(
        "missing",
        `Cannot be a member of "${state.trustDomain}": this node's key files are missing`,
      );
    }
    this.#become({ keys, state });
    await keyStore.dropEnded(trustedNowMs(this.#context.clock) ?? 0);
  }

  #become(member: Member): void {
    this.#problem = null;
    this.#member = { keys: member.keys, state: member.state };
    const desk = new EnrolmentDesk(this.#context, member);
    this.#desk = desk;
    const told = (outcome: EnrolmentOutcome, source: string) => {
      this.#options.note(`A node at ${source} asked to enrol: ${outcome}`);
      this.#tell("requests");
    };
    this.#server = new EnrolmentServer(this.#context, () => this.#require(), desk, told);
    this.#spawn(this.#renewing());
    this.#tell("member");
  }

  /** The member's parts. @throws {IdentityError} "not-enrolled" */
  #require(): Member {
    if (this.#member !== null) return this.#member;
    throw new IdentityError(
      "not-enrolled",
      this.#problem ?? "Cannot do this: this node belongs to no mesh; create one or join one",
    );
  }

  get #ways(): RenewalWays {
    const { dial, members, name } = this.#options;
    this.#require();
    if (this.#desk === null) throw new IdentityError("not-enrolled", "Cannot ask: no mesh");
    return { desk: this.#desk, dial, members: members(), name: name() };
  }

  /** `null` while the node belongs to no mesh. */
  get member(): Member | null {
    return this.#member;
  }

  /** Why there is no membership although there is one on the disk, or `null`. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Serves joiners on the port of handshakes; `null` while the node belongs to no mesh. */
  get enrolment(): EnrolmentServer | null {
    return this.#server;
  }

  get context(): Context {
    return this.#context;
  }

  /** Calls `listener` after each change, until the returned function is called. */
  subscribe(listener: (change: MembershipChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(change: MembershipChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #spawn(task: Promise<void>): void {
    const running = task.catch((thrown) => this.#options.log(messageOf(thrown))).finally(() =>
      this.#running.delete(running)
    );
    this.#running.add(running);
  }

  /** What changes membership goes one after the other. */
  #serially<T>(task: () => Promise<T>): Promise<T> {
    const next = this.#last.then(task);
    this.#last = next.catch(() => {});
    return next;
  }

  async status(): Promise<MembershipStatus> {
    const member = this.#member === null ? null : await memberStatus(this.#context, this.#member);
    return { member, join: this.#joining.status, problem: this.#problem };
  }

  /** Makes a mesh whose first member is this node. @throws {IdentityError} */
  create(options: CreateOptions): Promise<void> {
    return this.#serially(async () => {
      this.#requireNoProblem();
      this.#become(await createMesh(this.#context, options));
    });
  }

  #requireNoProblem(): void {
    if (this.#problem === null) return;
    throw new IdentityError("enrolled", `Cannot begin anew: ${this.#problem}`);
  }

  /** @throws {IdentityError} */
  async invite(options: InviteOptions): Promise<MadeInvite> {
    const found = options.addresses === undefined ? await this.#options.addresses() : [];
    return await makeInvite(this.#context, this.#require(), options, found);
  }

  invites(): readonly TokenRecord[] {
    return listInvites(this.#context);
  }

  cancelInvite(id: string): Promise<TokenRecord> {
    return cancelInvite(this.#context, id);
  }

  /** Asks a member to be let in. @throws {IdentityError} see {@link Joining.begin} */
  join(text: string): Promise<JoinOutcome> {
    return this.#serially(async () => {
      this.#requireNoProblem();
      await requireUnenrolled(this.#context);
      return await this.#joining.begin(text);
    });
  }

  /** Gives a join up that waits. */
  cancelJoin(): Promise<void> {
    return this.#serially(() => this.#joining.cancel());
  }

  /** Newest first. */
  requests(): readonly RequestView[] {
    return this.#context.tables.requests.list(MAX_ROWS).map(viewOf);
  }

  /** A person approves; signs with the keys that are here. @throws {IdentityError} */
  approve(id: string, passphrase: string | null): Promise<RequestView> {
    return this.#serially(async () => {
      const desk = this.#ways.desk;
      const request = desk.find(id);
      const after = request.kind === "revocations"
        ? await signRevocation(this.#context, this.#require(), request, passphrase)
        : await desk.approve(id, passphrase);
      this.#tell(request.kind === "revocations" ? "revocations" : "requests");
      return viewOf(after);
    });
  }

  /** @throws {IdentityError} "missing", "refused" */
  refuse(id: string): Promise<RequestView> {
    return this.#serially(async () => {
      const after = await this.#ways.desk.refuse(id);
      this.#tell("requests");
      return viewOf(after);
    });
  }

  /** A request as a file, for where a key is kept. */
  exportRequest(id: string): string {
    const request = this.#ways.desk.find(id);
    return exportRequest(this.#require().state.chain.current, request);
  }

  /**
   * Adds the signature of a key that lies elsewhere to a carried request. The request is told in words to
   * whoever signs, before; see {@link importRequest}.
   *
   * @param keyPath absolute path of an authority key file.
   */
  async signCarried(
    text: string,
    name: string,
    keyPath: string,
    passphrase: string | null,
  ): Promise<string> {
    return await signCarried(this.#context, { text, name }, keyPath, passphrase);
  }

  /** Requests that wait for keys which are not here. */
  waiting(): readonly Carried[] {
    return waitingRequests(this.#context, this.#require());
  }

  /** Takes in what another member asks to have signed; gives back what is signed. @throws {IdentityError} */
  takeCarried(text: string): Promise<string> {
    return this.#serially(async () => {
      const taken = await takeCarried(this.#context, this.#require(), text);
      if (taken.isNew) this.#tell("requests");
      return taken.text;
    });
  }

  /** Takes signatures that a file brings back. @throws {IdentityError} */
  importSignatures(text: string, name: string): Promise<RequestView> {
    return this.#serially(async () => {
      const member = this.#require();
      const { backend, tables } = this.#context;
      const { current } = member.state.chain;
      const brought = importRequest(text, name).request;
      const held = this.#ways.desk.find(brought.id);
      if (
        !equalBytes(held.body, brought.body) || !equalBytes(held.authority, authorityHash(current))
      ) {
        throw new IdentityError("untrusted", `Cannot use "${name}": it is about another request`);
      }
      const signatures = await goodSignatures(backend, current, held, brought.signatures);
      const signed: SigningRequest = { ...held, approved: true, signatures };
      tables.requests.put(signed);
      const after = signed.kind === "revocations"
        ? await settleRevocation(this.#context, member, signed)
        : await this.#ways.desk.settle(signed);
      this.#tell(signed.kind === "revocations" ? "revocations" : "requests");
      return viewOf(after);
    });
  }

  /** @param node its id or SPIFFE ID. @throws {IdentityError} */
  revoke(node: string, passphrase: string | null): Promise<RequestView> {
    return this.#serially(async () => {
      const request = await revokeNode(this.#context, this.#require(), node, passphrase);
      this.#tell("revocations");
      return viewOf(request);
    });
  }

  /** Replaces the authority's keys. @throws {IdentityError} */
  rotateAuthority(options: RotateOptions): Promise<{ readonly version: number }> {
    return this.#serially(async () => {
      const { version } = await rotateAuthority(this.#context, this.#require(), options);
      this.#tell("authority");
      return { version };
    });
  }

  /** Replaces this node's WireGuard and TLS keys. */
  rotateKeys(): Promise<"rotated" | "waiting"> {
    return this.#serially(async () => {
      this.#require();
      const member = this.#member;
      if (member === null) return "waiting";
      const keys = await rotateNodeKeys(this.#context, member, this.#ways, this.#stop.signal);
      if (keys === null) return "waiting";
      const old = member.keys;
      member.keys = keys;
      this.#tell("keys");
      old.wipe();
      return "rotated";
    });
  }

  /** Renews the credential now. */
  renew(): Promise<"renewed" | "pending"> {
    return this.#serially(async () => {
      const member = this.#require();
      const done = await renewCredential(this.#context, member, this.#ways, this.#stop.signal);
      if (done === "renewed") this.#tell("credential");
      return done;
    });
  }

  async #renewing(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await pauseBeforeRenewal(this.#context, this.#replaced = new AbortController(), signal);
      if (signal.aborted || this.#member === null || !renewalDue(this.#context, this.#member)) {
        continue;
      }
      await this.renew().catch((thrown) =>
        this.#options.log(`The credential could not be renewed: ${messageOf(thrown)}`)
      );
    }
  }

  /** The authority's keys here and the mesh's state, sealed. @throws {IdentityError} */
  backUp(passphrase: string, keysPassphrase: string | null): Promise<string> {
    return backUp(this.#context, this.#require(), passphrase, keysPassphrase);
  }

  /** Brings an authority back. @throws {IdentityError} */
  restore(text: string, name: string, passphrase: string): Promise<void> {
    return this.#serially(async () => {
      const before = this.#member;
      const member = await restore(this.#context, before, { text, name, passphrase });
      if (before === null) this.#become(member);
      this.#tell("authority");
    });
  }

  /** The authority's chain and the revocations as they are spread among members. */
  get documents(): { readonly chain: Bytes; readonly revocations: Bytes } {
    const { state } = this.#require();
    return { chain: encodeChain(state.chain), revocations: encodeRevocations(state.revocations) };
  }

  /** @returns whether it was newer. @throws {IdentityError} */
  acceptChain(bytes: Bytes): Promise<boolean> {
    return this.#serially(async () => {
      const added = await this.#require().state.acceptChain(decodeChain(bytes));
      if (added > 0) {
        this.#replaced?.abort();
        this.#tell("authority");
      }
      return added > 0;
    });
  }

  /** @returns whether it was newer. @throws {IdentityError} */
  acceptRevocations(bytes: Bytes): Promise<boolean> {
    return this.#serially(async () => {
      const { state } = this.#require();
      const newer = await state.acceptRevocations(
        decodeRevocations(bytes),
        trustedNowMs(this.#context.clock),
      );
      if (newer) this.#tell("revocations");
      return newer;
    });
  }

  /** Ends what runs in the background and overwrites the keys. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#last;
    await Promise.all(this.#running);
    this.#member?.keys.wipe();
    this.#member = null;
  }
}
