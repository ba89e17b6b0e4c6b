// A document, as text or as plain JSON value, to a configuration or to everything that is wrong with it.
import { findContradictions, type Finding } from "./checks.ts";
import { type ConfigError, configError } from "./errors.ts";
import { MAX_REPORTED_ERRORS, MAX_SHOWN_CHARACTERS } from "./limits.ts";
import { formatPath, type PathPart, toTomlKey } from "./names.ts";
import { type Config, configSchema } from "./schema.ts";
import { choices, expects, metaOf, schemaAt, shapeOf } from "./schema_walk.ts";
import { nearest } from "./suggest.ts";
import { type Place, readToml } from "./toml.ts";

/** Something that is allowed but probably not meant. */
export type ConfigWarning = ConfigError;

/** What {@link parseConfig} found. */
export type ParseResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly ConfigWarning[] }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

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

function explain(issue: Issue, whole: unknown, source: Source): ConfigError[] {
  const path = issue.path.map((part) => typeof part === "symbol" ? String(part) : part);
  const schema = schemaAt(path);
  if (issue.code === "unrecognized_keys") {
    const known = schema === null ? [] : shapeOf(schema);
    const names = "keys" in known ? Object.keys(known.keys) : [];
    return (issue.keys ?? []).map((name) =>
      configError({
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
  return [configError({
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

function limited(errors: readonly ConfigError[]): readonly ConfigError[] {
  const sorted = errors.toSorted((a, b) => a.line - b.line || a.column - b.column);
  if (sorted.length <= MAX_REPORTED_ERRORS) return sorted;
  const rest = sorted.length - MAX_REPORTED_ERRORS;
  return [
    ...sorted.slice(0, MAX_REPORTED_ERRORS),
    configError({
      line: sorted[MAX_REPORTED_ERRORS]?.line ?? 0,
      column: sorted[MAX_REPORTED_ERRORS]?.column ?? 0,
      key: "",
      expected: "fewer errors",
      found: `${rest} more`,
      suggestion: null,
    }),
  ];
}

function located(finding: Finding, source: Source): ConfigError {
  return configError({
    ...source.place(finding.path),
    key: formatPath(finding.path),
    expected: finding.expected,
    found: finding.found,
    suggestion: null,
  });
}

function check(value: unknown, early: readonly ConfigError[], source: Source): ParseResult {
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    const known = new Set(early.map((error) => error.key));
    const late = parsed.error.issues
      .flatMap((issue) => explain(issue as Issue, value, source))
      // A key whose kind was wrong reads as missing afterwards: it has been reported.
      .filter((error) => !known.has(error.key));
    return { ok: false, errors: limited([...early, ...late]) };
  }
  const findings = findContradictions(parsed.data);
  const errors = [
    ...early,
    ...findings.filter((finding) => !finding.warning).map((finding) => located(finding, source)),
  ];
  if (errors.length > 0) return { ok: false, errors: limited(errors) };
  return {
    ok: true,
    config: parsed.data,
    warnings: limited(
      findings.filter((finding) => finding.warning).map((finding) => located(finding, source)),
    ),
  };
}

/**
 * Reads a configuration document. An empty one is valid.
 *
 * @param text TOML.
 * @returns the configuration with every default, or all errors in the order of their places.
 */
export function parseConfig(text: string): ParseResult {
  const reading = readToml(text);
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
  return check(reading.value, reading.errors, source);
}

/** The same for a plain value with camelCase keys, as the API takes it. */
export function parseConfigValue(value: unknown): ParseResult {
  return check(value, [], {
    place: () => ({ line: 0, column: 0 }),
    found: (_path, at) => shownJson(at),
  });
}

/** The configuration of an empty document. */
export function defaultConfig(): Config {
  return configSchema.parse({});
}
