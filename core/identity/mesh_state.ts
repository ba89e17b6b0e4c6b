// What a node keeps of its mesh, in one file of its own: the authority from its beginning, the node's
// credential, who was revoked, the mesh's shared secret. The highest versions seen are recorded a second
// time, in the database, so that either of them restored from an old backup is noticed.
import type { Files } from "../ports/mod.ts";
import type { Backend, Bytes } from "../pq/mod.ts";
import { authorityHash, type AuthorityRotation, encodeAuthority } from "./authority.ts";
import {
  acceptedSets,
  type AuthorityChain,
  decodeChain,
  encodeChain,
  type VerifiedChain,
  verifyChain,
} from "./chain.ts";
import {
  type Credential,
  type CredentialClaims,
  decodeCredential,
  encodeCredential,
  type VerifiedCredential,
  verifyCredential,
} from "./credential.ts";
import { fieldOf, readDocument, writeDocument } from "./document.ts";
import { IdentityError } from "./errors.ts";
import { meshHashOf } from "./node_id.ts";
import {
  acceptRevocations,
  decodeRevocations,
  encodeRevocations,
  RevocationIndex,
  type SignedRevocations,
} from "./revocation.ts";
import { readSecretFile } from "./secret_file.ts";

/** Versions that only grow. */
export interface SeenVersions {
  readonly authority: number;
  readonly revocations: number;
  /** Serial of the node's own credential. */
  readonly serial: number;
}

/** The second place where the highest versions are kept. */
export interface VersionRecord {
  /** @param mesh hash of the mesh, hexadecimal. */
  read(mesh: string): SeenVersions | null;
  /** On the disk when it returns. Never lowers a version. */
  raise(mesh: string, versions: SeenVersions): void;
}

/** Parts of a mesh's state. */
export interface MeshRecord {
  /** From the mesh's very first authority on. */
  readonly chain: AuthorityChain;
  readonly credential: Credential;
  readonly revocations: SignedRevocations;
  readonly meshPsk: Bytes;
}

/** What it takes to keep it. */
export interface MeshStateOptions {
  readonly files: Files;
  readonly backend: Backend;
  readonly versions: VersionRecord;
  /** Absolute path of the state file; its directory exists. */
  readonly path: string;
}

/** State and secrets of a mesh as text: for the file and for an authority's back-up. */
export function writeMeshRecord(record: MeshRecord): string {
  return writeDocument("mesh state", {
    mesh: record.chain.first.trustDomain,
    chain: fieldOf(encodeChain(record.chain)),
    credential: fieldOf(encodeCredential(record.credential)),
    revocations: fieldOf(encodeRevocations(record.revocations)),
    "mesh-psk": fieldOf(record.meshPsk),
  });
}

/** What a state file holds, unverified. @throws {IdentityError} "malformed", "checksum" */
export function readMeshRecord(text: string, path: string): MeshRecord {
  const document = readDocument("mesh state", text, path);
  return {
    chain: decodeChain(document.bytes("chain")),
    credential: decodeCredential(document.bytes("credential")),
    revocations: decodeRevocations(document.bytes("revocations")),
    meshPsk: document.bytes("mesh-psk", 32),
  };
}

function hashOfMesh({ first }: AuthorityChain): Bytes {
  return meshHashOf(first.trustDomain, authorityHash(first));
}

/** A node's view of its mesh. Every change is on the disk when its promise resolves. */
export class MeshState {
  readonly #options: MeshStateOptions;
  #record: MeshRecord;
  #chain: VerifiedChain;
  #own: VerifiedCredential;
  #index: RevocationIndex;
  /** Versions that were seen and are not here; `null` when nothing is missing. */
  #missing: SeenVersions | null = null;
  readonly #databaseBehind: boolean;

