// The mesh's policy for people: shown, tested, changed. Signing needs the authority's keys; where too few are
// on this node the draft is carried to the others as a file.
import type { AuditLog } from "../audit/mod.ts";
import type { DocumentError } from "../document/mod.ts";
import {
  formatNodeId,
  IdentityError,
  nodeIdOf,
  nodeSpiffeId,
  parseSpiffeId,
} from "../identity/mod.ts";
import { type Membership, trustedNowMs } from "../membership/mod.ts";
import {
  baseRules,
  encodePolicy,
  explain,
  isSigned,
  parseAsked,
  type PolicyDocument,
  type PolicyDraft,
  PolicyError,
  policyRank,
  type PolicyStore,
  type Principal,
  readPolicyFile,
  ruleInWords,
  type SignedPolicy,
  writePolicy,
  writePolicyFile,
} from "../policy/mod.ts";
import type { Bytes } from "../pq/mod.ts";

/** The policy in force. */
export interface PolicyView {
  readonly version: number;
  readonly madeMs: number;
  /** Version 0 is the program's own, which no authority signed. */
  readonly signed: boolean;
  readonly toml: string;
  readonly rules: readonly string[];
  /** What holds beside it. */
  readonly base: readonly { readonly rule: string; readonly fixed: boolean }[];
  readonly problem: string | null;
}

/** One question of `policy test`, answered. */
export interface PolicyAnswer {
  readonly asked: string;
  readonly allowed: boolean;
  readonly sentences: readonly string[];
}

/** What came of a new policy. */
export type PolicyOutcome =
  | { readonly state: "invalid"; readonly errors: readonly DocumentError[] }
  | {
    readonly state: "in-force";
    readonly version: number;
    readonly changes: readonly string[];
    readonly warnings: readonly DocumentError[];
  }
  | {
    readonly state: "incomplete";
    readonly version: number;
    readonly changes: readonly string[];
    readonly warnings: readonly DocumentError[];
    readonly signatures: number;
    readonly threshold: number;
    /** To be carried to further keys: `policy sign`, then `policy accept`. */
    readonly file: string;
  };

/** A question. Roles are those of the credential where the node is known. */
export interface PolicyQuestion {
  readonly from: string;
  readonly to: string;
  readonly service: string;
  readonly fromRoles?: readonly string[];
  readonly toRoles?: readonly string[];
}

/** What the desk works with. */
export interface PolicyDeskPorts {
  readonly membership: Membership;
  readonly store: PolicyStore;
  /** A node whose credential was seen, or `null`. */
  principalOf(nodeId: string): Principal | null;
}

/** The desk of one member. */
export class PolicyDesk {
  readonly #ports: PolicyDeskPorts;

  constructor(ports: PolicyDeskPorts) {
    this.#ports = ports;
  }

