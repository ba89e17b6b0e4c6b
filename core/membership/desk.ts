// The member's side of enrolment: what becomes of a request whose handshake succeeded. Signs where the
// authority's keys are; else the request waits.
import {
  acceptedSets,
  authorityHash,
  type AuthoritySet,
  CREDENTIAL_LIFETIME_MS,
  type CredentialClaims,
  decodeCredential,
  encodeChain,
  encodeClaims,
  encodeCredential,
  encodeRevocations,
  formatNodeId,
  IdentityError,
  type IdentityErrorCode,
  nodeIdOf,
  suiteOf,
  verifyCredential,
} from "../identity/mod.ts";
import type { Joiner } from "../handshake/mod.ts";
import { equalBytes, SIGNATURES } from "../pq/mod.ts";
import type { Context, Member } from "./context.ts";
import { newId, trustedNowMs } from "./context.ts";
import { MAX_PENDING_REQUESTS, MAX_ROWS } from "./limits.ts";
import type { EnrolmentAnswer } from "./messages.ts";
import type { SigningRequest, TokenRecord } from "./ports.ts";
import { credentialOf, isComplete, signRequest } from "./requests.ts";
import { judgeToken } from "./token.ts";

/** Roles of who enrols without any being said. */
const DEFAULT_ROLES: readonly string[] = ["node"];

/** What a request is entitled to. */
interface Entitlement {
  readonly roles: readonly string[];
  readonly approved: boolean;
  readonly token: TokenRecord | null;
}

const refused = (code: IdentityErrorCode, sentence: string): EnrolmentAnswer => ({
  kind: "refused",
  code,
  sentence,
});

/** Answers requests of joiners, one at a time. */
export class EnrolmentDesk {
  readonly #context: Context;
  readonly #member: Member;
  #last: Promise<unknown> = Promise.resolve();

  constructor(context: Context, member: Member) {
    this.#context = context;
    this.#member = member;
  }

