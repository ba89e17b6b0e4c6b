// The text form of what a node keeps in files: key files, mesh state, signing requests. One field a line,
// a checksum at the end, so that a half-written or edited file is told from a good one. A checksum is not
// a signature: it finds accidents; what must be trusted is signed or sealed inside.
//
//   x0tta6bl4 node keys 1
//   suite: category3
//   checksum: 5f1c…                SHA-384 over all lines before, first 16 octets
import { equalBytes, hashOf } from "../pq/mod.ts";
import { IdentityError } from "./errors.ts";
import { MAX_DOCUMENT_CHARACTERS } from "./limits.ts";

/** Kinds of documents. */
export type DocumentKind =
  | "node keys"
  | "key slots"
  | "authority key"
  | "authority backup"
  | "mesh state"
  | "signing request"
  | "revocations"
  | "policy";

const VERSION = 1;
const CHECKSUM_BYTES = 16;

/** Fields of a document, by name. */
export type Fields = Readonly<Record<string, string>>;

function checksumOf(text: string): Uint8Array<ArrayBuffer> {
  return hashOf(new TextEncoder().encode(text)).slice(0, CHECKSUM_BYTES);
}

/** Writes a document. Names are lower-case words with dashes; values are single lines. */
export function writeDocument(kind: DocumentKind, fields: Fields): string {
  const lines = [`x0tta6bl4 ${kind} ${VERSION}`];
  for (const [name, value] of Object.entries(fields)) {
    if (!/^[a-z0-9-]+$/.test(name) || /[\r\n]/.test(value)) {
      throw new RangeError(`Cannot write field "${name}"`);
    }
    lines.push(`${name}: ${value}`);
  }
  const text = `${lines.join("\n")}\n`;
  return `${text}checksum: ${checksumOf(text).toHex()}\n`;
}

/**
 * Reads a document.
 *
 * @param path for messages; contents never are in them.
 * @throws {IdentityError} "malformed" when it is something else, "checksum" when it is damaged.
 */
export function readDocument(kind: DocumentKind, text: string, path: string): DocumentReader {
  const fail = (code: "malformed" | "checksum", why: string): never => {
    throw new IdentityError(code, `Cannot use "${path}" as ${kind}: ${why}; it was left as it is`);
  };
  if (text.length > MAX_DOCUMENT_CHARACTERS) fail("malformed", "it is too long");
  const head = /^x0tta6bl4 ([a-z ]+) (\d+)\n/.exec(text);
  if (head === null) return fail("malformed", "it does not begin like one");
  if (head[1] !== kind) fail("malformed", `it is "${head[1]}"`);
  if (head[2] !== String(VERSION)) {
    fail("malformed", `it has version ${head[2]}, this release knows ${VERSION}`);
  }
  const end = /^([\s\S]*\n)checksum: ([0-9a-f]{32})\n$/.exec(text);
  if (end === null) return fail("checksum", "its end is missing: it was written only in part");
  const [, body = "", checksum = ""] = end;
  if (!equalBytes(checksumOf(body), Uint8Array.fromHex(checksum))) {
    fail("checksum", "its checksum does not hold: it was changed or damaged");
  }
  const fields = new Map<string, string>();
  for (const line of body.split("\n").slice(1, -1)) {
    const match = /^([a-z0-9-]+): (.*)$/.exec(line);
    if (match === null || fields.has(match[1] ?? "")) return fail("malformed", "a line is wrong");
    fields.set(match[1] ?? "", match[2] ?? "");
  }
  return new DocumentReader(kind, path, fields);
}

/** Octets as a field's value. */
export function fieldOf(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Fields of a document that was read; each getter throws "malformed" when the field is not as it must be. */
export class DocumentReader {
  readonly #kind: DocumentKind;
  readonly #path: string;
  readonly #fields: ReadonlyMap<string, string>;

  constructor(kind: DocumentKind, path: string, fields: ReadonlyMap<string, string>) {
    this.#kind = kind;
    this.#path = path;
    this.#fields = fields;
  }

  #fail(name: string, why: string): never {
    throw new IdentityError(
      "malformed",
      `Cannot use "${this.#path}" as ${this.#kind}: "${name}" ${why}; it was left as it is`,
    );
  }

  /** Whether the field is there. */
  has(name: string): boolean {
    return this.#fields.has(name);
  }

  text(name: string): string {
    return this.#fields.get(name) ?? this.#fail(name, "is missing");
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const text = this.text(name);
    return values.find((value) => value === text) ?? this.#fail(name, "has an unknown value");
  }

  number(name: string): number {
    const text = this.text(name);
    const value = Number(text);
    if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) this.#fail(name, "is no number");
    return value;
  }

  /** @param length octets it must have; left out, any number. */
  bytes(name: string, length?: number): Uint8Array<ArrayBuffer> {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = Uint8Array.fromBase64(this.text(name), { alphabet: "base64url" });
    } catch {
      return this.#fail(name, "is not base64url");
    }
    if (length !== undefined && bytes.length !== length) {
      this.#fail(name, `has ${bytes.length} octets, not ${length}`);
    }
    return bytes;
  }
}
