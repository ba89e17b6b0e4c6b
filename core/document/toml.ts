// From TOML text to a plain value with camelCase keys and the place of every key. Unknown keys and
// keys whose kind is wrong (a table where a number belongs) are found here, where their place is known;
// values are checked by the schema afterwards. TOML 1.0.0 through toml-eslint-parser's syntax tree.
import { type AST, parseTOML } from "toml-eslint-parser";
import type { z } from "zod";
import { messageOf } from "../base/mod.ts";
import { type DocumentError, documentError } from "./errors.ts";
import { MAX_DOCUMENT_BYTES, MAX_SHOWN_CHARACTERS } from "./limits.ts";
import { formatPath, fromTomlKey, type PathPart, toTomlKey } from "./names.ts";
import { expects, metaOf, type Shape, shapeOf } from "./schema_walk.ts";
import { nearest } from "./suggest.ts";

/** Where a key stands. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A document read from text. */
export interface Reading {
  readonly value: Record<string, unknown>;
  /** Place of each key and list item by its {@link formatPath}. */
  readonly places: ReadonlyMap<string, Place>;
  /** Source text of each value by its {@link formatPath}. */
  readonly sources: ReadonlyMap<string, string>;
  readonly errors: readonly DocumentError[];
}

/** The text of a value, shortened for an error. */
export function shown(source: string): string {
  const line = source.split(/\r?\n/, 1)[0] ?? "";
  const short = line.length > MAX_SHOWN_CHARACTERS ? line.slice(0, MAX_SHOWN_CHARACTERS) : line;
  return short === source ? source : `${short}…`;
}

class Reader {
  readonly value: Record<string, unknown> = {};
  readonly places = new Map<string, Place>();
  readonly sources = new Map<string, string>();
  readonly errors: DocumentError[] = [];

  constructor(readonly schema: z.ZodType, readonly text: string) {}

  place(node: AST.TOMLNode): Place {
    return { line: node.loc.start.line, column: node.loc.start.column + 1 };
  }

  source(node: AST.TOMLNode): string {
    return this.text.slice(node.range[0], node.range[1]);
  }

  unknown(name: string, path: readonly PathPart[], shape: Shape, node: AST.TOMLNode): void {
    const known = shape.type === "object" ? Object.keys(shape.keys).map(toTomlKey) : [];
    const parent = formatPath(path);
    const full = parent === "" ? name : `${parent}.${name}`;
    const snake = toTomlKey(name).replaceAll("-", "_");
    this.errors.push(documentError({
      ...this.place(node),
      key: shown(full),
      expected: parent === "" ? "a known key" : `a key of ${parent}`,
      found: `unknown key "${shown(name)}"`,
      suggestion: known.includes(snake) ? snake : nearest(name, known),
    }));
  }

  wrongKind(path: readonly PathPart[], schema: z.ZodType, found: string, node: AST.TOMLNode): void {
    this.errors.push(documentError({
      ...this.place(node),
      key: formatPath(path),
      expected: expects(schema),
      found,
      suggestion: null,
    }));
  }

  /** Goes down one key, making its table; `null` after an error. */
  step(at: Cursor, name: string, node: AST.TOMLNode): Cursor | null {
    const shape = shapeOf(at.schema);
    const key = fromTomlKey(name);
    const child = shape.type === "object" && Object.hasOwn(shape.keys, key) &&
        toTomlKey(key) === name
      ? shape.keys[key]
      : undefined;
    if (child === undefined) {
      this.unknown(name, at.path, shape, node);
      return null;
    }
    const path = [...at.path, key];
    if (!this.places.has(formatPath(path))) this.places.set(formatPath(path), this.place(node));
    return { schema: child, path, container: at.value, key, value: {} };
  }

  /** The table that a cursor's key holds, made when missing. */
  enter(at: Cursor, node: AST.TOMLNode): Cursor | null {
    if (shapeOf(at.schema).type !== "object") {
      this.wrongKind(at.path, at.schema, "a table", node);
      return null;
    }
    const present = at.container[at.key];
    const value = isRecord(present) ? present : {};
    at.container[at.key] = value;
    return { ...at, value };
  }

  table(table: AST.TOMLTable): void {
    let at: Cursor | null = root(this.schema, this.value);
    const keys = table.key.keys;
    let segment = 0;
    for (const part of table.resolvedKey) {
      const node: AST.TOMLNode = keys[Math.min(segment, keys.length - 1)] ?? table;
      at = typeof part === "string" ? this.openKey(at, part, node) : this.openItem(at, part, node);
      if (at === null) return;
      if (typeof part === "string") segment++;
    }
    if (shapeOf(at.schema).type !== "object") {
      this.wrongKind(at.path, at.schema, "a table", table.key);
      return;
    }
    for (const pair of table.body) this.pair(at, pair);
  }

  openKey(at: Cursor, name: string, node: AST.TOMLNode): Cursor | null {
    const next = this.step(at, name, node);
    if (next === null) return null;
    return shapeOf(next.schema).type === "object" ? this.enter(next, node) : next;
  }

