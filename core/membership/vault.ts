// The authority's keys that lie on this node, if any. Keys with a passphrase are opened for one deed and
// wiped after it.
import type { Files } from "../ports/mod.ts";
import { equalBytes } from "../pq/mod.ts";
import {
  type AuthorityKey,
  type AuthoritySet,
  createAuthorityKey,
  IdentityError,
  loadAuthorityKey,
  type PassphraseSealing,
  readDocument,
  readSecretFile,
} from "../identity/mod.ts";

/** One key file. */
export interface VaultEntry {
  readonly path: string;
  /** Whether it is sealed with a passphrase. */
  readonly sealed: boolean;
}

/** A directory with authority keys. */
export class AuthorityVault {
  readonly #files: Files;
  readonly #sealing: PassphraseSealing;
  readonly directory: string;

  constructor(files: Files, sealing: PassphraseSealing, directory: string) {
    this.#files = files;
    this.#sealing = sealing;
    this.directory = directory;
  }

  /** Key files, and whether they are sealed. @throws {IdentityError} for damaged or insecure ones. */
  async entries(): Promise<readonly VaultEntry[]> {
    const names = (await this.#files.list(this.directory)).filter((name) => name.endsWith(".key"));
    const out: VaultEntry[] = [];
    for (const name of names) {
      const path = `${this.directory}/${name}`;
      const text = await readSecretFile(this.#files, path);
      if (text === null) continue;
      out.push({ path, sealed: !readDocument("authority key", text, path).has("seeds") });
    }
    return out;
  }

  /**
   * The keys of `set` that are here and can be opened.
   *
   * @param passphrase `null` leaves sealed ones closed.
   */
  async open(set: AuthoritySet, passphrase: string | null): Promise<readonly AuthorityKey[]> {
    const keys: AuthorityKey[] = [];
    for (const { path, sealed } of await this.entries()) {
      if (sealed && passphrase === null) continue;
      const { key } = await loadAuthorityKey(this.#sealing, this.#files, path, passphrase);
      const own = set.keys.some((one) =>
        equalBytes(one.postQuantum, key.postQuantum.publicKey) &&
        equalBytes(one.ed25519, key.ed25519.publicKey)
      );
      if (own) keys.push(key);
      else wipeKeys([key]);
    }
    return keys;
  }

  /** Runs `deed` with the keys of `set`, then wipes them. */
  async withKeys<T>(
    set: AuthoritySet,
    passphrase: string | null,
    deed: (keys: readonly AuthorityKey[]) => Promise<T>,
  ): Promise<T> {
    const keys = await this.open(set, passphrase);
    try {
      return await deed(keys);
    } finally {
      wipeKeys(keys);
    }
  }

  /** Makes `count` keys in new files "authority-v<version>-<n>.key". */
  async create(
    set: Pick<AuthoritySet, "trustDomain" | "suite" | "version">,
    count: number,
    passphrase: string | null,
  ): Promise<readonly AuthorityKey[]> {
    await this.#files.makeDirectory(this.directory, 0o700);
    const paths = Array.from(
      { length: count },
      (_, index) => `${this.directory}/authority-v${set.version}-${index + 1}.key`,
    );
    for (const path of paths) {
      if (await this.#files.stat(path) === null) continue;
      throw new IdentityError(
        "exists",
        `Cannot make "${path}": it is there, and no key is ever overwritten`,
      );
    }
    const keys: AuthorityKey[] = [];
    for (const path of paths) {
      keys.push(await createAuthorityKey(this.#sealing, this.#files, path, set, passphrase));
    }
    return keys;
  }
}

/** Wipes both halves of each. */
export function wipeKeys(keys: readonly AuthorityKey[]): void {
  for (const { postQuantum, ed25519 } of keys) {
    postQuantum.wipe();
    ed25519.wipe();
  }
}
