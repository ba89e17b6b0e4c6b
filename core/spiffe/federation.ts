// Trust domains this node federates with: relationships kept in the database, bundles refreshed at the pace
// that they ask for, within bounds. SPIFFE Federation §4, §6.
import { messageOf } from "../base/mod.ts";
import { IdentityError, parseSpiffeId, requireTrustDomain } from "../identity/mod.ts";
import type { Clock } from "../ports/mod.ts";
import { type Bundle, decodeBundle, sameKeys } from "./bundle.ts";
import type { FetchBundle } from "./bundle_fetch.ts";
import type { CertificateView } from "./certificate_view.ts";
import { Changes } from "./changes.ts";
import { SpiffeError } from "./errors.ts";
import {
  BUNDLE_REFRESH_HINT_S,
  MAX_BUNDLE_REFRESH_MS,
  MAX_FEDERATIONS,
  MIN_BUNDLE_REFRESH_MS,
} from "./limits.ts";
import type { EndpointProfile, FederationRecord, FederationTable } from "./ports.ts";
import { viewAuthorities } from "./verify.ts";
import type { X509Library } from "./x509_library.ts";

/** What a person states of a relationship. */
export interface FederationDraft {
  readonly trustDomain: string;
  readonly url: string;
  readonly profile: EndpointProfile;
  /** With https_spiffe: whom the endpoint must be. */
  readonly endpointSpiffeId?: string;
  /** A bundle document got by another way; with https_spiffe the first must be. */
  readonly bundle?: string;
}

/** A relationship as it stands. */
export interface FederationStatus extends Omit<FederationRecord, "bundle"> {
  readonly sequence: number | null;
  readonly x509Authorities: number;
  readonly jwtAuthorities: number;
  /** Why the last attempt failed; `null` when it did not, or none was made. */
  readonly problem: string | null;
}

interface Held {
  readonly bundle: Bundle;
  readonly authorities: readonly CertificateView[];
}

/** What federation is made of. */
export interface FederationParts {
  readonly table: FederationTable;
  readonly clock: Clock;
  readonly x509: X509Library;
  readonly ownTrustDomain: string;
  readonly fetch: FetchBundle;
}

/** The relationships of a node. */
export class Federation {
  readonly #parts: FederationParts;
  readonly #held = new Map<string, Held>();
  readonly #problems = new Map<string, string>();
  /** Monotonic time of the next attempt. */
  readonly #dueMs = new Map<string, number>();
  /** Bumped when a bundle changed. */
  readonly #changes: Changes;
  /** Bumped when the loop has something to do earlier than it thought. */
  readonly #wake = new Changes();

  /** @param changes is bumped when a bundle changed. */
  constructor(parts: FederationParts, changes: Changes) {
    this.#parts = parts;
    this.#changes = changes;
    for (const { trustDomain, bundle } of parts.table.list(MAX_FEDERATIONS)) {
      if (bundle === null) continue;
      try {
        this.#held.set(trustDomain, this.#read(trustDomain, bundle));
      } catch (error) {
        if (!(error instanceof SpiffeError)) throw error;
        this.#problems.set(trustDomain, error.message);
      }
    }
  }

