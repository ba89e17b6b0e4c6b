// Keeps the node's issuer and SVID up to date: makes an issuer for the present keys and credential, tells the
// members, renews at half of the SVID's life. Works alone: no authority is asked.
import { messageOf } from "../base/mod.ts";
import { type Backend, type Bytes, equalBytes } from "../pq/mod.ts";
import type { Clock, Random } from "../ports/mod.ts";
import { announce, encodeAnnouncement } from "./announcement.ts";
import { Changes } from "./changes.ts";
import { SpiffeError } from "./errors.ts";
import { Issuer, type IssuingKeys } from "./issuer.ts";
import { RENEW_RETRY_MS } from "./limits.ts";
import { type Members, type MeshView, requireNowMs } from "./members.ts";
import type { X509Svid } from "./svid.ts";

/** What renewal is made of. */
export interface RenewalParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly backend: Backend;
  readonly mesh: MeshView;
  readonly members: Members;
  /** A new SVID is there. */
  readonly rotated: (svid: X509Svid) => void;
  /** The node's own announcement changed. */
  readonly announced: (octets: Bytes) => void;
  readonly log: (line: string) => void;
}

/** Issuer and SVID of a node. */
export class Renewal {
  readonly #parts: RenewalParts;
  readonly #wake = new Changes();
  #keys: IssuingKeys;
  #issuer: Issuer | null = null;
  /** Generation of the keys and hash of the credential that the issuer was made for. */
  #madeFor = "";
  #retired: Issuer | null = null;
  #svid: X509Svid | null = null;
  #problem: SpiffeError | null = null;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: RenewalParts, keys: IssuingKeys) {
    this.#parts = parts;
    this.#keys = keys;
  }

  /** Why there is no SVID, or why it is not renewed. */
  get problem(): SpiffeError | null {
    return this.#problem;
  }

  /** The keys in use. */
  get keys(): IssuingKeys {
    return this.#keys;
  }

  /** Drops SVIDs of registration entries that are no more. */
  forgetOthers(ids: ReadonlySet<string>): void {
    this.#issuer?.keepOnly(ids);
  }

  /** The issuer. @throws {SpiffeError} while there is none. */
  issuer(): Issuer {
    if (this.#issuer !== null) return this.#issuer;
    throw this.#problem ?? new SpiffeError("stopped", "Cannot issue SVIDs: this has not begun");
  }

  /** The node's SVID. @throws {SpiffeError} while there is none that holds. */
  svid(): X509Svid {
    const nowMs = requireNowMs(this.#parts.clock);
    if (this.#svid !== null && nowMs <= this.#svid.notAfterMs) return this.#svid;
    throw this.#problem ?? new SpiffeError("expired", "Cannot use this node's SVID: it expired");
  }

  /** The node's SVID, whether it holds or not; `null` while there is none. */
  get current(): X509Svid | null {
    return this.#svid;
  }

  /** Looks at keys and credential anew, and renews what is due. Never rejects; one at a time. */
  refresh(keys: IssuingKeys = this.#keys): Promise<void> {
    this.#turn = this.#turn.then(() => this.#refresh(keys));
    return this.#turn;
  }

  async #refresh(keys: IssuingKeys): Promise<void> {
    this.#keys = keys;
    try {
      await this.#makeIssuer(keys);
      await this.#renew();
      if (this.#problem !== null) this.#parts.log("SVIDs are issued again");
      this.#problem = null;
    } catch (error) {
      const problem = error instanceof SpiffeError
        ? error
        : new SpiffeError("untrusted", messageOf(error), { cause: error });
      if (this.#problem?.code !== problem.code) this.#parts.log(problem.message);
      this.#problem = problem;
    }
    this.#wake.bump();
  }

  async #makeIssuer(keys: IssuingKeys): Promise<void> {
    const { mesh, random, clock } = this.#parts;
    if (mesh.revoked(mesh.credential.claims)) {
      this.#drop();
      throw new SpiffeError("revoked", "Cannot issue SVIDs: this node was revoked");
    }
    const madeFor = `${keys.generation} ${mesh.credential.hash.toHex()}`;
    if (madeFor === this.#madeFor) return;
    const issuer = await Issuer.make(keys, mesh, random, clock);
    // Others must be able to check what it issues before it issues anything.
    await this.#announce(keys, issuer);
    // What the one before issued may be on its way to a workload still.
    this.#retired?.wipe();
    this.#retired = this.#issuer;
    this.#issuer = issuer;
    this.#madeFor = madeFor;
  }

  async #announce(keys: IssuingKeys, issuer: Issuer): Promise<void> {
    const { mesh, members, clock, announced } = this.#parts;
    const { credential } = mesh;
    const held = members.ofNode(credential.nodeId)?.announcement ?? null;
    const same = held !== null && equalBytes(held.intermediate, issuer.intermediate.view.der) &&
      equalBytes(held.jwtSpki, issuer.jwtSpki);
    if (same) return announced(encodeAnnouncement(held));
    const issuedMs = Math.max(Math.round(clock.wallMs()), (held?.issuedMs ?? 0) + 1);
    const announcement = await announce(
      keys,
      credential,
      issuer.intermediate.view.der,
      issuer.jwtSpki,
      issuedMs,
    );
    const octets = encodeAnnouncement(announcement);
    await members.learn(octets);
    announced(octets);
  }

  async #renew(): Promise<void> {
    const svid = await this.issuer().x509("node", this.#parts.mesh.credential.spiffeId);
    if (svid === this.#svid) return;
    this.#svid = svid;
    this.#parts.rotated(svid);
  }

  /** Renews until the signal fires. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      const seen = this.#wake.count;
      const dueMs = this.#problem === null && this.#svid !== null
        ? Math.max(this.#svid.renewAtMs - clock.wallMs(), 1)
        : RENEW_RETRY_MS;
      const idle = new AbortController();
      const either = AbortSignal.any([signal, idle.signal]);
      let woken = false;
      await Promise.race([
        clock.sleep(dueMs, either),
        this.#wake.after(seen, either).then(() => void (woken = true)),
      ]);
      idle.abort();
      if (!signal.aborted && !woken) await this.refresh();
    }
  }

  #drop(): void {
    this.#retired?.wipe();
    this.#issuer?.wipe();
    this.#retired = null;
    this.#issuer = null;
    this.#madeFor = "";
    this.#svid = null;
  }

  /** Overwrites what was made here. */
  wipe(): void {
    this.#drop();
    this.#problem = new SpiffeError("stopped", "Cannot issue SVIDs: this was stopped");
  }
}
