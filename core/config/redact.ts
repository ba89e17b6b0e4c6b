import { type Config, configSchema } from "./schema.ts";
import { equal } from "./equal.ts";
import type { z } from "zod";
import type { AST } from "toml-eslint-parser";
import { formatPath, metaOf, type PathPart, shapeOf, syntaxOf } from "../document/mod.ts";

/** What stands in place of a secret. */
export const REDACTED = "********";

function hide(schema: z.ZodType, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (metaOf(schema).secret === true) return REDACTED;
  const shape = shapeOf(schema);
  if (shape.type === "list" && Array.isArray(value)) {
    return value.map((item) => hide(shape.item, item));
  }
  if (shape.type === "object" && typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const child = shape.keys[key];
        return [key, child === undefined ? item : hide(child, item)];
      }),
    );
  }
  return value;
}

/** A copy with every secret replaced by {@link REDACTED}: for logs, API and page. */
export function redact(config: Config): Config {
  return hide(configSchema, config) as Config;
}

/**
 * The text with every value of a key named "passphrase" replaced by {@link REDACTED}, comments kept. A
 * document that is not valid TOML is withheld as a whole, since no secret could be found in it.
 */
export function redactText(text: string): string {
  const program = syntaxOf(text);
  if (!("type" in program)) return "# not valid TOML: withheld, since it may hold secrets\n";
  const ranges: (readonly [number, number])[] = [];
  const visit = (node: AST.TOMLContentNode | AST.TOMLKeyValue | AST.TOMLTable): void => {
    if (node.type === "TOMLKeyValue") {
      const last = node.key.keys.at(-1);
      const name = last === undefined ? "" : last.type === "TOMLBare" ? last.name : last.value;
      if (/pass|secret|psk/i.test(name)) ranges.push(node.value.range);
      else visit(node.value);
    } else if (node.type === "TOMLArray") node.elements.forEach(visit);
    else if (node.type === "TOMLInlineTable" || node.type === "TOMLTable") node.body.forEach(visit);
  };
  program.body[0].body.forEach(visit);
  let out = text;
  for (const [start, end] of ranges.toSorted((a, b) => b[0] - a[0])) {
    out = `${out.slice(0, start)}"${REDACTED}"${out.slice(end)}`;
  }
  return out;
}

/** One key that differs between two configurations. Secrets appear as {@link REDACTED}. */
export interface ConfigChange {
  /** As in TOML: "mesh.hop_penalty", "radios[1]". */
  readonly key: string;
  /** `undefined` when the key is new. */
  readonly before: unknown;
  /** `undefined` when the key went. */
  readonly after: unknown;
}

function compare(
  schema: z.ZodType,
  path: readonly PathPart[],
  before: unknown,
  after: unknown,
  out: ConfigChange[],
): void {
  if (equal(before, after)) return;
  const shape = shapeOf(schema);
  const tables = typeof before === "object" && typeof after === "object";
  if (shape.type === "object" && tables) {
    for (const [key, child] of Object.entries(shape.keys)) {
      const [from, to] = [before, after].map((side) =>
        (side as Record<string, unknown> | null)?.[key]
      );
      compare(child, [...path, key], from, to, out);
    }
    return;
  }
  if (shape.type === "list" && Array.isArray(before) && Array.isArray(after)) {
    if (shapeOf(shape.item).type === "object") {
      for (let i = 0; i < Math.max(before.length, after.length); i++) {
        compare(shape.item, [...path, i], before[i], after[i], out);
      }
      return;
    }
  }
  out.push({ key: formatPath(path), before: hide(schema, before), after: hide(schema, after) });
}

/** What differs between two configurations, in the schema's order. */
export function diffConfigs(before: Config, after: Config): readonly ConfigChange[] {
  const out: ConfigChange[] = [];
  compare(configSchema, [], before, after, out);
  return out;
}
