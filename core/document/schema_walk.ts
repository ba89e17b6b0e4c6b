// Looking into the schema: which keys an object has, what a key wants in words. Relies on zod's public
// `def` and JSON Schema output only.
import { z } from "zod";
import { type PathPart, toTomlKey } from "./names.ts";

/** What a key's metadata holds besides its description. */
export interface KeyMeta {
  readonly description?: string;
  /** Words for an error: "expected <expects>". */
  readonly expects?: string;
  /** Never shown in logs, API or diffs. */
  readonly secret?: boolean;
}

/** What stands behind defaults and optionals. */
export type Shape =
  | { readonly type: "object"; readonly keys: Readonly<Record<string, z.ZodType>> }
  | { readonly type: "list"; readonly item: z.ZodType }
  | { readonly type: "leaf"; readonly schema: z.ZodType };

function inner(schema: z.ZodType): z.ZodType {
  let at: z.ZodType = schema;
  while (
    at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodOptional
  ) {
    at = at.unwrap() as z.ZodType;
  }
  return at;
}

/** The shape of a schema node. */
export function shapeOf(schema: z.ZodType): Shape {
  const at = inner(schema);
  if (at instanceof z.ZodObject) {
    return { type: "object", keys: at.shape as Record<string, z.ZodType> };
  }
  if (at instanceof z.ZodArray) return { type: "list", item: at.element as z.ZodType };
  return { type: "leaf", schema: at };
}

/** The schema at `path`, or `null` when there is no such key. */
export function schemaAt(top: z.ZodType, path: readonly PathPart[]): z.ZodType | null {
  let at: z.ZodType = top;
  for (const part of path) {
    const shape = shapeOf(at);
    let next: z.ZodType | undefined;
    if (shape.type === "object" && typeof part === "string" && Object.hasOwn(shape.keys, part)) {
      next = shape.keys[part];
    } else if (shape.type === "list" && typeof part === "number") next = shape.item;
    if (next === undefined) return null;
    at = next;
  }
  return at;
}

/** Metadata of a key: its own, and what its inner schema says. */
export function metaOf(schema: z.ZodType): KeyMeta {
  const layers: KeyMeta[] = [schema.meta() as KeyMeta | undefined ?? {}];
  let at: z.ZodType = schema;
  while (
    at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodOptional
  ) {
    at = at.unwrap() as z.ZodType;
    layers.unshift(at.meta() as KeyMeta | undefined ?? {});
  }
  return Object.assign({}, ...layers);
}

/** The default of a key, or `undefined` when it has none. */
export function defaultOf(schema: z.ZodType): unknown {
  const result = schema.safeParse(undefined);
  return result.success ? result.data : undefined;
}

interface JsonLeaf {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly JsonLeaf[];
}

function words(leaf: JsonLeaf): string {
  const values = leaf.enum ?? leaf.anyOf?.map((option) => option.const) ??
    (leaf.const === undefined ? undefined : [leaf.const]);
  if (values !== undefined) {
    return `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`;
  }
  if (leaf.type === "boolean") return "true or false";
  if (leaf.type === "integer" || leaf.type === "number") {
    const kind = leaf.type === "integer" ? "a whole number" : "a number";
    return `${kind} from ${leaf.minimum} to ${leaf.maximum}`;
  }
  return "text";
}

/** What a key wants, as the words after "expected". */
export function expects(schema: z.ZodType): string {
  const shape = shapeOf(schema);
  if (shape.type === "object") return "a table";
  if (shape.type === "list") {
    const said = metaOf(schema).expects;
    if (said !== undefined) return said;
    return shapeOf(shape.item).type === "object"
      ? "a list of tables"
      : `a list, each ${expects(shape.item)}`;
  }
  const said = metaOf(schema).expects;
  return said ?? words(z.toJSONSchema(shape.schema, { io: "input" }) as JsonLeaf);
}

/** Words a leaf accepts when it is a choice, for suggestions. */
export function choices(schema: z.ZodType): readonly string[] {
  const shape = shapeOf(schema);
  return shape.type === "leaf" && shape.schema instanceof z.ZodEnum
    ? shape.schema.options.map(String)
    : [];
}

/** One key of the document, for documentation and tests. */
export interface KeyInfo {
  readonly path: readonly string[];
  readonly schema: z.ZodType;
  /** TOML name with "[]" after lists of tables. */
  readonly name: string;
}

/** Every key, parents before children, in the schema's order. List items appear as "[]". */
export function keysOf(top: z.ZodType): readonly KeyInfo[] {
  const out: KeyInfo[] = [];
  const walk = (schema: z.ZodType, path: readonly string[], name: string): void => {
    const shape = shapeOf(schema);
    if (shape.type === "object") {
      for (const [key, child] of Object.entries(shape.keys)) {
        const full = name === "" ? toTomlKey(key) : `${name}.${toTomlKey(key)}`;
        out.push({ path: [...path, key], schema: child, name: full });
        walk(child, [...path, key], full);
      }
    } else if (shape.type === "list" && shapeOf(shape.item).type === "object") {
      walk(shape.item, path, `${name}[]`);
    }
  };
  walk(top, [], "");
  return out;
}
