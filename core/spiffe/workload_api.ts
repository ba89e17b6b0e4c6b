// What the Workload API answers, apart from gRPC: by caller, as plain objects of the official messages.
// SPIFFE Workload API §5–6.
import { CodedError, concat } from "../base/mod.ts";
import { formatSpiffeId, IdentityError } from "../identity/mod.ts";
import type { CallerProcess, Clock } from "../ports/mod.ts";
import { type Bundle, encodeBundle } from "./bundle.ts";
import type { Entries } from "./entries.ts";
import { SpiffeError } from "./errors.ts";
import type { Federation } from "./federation.ts";
import type { Issuer } from "./issuer.ts";
import { requireAudiences } from "./jwt.ts";
import { requireNowMs } from "./members.ts";
import type { RegistrationEntry } from "./ports.ts";
import type { ValidToken } from "./token_validator.ts";
import { structOf } from "./workload_proto.ts";
import { jwkOfDer } from "./jwk_of_der.ts";

/** What the answers are made from. */
export interface WorkloadSources {
  readonly clock: Clock;
  readonly trustDomain: string;
  readonly entries: Entries;
  readonly federation: Federation;
  /** @throws {SpiffeError} while there is none. */
  readonly issuer: () => Issuer;
  readonly ownBundle: (nowMs: number) => Bundle;
  readonly validate: (token: string, audience: string) => Promise<ValidToken>;
}

/** An answer, and the wall time at which it is to be made anew. */
export interface Timed {
  readonly message: object;
  readonly untilMs: number;
}

/** Status codes of gRPC that are used here. google/rpc/code.proto */
export const STATUS = Object.freeze({
  INVALID_ARGUMENT: 3,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  INTERNAL: 13,
  UNAVAILABLE: 14,
});

/** Of what went wrong, what a workload is told. */
export function statusOf(error: unknown): { readonly code: number; readonly details: string } {
  if (error instanceof SpiffeError) {
    switch (error.code) {
      case "no-identity":
        return { code: STATUS.PERMISSION_DENIED, details: "no identity issued" };
      case "clock-not-set":
      case "stopped":
      case "wrong-key":
        return { code: STATUS.UNAVAILABLE, details: error.message };
      case "too-many":
        return { code: STATUS.RESOURCE_EXHAUSTED, details: error.message };
      default:
        return { code: STATUS.INVALID_ARGUMENT, details: error.message };
    }
  }
  if (error instanceof IdentityError) {
    return { code: STATUS.UNAVAILABLE, details: error.message };
  }
  // Anything else is ours: its message is for our log, not for any local process.
  const code = error instanceof CodedError ? ` (${error.code})` : "";
  return { code: STATUS.INTERNAL, details: `the node could not answer${code}` };
}

/** Answers for one caller. */
export class WorkloadApi {
  readonly #sources: WorkloadSources;
  readonly #caller: CallerProcess;

  constructor(sources: WorkloadSources, caller: CallerProcess) {
    this.#sources = sources;
    this.#caller = caller;
  }

  /** @throws {SpiffeError} "no-identity" */
  #entries(): readonly RegistrationEntry[] {
    const entries = this.#sources.entries.of(this.#caller);
    if (entries.length > 0) return entries;
    throw new SpiffeError(
      "no-identity",
      `Cannot identify process ${this.#caller.pid}: nothing fits`,
    );
  }

  /** Foreign bundles that the caller's entries name, as far as they are at hand. */
  #foreign(entries: readonly RegistrationEntry[]): readonly Bundle[] {
    const domains = new Set(entries.flatMap(({ federatesWith }) => federatesWith));
    return [...domains].sort().flatMap((domain) => {
      const bundle = this.#sources.federation.bundle(domain);
      return bundle === null ? [] : [bundle];
    });
  }

  #idOf({ path }: RegistrationEntry): string {
    return formatSpiffeId({ trustDomain: this.#sources.trustDomain, path });
  }

  /** FetchX509SVID. */
  async x509Svids(): Promise<Timed> {
    const entries = this.#entries();
    const { clock, issuer, ownBundle } = this.#sources;
    const from = issuer();
    const svids = await Promise.all(entries.map((entry) => from.x509Of(entry)));
    const bundle = concat(ownBundle(requireNowMs(clock)).x509Authorities);
    return {
      message: {
        svids: svids.map(({ spiffeId, chain, pkcs8 }, i) => ({
          spiffe_id: spiffeId,
          // The intermediate is in the bundle, so it need not be shown.
          x509_svid: chain[0],
          x509_svid_key: pkcs8,
          bundle,
          hint: entries[i]?.hint ?? "",
        })),
        crl: [],
        federated_bundles: Object.fromEntries(
          this.#foreign(entries).map((one) => [domainId(one), concat(one.x509Authorities)]),
        ),
      },
      untilMs: Math.min(...svids.map(({ renewAtMs }) => renewAtMs)),
    };
  }

  #bundles(): readonly Bundle[] {
    const { clock, ownBundle } = this.#sources;
    return [ownBundle(requireNowMs(clock)), ...this.#foreign(this.#entries())];
  }

  /** FetchX509Bundles. */
  x509Bundles(): Timed {
    const bundles = this.#bundles().map((one) => [domainId(one), concat(one.x509Authorities)]);
    return { message: { crl: [], bundles: Object.fromEntries(bundles) }, untilMs: Infinity };
  }

  /** FetchJWTBundles. */
  jwtBundles(): Timed {
    const encoder = new TextEncoder();
    const bundles = this.#bundles().map((one) => [
      domainId(one),
      encoder.encode(encodeBundle(one, jwkOfDer, { only: "jwt" })),
    ]);
    return { message: { bundles: Object.fromEntries(bundles) }, untilMs: Infinity };
  }

  /** FetchJWTSVID. @param spiffeId one of the caller's, or "" for all. */
  jwtSvids(audiences: readonly string[], spiffeId: string): object {
    const all = this.#entries();
    requireAudiences(audiences);
    const entries = all.filter((entry) => spiffeId === "" || this.#idOf(entry) === spiffeId);
    if (entries.length === 0) {
      throw new SpiffeError(
        "no-identity",
        `Cannot issue "${spiffeId.slice(0, 80)}" to this caller`,
      );
    }
    const from = this.#sources.issuer();
    return {
      svids: entries.map((entry) => ({
        spiffe_id: this.#idOf(entry),
        svid: from.jwt(this.#idOf(entry), audiences, entry.jwtLifetimeS * 1000),
        hint: entry.hint,
      })),
    };
  }

  /** ValidateJWTSVID. */
  async validateJwt(audience: string, token: string): Promise<object> {
    const entries = this.#entries();
    requireAudiences([audience]);
    const { spiffeId, trustDomain, claims } = await this.#sources.validate(token, audience);
    const known = trustDomain === this.#sources.trustDomain ||
      entries.some(({ federatesWith }) => federatesWith.includes(trustDomain));
    if (!known) {
      throw new SpiffeError(
        "unknown-domain",
        `Cannot use a JWT-SVID: this workload does not federate with "${trustDomain}"`,
      );
    }
    return { spiffe_id: spiffeId, claims: structOf(claims) };
  }
}

function domainId({ trustDomain }: Bundle): string {
  return formatSpiffeId({ trustDomain, path: "" });
}
