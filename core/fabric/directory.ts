// Credentials of nodes by their id, so that the origin of gossip can be proved also where it isn't a
// neighbour. What isn't known is asked of the neighbour the gossip came from, who must know it. A credential
// is judged anew each time it is used: it may have expired or been revoked.
import { IdentityError, parseNodeId, type VerifiedCredential } from "../identity/mod.ts";
import { encodeCredential } from "../identity/mod.ts";
import type { Party } from "../handshake/mod.ts";
import type { Exchange } from "./exchange.ts";
import { MAX_ORIGINS } from "./limits.ts";

/** Asks a member for the credential of a node. */
const CREDENTIAL = "credential/1";
const MAX_BYTES = 90_000;

/** Questions to neighbours under way. */
const MAX_ASKING = 32;

/** Credentials of a mesh's members. */
export class Directory {
  readonly #party: () => Party;
  readonly #exchange: Exchange;
  /** In the order of last use. */
  readonly #known = new Map<string, VerifiedCredential>();
  readonly #asking = new Map<string, Promise<VerifiedCredential | null>>();

  constructor(party: () => Party, exchange: Exchange) {
    this.#party = party;
    this.#exchange = exchange;
  }

  /** Answers members who ask. */
  async serve(): Promise<void> {
    await this.#exchange.handle(CREDENTIAL, (_nodeId, request) => {
      const nodeId = new TextDecoder().decode(request);
      parseNodeId(nodeId);
      const own = this.#party();
      if (nodeId === own.credential.nodeId) return Promise.resolve(own.credentialBytes);
      const known = this.#known.get(nodeId);
      if (known === undefined) return Promise.reject(new Error("Not known"));
      return Promise.resolve(encodeCredential(known));
    }, { maxRequestBytes: 64, maxAnswerBytes: MAX_BYTES });
  }

  /** Keeps a credential that was admitted. */
  note(credential: VerifiedCredential): void {
    const { nodeId } = credential;
    this.#known.delete(nodeId);
    this.#known.set(nodeId, credential);
    if (this.#known.size <= MAX_ORIGINS) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  /** Whether a node whose credential is known is admitted now; `false` when it isn't known. */
  async admitted(nodeId: string): Promise<boolean> {
    const known = this.#known.get(nodeId);
    return known !== undefined && await this.#judge(known) !== null;
  }

  async #judge(credential: VerifiedCredential): Promise<VerifiedCredential | null> {
    try {
      return await this.#party().admit({ full: encodeCredential(credential) });
    } catch (error) {
      if (error instanceof IdentityError) return null;
      throw error;
    }
  }

  /**
   * The credential of a node, admitted now; `null` when it isn't, or nobody who was asked has it.
   *
   * @param from a neighbour who has it.
   */
  async find(nodeId: string, from: string): Promise<VerifiedCredential | null> {
    const known = this.#known.get(nodeId);
    if (known !== undefined) {
      this.note(known);
      const judged = await this.#judge(known);
      if (judged !== null) return judged;
      // It may have been renewed since.
      this.#known.delete(nodeId);
    }
    const asking = this.#asking.get(nodeId);
    if (asking !== undefined) return await asking;
    if (this.#asking.size >= MAX_ASKING) return null;
    const question = this.#ask(nodeId, from).finally(() => this.#asking.delete(nodeId));
    this.#asking.set(nodeId, question);
    return await question;
  }

  async #ask(nodeId: string, from: string): Promise<VerifiedCredential | null> {
    try {
      const request = new TextEncoder().encode(nodeId);
      const full = await this.#exchange.request(from, CREDENTIAL, request, {
        maxAnswerBytes: MAX_BYTES,
      });
      const credential = await this.#party().admit({ full });
      if (credential.nodeId !== nodeId) return null;
      this.note(credential);
      return credential;
    } catch {
      return null;
    }
  }
}
