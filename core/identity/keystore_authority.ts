// Keys of the authority in files, one file a key, best kept offline; with a passphrase if wished
// (Argon2id, ChaCha20-Poly1305). And the back-up: one encrypted file with all that it takes to go on.
import { type Files, type Random } from "../ports/mod.ts";
import {
  type Backend,
  type Bytes,
  DEFAULT_PASSPHRASE_COST,
  MAX_PASSPHRASE_COST,
  type PassphraseCost,
  type PassphraseKdf,
} from "../pq/mod.ts";
import { WireReader, WireWriter } from "../base/mod.ts";
import { type AuthorityKey, type SuiteName, suiteOf } from "./authority.ts";
import {
  type DocumentKind,
  type DocumentReader,
  fieldOf,
  type Fields,
  readDocument,
  writeDocument,
} from "./document.ts";
import { IdentityError } from "./errors.ts";
import { MAX_AUTHORITY_KEYS, MIN_PASSPHRASE_CHARACTERS } from "./limits.ts";
import { makeSecretFile, readSecretFile } from "./secret_file.ts";
import { requireTrustDomain } from "./spiffe_id.ts";

const SUITE_NAMES: readonly SuiteName[] = ["category3", "category5"];
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
/** ML-DSA seed, then Ed25519 seed. */
const SEEDS_BYTES = 64;

/** What sealing under a passphrase takes. */
export interface PassphraseSealing {
  readonly random: Random;
  readonly backend: Backend;
  readonly kdf: PassphraseKdf;
  /** Default {@link DEFAULT_PASSPHRASE_COST}. */
  readonly cost?: PassphraseCost;
}

/** Refuses one too short to be worth its file. @throws {IdentityError} "wrong-passphrase" */
export function requirePassphrase(passphrase: string): void {
  if (passphrase.length < MIN_PASSPHRASE_CHARACTERS) {
    throw new IdentityError(
      "wrong-passphrase",
      `Cannot use this passphrase: it is shorter than ${MIN_PASSPHRASE_CHARACTERS} characters`,
    );
  }
}

async function sealFields(
  { random, backend, kdf, cost = DEFAULT_PASSPHRASE_COST }: PassphraseSealing,
  passphrase: string,
  context: string,
  plaintext: Uint8Array,
): Promise<Fields> {
  requirePassphrase(passphrase);
  const [salt, nonce] = [random.bytes(SALT_BYTES), random.bytes(NONCE_BYTES)];
  const key = await kdf(passphrase, salt, cost);
  const sealed = await backend.seal(key, nonce, new TextEncoder().encode(context), plaintext);
  key.fill(0);
  return {
    argon2id: `m=${cost.memoryKiB},t=${cost.passes},p=${cost.lanes}`,
    salt: fieldOf(salt),
    nonce: fieldOf(nonce),
    sealed: fieldOf(sealed),
  };
}

function costOf(document: DocumentReader, path: string): PassphraseCost {
  const match = /^m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})$/.exec(document.text("argon2id"));
  const [memoryKiB = 0, passes = 0, lanes = 0] = (match ?? []).slice(1).map(Number);
  const most = MAX_PASSPHRASE_COST;
  const sound = memoryKiB >= 8 * lanes && memoryKiB <= most.memoryKiB && passes >= 1 &&
    passes <= most.passes && lanes >= 1 && lanes <= most.lanes;
  if (!sound) {
    throw new IdentityError(
      "malformed",
      `Cannot use "${path}": its Argon2id cost is out of bounds`,
    );
  }
  return { memoryKiB, passes, lanes };
}

async function openFields(
  sealing: Pick<PassphraseSealing, "backend" | "kdf">,
  passphrase: string | null,
  context: string,
  document: DocumentReader,
  path: string,
): Promise<Bytes> {
  const refuse = (why: string): never => {
    throw new IdentityError("wrong-passphrase", `Cannot open "${path}": ${why}`);
  };
  if (passphrase === null) return refuse("it is sealed with a passphrase, and none was given");
  const key = await sealing.kdf(
    passphrase,
    document.bytes("salt", SALT_BYTES),
    costOf(document, path),
  );
  const plaintext = await sealing.backend.open(
    key,
    document.bytes("nonce", NONCE_BYTES),
    new TextEncoder().encode(context),
    document.bytes("sealed"),
  );
  key.fill(0);
  return plaintext ?? refuse("the passphrase is wrong");
}

/** Whose key a file holds. */
export interface AuthorityKeyHead {
  readonly trustDomain: string;
  readonly suite: SuiteName;
}

const contextOf = (kind: DocumentKind, { trustDomain, suite }: AuthorityKeyHead) =>
  `x0tta6bl4 v1 ${kind} ${trustDomain} ${suite}`;

async function keyFrom(
  backend: Backend,
  suite: SuiteName,
  seeds: Uint8Array,
): Promise<AuthorityKey> {
  const [postQuantum, ed25519] = await Promise.all([
    backend.signer(suiteOf({ suite }).postQuantumSignature, seeds.subarray(0, 32)),
    backend.signer("Ed25519", seeds.subarray(32)),
  ]);
  return { postQuantum, ed25519 };
}

async function writeKeyFile(
  sealing: PassphraseSealing,
  files: Files,
  path: string,
  head: AuthorityKeyHead,
  seeds: Uint8Array,
  passphrase: string | null,
): Promise<void> {
  const secret = passphrase === null
    ? { seeds: fieldOf(seeds) }
    : await sealFields(sealing, passphrase, contextOf("authority key", head), seeds);
  const fields = { mesh: head.trustDomain, suite: head.suite, ...secret };
  await makeSecretFile(files, path, writeDocument("authority key", fields));
}

