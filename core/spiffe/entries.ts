// Registration entries: which process gets which SPIFFE ID.
import {
  formatSpiffeId,
  IdentityError,
  parseSpiffeId,
  requireTrustDomain,
} from "../identity/mod.ts";
import type { CallerProcess, Random } from "../ports/mod.ts";
import { SpiffeError } from "./errors.ts";
import {
  JWT_SVID_LIFETIME_MS,
  MAX_ENTRIES,
  MAX_FEDERATIONS,
  MAX_HINT_BYTES,
  MIN_X509_SVID_LIFETIME_S,
  X509_SVID_LIFETIME_MS,
} from "./limits.ts";
import type { EntryTable, RegistrationEntry } from "./ports.ts";
import { requireSelectors, selectorsOf } from "./selectors.ts";

/** What a person states of an entry; the rest has defaults. */
export interface EntryDraft {
  readonly path: string;
  readonly selectors: readonly string[];
  /** Default and maximum an hour. */
  readonly x509LifetimeS?: number;
  /** Default and maximum five minutes. */
  readonly jwtLifetimeS?: number;
  readonly hint?: string;
  readonly federatesWith?: readonly string[];
}

/** Where the entries are of. */
export interface EntryOwner {
  readonly trustDomain: string;
  readonly nodeId: string;
}

function lifetime(value: number | undefined, minS: number, maxS: number, what: string): number {
  if (value === undefined) return maxS;
  if (!Number.isInteger(value) || value < minS || value > maxS) {
    throw new SpiffeError(
      "malformed",
      `Cannot use ${value} s as lifetime of ${what}: ${minS} to ${maxS} s are allowed`,
    );
  }
  return value;
}

/** An entry from a draft, checked. @throws {SpiffeError} "malformed" */
function entryOf(
  owner: EntryOwner,
  draft: EntryDraft,
  head: Pick<RegistrationEntry, "id" | "createdMs">,
): RegistrationEntry {
  const { path, hint = "", federatesWith = [] } = draft;
  try {
    parseSpiffeId(formatSpiffeId({ trustDomain: owner.trustDomain, path }));
    for (const domain of federatesWith) requireTrustDomain(domain);
  } catch (cause) {
    if (cause instanceof IdentityError) {
      throw new SpiffeError("malformed", cause.message, { cause });
    }
    throw cause;
  }
  const own = `/node/${owner.nodeId}/`;
  if (path === "" || ((path === "/node" || path.startsWith("/node/")) && !path.startsWith(own))) {
    throw new SpiffeError(
      "malformed",
      `Cannot register "${path}": paths below /node are the nodes' own; this node's begin with "${own}"`,
    );
  }
  if (hint.length > MAX_HINT_BYTES || federatesWith.length > MAX_FEDERATIONS) {
    throw new SpiffeError(
      "malformed",
      `Cannot register "${path}": hint or federations are too long`,
    );
  }
  return {
    ...head,
    path,
    selectors: requireSelectors(draft.selectors),
    x509LifetimeS: lifetime(
      draft.x509LifetimeS,
      MIN_X509_SVID_LIFETIME_S,
      X509_SVID_LIFETIME_MS / 1000,
      "X.509-SVIDs",
    ),
    jwtLifetimeS: lifetime(draft.jwtLifetimeS, 1, JWT_SVID_LIFETIME_MS / 1000, "JWT-SVIDs"),
    hint,
    federatesWith: [...new Set(federatesWith)].sort(),
  };
}

/** The entries of a node. */
export class Entries {
  readonly #table: EntryTable;
  readonly #random: Random;
  readonly #owner: EntryOwner;
  readonly #changed: () => void;

  /** @param changed is called after each change. */
  constructor(table: EntryTable, random: Random, owner: EntryOwner, changed: () => void) {
    this.#table = table;
    this.#random = random;
    this.#owner = owner;
    this.#changed = changed;
  }

  /** Oldest first. */
  list(): readonly RegistrationEntry[] {
    return this.#table.list(MAX_ENTRIES);
  }

  get(id: string): RegistrationEntry | null {
    return this.#table.get(id);
  }

  /** @throws {SpiffeError} "malformed", "exists" for the same path and selectors, "too-many". */
  create(draft: EntryDraft, nowMs: number): RegistrationEntry {
    const id = this.#random.bytes(8).toHex();
    const entry = entryOf(this.#owner, draft, { id, createdMs: nowMs });
    const all = this.list();
    if (all.length >= MAX_ENTRIES) {
      throw new SpiffeError(
        "too-many",
        `Cannot register "${entry.path}": ${MAX_ENTRIES} are there`,
      );
    }
    this.#requireNew(entry, all);
    this.#table.put(entry);
    this.#changed();
    return entry;
  }

  /** Replaces what an entry says. @throws {SpiffeError} as {@link create}, and "missing". */
  update(id: string, draft: EntryDraft): RegistrationEntry {
    const old = this.#table.get(id) ?? this.#missing(id);
    const entry = entryOf(this.#owner, draft, { id, createdMs: old.createdMs });
    this.#requireNew(entry, this.list());
    this.#table.put(entry);
    this.#changed();
    return entry;
  }

  /** @throws {SpiffeError} "missing" */
  remove(id: string): void {
    if (this.#table.get(id) === null) this.#missing(id);
    this.#table.remove(id);
    this.#changed();
  }

  /** Entries whose selectors are all true of the caller, oldest first. */
  of(caller: CallerProcess): readonly RegistrationEntry[] {
    const truths = selectorsOf(caller);
    return this.list().filter(({ selectors }) =>
      selectors.length > 0 && selectors.every((selector) => truths.has(selector))
    );
  }

  #missing(id: string): never {
    throw new SpiffeError("missing", `Cannot find registration entry "${id.slice(0, 32)}"`);
  }

  #requireNew(entry: RegistrationEntry, all: readonly RegistrationEntry[]): void {
    const same = all.find(({ id, path, selectors }) =>
      id !== entry.id && path === entry.path && selectors.join("\n") === entry.selectors.join("\n")
    );
    if (same !== undefined) {
      throw new SpiffeError(
        "exists",
        `Cannot register "${entry.path}": entry "${same.id}" has this path and these selectors`,
      );
    }
  }
}
