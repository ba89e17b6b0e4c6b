// Beginning a mesh, and carrying its authority through a disaster: create, back up, restore.
import {
  authorityHash,
  type AuthoritySet,
  backUpAuthority,
  CREDENTIAL_LIFETIME_MS,
  type CredentialClaims,
  IdentityError,
  issueCredential,
  MAX_AUTHORITY_KEYS,
  type MeshRecord,
  MeshState,
  type NodeKeys,
  noRevocations,
  readMeshRecord,
  requirePassphrase,
  requireSound,
  requireTrustDomain,
  restoreAuthority,
  type SuiteName,
  verifyChain,
  writeMeshRecord,
} from "../identity/mod.ts";
import { type Context, type Member, requireClock } from "./context.ts";
import { wipeKeys } from "./vault.ts";

/** How a mesh is made. */
export interface CreateOptions {
  /** Its name: the trust domain. */
  readonly mesh: string;
  readonly suite: SuiteName;
  /** Keys of its authority. */
  readonly keys: number;
  /** How many of them must sign. */
  readonly threshold: number;
  /** Seals the key files; `null` leaves them open, and invites can be approved by themselves. */
  readonly passphrase: string | null;
}

/** Roles of the node that founds or restores a mesh. */
const FOUNDER_ROLES: readonly string[] = ["admin", "node"];

function claimsOf(trustDomain: string, keys: NodeKeys, nowMs: number): CredentialClaims {
  return {
    trustDomain,
    keys: keys.publicKeys,
    wireguard: keys.wireguardPublic,
    tlsIntermediate: keys.tlsIntermediate,
    roles: FOUNDER_ROLES,
    serial: nowMs,
    notBeforeMs: nowMs,
    notAfterMs: nowMs + CREDENTIAL_LIFETIME_MS,
  };
}

/** The node's keys; made when it has none. @throws {IdentityError} when they are of another suite. */
export async function ensureNodeKeys(context: Context, suite: SuiteName): Promise<NodeKeys> {
  const keys = await context.keyStore.current() ?? await context.keyStore.create(suite);
  if (keys.suite === suite) return keys;
  keys.wipe();
  throw new IdentityError(
    "exists",
    `Cannot use this node's keys: they are of ${keys.suite}, the mesh is of ${suite}`,
  );
}

/** @throws {IdentityError} "enrolled" */
export async function requireUnenrolled({ files, stateOptions }: Context): Promise<void> {
  if (await files.stat(stateOptions.path) === null) return;
  throw new IdentityError("enrolled", "Cannot do this: this node belongs to a mesh already");
}

/** Makes a mesh whose first member is this node. @throws {IdentityError} "enrolled", "exists", … */
export async function createMesh(context: Context, options: CreateOptions): Promise<Member> {
  const { mesh, suite, threshold, passphrase } = options;
  requireTrustDomain(mesh);
  if (
    !Number.isInteger(options.keys) || options.keys < 1 || options.keys > MAX_AUTHORITY_KEYS ||
    !Number.isInteger(threshold) || threshold < 1 || threshold > options.keys
  ) {
    throw new IdentityError(
      "malformed",
      `Cannot make an authority of ${threshold} of ${options.keys} keys: 1 to ` +
        `${MAX_AUTHORITY_KEYS} keys, and a threshold from 1 to their number`,
    );
  }
  if (passphrase !== null) requirePassphrase(passphrase);
  await requireUnenrolled(context);
  const nowMs = requireClock(context.clock, "make a mesh");
  const head = { trustDomain: mesh, suite, version: 1 };
  const authority = await context.vault.create(head, options.keys, passphrase);
  try {
    const set: AuthoritySet = {
      ...head,
      threshold,
      keys: authority.map(({ postQuantum, ed25519 }) => ({
        postQuantum: postQuantum.publicKey,
        ed25519: ed25519.publicKey,
      })),
    };
    requireSound(set);
    const keys = await ensureNodeKeys(context, suite);
    const record: MeshRecord = {
      chain: { first: set, rotations: [] },
      credential: await issueCredential(
        set,
        authority.slice(0, threshold),
        claimsOf(mesh, keys, nowMs),
      ),
      revocations: noRevocations(mesh),
      meshPsk: context.random.bytes(32),
    };
    const state = await MeshState.create(context.stateOptions, record);
    await context.audit.append("mesh.created", "local", `mesh ${mesh}`, {
      keys: options.keys,
      threshold,
      suite,
    });
    return { keys, state };
  } finally {
    wipeKeys(authority);
  }
}

/** The authority's keys on this node and the mesh's state as one encrypted document. */
export async function backUp(
  context: Context,
  { state }: Member,
  passphrase: string,
  keysPassphrase: string | null,
): Promise<string> {
  const entries = await context.vault.entries();
  const files = { paths: entries.map(({ path }) => path), passphrase: keysPassphrase };
  const text = new TextEncoder().encode(writeMeshRecord(state.record));
  try {
    return await backUpAuthority(context.sealing, context.files, files, text, passphrase);
  } finally {
    text.fill(0);
  }
}

/**
 * Brings an authority back from its back-up. A node that belongs to the mesh gets the key files alone;
 * one that belongs to none becomes a member, with a new credential signed by the keys of the back-up.
 *
 * @throws {IdentityError} "exists", "wrong-passphrase", "checksum", "wrong-mesh", "no-authority".
 */
export async function restore(
  context: Context,
  member: Member | null,
  backup: { readonly text: string; readonly name: string; readonly passphrase: string },
): Promise<Member> {
  const { files, sealing, vault, backend } = context;
  if ((await vault.entries()).length > 0) {
    throw new IdentityError(
      "exists",
      `Cannot restore into "${vault.directory}": keys are there, and none is ever overwritten`,
    );
  }
  const nowMs = requireClock(context.clock, "restore an authority");
  const restored = await restoreAuthority(sealing, files, backup, vault.directory);
  const record = readMeshRecord(new TextDecoder().decode(restored.state), backup.name);
  restored.state.fill(0);
  const mesh = restored.head.trustDomain;
  const note = () => context.audit.append("mesh.restored", "local", `mesh ${mesh}`);
  if (member !== null) {
    if (member.state.trustDomain !== mesh) {
      throw new IdentityError(
        "wrong-mesh",
        `Cannot use this back-up: it is of "${mesh}", this node is of "${member.state.trustDomain}"`,
      );
    }
    await note();
    return member;
  }
  const chain = await verifyChain(backend, record.chain, authorityHash(record.chain.first));
  const set = chain.current;
  const keys = await ensureNodeKeys(context, set.suite);
  const credential = await vault.withKeys(set, null, async (authority) => {
    if (authority.length < set.threshold) {
      throw new IdentityError(
        "no-authority",
        `Cannot make this node a member: the back-up has ${authority.length} of the ` +
          `${set.threshold} keys needed; its key files were restored`,
      );
    }
    const claims = claimsOf(mesh, keys, nowMs);
    return await issueCredential(set, authority.slice(0, set.threshold), claims);
  });
  const state = await MeshState.create(context.stateOptions, { ...record, credential });
  await note();
  return { keys, state };
}
