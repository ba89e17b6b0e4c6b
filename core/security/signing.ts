// Asks members that may hold the authority's keys for signatures, over the fabric. An admin of any of them
// approves; the answer finds its way back to the member that the joiner asked.
import { messageOf } from "../base/mod.ts";
import type { Fabric } from "../fabric/mod.ts";
import { IdentityError } from "../identity/mod.ts";
import type { Membership } from "../membership/mod.ts";
import type { Clock } from "../ports/mod.ts";
import { ASK_SIGNATURES_MS, MAX_CARRIED_BYTES, MAX_SIGNERS_ASKED } from "./limits.ts";

/** Name of the request on the fabric. */
const SIGN = "x0-sign-1";
/** Role of nodes that are asked. */
const ADMIN = "admin";

/** Carries signing requests between members. */
export class SignatureErrands {
  readonly #membership: Membership;
  readonly #fabric: Pick<Fabric, "handle" | "peers" | "request">;
  readonly #clock: Clock;
  readonly #log: (message: string) => void;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(
    membership: Membership,
    fabric: Pick<Fabric, "handle" | "peers" | "request">,
    clock: Clock,
    log: (message: string) => void,
  ) {
    this.#membership = membership;
    this.#fabric = fabric;
    this.#clock = clock;
    this.#log = log;
  }

  /** Answers others, and asks from now on. */
  async start(): Promise<void> {
    await this.#fabric.handle(SIGN, async (_nodeId, request) => {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(request);
      return new TextEncoder().encode(await this.#membership.takeCarried(text));
    }, { maxRequestBytes: MAX_CARRIED_BYTES, maxAnswerBytes: MAX_CARRIED_BYTES });
    this.#running = this.#run();
  }

  /** Asks at once: something new waits. */
  hurry(): void {
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      await this.#askAll(signal);
      await this.#clock.sleep(ASK_SIGNATURES_MS, AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  async #askAll(signal: AbortSignal): Promise<void> {
    const signers = this.#fabric.peers().filter(({ roles }) => roles.includes(ADMIN))
      .slice(0, MAX_SIGNERS_ASKED);
    if (signers.length === 0 || this.#membership.member === null) return;
    for (const { text, id } of this.#membership.waiting()) {
      for (const { nodeId } of signers) {
        if (signal.aborted) return;
        await this.#ask(nodeId, id, text, signal);
      }
    }
  }

  async #ask(nodeId: string, id: string, text: string, signal: AbortSignal): Promise<void> {
    try {
      const octets = new TextEncoder().encode(text);
      const answer = await this.#fabric.request(nodeId, SIGN, octets, {
        signal,
        maxAnswerBytes: MAX_CARRIED_BYTES,
      });
      const signed = new TextDecoder("utf-8", { fatal: true }).decode(answer);
      if (signed === text) return;
      await this.#membership.importSignatures(signed, `the answer of ${nodeId}`);
    } catch (thrown) {
      // Nobody has signed yet, or it is decided by now: both are no news.
      if (thrown instanceof IdentityError && ["untrusted", "missing"].includes(thrown.code)) return;
      if (!signal.aborted) {
        this.#log(`Request ${id} could not be asked of ${nodeId}: ${messageOf(thrown)}`);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
