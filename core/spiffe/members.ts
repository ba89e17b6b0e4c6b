// Whose intermediates and token keys count: members whose credential the authority signed, that is in time
// and not revoked. Kept in the database, so that a partition or a restart takes nobody's trust away.
import type { Clock } from "../ports/mod.ts";
import type { Backend } from "../pq/mod.ts";
import {
  CLOCK_SKEW_MS,
  EARLIEST_SANE_MS,
  IdentityError,
  type MeshState,
  requireInTime,
  suiteOf,
  type VerifiedCredential,
} from "../identity/mod.ts";
import {
  type Announcement,
  decodeAnnouncement,
  encodeAnnouncement,
  verifyAnnouncement,
} from "./announcement.ts";
import type { CertificateView } from "./certificate_view.ts";
import { SpiffeError } from "./errors.ts";
import { viewIntermediate } from "./intermediate.ts";
import { type Jwk, p256Jwk } from "./jwk.ts";
import { MAX_MEMBERS, X509_SVID_LIFETIME_MS } from "./limits.ts";
import type { MemberTable } from "./ports.ts";

/** What SPIFFE needs to know of the mesh; a `MeshState` is one. */
export type MeshView = Pick<
  MeshState,
  "trustDomain" | "credential" | "chain" | "admit" | "revoked" | "requireComplete"
>;

/** A member that announced itself. */
export interface Member {
  readonly credential: VerifiedCredential;
  readonly announcement: Announcement;
  readonly intermediate: CertificateView;
  /** Key of its JWT-SVIDs. */
  readonly jwt: Jwk;
}

interface Held {
  readonly member: Member;
  /** What it had before it changed its keys, while what was issued with them lives. */
  readonly previous: { readonly member: Member; readonly untilMs: number } | null;
}

/** Wall time. @throws {SpiffeError} "clock-not-set" while it cannot be right. */
export function requireNowMs(clock: Clock): number {
  const nowMs = Math.round(clock.wallMs());
  if (nowMs >= EARLIEST_SANE_MS) return nowMs;
  throw new SpiffeError(
    "clock-not-set",
    `Cannot judge or date certificates: this node's clock shows ${new Date(nowMs).toISOString()}`,
    { retryable: true },
  );
}

/** The members of a mesh, as far as they are known here. */
export class Members {
  readonly #mesh: MeshView;
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #table: MemberTable;
  readonly #held = new Map<string, Held>();

  constructor(mesh: MeshView, backend: Backend, clock: Clock, table: MemberTable) {
    this.#mesh = mesh;
    this.#backend = backend;
    this.#clock = clock;
    this.#table = table;
  }

  /** Members that are known, usable or not. */
  get count(): number {
    return this.#held.size;
  }

  /** Reads what the database has; what does not hold any more is left out and removed. */
  async load(): Promise<void> {
    for (const { nodeId, octets } of this.#table.list(MAX_MEMBERS)) {
      try {
        await this.#take(decodeAnnouncement(octets), false);
      } catch (error) {
        if (!(error instanceof SpiffeError || error instanceof IdentityError)) throw error;
        if (error.code !== "rollback" && error.code !== "not-yet-valid") this.#table.remove(nodeId);
      }
    }
  }

  /**
   * Believes in an announcement, or says why not.
   *
   * @returns the node it is of, or `null` when nothing new was in it.
   * @throws {IdentityError} for its credential; {SpiffeError} "malformed", "untrusted", "too-many".
   */
  async learn(octets: Uint8Array): Promise<string | null> {
    return await this.#take(decodeAnnouncement(octets), true);
  }

