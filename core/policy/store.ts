// The policy in force on this node: a file of its own, whose version is recorded a second time in the
// database, so that either of them restored from an old back-up is noticed. A file that cannot be used
// stops nothing but what rules would allow: the program's own rules hold, so that the current policy can
// arrive.
import { FileError, type Files } from "../ports/mod.ts";
import type { AuthorityKey, AuthoritySet } from "../identity/mod.ts";
import type { Backend } from "../pq/mod.ts";
import { closedPolicy, startingPolicy } from "./base.ts";
import { diffPolicies } from "./diff.ts";
import type { PolicyDocument } from "./document.ts";
import { PolicyError } from "./errors.ts";
import { type Carriers, Policy } from "./policy.ts";
import type { PolicyVersions } from "./ports.ts";
import {
  acceptPolicy,
  gatherSignatures,
  isSigned,
  readPolicyFile,
  type SignedPolicy,
  signPolicy,
  writePolicyFile,
} from "./signed.ts";
import { parsePolicy, parsePolicyValue, type PolicyReading } from "./text.ts";

/** What it takes to keep a mesh's policy. */
export interface PolicyStoreOptions {
  readonly files: Files;
  readonly backend: Backend;
  readonly versions: PolicyVersions;
  /** Absolute path of the file; its directory exists. */
  readonly path: string;
  readonly trustDomain: string;
  /** Hash of the mesh, hexadecimal: two meshes of one name are two. */
  readonly mesh: string;
  /** Authority sets whose signatures are accepted now. */
  readonly sets: () => readonly AuthoritySet[];
  /** All sets the mesh ever had: what this node once accepted stays good when its signers are replaced. */
  readonly allSets: () => readonly AuthoritySet[];
  /**
   * What holds before any signed policy was seen: "starting" lets nodes reach each other, "closed" waits
   * for the authority's word.
   */
  readonly unsigned: "starting" | "closed";
  readonly carriers?: Carriers;
  /** Told after each change. */
  readonly changed?: (policy: Policy) => void;
}

/** A policy that waits to be signed. */
export type PolicyDraft =
  | (PolicyReading & { readonly ok: false })
  | (PolicyReading & {
    readonly ok: true;
    /** What it changes, in sentences. */
    readonly changes: readonly string[];
  });

