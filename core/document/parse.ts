// A document, as text or as plain JSON value, to what it says or to everything that is wrong with it.
import type { z } from "zod";
import { type DocumentError, documentError } from "./errors.ts";
import { MAX_REPORTED_ERRORS, MAX_SHOWN_CHARACTERS } from "./limits.ts";
import { formatPath, type PathPart, toTomlKey } from "./names.ts";
import { choices, expects, metaOf, schemaAt, shapeOf } from "./schema_walk.ts";
import { nearest } from "./suggest.ts";
import { type Place, readToml } from "./toml.ts";

/** A contradiction that no single key can tell, with the key to blame. */
export interface Finding {
  readonly path: readonly PathPart[];
  readonly expected: string;
  readonly found: string;
  /** Allowed, but probably not meant. */
  readonly warning: boolean;
  /** A word that may have been meant. */
  readonly suggestion?: string | null;
}

/** A kind of document. */
export interface DocumentForm<T> {
  /** An object whose keys may be objects, lists and leaves; leaves say what they want in `meta.expects`. */
  readonly schema: z.ZodType<T>;
  /** What the schema cannot tell. */
  readonly contradictions: (value: T) => readonly Finding[];
}

/** What {@link parseDocument} found. */
export type DocumentResult<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly DocumentError[] }
  | { readonly ok: false; readonly errors: readonly DocumentError[] };

interface Source {
  place(path: readonly PathPart[]): Place;
  found(path: readonly PathPart[], value: unknown): string;
}

function valueAt(value: unknown, path: readonly PathPart[]): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<PathPart, unknown>)[part];
  }
  return at;
}

function shownJson(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "bigint") return String(value);
  if (typeof value === "object" && value !== null) return "a table";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}

interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
  readonly maximum?: unknown;
}

function explain(
  top: z.ZodType,
  issue: Issue,
  whole: unknown,
  source: Source,
): DocumentError[] {
  const path = issue.path.map((part) => typeof part === "symbol" ? String(part) : part);
  const schema = schemaAt(top, path);
  if (issue.code === "unrecognized_keys") {
    const known = schema === null ? [] : shapeOf(schema);
    const names = "keys" in known ? Object.keys(known.keys) : [];
    return (issue.keys ?? []).map((name) =>
      documentError({
        ...source.place(path),
        key: formatPath(path),
        expected: "known keys",
        found: `unknown key "${name.slice(0, MAX_SHOWN_CHARACTERS)}"`,
        suggestion: nearest(name, names) ?? nearest(name, names.map(toTomlKey)),
      })
    );
  }
  const value = valueAt(whole, path);
  const isList = schema !== null && shapeOf(schema).type === "list" && issue.code === "too_big";
  const hidden = schema !== null && metaOf(schema).secret === true && value !== undefined;
  const found = hidden ? "a secret that is none" : source.found(path, value);
  return [documentError({
    ...source.place(path),
    key: formatPath(path),
    expected: isList
      ? `at most ${String(issue.maximum)} items`
      : schema === null
      ? "another value"
      : expects(schema),
    found: isList && Array.isArray(value) ? String(value.length) : found,
    suggestion: schema !== null && typeof value === "string"
      ? quoted(nearest(value, choices(schema)))
      : null,
  })];
}

function quoted(word: string | null): string | null {
  return word === null ? null : `"${word}"`;
}

function limited(errors: readonly DocumentError[]): readonly DocumentError[] {
  const sorted = errors.toSorted((a, b) => a.line - b.line || a.column - b.column);
  if (sorted.length <= MAX_REPORTED_ERRORS) return sorted;
  const rest = sorted.length - MAX_REPORTED_ERRORS;
  return [
    ...sorted.slice(0, MAX_REPORTED_ERRORS),
    documentError({
      line: sorted[MAX_REPORTED_ERRORS]?.line ?? 0,
      column: sorted[MAX_REPORTED_ERRORS]?.column ?? 0,
      key: "",
      expected: "fewer errors",
      found: `${rest} more`,
      suggestion: null,
    }),
  ];
}

function located(finding: Finding, source: Source): DocumentError {
  return documentError({
    ...source.place(finding.path),
    key: formatPath(finding.path),
    expected: finding.expected,
    found: finding.found,
    suggestion: finding.suggestion ?? null,
  });
}

function check<T>(
  form: DocumentForm<T>,
  value: unknown,
  early: readonly DocumentError[],
  source: Source,
): DocumentResult<T> {
  const parsed = form.schema.safeParse(value);
  if (!parsed.success) {
    const known = new Set(early.map((error) => error.key));
    const late = parsed.error.issues
      .flatMap((issue) => explain(form.schema, issue as Issue, value, source))
      // A key whose kind was wrong reads as missing afterwards: it has been reported.
      .filter((error) => !known.has(error.key));
    return { ok: false, errors: limited([...early, ...late]) };
  }
  const findings = form.contradictions(parsed.data);
  const errors = [
    ...early,
    ...findings.filter((finding) => !finding.warning).map((finding) => located(finding, source)),
  ];
  if (errors.length > 0) return { ok: false, errors: limited(errors) };
  return {
    ok: true,
    value: parsed.data,
    warnings: limited(
      findings.filter((finding) => finding.warning).map((finding) => located(finding, source)),
    ),
  };
}

/**
 * Reads a document.
 *
 * @param text TOML.
 * @returns its value with every default, or all errors in the order of their places.
 */
export function parseDocument<T>(form: DocumentForm<T>, text: string): DocumentResult<T> {
  const reading = readToml(form.schema, text);
  const source: Source = {
    place(path) {
      for (let length = path.length; length > 0; length--) {
        const place = reading.places.get(formatPath(path.slice(0, length)));
        if (place !== undefined) return place;
      }
      return { line: 1, column: 1 };
    },
    found: (path, value) =>
      value === undefined ? "nothing" : reading.sources.get(formatPath(path)) ?? shownJson(value),
  };
  if (reading.errors.length > 0 && reading.places.size === 0) {
    return { ok: false, errors: limited(reading.errors) };
  }
  return check(form, reading.value, reading.errors, source);
}

/** The same for a plain value with camelCase keys, as the API takes it. */
export function parseDocumentValue<T>(
  form: DocumentForm<T>,
  value: unknown,
): DocumentResult<T> {
  return check(form, value, [], {
    place: () => ({ line: 0, column: 0 }),
    found: (_path, at) => shownJson(at),
  });
}