/**
 * Makes a new authority key in a file that must not exist.
 *
 * @param passphrase `null` writes the seeds as they are, for a medium that is itself kept safe.
 * @throws {IdentityError} "exists", "wrong-passphrase" (too short)
 */
export async function createAuthorityKey(
  sealing: PassphraseSealing,
  files: Files,
  path: string,
  head: AuthorityKeyHead,
  passphrase: string | null,
): Promise<AuthorityKey> {
  requireTrustDomain(head.trustDomain);
  const seeds = sealing.random.bytes(SEEDS_BYTES);
  try {
    await writeKeyFile(sealing, files, path, head, seeds, passphrase);
    return await keyFrom(sealing.backend, head.suite, seeds);
  } finally {
    seeds.fill(0);
  }
}

async function openKeyFile(
  sealing: Pick<PassphraseSealing, "backend" | "kdf">,
  files: Files,
  path: string,
  passphrase: string | null,
): Promise<{ readonly head: AuthorityKeyHead; readonly seeds: Bytes }> {
  const text = await readSecretFile(files, path);
  if (text === null) {
    throw new IdentityError("missing", `Cannot use "${path}": there is no such file`);
  }
  const document = readDocument("authority key", text, path);
  const head = { trustDomain: document.text("mesh"), suite: document.oneOf("suite", SUITE_NAMES) };
  const seeds = document.has("seeds")
    ? document.bytes("seeds", SEEDS_BYTES)
    : await openFields(sealing, passphrase, contextOf("authority key", head), document, path);
  if (seeds.length !== SEEDS_BYTES) {
    throw new IdentityError("malformed", `Cannot use "${path}": it holds no authority key`);
  }
  return { head, seeds };
}

/**
 * Reads an authority key.
 *
 * @throws {IdentityError} "missing", "insecure-file", "checksum", "malformed", "wrong-passphrase".
 */
export async function loadAuthorityKey(
  sealing: Pick<PassphraseSealing, "backend" | "kdf">,
  files: Files,
  path: string,
  passphrase: string | null,
): Promise<{ readonly head: AuthorityKeyHead; readonly key: AuthorityKey }> {
  const { head, seeds } = await openKeyFile(sealing, files, path, passphrase);
  try {
    return { head, key: await keyFrom(sealing.backend, head.suite, seeds) };
  } finally {
    seeds.fill(0);
  }
}

/** Where authority keys lie, and the passphrase they share, if they have one. */
export interface AuthorityKeyFiles {
  readonly paths: readonly string[];
  readonly passphrase: string | null;
}

/**
 * All of an authority's keys and the mesh's state as one document, sealed with a passphrase.
 *
 * @param state the mesh's state, opaque here.
 * @throws {IdentityError} as {@link loadAuthorityKey}; "wrong-passphrase" for one that is too short.
 */
export async function backUpAuthority(
  sealing: PassphraseSealing,
  files: Files,
  keys: AuthorityKeyFiles,
  state: Uint8Array,
  passphrase: string,
): Promise<string> {
  requirePassphrase(passphrase);
  const opened = [];
  for (const path of keys.paths) {
    opened.push(await openKeyFile(sealing, files, path, keys.passphrase));
  }
  const head = opened[0]?.head;
  if (head === undefined) {
    throw new IdentityError("no-authority", "Cannot back up the authority: no key is here");
  }
  const plaintext = new WireWriter()
    .list(opened, (writer, { seeds }) => writer.fixed(seeds, SEEDS_BYTES))
    .u32(state.length)
    .fixed(state, state.length)
    .finish();
  try {
    const context = contextOf("authority backup", head);
    const sealed = await sealFields(sealing, passphrase, context, plaintext);
    const fields = { mesh: head.trustDomain, suite: head.suite, ...sealed };
    return writeDocument("authority backup", fields);
  } finally {
    plaintext.fill(0);
    for (const { seeds } of opened) seeds.fill(0);
  }
}

/**
 * Opens a back-up and writes its keys as "authority-1.key", … in a directory that has none.
 *
 * @param text the document; `name` is for messages.
 * @returns the mesh's state as it was handed to {@link backUpAuthority}.
 * @throws {IdentityError} "exists", "wrong-passphrase", "checksum", "malformed".
 */
export async function restoreAuthority(
  sealing: PassphraseSealing,
  files: Files,
  backup: { readonly text: string; readonly name: string; readonly passphrase: string },
  directory: string,
): Promise<{
  readonly head: AuthorityKeyHead;
  readonly paths: readonly string[];
  readonly state: Bytes;
}> {
  const document = readDocument("authority backup", backup.text, backup.name);
  const head = { trustDomain: document.text("mesh"), suite: document.oneOf("suite", SUITE_NAMES) };
  const context = contextOf("authority backup", head);
  const plaintext = await openFields(sealing, backup.passphrase, context, document, backup.name);
  try {
    const reader = new WireReader(plaintext, "authority backup");
    const all = reader.list(MAX_AUTHORITY_KEYS, (item) => item.fixed(SEEDS_BYTES));
    const state = reader.fixed(reader.u32());
    reader.end();
    await files.makeDirectory(directory, 0o700);
    const paths = all.map((_, index) => `${directory}/authority-${index + 1}.key`);
    // All or nothing: a directory that has one of them is left alone.
    for (const path of paths) {
      if (await files.stat(path) !== null) {
        throw new IdentityError(
          "exists",
          `Cannot restore "${path}": it is there, and no key is ever overwritten`,
        );
      }
    }
    for (const [index, seeds] of all.entries()) {
      const path = paths[index] ?? "";
      await writeKeyFile(sealing, files, path, head, seeds, null);
      seeds.fill(0);
    }
    return { head, paths, state };
  } finally {
    plaintext.fill(0);
  }
}
