// Changing one key of a document's text in place, so that comments, order and spacing survive. The text
// is edited at the syntax tree's positions; the result is parsed again and must differ from the document
// before in that one key, else the edit is refused.
import type { AST } from "toml-eslint-parser";
import {
  documentError,
  expects,
  formatPath,
  fromTomlKey,
  nearest,
  parsePath,
  type PathPart,
  shapeOf,
  syntaxOf,
  toTomlKey,
} from "../document/mod.ts";
import { equal } from "./equal.ts";
import type { ConfigError } from "./errors.ts";
import { parseConfig } from "./parse.ts";
import type { Config } from "./schema.ts";
import { allKeys, schemaAt } from "./schema_walk.ts";
import { tomlLiteral, valueAt } from "./write.ts";

/** What {@link setKey} gives. */
export type EditResult =
  | { readonly ok: true; readonly text: string; readonly config: Config }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

type Pair = AST.TOMLKeyValue;
type Pairs = AST.TOMLTopLevelTable | AST.TOMLTable | AST.TOMLInlineTable;

/** A table in the text: where its pairs stand. */
interface TableSite {
  readonly path: readonly PathPart[];
  readonly node: Pairs;
}

/** A value in the text. */
interface ValueSite {
  readonly path: readonly PathPart[];
  readonly pair: Pair | null;
  readonly value: AST.TOMLContentNode;
}

function refused(key: string, expected: string, found: string, hint: string | null = null) {
  const error = documentError({ line: 0, column: 0, key, expected, found, suggestion: hint });
  return { ok: false as const, errors: [error] };
}

/** Every table and value of a document with its path. */
function sites(program: AST.TOMLProgram): {
  readonly tables: readonly TableSite[];
  readonly values: readonly ValueSite[];
} {
  const tables: TableSite[] = [];
  const values: ValueSite[] = [];
  const content = (path: readonly PathPart[], pair: Pair | null, value: AST.TOMLContentNode) => {
    values.push({ path, pair, value });
    if (value.type === "TOMLInlineTable") table(path, value);
    else if (value.type === "TOMLArray") {
      value.elements.forEach((item, i) => content([...path, i], null, item));
    }
  };
  const table = (path: readonly PathPart[], node: Pairs) => {
    tables.push({ path, node });
    for (const item of node.body) {
      if (item.type === "TOMLTable") {
        table(
          item.resolvedKey.map((part) => typeof part === "string" ? fromTomlKey(part) : part),
          item,
        );
        continue;
      }
      const keys = item.key.keys.map((key) =>
        fromTomlKey(key.type === "TOMLBare" ? key.name : key.value)
      );
      content([...path, ...keys], item, item.value);
    }
  };
  table([], program.body[0]);
  return { tables, values };
}

const isPrefix = (prefix: readonly PathPart[], path: readonly PathPart[]): boolean =>
  prefix.length <= path.length && prefix.every((part, i) => part === path[i]);

function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

/** Inserts a line after offset `at`'s line. */
function insertLine(text: string, at: number, line: string): string {
  const end = lineEnd(text, at);
  return `${text.slice(0, end)}\n${line}${text.slice(end)}`;
}

function dotted(path: readonly PathPart[]): string {
  return path.map((part) => toTomlKey(String(part))).join(".");
}

/** Adds `rest = literal` to a table of the text. */
function insertInto(text: string, site: TableSite, rest: readonly PathPart[], literal: string) {
  const line = `${dotted(rest)} = ${literal}`;
  const { node } = site;
  const pairs = node.body.filter((item) => item.type === "TOMLKeyValue");
  const last = pairs.at(-1);
  if (node.type === "TOMLInlineTable") {
    if (last !== undefined) {
      const at = last.range[1];
      return `${text.slice(0, at)}, ${line}${text.slice(at)}`;
    }
    return `${text.slice(0, node.range[0])}{ ${line} }${text.slice(node.range[1])}`;
  }
  if (last !== undefined) return insertLine(text, last.range[1], line);
  if (node.type === "TOMLTable") return insertLine(text, node.key.range[1], line);
  const first = node.body[0];
  if (first === undefined) {
    return text.trim() === "" ? `${line}\n` : `${withNewline(text)}${line}\n`;
  }
  // Before the first table's header, and before the comments that belong to it.
  const start = text.lastIndexOf("\n", first.range[0] - 1) + 1;
  return `${text.slice(0, start)}${line}\n\n${text.slice(start)}`;
}