  openItem(at: Cursor, index: number, node: AST.TOMLNode): Cursor | null {
    const shape = shapeOf(at.schema);
    if (shape.type !== "list") {
      if (index === 0) this.wrongKind(at.path, at.schema, "a list of tables ([[…]])", node);
      return null;
    }
    if (shapeOf(shape.item).type !== "object") {
      this.wrongKind(at.path, at.schema, "a list of tables ([[…]])", node);
      return null;
    }
    const present = at.container[at.key];
    const items: unknown[] = Array.isArray(present) ? present : [];
    at.container[at.key] = items;
    const item = isRecord(items[index]) ? items[index] : {};
    items[index] = item;
    const path = [...at.path, index];
    if (!this.places.has(formatPath(path))) this.places.set(formatPath(path), this.place(node));
    return { schema: shape.item, path, container: {}, key: "", value: item };
  }

  pair(at: Cursor, pair: AST.TOMLKeyValue): void {
    let cursor: Cursor = at;
    for (const [i, key] of pair.key.keys.entries()) {
      const name = key.type === "TOMLBare" ? key.name : key.value;
      const next = this.step(cursor, name, key);
      if (next === null) return;
      if (i === pair.key.keys.length - 1) {
        next.container[next.key] = this.content(next.schema, next.path, pair.value);
        return;
      }
      const entered = this.enter(next, key);
      if (entered === null) return;
      cursor = entered;
    }
  }

  content(schema: z.ZodType, path: readonly PathPart[], node: AST.TOMLContentNode): unknown {
    const shape = shapeOf(schema);
    const name = formatPath(path);
    if (!this.places.has(name)) this.places.set(name, this.place(node));
    this.sources.set(name, metaOf(schema).secret === true ? "a secret" : shown(this.source(node)));
    if (node.type === "TOMLInlineTable" && shape.type === "object") {
      const value: Record<string, unknown> = {};
      for (const pair of node.body) {
        this.pair({ schema, path, container: {}, key: "", value }, pair);
      }
      return value;
    }
    if (node.type === "TOMLArray" && shape.type === "list") {
      return node.elements.map((item, i) => this.content(shape.item, [...path, i], item));
    }
    if (node.type === "TOMLValue" && shape.type === "leaf") return leaf(node);
    this.wrongKind(
      path,
      schema,
      metaOf(schema).secret === true ? "another kind of value" : shown(this.source(node)),
      node,
    );
    return undefined;
  }
}

interface Cursor {
  readonly schema: z.ZodType;
  readonly path: readonly PathPart[];
  /** The object that holds this cursor's key. */
  readonly container: Record<string, unknown>;
  readonly key: string;
  /** The object the cursor stands in, for tables. */
  readonly value: Record<string, unknown>;
}

function root(schema: z.ZodType, value: Record<string, unknown>): Cursor {
  return { schema, path: [], container: {}, key: "", value };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function leaf(node: AST.TOMLValue): unknown {
  // A number beyond 2^53 stays a bigint, so that the schema refuses it in place of rounding it.
  if (node.kind === "integer") {
    return Number.isSafeInteger(node.value) ? node.value : node.bigint;
  }
  return node.value;
}

function failure(expected: string, found: string, place: Place): Reading {
  const error = documentError({ ...place, key: "", expected, found, suggestion: null });
  return { value: {}, places: new Map(), sources: new Map(), errors: [error] };
}

function syntaxFailure(thrown: unknown): Reading {
  const { lineNumber, column } = thrown as { lineNumber?: unknown; column?: unknown };
  const known = typeof lineNumber === "number" && typeof column === "number";
  const place = known ? { line: lineNumber, column: column + 1 } : { line: 1, column: 1 };
  const said = thrown instanceof RangeError ? "nested too deep" : messageOf(thrown);
  return failure("valid TOML", said.charAt(0).toLowerCase() + said.slice(1), place);
}

/** The syntax tree, or what is wrong with the text. */
export function syntaxOf(text: string): AST.TOMLProgram | Reading {
  const start = { line: 1, column: 1 };
  if (text.length > MAX_DOCUMENT_BYTES) {
    return failure(
      `a document of at most ${MAX_DOCUMENT_BYTES} octets`,
      `${text.length} characters`,
      start,
    );
  }
  if (!text.isWellFormed()) return failure("UTF-8 text", "half a surrogate pair", start);
  try {
    // A byte order mark, as some editors write it, is no TOML; a blank keeps the positions.
    return parseTOML(text.replace(/^\ufeff/, " "), { tomlVersion: "1.0.0" });
  } catch (thrown) {
    return syntaxFailure(thrown);
  }
}

/** Reads TOML text by its schema. Never throws: whatever is wrong is in `errors`. */
export function readToml(schema: z.ZodType, text: string): Reading {
  const program = syntaxOf(text);
  if (!("type" in program)) return program;
  const reader = new Reader(schema, text);
  try {
    const [top] = program.body;
    for (const child of top.body) {
      if (child.type === "TOMLTable") reader.table(child);
      else reader.pair(root(schema, reader.value), child);
    }
  } catch (thrown) {
    if (thrown instanceof RangeError) return syntaxFailure(thrown);
    throw thrown;
  }
  return reader;
}