  private constructor(
    options: MeshStateOptions,
    record: MeshRecord,
    checked: { readonly chain: VerifiedChain; readonly own: VerifiedCredential },
  ) {
    this.#options = options;
    this.#record = record;
    this.#chain = checked.chain;
    this.#own = checked.own;
    this.#index = new RevocationIndex(record.revocations.list);
    const mesh = this.meshHash.toHex();
    const seen = options.versions.read(mesh);
    const have = this.versions;
    const behind = (a: SeenVersions, b: SeenVersions) =>
      a.authority < b.authority || a.revocations < b.revocations || a.serial < b.serial;
    if (seen !== null && behind(have, seen)) this.#missing = seen;
    this.#databaseBehind = seen === null || behind(seen, have);
  }

  static async #check(options: MeshStateOptions, record: MeshRecord) {
    const chain = await verifyChain(
      options.backend,
      record.chain,
      authorityHash(record.chain.first),
    );
    // The node's own credential may have run out: that is to be seen and mended, not to stop the start.
    const own = await verifyCredential(
      options.backend,
      acceptedSets(chain, null),
      record.credential,
      null,
    );
    return { chain, own };
  }

  /**
   * Reads the state; `null` when the node belongs to no mesh.
   *
   * @throws {IdentityError} "insecure-file", "checksum", "malformed", "untrusted"; the file stays.
   */
  static async open(options: MeshStateOptions): Promise<MeshState | null> {
    const text = await readSecretFile(options.files, options.path);
    if (text === null) return null;
    const record = readMeshRecord(text, options.path);
    const state = new MeshState(options, record, await MeshState.#check(options, record));
    if (state.#missing === null) state.#raise();
    return state;
  }

  /** Takes a node into a mesh. @throws {IdentityError} "enrolled" when it is in one. */
  static async create(options: MeshStateOptions, record: MeshRecord): Promise<MeshState> {
    if (await options.files.stat(options.path) !== null) {
      throw new IdentityError(
        "enrolled",
        `Cannot join a mesh: this node belongs to one already ("${options.path}")`,
      );
    }
    const state = new MeshState(options, record, await MeshState.#check(options, record));
    await options.files.writeNew(options.path, writeMeshRecord(record), 0o600);
    if (state.#missing === null) state.#raise();
    return state;
  }

  get trustDomain(): string {
    return this.#chain.first.trustDomain;
  }

  /** Fingerprint of the mesh: stable under rotation. */
  get meshHash(): Bytes {
    return hashOfMesh(this.#chain);
  }

  get chain(): VerifiedChain {
    return this.#chain;
  }

  get credential(): VerifiedCredential {
    return this.#own;
  }

  get revocations(): SignedRevocations {
    return this.#record.revocations;
  }

  get meshPsk(): Bytes {
    return this.#record.meshPsk;
  }

  /** The whole state, for a back-up. */
  get record(): MeshRecord {
    return this.#record;
  }

  get versions(): SeenVersions {
    return {
      authority: this.#chain.current.version,
      revocations: this.#record.revocations.list.version,
      serial: this.#own.claims.serial,
    };
  }

  /** Whether the database knew less than the file when this was opened: new, or restored from a backup. */
  get databaseBehind(): boolean {
    return this.#databaseBehind;
  }

  /** What was seen and is missing here: the file was restored from an old backup. */
  get missing(): SeenVersions | null {
    return this.#missing;
  }

  /** Whether a node of these keys is out. */
  revoked(claims: Pick<CredentialClaims, "trustDomain" | "keys">): boolean {
    return this.#index.has(claims);
  }

  /**
   * Believes in a credential, or says why not.
   *
   * @param nowMs wall time; `null` when the clock is not set: then time is not judged.
   * @throws {IdentityError} "rollback" while newer revocations were seen than are here, "wrong-mesh",
   *   "untrusted", "expired", "not-yet-valid", "revoked".
   */
  async admit(credential: Credential, nowMs: number | null): Promise<VerifiedCredential> {
    this.requireComplete();
    const verified = await verifyCredential(
      this.#options.backend,
      acceptedSets(this.#chain, nowMs),
      credential,
      nowMs,
    );
    if (this.revoked(verified.claims)) {
      throw new IdentityError(
        "revoked",
        `Cannot accept node "${verified.nodeId}": it was revoked`,
      );
    }
    return verified;
  }

  /** @throws {IdentityError} "rollback" while something that was seen is missing. */
  requireComplete(): void {
    if (this.#missing === null) return;
    const { authority, revocations } = this.#missing;
    const have = this.versions;
    throw new IdentityError(
      "rollback",
      `Cannot trust anybody in "${this.trustDomain}": this node's state was restored from an old ` +
        `backup (revocations ${have.revocations} of ${revocations}, authority ${have.authority} of ` +
        `${authority}, credential ${have.serial} of ${this.#missing.serial}); import a member's ` +
        `current state`,
    );
  }

  /** Replaces the revocations by a newer list. @throws {IdentityError} see {@link acceptRevocations}. */
  async acceptRevocations(offered: SignedRevocations, nowMs: number | null): Promise<boolean> {
    const held = this.#record.revocations;
    const accepted = await acceptRevocations(
      this.#options.backend,
      acceptedSets(this.#chain, nowMs),
      held,
      offered,
    );
    if (accepted === held) return false;
    await this.#store({ ...this.#record, revocations: accepted });
    return true;
  }

  /** Takes one step of the authority. @throws {IdentityError} */
  async acceptRotation(rotation: AuthorityRotation): Promise<void> {
    const { first, rotations } = this.#record.chain;
    await this.#store({
      ...this.#record,
      chain: { first, rotations: [...rotations, rotation] },
    });
  }

  /** Takes further steps of the authority from another member's chain. @returns how many were new. */
  async acceptChain(offered: AuthorityChain): Promise<number> {
    const held = this.#record.chain;
    const verified = await verifyChain(
      this.#options.backend,
      offered,
      authorityHash(this.#chain.current),
    );
    const added = offered.rotations.length - held.rotations.length;
    if (added <= 0) return 0;
    const same = encodeAuthority(verified.first).toHex() === encodeAuthority(held.first).toHex();
    if (!same) {
      throw new IdentityError("wrong-mesh", "Cannot use an authority chain of another beginning");
    }
    await this.#store({ ...this.#record, chain: offered });
    return added;
  }

  /**
   * Replaces the node's own credential.
   *
   * @throws {IdentityError} "wrong-node" for another node's, "rollback" for an older one.
   */
  async acceptCredential(credential: Credential): Promise<void> {
    const verified = await verifyCredential(
      this.#options.backend,
      acceptedSets(this.#chain, null),
      credential,
      null,
    );
    if (verified.nodeId !== this.#own.nodeId) {
      throw new IdentityError(
        "wrong-node",
        `Cannot use a credential of "${verified.nodeId}": this node is "${this.#own.nodeId}"`,
      );
    }
    if (verified.claims.serial < this.#own.claims.serial) {
      throw new IdentityError("rollback", "Cannot use a credential that is older than this node's");
    }
    await this.#store({ ...this.#record, credential });
  }

  async #store(record: MeshRecord): Promise<void> {
    const checked = await MeshState.#check(this.#options, record);
    await this.#options.files.writeAtomic(this.#options.path, writeMeshRecord(record), 0o600);
    this.#record = record;
    this.#chain = checked.chain;
    this.#own = checked.own;
    this.#index = new RevocationIndex(record.revocations.list);
    const missing = this.#missing;
    if (missing !== null) {
      const have = this.versions;
      if (have.authority < missing.authority || have.revocations < missing.revocations) return;
      // An older credential of one's own endangers nobody: it is renewed by enrolling again.
      this.#missing = null;
    }
    this.#raise();
  }

  #raise(): void {
    this.#options.versions.raise(this.meshHash.toHex(), this.versions);
  }
}