function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function insert(
  text: string,
  program: AST.TOMLProgram,
  path: readonly PathPart[],
  literal: string,
) {
  const { tables, values } = sites(program);
  const parent = path.slice(0, -1);
  const exact = tables.findLast((site) => equal(site.path, parent));
  if (exact !== undefined) return insertInto(text, exact, path.slice(parent.length), literal);
  const rest = (site: TableSite) => path.slice(site.path.length);
  const positioned = parent.some((part) => typeof part === "number");
  const byDots = values.some((site) =>
    site.pair !== null && isPrefix(parent.slice(0, 1), site.path) && site.path.length > 1
  );
  const nearest = tables
    .filter((site) =>
      isPrefix(site.path, parent) && rest(site).every((part) => typeof part === "string")
    )
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  const inline = nearest?.node.type === "TOMLInlineTable";
  if (nearest !== undefined && (inline || positioned || (byDots && nearest.path.length > 0))) {
    return insertInto(text, nearest, rest(nearest), literal);
  }
  const last = path.at(-1);
  return `${withNewline(text)}${text.trim() === "" ? "" : "\n"}[${dotted(parent)}]\n${
    toTomlKey(String(last))
  } = ${literal}\n`;
}

/** A new item at the end of a list of tables. */
function append(text: string, path: readonly PathPart[], key: string, literal: string): string {
  const list = dotted(path.slice(0, -2));
  return `${withNewline(text)}${text.trim() === "" ? "" : "\n"}[[${list}]]\n${
    toTomlKey(key)
  } = ${literal}\n`;
}

/** Removes a pair with its line. */
function removePair(text: string, pair: Pair): string {
  const inline = pair.parent.type === "TOMLInlineTable";
  if (inline) {
    const { body } = pair.parent as AST.TOMLInlineTable;
    const at = body.indexOf(pair);
    const next = body[at + 1];
    const before = body[at - 1];
    const start = before === undefined ? pair.range[0] : before.range[1];
    const end = before === undefined && next !== undefined ? next.range[0] : pair.range[1];
    return text.slice(0, start) + text.slice(end);
  }
  const start = text.lastIndexOf("\n", pair.range[0] - 1) + 1;
  return text.slice(0, start) + text.slice(Math.min(text.length, lineEnd(text, pair.range[1]) + 1));
}

function edited(text: string, program: AST.TOMLProgram, path: readonly PathPart[], value: unknown) {
  const { values } = sites(program);
  const site = values.findLast((candidate) => equal(candidate.path, path));
  if (value === undefined) {
    const table = sites(program).tables.filter((other) => equal(other.path, path));
    const node = table[0]?.node;
    if (table.length === 1 && node?.type === "TOMLTable" && node.kind === "standard") {
      return removeTable(text, node);
    }
    if (site === undefined) return table.length === 0 ? text : null;
    return site.pair === null ? null : removePair(text, site.pair);
  }
  const literal = tomlLiteral(value);
  if (site !== undefined) {
    const [start, end] = site.value.range;
    return text.slice(0, start) + literal + text.slice(end);
  }
  const last = path.at(-1);
  if (typeof last === "number") return null;
  const index = path.at(-2);
  const parent = path.slice(0, -1);
  const known = sites(program).tables.some((table) => equal(table.path, parent));
  if (typeof index === "number" && !known) return append(text, path, last ?? "", literal);
  return insert(text, program, path, literal);
}

/** The document before with `value` at `path`: what an edit must come to. */
function expected(before: Config, path: readonly PathPart[], value: unknown): unknown {
  const copy = structuredClone(before) as unknown as Record<PathPart, unknown>;
  let at = copy;
  for (const [i, part] of path.slice(0, -1).entries()) {
    if (at[part] === undefined) at[part] = typeof path[i + 1] === "number" ? [] : {};
    at = at[part] as Record<PathPart, unknown>;
  }
  at[path.at(-1) ?? ""] = value;
  return copy;
}

function checkedPath(key: string): readonly PathPart[] | null {
  const path = parsePath(key);
  return path === null || schemaAt(path) === null ? null : path;
}

/**
 * Sets one key in a document's text.
 *
 * @param text a valid document.
 * @param key as in TOML: "mesh.hop_penalty", "radios[0].channel".
 * @param value with camelCase keys where it is a table; `undefined` takes the key out, so that its default
 * holds.
 * @returns the new text with everything else as it was, or what is wrong.
 */