  get #audit(): AuditLog {
    return this.#ports.membership.context.audit;
  }

  get #member() {
    const { member } = this.#ports.membership;
    if (member === null) throw new IdentityError("not-enrolled", "Cannot do this: in no mesh");
    return member;
  }

  show(): PolicyView {
    const { store } = this.#ports;
    const { document } = store.current();
    return {
      version: document.version,
      madeMs: document.madeMs,
      signed: document.version > 0,
      toml: writePolicy(document),
      rules: document.rules.map(ruleInWords),
      base: baseRules(document.trustDomain).map(({ rule, fixed }) => ({
        rule: ruleInWords(rule),
        fixed,
      })),
      problem: store.problem,
    };
  }

  /** Who is meant by a node id or a SPIFFE ID. @throws {IdentityError} "malformed" */
  #principal(text: string, roles: readonly string[] | undefined): Principal {
    const { state, keys } = this.#member;
    const spiffeId = text.startsWith("spiffe://") ? text : nodeSpiffeId(state.trustDomain, text);
    const { path } = parseSpiffeId(spiffeId);
    if (roles !== undefined) return { spiffeId, roles };
    const nodeId = /^\/node\/([a-z2-7]{16})$/.exec(path)?.[1];
    if (nodeId === undefined) return { spiffeId, roles: [] };
    if (nodeId === formatNodeId(nodeIdOf(keys.publicKeys))) {
      return { spiffeId, roles: state.credential.claims.roles };
    }
    const known = this.#ports.principalOf(nodeId);
    if (known !== null) return known;
    throw new IdentityError(
      "missing",
      `Cannot tell the roles of "${nodeId}": its credential was not seen here; name its roles`,
    );
  }

  /** Whether a flow is allowed, and why. @throws {IdentityError}, {PolicyError} */
  test(question: PolicyQuestion): readonly PolicyAnswer[] {
    const { policy } = this.#ports.store;
    const reading = parseAsked(policy, question.service);
    if (!reading.ok) throw new PolicyError("malformed", reading.why);
    const from = this.#principal(question.from, question.fromRoles);
    const to = this.#principal(question.to, question.toRoles);
    return reading.asked.map((asked) => {
      const { allowed, sentences } = explain(policy, { from, to, asked });
      return { asked: question.service, allowed, sentences };
    });
  }

  /** What a text would change; nothing is signed. */
  check(toml: string): PolicyDraft {
    return this.#ports.store.draft(toml, this.#nowMs());
  }

  #nowMs(): number {
    const nowMs = trustedNowMs(this.#ports.membership.context.clock);
    if (nowMs !== null) return nowMs;
    throw new IdentityError("not-yet-valid", "Cannot make a policy: this node's clock is not set");
  }

  /** Signs a text with the keys that are here, and puts it in force if they are enough. */
  async set(toml: string, passphrase: string | null): Promise<PolicyOutcome> {
    const draft = this.check(toml);
    if (!draft.ok) return { state: "invalid", errors: draft.errors };
    const { document, changes, warnings } = draft;
    const signed = await this.#sign(document, passphrase);
    return { ...await this.#settle(signed, passphrase), changes, warnings };
  }

  async #sign(document: PolicyDocument, passphrase: string | null): Promise<SignedPolicy> {
    const { membership: { context: { vault } }, store } = this.#ports;
    const set = this.#member.state.chain.current;
    return await vault.withKeys(set, passphrase, (keys) => store.sign(document, set, keys));
  }

  async #settle(signed: SignedPolicy, passphrase: string | null) {
    const { membership: { context: { backend } }, store } = this.#ports;
    const { current } = this.#member.state.chain;
    const { version } = signed.document;
    if (!await isSigned(backend, [current], signed)) {
      const file = writePolicyFile(signed);
      const { length: signatures } = signed.signatures;
      const { threshold } = current;
      return { state: "incomplete", version, signatures, threshold, file } as const;
    }
    if (await store.accept(signed)) {
      const how = passphrase === null ? "open keys" : "sealed keys";
      const { spiffeId } = this.#member.state.credential;
      await this.#audit.append("policy.changed", spiffeId, `policy ${version}`, { how });
    }
    return { state: "in-force", version } as const;
  }

  /**
   * Has the policy in force signed by the authority's present keys, as its next version, where they lie open
   * here.
   *
   * @returns what is left to a person, or `null` when nothing is.
   */
  async renew(): Promise<string | null> {
    const { store, membership: { context: { backend } } } = this.#ports;
    const { current } = this.#member.state.chain;
    const held = store.current();
    if (held.document.version === 0 || await isSigned(backend, [current], held)) return null;
    const document = store.renewed(this.#nowMs());
    if (document === null) return null;
    try {
      const outcome = await this.#settle(await this.#sign(document, null), null);
      if (outcome.state === "in-force") return null;
    } catch (thrown) {
      if (!(thrown instanceof PolicyError) || thrown.code !== "no-authority") throw thrown;
    }
    return "The policy is signed by the last authority only: have it signed again with policy set";
  }

  /** Takes a policy file that was signed elsewhere. @throws {PolicyError} "untrusted", "rollback" … */
  async accept(text: string, name: string): Promise<{ readonly version: number }> {
    return { version: await this.#take(readPolicyFile(text, name), "local") };
  }

  /** Takes what another member passed on. @returns whether it was new. */
  async offered(signed: SignedPolicy, from: string): Promise<boolean> {
    const before = this.#ports.store.current();
    await this.#take(signed, from);
    return this.#ports.store.current() !== before;
  }

  async #take(signed: SignedPolicy, actor: string): Promise<number> {
    const { version } = signed.document;
    if (await this.#ports.store.accept(signed)) {
      await this.#audit.append("policy.changed", actor, `policy ${version}`);
    }
    return version;
  }

  /** Version in force; 0 while the authority signed none. */
  get version(): number {
    return this.#ports.store.current().document.version;
  }

  /** Where the policy in force stands among all that were ever signed. */
  get rank(): number {
    return policyRank(this.#ports.store.current().document);
  }

  /** As it is passed on; `null` while the authority signed none. */
  get document(): Bytes | null {
    const held = this.#ports.store.current();
    return held.document.version === 0 ? null : encodePolicy(held);
  }
}