/** The mesh's policy on this node. */
export class PolicyStore {
  readonly #options: PolicyStoreOptions;
  #held: SignedPolicy;
  #policy: Policy;
  #problem: string | null = null;
  /** A version that was seen and is not here; 0 when nothing is missing. */
  #missing = 0;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(options: PolicyStoreOptions, held: SignedPolicy) {
    this.#options = options;
    this.#held = held;
    this.#policy = new Policy(held.document, options.carriers);
  }

  /** Reads the policy. Whatever is wrong with the file is told by {@link problem}; it is left as it is. */
  static async open(options: PolicyStoreOptions): Promise<PolicyStore> {
    const seen = options.versions.read(options.mesh) ?? 0;
    const unsigned = options.unsigned === "starting" ? startingPolicy : closedPolicy;
    const store = new PolicyStore(options, {
      document: unsigned(options.trustDomain),
      signatures: [],
    });
    const { held, problem } = await store.#read(seen);
    if (problem !== null) {
      store.#problem = problem;
      store.#missing = Math.max(seen, 1);
      store.#use({ document: closedPolicy(options.trustDomain), signatures: [] });
    } else if (held !== null) {
      store.#use(held);
      if (held.document.version > seen) {
        options.versions.raise(options.mesh, held.document.version);
      }
    }
    return store;
  }

  async #read(seen: number): Promise<{
    readonly held: SignedPolicy | null;
    readonly problem: string | null;
  }> {
    const { files, path, trustDomain, backend, allSets } = this.#options;
    const bad = (why: string) => ({
      held: null,
      problem:
        `Cannot use the policy in "${path}": ${why}; rules allow nothing until the current ` +
        "policy arrives from another member",
    });
    try {
      const text = await files.readText(path);
      if (text === null) {
        return seen === 0
          ? { held: null, problem: null }
          : bad(`it is gone, and policy ${seen} was in force`);
      }
      const held = readPolicyFile(text, path);
      const { version } = held.document;
      if (held.document.trustDomain !== trustDomain) return bad("it is of another mesh");
      if (version < seen) {
        return bad(
          `it is policy ${version}, restored from an old back-up: policy ${seen} was seen`,
        );
      }
      if (!await isSigned(backend, allSets(), held)) return bad("the authority did not sign it");
      return { held, problem: null };
    } catch (thrown) {
      if (thrown instanceof PolicyError || thrown instanceof FileError) return bad(thrown.message);
      throw thrown;
    }
  }

  #use(held: SignedPolicy): void {
    this.#held = held;
    this.#policy = new Policy(held.document, this.#options.carriers);
  }

  /** The policy in force, ready to be asked. */
  get policy(): Policy {
    return this.#policy;
  }

  /** The policy in force with its signatures, to pass on; version 0 has none and is not passed on. */
  current(): SignedPolicy {
    return this.#held;
  }

  /** Why the file is not in force, in words, or `null`. */
  get problem(): string | null {
    return this.#problem;
  }

  /** The version that must be reached or passed: what was seen, even if it is not here. */
  get version(): number {
    return Math.max(this.#held.document.version, this.#missing);
  }

  /**
   * Puts a policy in force that somebody passed on or that was just signed.
   *
   * @returns whether it is new; it is on the disk then.
   * @throws {PolicyError} "wrong-mesh", "rollback", "untrusted"; FileError when it cannot be kept.
   */
  accept(offered: SignedPolicy): Promise<boolean> {
    const run = this.#work.then(() => this.#accept(offered));
    this.#work = run.catch(() => {});
    return run;
  }

  async #accept(offered: SignedPolicy): Promise<boolean> {
    const { files, path, backend, sets, versions, mesh } = this.#options;
    const { version } = offered.document;
    if (version < this.#missing) {
      throw new PolicyError(
        "rollback",
        `Cannot use policy ${version}: policy ${this.#missing} was seen`,
      );
    }
    const accepted = await acceptPolicy(backend, sets(), this.#held, offered);
    if (accepted === this.#held) return false;
    await files.writeAtomic(path, writePolicyFile(accepted), 0o600);
    versions.raise(mesh, version);
    this.#use(accepted);
    this.#problem = null;
    this.#missing = 0;
    this.#options.changed?.(this.#policy);
    return true;
  }

  /**
   * The next policy, unsigned, from TOML text or a plain value.
   *
   * @param nowMs wall time.
   */
  draft(source: string | { readonly value: unknown }, nowMs: number): PolicyDraft {
    const { trustDomain } = this.#options;
    const head = { trustDomain, version: this.version + 1, madeMs: nowMs };
    const reading = typeof source === "string"
      ? parsePolicy(source, head)
      : parsePolicyValue(source.value, head);
    if (!reading.ok) return reading;
    return { ...reading, changes: diffPolicies(this.#held.document, reading.document) };
  }

  /**
   * Signs a draft. The result is in force only once {@link accept} took it, and that needs the threshold.
   *
   * @param keys of the current set; not wiped here.
   * @param before signatures that others made of the same policy.
   * @throws {PolicyError} "no-authority", "wrong-mesh", "malformed".
   */
  async sign(
    document: PolicyDocument,
    set: AuthoritySet,
    keys: readonly AuthorityKey[],
    before: SignedPolicy | null = null,
  ): Promise<SignedPolicy> {
    const signed = await signPolicy(set, keys, { document, signatures: [] });
    return before === null ? signed : gatherSignatures(before, signed);
  }

  /**
   * The policy in force as the next version, for the keys of a new authority to sign: who joins after a
   * rotation knows the old keys no more. `null` while nothing signed is in force.
   */
  renewed(nowMs: number): PolicyDocument | null {
    const { document } = this.#held;
    if (document.version === 0) return null;
    return { ...document, version: document.version + 1, madeMs: nowMs };
  }
}