  #read(trustDomain: string, text: string): Held {
    const bundle = decodeBundle(trustDomain, text);
    const known = this.authorities(trustDomain) ?? [];
    const { x509 } = this.#parts;
    return { bundle, authorities: viewAuthorities(x509, bundle.x509Authorities, known) };
  }

  /** The bundle of a trust domain, or `null` when none is at hand. */
  bundle(trustDomain: string): Bundle | null {
    return this.#held.get(trustDomain)?.bundle ?? null;
  }

  /** Signing certificates of a trust domain, or `null`. */
  authorities(trustDomain: string): readonly CertificateView[] | null {
    return this.#held.get(trustDomain)?.authorities ?? null;
  }

  list(): readonly FederationStatus[] {
    return this.#parts.table.list(MAX_FEDERATIONS).map(({ bundle: _, ...record }) => {
      const bundle = this.bundle(record.trustDomain);
      return {
        ...record,
        sequence: bundle?.sequence ?? null,
        x509Authorities: bundle?.x509Authorities.length ?? 0,
        jwtAuthorities: bundle?.jwtAuthorities.length ?? 0,
        problem: this.#problems.get(record.trustDomain) ?? null,
      };
    });
  }

  /**
   * Begins or changes a relationship.
   *
   * @throws {SpiffeError} "malformed", "too-many", "unknown-domain" without a bundle to begin with.
   */
  set(draft: FederationDraft): void {
    const { trustDomain, url, profile } = draft;
    const endpointSpiffeId = this.#requireSound(draft);
    const { table } = this.#parts;
    const old = table.get(trustDomain);
    if (old === null && table.list(MAX_FEDERATIONS).length >= MAX_FEDERATIONS) {
      throw new SpiffeError(
        "too-many",
        `Cannot federate with "${trustDomain}": ${MAX_FEDERATIONS} are there`,
      );
    }
    const bundle = draft.bundle ?? old?.bundle ?? null;
    const held = bundle === null ? null : this.#read(trustDomain, bundle);
    table.put({
      trustDomain,
      url,
      profile,
      endpointSpiffeId,
      bundle,
      refreshedMs: old?.refreshedMs ?? null,
    });
    if (held !== null) this.#held.set(trustDomain, held);
    this.#problems.delete(trustDomain);
    this.#dueMs.delete(trustDomain);
    this.#changes.bump();
    this.#wake.bump();
  }

  /** @returns the endpoint's SPIFFE ID. */
  #requireSound({ trustDomain, url, profile, endpointSpiffeId, bundle }: FederationDraft) {
    const fail = (why: string): never => {
      throw new SpiffeError(
        "malformed",
        `Cannot federate with "${trustDomain.slice(0, 80)}": ${why}`,
      );
    };
    try {
      requireTrustDomain(trustDomain);
    } catch (cause) {
      if (cause instanceof IdentityError) return fail(cause.message);
      throw cause;
    }
    if (trustDomain === this.#parts.ownTrustDomain) fail("it is this node's own trust domain");
    const target = URL.canParse(url) ? new URL(url) : fail("its URL is none");
    if (target.protocol !== "https:" || target.username !== "" || target.password !== "") {
      fail("its URL must be https, without a user");
    }
    if (profile === "https_web") {
      if (endpointSpiffeId !== undefined) fail("an https_web endpoint has no SPIFFE ID");
      return null;
    }
    if (endpointSpiffeId === undefined) return fail("an https_spiffe endpoint needs its SPIFFE ID");
    let domain: string;
    try {
      domain = parseSpiffeId(endpointSpiffeId).trustDomain;
    } catch (cause) {
      if (cause instanceof IdentityError) return fail(cause.message);
      throw cause;
    }
    const known = domain === trustDomain
      ? bundle !== undefined || this.bundle(trustDomain) !== null
      : domain === this.#parts.ownTrustDomain || this.bundle(domain) !== null;
    if (known) return endpointSpiffeId;
    throw new SpiffeError(
      "unknown-domain",
      `Cannot federate with "${trustDomain}": give its bundle document, got by another way, to begin with`,
    );
  }

  /** Ends a relationship and forgets its bundle. @throws {SpiffeError} "missing" */
  remove(trustDomain: string): void {
    const { table } = this.#parts;
    if (table.get(trustDomain) === null) {
      throw new SpiffeError(
        "missing",
        `Cannot find a federation with "${trustDomain.slice(0, 80)}"`,
      );
    }
    table.remove(trustDomain);
    for (const map of [this.#held, this.#problems, this.#dueMs]) map.delete(trustDomain);
    this.#changes.bump();
  }

  /** Fetches a bundle now. @throws {SpiffeError} and keeps the one it has. */
  async refresh(trustDomain: string, signal: AbortSignal): Promise<void> {
    const { table, clock } = this.#parts;
    const record = table.get(trustDomain);
    if (record === null) {
      throw new SpiffeError(
        "missing",
        `Cannot find a federation with "${trustDomain.slice(0, 80)}"`,
      );
    }
    try {
      this.#accept(record, await this.#parts.fetch(record, signal));
      this.#problems.delete(trustDomain);
    } catch (error) {
      this.#problems.set(trustDomain, messageOf(error));
      throw error;
    } finally {
      this.#dueMs.set(trustDomain, clock.monotonicMs() + this.#paceMs(trustDomain));
    }
  }

  #accept(record: FederationRecord, text: string): void {
    const { table, clock } = this.#parts;
    const { trustDomain } = record;
    // It was removed while the answer was on its way.
    if (table.get(trustDomain) === null) return;
    const held = this.#read(trustDomain, text);
    const old = this.bundle(trustDomain);
    const [before, after] = [old?.sequence ?? null, held.bundle.sequence];
    if (before !== null && after !== null && after < before) {
      throw new SpiffeError(
        "rollback",
        `Cannot use the bundle of "${trustDomain}": its sequence fell from ${before} to ${after}; ` +
          "if that is meant, federate anew with its current document",
      );
    }
    table.put({ ...record, bundle: text, refreshedMs: Math.round(clock.wallMs()) });
    this.#held.set(trustDomain, held);
    if (old === null || !sameKeys(old, held.bundle)) this.#changes.bump();
  }

  #paceMs(trustDomain: string): number {
    const hintMs = (this.bundle(trustDomain)?.refreshHintS ?? BUNDLE_REFRESH_HINT_S) * 1000;
    const retry = this.#problems.has(trustDomain) ? MIN_BUNDLE_REFRESH_MS : hintMs;
    return Math.min(Math.max(retry, MIN_BUNDLE_REFRESH_MS), MAX_BUNDLE_REFRESH_MS);
  }

  /** Refreshes whatever is due until the signal fires. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { table, clock } = this.#parts;
    while (!signal.aborted) {
      const seen = this.#wake.count;
      const nowMs = clock.monotonicMs();
      let nextMs = nowMs + MAX_BUNDLE_REFRESH_MS;
      for (const { trustDomain } of table.list(MAX_FEDERATIONS)) {
        if ((this.#dueMs.get(trustDomain) ?? nowMs) <= nowMs) {
          // Its problem is kept for whoever looks.
          await this.refresh(trustDomain, signal).catch(() => {});
          if (signal.aborted) return;
        }
        nextMs = Math.min(nextMs, this.#dueMs.get(trustDomain) ?? nextMs);
      }
      const idle = new AbortController();
      const either = AbortSignal.any([signal, idle.signal]);
      await Promise.race([
        clock.sleep(Math.max(nextMs - clock.monotonicMs(), 1), either),
        this.#wake.after(seen, either),
      ]);
      idle.abort();
    }
  }
}
