// Being let in: asks with an invite, and goes on asking while the request waits for approval, also after a
// restart. The invite is a secret and lies in a file of its own until its request is decided.
import {
  decodeInvite,
  formatNodeId,
  IdentityError,
  type Invite,
  nodeIdOf,
} from "../identity/mod.ts";
import { askMembers, type EnrolmentDialer } from "./asking.ts";
import { type Context, type Member, trustedNowMs } from "./context.ts";
import { attemptOf, dropPending, enterMesh, keepPending, readPending } from "./entering.ts";
import { ensureNodeKeys } from "./founding.ts";
import { ASK_AGAIN_MAX_MS, ASK_AGAIN_MIN_MS } from "./limits.ts";
import type { JoinStatus } from "./status.ts";

/** What came of asking to be let in. */
export type JoinOutcome =
  | { readonly state: "joined"; readonly nodeId: string }
  | { readonly state: "waiting"; readonly requestId: string };

/** What joining needs of the service. */
export interface JoiningOptions {
  name(): string;
  readonly dial: EnrolmentDialer;
  readonly log: (message: string) => void;
  /** A member was authenticated at this address. */
  met(nodeId: string, address: string): void;
  /** Ends everything. */
  readonly signal: AbortSignal;
  /** Runs in the background. */
  spawn(task: Promise<void>): void;
  /** The status is another. */
  changed(): void;
  /** This node is a member now. */
  entered(member: Member): void;
}

/** The way into a mesh of one node. */
export class Joining {
  readonly #context: Context;
  readonly #options: JoiningOptions;
  #status: JoinStatus | null = null;
  #stop: AbortController | null = null;

  constructor(context: Context, options: JoiningOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** A join that isn't through, or `null`. */
  get status(): JoinStatus | null {
    return this.#status;
  }

  /**
   * Asks a member to be let in. A request that has to wait for approval is asked for again until it is
   * decided.
   *
   * @throws {IdentityError} "no-answer" and whatever the member refuses with; nothing was changed then.
   */
  async begin(text: string): Promise<JoinOutcome> {
    const invite = decodeInvite(text);
    const nowMs = trustedNowMs(this.#context.clock);
    if (nowMs !== null && nowMs > invite.expiresMs) {
      throw new IdentityError(
        "token-expired",
        "Cannot use this invite: it expired; ask for a new one",
      );
    }
    this.#stop?.abort();
    const outcome = await this.#ask(invite, this.#options.signal);
    if (outcome.state === "joined") {
      this.#set(null);
      await dropPending(this.#context);
      return outcome;
    }
    await keepPending(this.#context, text);
    this.#goOn(invite, outcome.requestId);
    return outcome;
  }

  /** Goes on with what waited before a restart. */
  async resume(): Promise<void> {
    const pending = await readPending(this.#context);
    if (pending !== null) this.#goOn(pending, null);
  }

  /** Gives up what waits. */
  async cancel(): Promise<void> {
    this.#stop?.abort();
    await dropPending(this.#context);
    this.#set(null);
  }

  #set(status: JoinStatus | null): void {
    this.#status = status;
    this.#options.changed();
  }

  async #ask(invite: Invite, signal: AbortSignal): Promise<JoinOutcome> {
    const { name, dial, entered } = this.#options;
    const keys = await ensureNodeKeys(this.#context, invite.suite);
    const what = attemptOf(invite, keys, name());
    let member: Member | null = null;
    try {
      const asked = await askMembers(this.#context, dial, invite.addresses, what, signal);
      const { answer } = asked;
      this.#options.met(asked.member, asked.address);
      if (answer.kind !== "granted") {
        asked.close();
        if (answer.kind === "refused") throw new IdentityError(answer.code, answer.sentence);
        return { state: "waiting", requestId: answer.requestId };
      }
      member = await enterMesh(this.#context, what, answer);
      // Who has all may go on at once, even if the word that it does is lost.
      await asked.confirm().catch(() => {});
      entered(member);
      return { state: "joined", nodeId: formatNodeId(nodeIdOf(keys.publicKeys)) };
    } finally {
      if (member === null) keys.wipe();
    }
  }

  #goOn(invite: Invite, requestId: string | null): void {
    const stop = new AbortController();
    this.#stop = stop;
    const { spawn, signal } = this.#options;
    spawn(this.#asking(invite, requestId, AbortSignal.any([stop.signal, signal])));
  }

  async #asking(invite: Invite, known: string | null, signal: AbortSignal): Promise<void> {
    const mesh = invite.trustDomain;
    let requestId = known;
    const set = (lastError: string | null) =>
      this.#set({ mesh, requestId, state: requestId === null ? "asking" : "waiting", lastError });
    set(null);
    let pauseMs = requestId === null ? 0 : ASK_AGAIN_MIN_MS;
    while (!signal.aborted) {
      await this.#context.clock.sleep(pauseMs, signal);
      if (signal.aborted) return;
      try {
        const outcome = await this.#ask(invite, signal);
        if (outcome.state === "joined") {
          this.#set(null);
          return await dropPending(this.#context);
        }
        requestId = outcome.requestId;
        set(null);
      } catch (thrown) {
        if (signal.aborted) return;
        if (!(thrown instanceof IdentityError)) throw thrown;
        set(thrown.message);
        // Whoever was refused needs another invite.
        if (thrown.code !== "no-answer") {
          this.#options.log(thrown.message);
          return await dropPending(this.#context);
        }
      }
      pauseMs = Math.min(Math.max(pauseMs, ASK_AGAIN_MIN_MS / 2) * 2, ASK_AGAIN_MAX_MS);
    }
  }
}