  async #take(announcement: Announcement, keep: boolean): Promise<string | null> {
    const nowMs = Math.round(this.#clock.wallMs());
    const credential = await this.#mesh.admit(
      announcement.credential,
      nowMs < EARLIEST_SANE_MS ? null : nowMs,
    );
    const { nodeId, claims } = credential;
    const held = this.#held.get(nodeId);
    if (held !== undefined && !supersedes(announcement, held.member.announcement)) return null;
    if (held === undefined && this.#held.size >= MAX_MEMBERS) {
      this.#drop((member) => nowMs > member.credential.claims.notAfterMs + CLOCK_SKEW_MS);
    }
    if (held === undefined && this.#held.size >= MAX_MEMBERS) {
      throw new SpiffeError(
        "too-many",
        `Cannot keep "${nodeId}": ${MAX_MEMBERS} members are known`,
      );
    }
    const algorithm = suiteOf(this.#mesh.chain.current).postQuantumSignature;
    if (!await verifyAnnouncement(this.#backend, announcement, algorithm)) {
      throw new SpiffeError(
        "untrusted",
        `Cannot use what "${nodeId}" announces: it did not sign it`,
      );
    }
    const member: Member = {
      credential,
      announcement,
      intermediate: await viewIntermediate(announcement.intermediate, claims),
      jwt: p256Jwk(announcement.jwtSpki),
    };
    this.#held.set(nodeId, { member, previous: previousOf(held, member, nowMs) });
    if (keep) this.#table.put({ nodeId, octets: encodeAnnouncement(announcement) });
    return nodeId;
  }

  /** What a node announced last, whether it counts or not; `null` when it is not known. */
  ofNode(nodeId: string): Member | null {
    return this.#held.get(nodeId)?.member ?? null;
  }

  /** Members that count now. @throws {IdentityError} "rollback" while revocations are missing. */
  usable(nowMs: number): readonly Member[] {
    this.#mesh.requireComplete();
    return this.#withKeys(nowMs).filter((member) => this.#counts(member, nowMs));
  }

  #counts({ credential: { claims, nodeId } }: Member, nowMs: number): boolean {
    if (this.#mesh.revoked(claims)) return false;
    try {
      requireInTime(claims, nodeId, nowMs);
      return true;
    } catch (error) {
      if (error instanceof IdentityError) return false;
      throw error;
    }
  }

  /**
   * Members that may have issued a certificate whose authority key identifier is this; whether they count is
   * to be asked with {@link requireUsable}, so that a refusal can say why.
   */
  issuers(keyId: string, nowMs: number): readonly Member[] {
    return this.#withKeys(nowMs).filter(({ intermediate }) => intermediate.keyId === keyId);
  }

  /** Members that may have signed a token with a key of this name; as {@link issuers}. */
  signers(kid: string, nowMs: number): readonly Member[] {
    return this.#withKeys(nowMs).filter(({ jwt }) => jwt.kid === kid);
  }

  /** Members with their keys, and those with keys that were replaced a short while ago. */
  #withKeys(nowMs: number): readonly Member[] {
    return [...this.#held.values()].flatMap(({ member, previous }) =>
      previous === null || nowMs > previous.untilMs ? [member] : [member, previous.member]
    );
  }

  /** @throws {IdentityError} "rollback", "expired", "not-yet-valid"; {SpiffeError} "revoked". */
  requireUsable({ credential: { claims, nodeId } }: Member, nowMs: number): void {
    this.#mesh.requireComplete();
    if (this.#mesh.revoked(claims)) {
      throw new SpiffeError("revoked", `Cannot accept what "${nodeId}" issued: it was revoked`);
    }
    requireInTime(claims, nodeId, nowMs);
  }

  /** Octets that this node passes on to others: every announcement that counts. */
  announcements(nowMs: number): readonly Uint8Array[] {
    return this.usable(nowMs).map(({ announcement }) => encodeAnnouncement(announcement));
  }

  /** Forgets who was revoked. Whoever ran out is kept: it may be our clock that is wrong. */
  dropRevoked(): void {
    this.#drop(({ credential: { claims } }) => this.#mesh.revoked(claims));
  }

  #drop(over: (member: Member) => boolean): void {
    for (const [nodeId, { member }] of this.#held) {
      if (!over(member)) continue;
      this.#held.delete(nodeId);
      this.#table.remove(nodeId);
    }
  }
}

/** A later credential; or of the same one, what was announced later. */
function supersedes(offered: Announcement, held: Announcement): boolean {
  const [a, b] = [offered.credential.claims.serial, held.credential.claims.serial];
  return a > b || (a === b && offered.issuedMs > held.issuedMs);
}

function previousOf(held: Held | undefined, member: Member, nowMs: number): Held["previous"] {
  if (held === undefined) return null;
  const sameKeys = held.member.intermediate.keyId === member.intermediate.keyId &&
    held.member.jwt.kid === member.jwt.kid;
  if (sameKeys) return held.previous;
  return { member: held.member, untilMs: nowMs + X509_SVID_LIFETIME_MS };
}