export function setKey(text: string, key: string, value: unknown): EditResult {
  const path = checkedPath(key);
  if (path === null) {
    const names = allKeys().map((info) => info.name);
    const plain = key.replaceAll(/\[\d+\]|\.\d+/g, "[]");
    return refused(
      key.slice(0, 80),
      "a key of the configuration",
      "an unknown one",
      nearest(plain, names),
    );
  }
  const before = parseConfig(text);
  if (!before.ok) return before;
  const program = syntaxOf(text);
  if (!("type" in program)) return { ok: false, errors: program.errors };
  const schema = schemaAt(path);
  const shape = schema === null ? null : shapeOf(schema);
  const isTable = sites(program).tables.some((site) => equal(site.path, path));
  if (shape?.type === "object" && value !== undefined && (isTable || typeof value !== "object")) {
    return refused(formatPath(path), "a single key", "a table");
  }
  const next = edited(text, program, path, value);
  if (next === null) {
    return refused(formatPath(path), "a key that can be set by itself", "an item of a list");
  }
  const after = parseConfig(next);
  if (!after.ok) return after;
  const want = value === undefined ? undefined : valueAt(after.config, path);
  const wanted = expected(before.config, path, want ?? valueAt(after.config, path));
  const kept = equal(value, want) || value === undefined;
  // A list's new item brings defaults along: only what was there before must be as it was.
  const isNew = valueAt(before.config, path.slice(0, -1)) === undefined;
  if (!kept || (!isNew && !equal(after.config, wanted) && !touchesDefaultList(path, text))) {
    return refused(
      formatPath(path),
      "a place to set the key",
      "a form that must be edited by hand",
    );
  }
  return { ok: true, text: next, config: after.config };
}

/** Takes a table with its header out of the text. */
function removeTable(text: string, node: AST.TOMLTable): string {
  const start = text.lastIndexOf("\n", node.range[0] - 1) + 1;
  const after = Math.min(text.length, lineEnd(text, node.range[1]) + 1);
  return text.slice(0, start) + text.slice(after);
}

/** `radios` has a default item: writing to it makes it explicit, which changes nothing else. */
function touchesDefaultList(path: readonly PathPart[], text: string): boolean {
  return path[0] === "radios" && !/^\s*(\[\[\s*radios\s*\]\]|radios\s*=)/m.test(text);
}

/**
 * Reads a value as a person types it for a key: `30`, `true`, `DE`, `"DE"`, `["a", "b"]`, `a,b`.
 *
 * @returns the value for {@link setKey}, or `undefined` with what is expected when it cannot be read.
 */
export function readValue(
  key: string,
  typed: string,
): { readonly ok: true; readonly value: unknown } | {
  readonly ok: false;
  readonly expected: string;
} {
  const path = checkedPath(key);
  const schema = path === null ? null : schemaAt(path);
  if (schema === null) return { ok: false, expected: "a key of the configuration" };
  const takes = (value: unknown) => schema.safeParse(value).success;
  const literal = literalOf(typed);
  if (literal.ok && takes(literal.value)) return literal;
  if (takes(typed)) return { ok: true, value: typed };
  if (shapeOf(schema).type === "list") {
    const items = typed.split(",").map((item) => item.trim()).filter((item) => item !== "");
    if (takes(items)) return { ok: true, value: items };
  }
  return { ok: false, expected: expects(schema) };
}

function literalOf(typed: string): { readonly ok: true; readonly value: unknown } | { ok: false } {
  const program = syntaxOf(`x = ${typed}\n`);
  if (!("type" in program)) return { ok: false };
  const [top] = program.body;
  const pair = top.body[0];
  if (top.body.length !== 1 || pair?.type !== "TOMLKeyValue") return { ok: false };
  const read = (node: AST.TOMLContentNode): unknown => {
    if (node.type === "TOMLArray") return node.elements.map(read);
    if (node.type === "TOMLInlineTable") {
      return Object.fromEntries(node.body.map((item) => {
        const first = item.key.keys[0];
        const name = first === undefined
          ? ""
          : first.type === "TOMLBare"
          ? first.name
          : first.value;
        return [fromTomlKey(name), read(item.value)];
      }));
    }
    return node.value;
  };
  return { ok: true, value: read(pair.value) };
}
