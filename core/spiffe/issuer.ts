// What a node issues with: its intermediate and its token key, and the SVIDs made with them, renewed at half
// of their lives. Asks nobody: it goes on in a partition for as long as the credential lives.
import type { Clock, Random } from "../ports/mod.ts";
import { formatSpiffeId, type NodeKeys, tlsKeyFrom } from "../identity/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { SpiffeError } from "./errors.ts";
import { type Intermediate, makeIntermediate } from "./intermediate.ts";
import { p256Jwk } from "./jwk.ts";
import { issueJwtSvid, type JwtKey } from "./jwt.ts";
import { X509_SVID_LIFETIME_MS } from "./limits.ts";
import { type MeshView, requireNowMs } from "./members.ts";
import type { RegistrationEntry } from "./ports.ts";
import { issueX509Svid, type X509Svid } from "./svid.ts";

/** The keys of a node that SPIFFE needs. */
export type IssuingKeys = Pick<
  NodeKeys,
  "generation" | "postQuantum" | "ed25519" | "tlsPkcs8" | "tlsIntermediate" | "derive"
>;

/** The token key of a generation: follows from the node's identity, so it needs no file. */
function jwtKeyOf(keys: IssuingKeys): JwtKey & { readonly spki: Bytes } {
  for (let attempt = 0;; attempt++) {
    const secret = keys.derive(`spiffe jwt ${keys.generation} ${attempt}`, 32);
    const key = tlsKeyFrom(secret);
    secret.fill(0);
    // One in 2^32 octet strings is no P-256 secret.
    if (key !== null) return { ...key, kid: p256Jwk(key.spki).kid ?? "" };
  }
}

/** Issues SVIDs with the keys of one generation and one credential. */
export class Issuer {
  readonly intermediate: Intermediate;
  readonly #jwt: JwtKey & { readonly spki: Bytes };
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #cached = new Map<string, X509Svid>();
  /** Replaced, but perhaps on the way to a workload still: wiped with the next renewal. */
  readonly #retired = new Map<string, X509Svid>();

  private constructor(
    intermediate: Intermediate,
    keys: IssuingKeys,
    random: Random,
    clock: Clock,
  ) {
    this.intermediate = intermediate;
    this.#jwt = jwtKeyOf(keys);
    this.#random = random;
    this.#clock = clock;
  }

  /** @throws {SpiffeError} "wrong-key" when keys and credential do not fit. */
  static async make(
    keys: IssuingKeys,
    mesh: MeshView,
    random: Random,
    clock: Clock,
  ): Promise<Issuer> {
    return new Issuer(await makeIntermediate(keys, mesh.credential), keys, random, clock);
  }

  get trustDomain(): string {
    return this.intermediate.trustDomain;
  }

  /** SubjectPublicKeyInfo of the token key. */
  get jwtSpki(): Bytes {
    return this.#jwt.spki;
  }

  /**
   * The current SVID for `key`; a new one when half of its life is over.
   *
   * @param key names it: an entry's id, or "node".
   * @throws {SpiffeError} "clock-not-set", "expired".
   */
  async x509(
    key: string,
    spiffeId: string,
    lifetimeMs: number = X509_SVID_LIFETIME_MS,
  ): Promise<X509Svid> {
    const nowMs = requireNowMs(this.#clock);
    const held = this.#cached.get(key);
    // A clock that was set back makes an SVID begin in the future: it is made anew.
    const good = held !== undefined && held.spiffeId === spiffeId && nowMs < held.renewAtMs &&
      nowMs >= held.notBeforeMs;
    if (good) return held;
    const svid = await issueX509Svid(this.intermediate, this.#random, spiffeId, nowMs, lifetimeMs);
    this.#retire(key, held);
    this.#cached.set(key, svid);
    return svid;
  }

  #retire(key: string, svid: X509Svid | undefined): void {
    if (svid === undefined) return;
    this.#retired.get(key)?.pkcs8.fill(0);
    this.#retired.set(key, svid);
  }

  /** The current SVID of a registration entry. */
  x509Of({ id, path, x509LifetimeS }: RegistrationEntry): Promise<X509Svid> {
    const spiffeId = formatSpiffeId({ trustDomain: this.trustDomain, path });
    return this.x509(id, spiffeId, x509LifetimeS * 1000);
  }

  /** Forgets SVIDs of entries that are no more. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const [key, svid] of this.#cached) {
      if (key === "node" || ids.has(key)) continue;
      this.#retire(key, svid);
      this.#cached.delete(key);
    }
  }

  /** @throws {SpiffeError} "clock-not-set", "malformed", "expired". */
  jwt(spiffeId: string, audiences: readonly string[], lifetimeMs: number): string {
    const nowMs = requireNowMs(this.#clock);
    const leftMs = this.intermediate.notAfterMs - nowMs;
    if (leftMs < 1000) {
      throw new SpiffeError("expired", "Cannot issue an SVID: the node's credential expired");
    }
    return issueJwtSvid(this.#jwt, spiffeId, audiences, nowMs, Math.min(lifetimeMs, leftMs));
  }

  /** Overwrites the keys that were made here. The node's own are their owner's to wipe. */
  wipe(): void {
    this.#jwt.pkcs8.fill(0);
    for (const svids of [this.#cached, this.#retired]) {
      for (const { pkcs8 } of svids.values()) pkcs8.fill(0);
      svids.clear();
    }
  }
}
