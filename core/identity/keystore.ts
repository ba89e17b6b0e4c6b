// A node's keys in files. Each generation of keys is a file of its own, made once and never overwritten or
// renamed; a small slots file says which one is current, next and last. The identity (ML-DSA and Ed25519)
// stays through a rotation, since node id and overlay address follow from it; the WireGuard and the TLS key
// are new with each.
import type { Files, Random } from "../ports/mod.ts";
import { type Backend, type Bytes, hashOf, hkdfExpand, SIGNATURES } from "../pq/mod.ts";
import { type AuthorityKey, type SuiteName, suiteOf } from "./authority.ts";
import { fieldOf, readDocument, writeDocument } from "./document.ts";
import { IdentityError } from "./errors.ts";
import { MAX_KEY_GENERATIONS } from "./limits.ts";
import type { NodePublicKeys } from "./node_id.ts";
import { makeSecretFile, readSecretFile } from "./secret_file.ts";
import { TLS_SECRET_BYTES, tlsKeyFrom, tlsKeyOf } from "./tls_key.ts";

const SUITE_NAMES: readonly SuiteName[] = ["category3", "category5"];
const { seedBytes: SEED_BYTES } = SIGNATURES.Ed25519;

/** What a key file holds. */
interface NodeSeeds {
  readonly suite: SuiteName;
  readonly postQuantum: Bytes;
  readonly ed25519: Bytes;
  readonly wireguard: Bytes;
  readonly tlsPkcs8: Bytes;
}

/** A node's keys, usable. Secrets are wiped with {@link NodeKeys.wipe}. */
export interface NodeKeys extends AuthorityKey {
  readonly suite: SuiteName;
  readonly generation: number;
  readonly publicKeys: NodePublicKeys;
  /** X25519, clamped. */
  readonly wireguardPrivate: Bytes;
  readonly wireguardPublic: Bytes;
  readonly tlsPkcs8: Bytes;
  /** SHA-384 over the SubjectPublicKeyInfo of the TLS key. */
  readonly tlsIntermediate: Bytes;
  /** A secret for another use, bound to the identity: the same in each generation. */
  derive(label: string, length: number): Bytes;
  wipe(): void;
}

/** Which generation is in which slot. */
export interface KeySlots {
  readonly current: number;
  /** Made and perhaps being enrolled. */
  readonly next: number | null;
  /** Replaced, accepted until its end. */
  readonly last: { readonly generation: number; readonly untilMs: number } | null;
}

/** RFC 7748 §5. */
function clamp(secret: Bytes): Bytes {
  secret[0] = (secret[0] ?? 0) & 248;
  secret[31] = ((secret[31] ?? 0) & 127) | 64;
  return secret;
}

/** The key files of one node. */
export class NodeKeyStore {
  readonly #files: Files;
  readonly #random: Random;
  readonly #backend: Backend;
  readonly #directory: string;

  /** @param directory absolute; made when the first key is. */
  constructor(files: Files, random: Random, backend: Backend, directory: string) {
    this.#files = files;
    this.#random = random;
    this.#backend = backend;
    this.#directory = directory;
  }

