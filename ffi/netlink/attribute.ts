// Attributes of any netlink family, described as data: a family's spec.ts holds tables, and the two
// functions here turn a table and octets into a plain readonly object and back. Pure: no I/O, no clock.
// linux v6.12 include/uapi/linux/netlink.h (struct nlattr), include/net/netlink.h.
//
// Rules of the walker: lengths and depth are checked; an attribute the table does not know is skipped;
// a known one of wrong length throws; of a repeated one the last counts, as in the kernel's nla_parse().
import { DecodeError } from "./errors.ts";
import { MAX_ATTRIBUTE_PAYLOAD_BYTES, MAX_ATTRIBUTES, MAX_NESTING_DEPTH } from "./limits.ts";
import { type ScalarKind, SCALARS, type ScalarValues } from "./values.ts";

const HEADER_BYTES = 4;
const TYPE_MASK = 0x3fff;
const NLA_F_NESTED = 0x8000;

/** A nested table, or a list of scalars or tables. Made with {@link nest}, {@link list}, {@link indexed}. */
export type Kind =
  | ScalarKind
  | { readonly nest: AttributeTable }
  | { readonly list: ScalarKind | AttributeTable }
  | { readonly indexed: ScalarKind | AttributeTable };

/** Attribute name → [type number, kind]. The name is the key of the decoded object. */
export interface AttributeTable {
  readonly [name: string]: readonly [type: number, kind: Kind];
}

type ElementOf<E> = E extends ScalarKind ? ScalarValues[E]
  : E extends AttributeTable ? Attributes<E>
  : never;

type ValueOf<K> = K extends ScalarKind ? ScalarValues[K]
  : K extends { readonly nest: infer T extends AttributeTable } ? Attributes<T>
  : K extends { readonly list: infer E } ? readonly ElementOf<E>[]
  : K extends { readonly indexed: infer E } ? readonly Indexed<ElementOf<E>>[]
  : never;

/** One element of an {@link indexed} list: its attribute type carries meaning (a band number, say). */
export interface Indexed<T> {
  readonly index: number;
  readonly value: T;
}

/** The object a table decodes to and encodes from: every attribute is optional. */
export type Attributes<T extends AttributeTable> = {
  readonly [N in keyof T]?: ValueOf<T[N][1]>;
};

/** An attribute that contains attributes of `table`. */
export function nest<const T extends AttributeTable>(table: T): { readonly nest: T } {
  return { nest: table };
}

/** An attribute that contains an array; the elements' own types are mere positions. */
export function list<const E extends ScalarKind | AttributeTable>(
  element: E,
): { readonly list: E } {
  return { list: element };
}

/** An attribute that contains an array whose elements' types carry meaning. */
export function indexed<const E extends ScalarKind | AttributeTable>(
  element: E,
): { readonly indexed: E } {
  return { indexed: element };
}

/** Declares a table, keeping its literal types. */
export function table<const T extends AttributeTable>(attributes: T): T {
  return attributes;
}

/** Where in nested tables the walker is; turned into text only when something is wrong. */
interface Path {
  readonly parent: Path | null;
  readonly name: string;
}

/** A table made ready for reading: by attribute type, with the codec looked up. */
interface Field {
  readonly name: string;
  readonly kind: Kind;
}

type FieldsByType = readonly (Field | undefined)[];

const fieldCache = new WeakMap<AttributeTable, FieldsByType>();

function fieldsOf(attributes: AttributeTable): FieldsByType {
  const cached = fieldCache.get(attributes);
  if (cached !== undefined) return cached;
  const fields: Field[] = [];
  for (const [name, [type, kind]] of Object.entries(attributes)) fields[type] ??= { name, kind };
  fieldCache.set(attributes, fields);
  return fields;
}

function textOf(path: Path, name: string | null): string {
  const own = name === null ? "" : `.${name}`;
  return path.parent === null ? `${path.name}${own}` : `${textOf(path.parent, path.name)}${own}`;
}