  get #set(): AuthoritySet {
    return this.#member.state.chain.current;
  }

  /** Decides. Serialised, so that one token never serves two. Never throws for what the joiner did. */
  answer(joiner: Joiner): Promise<EnrolmentAnswer> {
    const next = this.#last.then(() => this.#answer(joiner));
    this.#last = next.catch(() => {});
    return next;
  }

  async #answer(joiner: Joiner): Promise<EnrolmentAnswer> {
    try {
      this.#member.state.requireComplete();
      const nodeId = formatNodeId(nodeIdOf(joiner.request.keys));
      const entitlement = await this.#entitle(joiner, nodeId);
      const held = this.#held(joiner, nodeId);
      const request = held ?? await this.#open(joiner, nodeId, entitlement);
      const signed = await this.#sign(request, null);
      return this.#answerOf(signed);
    } catch (thrown) {
      if (!(thrown instanceof IdentityError)) throw thrown;
      return refused(thrown.code, thrown.message);
    }
  }

  /** What token or old credential entitle to. @throws {IdentityError} */
  async #entitle({ request, tokenId }: Joiner, nodeId: string): Promise<Entitlement> {
    const { state } = this.#member;
    if (request.trustDomain !== state.trustDomain) {
      throw new IdentityError(
        "wrong-mesh",
        `Cannot enrol into "${request.trustDomain}": this member is of "${state.trustDomain}"`,
      );
    }
    const { publicKeyBytes } = SIGNATURES[suiteOf(this.#set).postQuantumSignature];
    if (request.keys.postQuantum.length !== publicKeyBytes) {
      throw new IdentityError("malformed", "Cannot enrol: the keys are of another suite");
    }
    if (state.revoked(request)) {
      throw new IdentityError("revoked", `Cannot enrol "${nodeId}": it was revoked`);
    }
    return tokenId === null
      ? await this.#entitleByCredential(request.previous, nodeId)
      : this.#entitleByToken(tokenId.toHex(), nodeId);
  }

  /** A member that comes again, also after its credential ran out. */
  async #entitleByCredential(previous: Uint8Array, nodeId: string): Promise<Entitlement> {
    const { backend, clock } = this.#context;
    const sets = acceptedSets(this.#member.state.chain, trustedNowMs(clock));
    const old = await verifyCredential(backend, sets, decodeCredential(previous), null);
    if (old.nodeId !== nodeId) {
      throw new IdentityError("wrong-node", "Cannot enrol again: the credential is another node's");
    }
    return { roles: old.claims.roles, approved: true, token: null };
  }

  #entitleByToken(id: string, nodeId: string): Entitlement {
    const { tables: { tokens, requests }, clock } = this.#context;
    const token = tokens.get(id);
    const before = requests.list(MAX_ROWS).find((one) =>
      one.nodeId === nodeId && one.tokenId === id
    );
    if (before?.state === "refused") {
      throw new IdentityError("refused", "Cannot enrol: the request was refused");
    }
    // Whose request waits comes back to ask: neither a try, nor late because it had to wait.
    const waits = token?.nodeId === null && requests.ofNode(nodeId)?.tokenId === id;
    const judged = waits ? { ...token, nodeId } : token;
    const refusal = judgeToken(judged, nodeId, trustedNowMs(clock));
    if (refusal !== null || token === null) {
      throw new IdentityError(refusal?.code ?? "token-unknown", refusal?.sentence ?? "");
    }
    if (!waits && token.nodeId !== nodeId) tokens.put({ ...token, tries: token.tries + 1 });
    return { roles: token.roles, approved: token.autoApprove, token };
  }

  /** The request that this node made before with the same keys, if it is good still. */
  #held({ request }: Joiner, nodeId: string): SigningRequest | null {
    const { tables: { requests }, clock } = this.#context;
    const held = requests.ofNode(nodeId);
    if (held === null) return null;
    const { claims } = credentialOf(held);
    const nowMs = trustedNowMs(clock);
    // What is to be renewed at half its life is not handed out again after it.
    const fresh = nowMs === null || nowMs < (claims.notBeforeMs + claims.notAfterMs) / 2;
    const same = equalBytes(claims.wireguard, request.wireguard) &&
      equalBytes(claims.tlsIntermediate, request.tlsIntermediate);
    const current = held.state === "pending" ||
      equalBytes(held.authority, authorityHash(this.#set));
    return same && fresh && current ? held : null;
  }

  async #open(
    { request }: Joiner,
    nodeId: string,
    { roles, approved, token }: Entitlement,
  ): Promise<SigningRequest> {
    const { tables: { requests }, clock, audit } = this.#context;
    const waiting = requests.list(MAX_ROWS).filter(({ state }) => state === "pending").length;
    if (waiting >= MAX_PENDING_REQUESTS) {
      throw new IdentityError("refused", `Cannot enrol now: ${waiting} requests wait already`);
    }
    const nowMs = trustedNowMs(clock);
    if (nowMs === null) {
      throw new IdentityError("refused", "Cannot enrol now: the member's clock is not set");
    }
    const claims: CredentialClaims = {
      trustDomain: request.trustDomain,
      keys: request.keys,
      wireguard: request.wireguard,
      tlsIntermediate: request.tlsIntermediate,
      roles: [...new Set(roles.length === 0 ? DEFAULT_ROLES : roles)].sort(),
      serial: nowMs,
      notBeforeMs: nowMs,
      notAfterMs: nowMs + CREDENTIAL_LIFETIME_MS,
    };
    const opened: SigningRequest = {
      id: newId(this.#context),
      kind: "credential",
      state: "pending",
      createdMs: nowMs,
      name: request.name,
      nodeId,
      tokenId: token?.id ?? null,
      approved,
      body: encodeClaims(claims),
      authority: authorityHash(this.#set),
      signatures: [],
    };
    requests.put(opened);
    await audit.append("node.requested", `node ${nodeId}`, `request ${opened.id}`, {
      name: request.name,
      token: opened.tokenId ?? "none: enrols again",
    });
    return opened;
  }

  /** Signs an approved request with the keys that are here. */
  async #sign(request: SigningRequest, passphrase: string | null): Promise<SigningRequest> {
    if (request.state !== "pending" || !request.approved) return request;
    const { vault, tables: { requests } } = this.#context;
    const signed = await vault.withKeys(
      this.#set,
      passphrase,
      (keys) => signRequest(this.#set, keys, request),
    );
    requests.put(signed);
    return await this.settle(signed);
  }

  /** Grants a request once enough keys signed. */
  async settle(request: SigningRequest): Promise<SigningRequest> {
    const { backend, tables: { requests, tokens }, audit } = this.#context;
    if (request.kind !== "credential" || request.state !== "pending") return request;
    if (!await isComplete(backend, this.#set, request)) return request;
    const token = request.tokenId === null ? null : tokens.get(request.tokenId);
    if (token !== null) {
      if (token.nodeId !== null && token.nodeId !== request.nodeId) {
        throw new IdentityError(
          "token-used",
          "Cannot approve this: its invite served another node",
        );
      }
      tokens.put({ ...token, nodeId: request.nodeId });
    }
    const granted: SigningRequest = { ...request, state: "granted" };
    requests.put(granted);
    const kind = request.tokenId === null ? "node.renewed" : "node.enrolled";
    await audit.append(kind, this.#member.state.credential.spiffeId, `node ${request.nodeId}`, {
      request: request.id,
      name: request.name,
    });
    return granted;
  }

  /** A person approves. @throws {IdentityError} "missing" */
  async approve(id: string, passphrase: string | null): Promise<SigningRequest> {
    const request = this.find(id);
    if (request.state !== "pending") return request;
    const { tables: { requests }, audit } = this.#context;
    if (!request.approved) {
      requests.put({ ...request, approved: true });
      await audit.append("request.approved", "local", `request ${id}`, { node: request.nodeId });
    }
    return await this.#sign({ ...request, approved: true }, passphrase);
  }

  /** A person refuses. */
  async refuse(id: string): Promise<SigningRequest> {
    const request = this.find(id);
    if (request.state !== "pending") {
      throw new IdentityError("refused", `Cannot refuse request "${id}": it is ${request.state}`);
    }
    const after: SigningRequest = { ...request, state: "refused" };
    this.#context.tables.requests.put(after);
    await this.#context.audit.append("node.refused", "local", `request ${id}`, {
      node: request.nodeId,
    });
    return after;
  }

  /** @throws {IdentityError} "missing" */
  find(id: string): SigningRequest {
    const request = this.#context.tables.requests.get(id);
    if (request === null) {
      throw new IdentityError("missing", `Cannot find request "${id.slice(0, 40)}"`);
    }
    return request;
  }

  #answerOf(request: SigningRequest): EnrolmentAnswer {
    if (request.state === "refused") {
      return refused("refused", "Cannot enrol: the request was refused");
    }
    if (request.state === "pending") return { kind: "pending", requestId: request.id };
    const { state } = this.#member;
    return {
      kind: "granted",
      requestId: request.id,
      credential: encodeCredential(credentialOf(request)),
      chain: encodeChain(state.chain),
      revocations: encodeRevocations(state.revocations),
      meshPsk: state.meshPsk,
    };
  }

  /** The joiner has it: from now on its token is used up. */
  delivered(id: string): void {
    const { tables: { requests, tokens }, clock } = this.#context;
    const request = requests.get(id);
    if (request === null || request.state !== "granted") return;
    requests.put({ ...request, state: "delivered" });
    const token = request.tokenId === null ? null : tokens.get(request.tokenId);
    if (token !== null) tokens.put({ ...token, usedMs: Math.round(clock.wallMs()) });
  }
}