  #path(generation: number): string {
    return `${this.#directory}/node-${generation}.keys`;
  }

  get #slotsPath(): string {
    return `${this.#directory}/slots`;
  }

  async #generations(): Promise<readonly number[]> {
    const names = await this.#files.list(this.#directory);
    return names.flatMap((name) => {
      const match = /^node-(\d{1,4})\.keys$/.exec(name);
      return match === null ? [] : [Number(match[1])];
    }).sort((a, b) => a - b);
  }

  /**
   * Which keys are in use; `null` when the node has none.
   *
   * @throws {IdentityError} "malformed" when several key files lie there and nothing says which one counts.
   */
  async slots(): Promise<KeySlots | null> {
    const text = await this.#files.readText(this.#slotsPath);
    const generations = await this.#generations();
    if (text === null) {
      const [only, ...more] = generations;
      if (only === undefined) return null;
      if (more.length === 0) return { current: only, next: null, last: null };
      throw new IdentityError(
        "malformed",
        `Cannot choose a key file in "${this.#directory}": ${generations.length} are there and ` +
          `"slots" is missing; move all but the right one away`,
      );
    }
    const document = readDocument("key slots", text, this.#slotsPath);
    return {
      current: document.number("current"),
      next: document.has("next") ? document.number("next") : null,
      last: document.has("last")
        ? { generation: document.number("last"), untilMs: document.number("last-until-ms") }
        : null,
    };
  }

  async #writeSlots({ current, next, last }: KeySlots): Promise<void> {
    const text = writeDocument("key slots", {
      current: String(current),
      ...(next === null ? {} : { next: String(next) }),
      ...(last === null ? {} : {
        "last": String(last.generation),
        "last-until-ms": String(last.untilMs),
      }),
    });
    await this.#files.writeAtomic(this.#slotsPath, text, 0o600);
  }

  /** Makes the node's first keys. @throws {IdentityError} "exists" when it has some. */
  async create(suite: SuiteName): Promise<NodeKeys> {
    if ((await this.#generations()).length > 0) {
      throw new IdentityError(
        "exists",
        `Cannot make node keys in "${this.#directory}": it has some, and no key is ever overwritten`,
      );
    }
    await this.#files.makeDirectory(this.#directory, 0o700);
    await this.#write(1, {
      suite,
      postQuantum: this.#random.bytes(SEED_BYTES),
      ed25519: this.#random.bytes(SEED_BYTES),
      ...this.#rotating(),
    });
    await this.#writeSlots({ current: 1, next: null, last: null });
    return await this.load(1);
  }

  #rotating(): Pick<NodeSeeds, "wireguard" | "tlsPkcs8"> {
    let tls = tlsKeyFrom(this.#random.bytes(TLS_SECRET_BYTES));
    // One in 2^32 octet strings is no P-256 secret.
    while (tls === null) tls = tlsKeyFrom(this.#random.bytes(TLS_SECRET_BYTES));
    return { wireguard: clamp(this.#random.bytes(32)), tlsPkcs8: tls.pkcs8 };
  }

  async #write(generation: number, seeds: NodeSeeds): Promise<void> {
    const text = writeDocument("node keys", {
      suite: seeds.suite,
      generation: String(generation),
      "post-quantum-seed": fieldOf(seeds.postQuantum),
      "ed25519-seed": fieldOf(seeds.ed25519),
      "wireguard-private": fieldOf(seeds.wireguard),
      "tls-pkcs8": fieldOf(seeds.tlsPkcs8),
    });
    await makeSecretFile(this.#files, this.#path(generation), text);
  }

  async #read(generation: number): Promise<NodeSeeds> {
    const path = this.#path(generation);
    const text = await readSecretFile(this.#files, path);
    if (text === null) {
      throw new IdentityError("missing", `Cannot use "${path}": there is no such file`);
    }
    const document = readDocument("node keys", text, path);
    if (document.number("generation") !== generation) {
      throw new IdentityError("malformed", `Cannot use "${path}": it holds another generation`);
    }
    const tlsPkcs8 = document.bytes("tls-pkcs8");
    tlsKeyOf(tlsPkcs8);
    return {
      suite: document.oneOf("suite", SUITE_NAMES),
      postQuantum: document.bytes("post-quantum-seed", SEED_BYTES),
      ed25519: document.bytes("ed25519-seed", SEED_BYTES),
      wireguard: document.bytes("wireguard-private", 32),
      tlsPkcs8,
    };
  }

  /**
   * Keys of one generation.
   *
   * @throws {IdentityError} "missing", "insecure-file", "checksum", "malformed"; the file stays as it is.
   */
  async load(generation: number): Promise<NodeKeys> {
    const seeds = await this.#read(generation);
    const backend = this.#backend;
    const algorithm = suiteOf(seeds).postQuantumSignature;
    const [postQuantum, ed25519, agreement] = await Promise.all([
      backend.signer(algorithm, seeds.postQuantum),
      backend.signer("Ed25519", seeds.ed25519),
      backend.agreementKeyPair(seeds.wireguard),
    ]);
    const both = Uint8Array.from([...seeds.postQuantum, ...seeds.ed25519]);
    const root = hashOf(both);
    for (const secret of [both, seeds.postQuantum, seeds.ed25519]) secret.fill(0);
    agreement.wipe();
    return {
      suite: seeds.suite,
      generation,
      postQuantum,
      ed25519,
      publicKeys: { postQuantum: postQuantum.publicKey, ed25519: ed25519.publicKey },
      wireguardPrivate: seeds.wireguard,
      wireguardPublic: agreement.publicKey,
      tlsPkcs8: seeds.tlsPkcs8,
      tlsIntermediate: hashOf(tlsKeyOf(seeds.tlsPkcs8).spki),
      derive: (label, length) =>
        hkdfExpand(root, new TextEncoder().encode(`x0tta6bl4 v1 ${label}`), length),
      wipe() {
        postQuantum.wipe();
        ed25519.wipe();
        for (const secret of [root, seeds.wireguard, seeds.tlsPkcs8]) secret.fill(0);
      },
    };
  }

  /** The current keys; `null` when the node has none. @throws {IdentityError} as {@link load}. */
  async current(): Promise<NodeKeys | null> {
    const slots = await this.slots();
    return slots === null ? null : await this.load(slots.current);
  }

  /**
   * Fills the next slot: same identity, new WireGuard and TLS keys. What is in the slot already stays and
   * is returned, so that an interrupted rotation goes on where it was.
   */
  async prepareNext(): Promise<NodeKeys> {
    const slots = await this.#requireSlots();
    if (slots.next !== null) return await this.load(slots.next);
    const generation = ((await this.#generations()).at(-1) ?? 0) + 1;
    if (generation > MAX_KEY_GENERATIONS) {
      throw new IdentityError(
        "exists",
        `Cannot make further keys in "${this.#directory}": ${MAX_KEY_GENERATIONS} were made`,
      );
    }
    const { suite, postQuantum, ed25519 } = await this.#read(slots.current);
    await this.#write(generation, { suite, postQuantum, ed25519, ...this.#rotating() });
    await this.#writeSlots({ ...slots, next: generation });
    return await this.load(generation);
  }

  /** Next becomes current; the one before is accepted until `lastUntilMs` (wall time). */
  async promote(lastUntilMs: number): Promise<KeySlots> {
    const slots = await this.#requireSlots();
    if (slots.next === null) {
      throw new IdentityError("missing", "Cannot rotate the node's keys: no next ones were made");
    }
    const after: KeySlots = {
      current: slots.next,
      next: null,
      last: { generation: slots.current, untilMs: lastUntilMs },
    };
    await this.#writeSlots(after);
    return after;
  }

  /** Removes the last keys once their end has passed, so that nobody finds them later. */
  async dropEnded(nowMs: number): Promise<void> {
    const slots = await this.slots();
    if (slots?.last === null || slots === null || nowMs < slots.last.untilMs) return;
    await this.#writeSlots({ ...slots, last: null });
    await this.#files.remove(this.#path(slots.last.generation));
  }

  async #requireSlots(): Promise<KeySlots> {
    const slots = await this.slots();
    if (slots === null) {
      throw new IdentityError("missing", `Cannot find node keys in "${this.#directory}"`);
    }
    return slots;
  }
}