/** One buffer being read. Offsets count from its start, at every depth. */
class Walker {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Length of the attribute at `at` with its header, after checking that it lies before `end`. */
  #lengthAt(at: number, end: number, path: Path): number {
    if (end - at < HEADER_BYTES) {
      throw new DecodeError(textOf(path, null), at, HEADER_BYTES, end - at);
    }
    const length = this.#view.getUint16(at, true);
    if (length < HEADER_BYTES) {
      throw new DecodeError(textOf(path, null), at, HEADER_BYTES, length);
    }
    if (at + length > end) throw new DecodeError(textOf(path, null), at, length, end - at);
    return length;
  }

  #typeAt(at: number): number {
    return this.#view.getUint16(at + 2, true) & TYPE_MASK;
  }

  table(
    attributes: AttributeTable,
    at: number,
    end: number,
    path: Path,
    depth: number,
  ): Record<string, unknown> {
    if (depth > MAX_NESTING_DEPTH) {
      throw new DecodeError(textOf(path, null), at, MAX_NESTING_DEPTH, depth);
    }
    const fields = fieldsOf(attributes);
    const out: Record<string, unknown> = {};
    let next = at;
    while (next < end) {
      const stop = next + this.#lengthAt(next, end, path);
      const field = fields[this.#typeAt(next)];
      const start = next + HEADER_BYTES;
      next = (stop - at + 3 & ~3) + at;
      if (field === undefined) continue;
      const { name, kind } = field;
      out[name] = typeof kind === "string"
        ? this.#scalar(kind, start, stop, path, name)
        : this.#nested(kind, start, stop, { parent: path, name }, depth);
    }
    return out;
  }

  #nested(
    kind: Exclude<Kind, ScalarKind>,
    at: number,
    end: number,
    path: Path,
    depth: number,
  ): unknown {
    if ("nest" in kind) return this.table(kind.nest, at, end, path, depth + 1);
    if (depth + 1 > MAX_NESTING_DEPTH) {
      throw new DecodeError(textOf(path, null), at, MAX_NESTING_DEPTH, depth + 1);
    }
    const out: unknown[] = [];
    const element = "list" in kind ? kind.list : kind.indexed;
    const plain = "list" in kind;
    let next = at;
    while (next < end) {
      const stop = next + this.#lengthAt(next, end, path);
      const type = this.#typeAt(next);
      const start = next + HEADER_BYTES;
      next = (stop - at + 3 & ~3) + at;
      if (out.length >= MAX_ATTRIBUTES) {
        throw new DecodeError(textOf(path, null), start, MAX_ATTRIBUTES, out.length + 1);
      }
      const value = typeof element === "string"
        ? this.#scalar(element, start, stop, path, null)
        : this.table(element, start, stop, path, depth + 2);
      out.push(plain ? value : { index: type, value });
    }
    return out;
  }

  /** The kinds that fill large tables are read in place; the rest go through their codec. */
  #scalar(kind: ScalarKind, at: number, end: number, path: Path, name: string | null): unknown {
    const codec = SCALARS[kind];
    if (codec.length !== null && end - at !== codec.length) {
      throw new DecodeError(textOf(path, name), at, codec.length, end - at);
    }
    switch (kind) {
      case "u8":
        return this.#bytes[at];
      case "u16":
        return this.#view.getUint16(at, true);
      case "u32":
        return this.#view.getUint32(at, true);
      case "flag":
        return true;
      case "string":
      case "text":
      case "bytes":
      case "mac":
        // These refuse nothing, so the path is not needed.
        return codec.read(this.#bytes.subarray(at, end), "", at);
      default:
        return codec.read(this.#bytes.subarray(at, end), textOf(path, name), at);
    }
  }
}

/**
 * Reads the attributes in `bytes` by `attributes`.
 *
 * @param what prefix for errors, e.g. "batadv".
 * @throws {DecodeError} on a wrong length, truncation, or nesting deeper than MAX_NESTING_DEPTH.
 */
export function decodeAttributes<const T extends AttributeTable>(
  attributes: T,
  bytes: Uint8Array,
  what: string,
): Attributes<T> {
  const path = { parent: null, name: what };
  return new Walker(bytes).table(attributes, 0, bytes.length, path, 0) as Attributes<T>;
}

function frame(type: number, payload: Uint8Array): Uint8Array {
  if (payload.length > MAX_ATTRIBUTE_PAYLOAD_BYTES) {
    throw new RangeError(`Cannot encode attribute ${type}: ${payload.length} octets is too long`);
  }
  const bytes = new Uint8Array((HEADER_BYTES + payload.length + 3) & ~3);
  const target = new DataView(bytes.buffer);
  target.setUint16(0, HEADER_BYTES + payload.length, true);
  target.setUint16(2, type, true);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function writeScalar(kind: ScalarKind, value: unknown): Uint8Array {
  return (SCALARS[kind].write as (value: unknown) => Uint8Array)(value);
}

function writeElement(element: ScalarKind | AttributeTable, type: number, value: unknown) {
  return typeof element === "string"
    ? frame(type, writeScalar(element, value))
    : frame(type | NLA_F_NESTED, writeTable(element, value as Record<string, unknown>));
}

function writeValue(type: number, kind: Kind, value: unknown): Uint8Array {
  if (typeof kind === "string") return frame(type, writeScalar(kind, value));
  if ("nest" in kind) {
    return frame(type | NLA_F_NESTED, writeTable(kind.nest, value as Record<string, unknown>));
  }
  const parts = "list" in kind
    ? (value as readonly unknown[]).map((item, i) => writeElement(kind.list, i + 1, item))
    : (value as readonly Indexed<unknown>[]).map((item) =>
      writeElement(kind.indexed, item.index, item.value)
    );
  return frame(type | NLA_F_NESTED, concat(parts));
}

function writeTable(attributes: AttributeTable, values: Record<string, unknown>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const entry = attributes[name];
    if (entry === undefined) {
      throw new TypeError(`Cannot encode attribute "${name}": not in the table`);
    }
    const [type, kind] = entry;
    if (kind === "flag" && value === false) continue;
    parts.push(writeValue(type, kind, value));
  }
  return concat(parts);
}

/**
 * Writes `values` as attributes, in the order of the object's keys.
 *
 * @throws {TypeError} for a key the table does not have or a value of wrong form.
 * @throws {RangeError} for a number that its kind cannot hold, or a payload longer than an attribute's.
 */
export function encodeAttributes<const T extends AttributeTable>(
  attributes: T,
  values: Attributes<T>,
): Uint8Array {
  return writeTable(attributes, values as Record<string, unknown>);
}

/** Joins octet arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
