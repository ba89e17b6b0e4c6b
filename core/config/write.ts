// A configuration as TOML text or JSON. Only what differs from the defaults is written, so that a
// document stays short and later versions' better defaults reach it.
import { defaultOf, type PathPart, type Shape, shapeOf, toTomlKey } from "../document/mod.ts";
import { type Config, configSchema } from "./schema.ts";
import { schemaAt } from "./schema_walk.ts";
import { equal } from "./equal.ts";

/** A string as a TOML basic string: whatever it holds cannot end it. */
export function tomlString(text: string): string {
  const escaped = text.replace(
    // deno-lint-ignore no-control-regex
    /[\\"\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) =>
      character === '"' || character === "\\"
        ? `\\${character}`
        : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}

/** A leaf or list as TOML; tables as inline tables. */
export function tomlLiteral(value: unknown): string {
  if (typeof value === "string") return tomlString(value);
  if (Array.isArray(value)) return `[${value.map(tomlLiteral).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const pairs = Object.entries(value).filter(([, item]) => item !== undefined)
      .map(([key, item]) => `${toTomlKey(key)} = ${tomlLiteral(item)}`);
    return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
  }
  if (typeof value === "number" && !Number.isInteger(value)) {
    const text = String(value);
    return text.includes("e") && !text.includes(".") ? text.replace("e", ".0e") : text;
  }
  return Object.is(value, -0) ? "0" : String(value);
}

interface Block {
  readonly header: string;
  readonly lines: readonly string[];
}

class Writer {
  readonly blocks: Block[] = [];

  constructor(readonly withDefaults: boolean) {}

  table(shape: Shape & { type: "object" }, value: object, path: string, header: string): void {
    const lines: string[] = [];
    const later: (() => void)[] = [];
    for (const [key, schema] of Object.entries(shape.keys)) {
      const item = (value as Record<string, unknown>)[key];
      if (item === undefined) continue;
      if (!this.withDefaults && equal(item, defaultOf(schema))) continue;
      const child = shapeOf(schema);
      const name = path === "" ? toTomlKey(key) : `${path}.${toTomlKey(key)}`;
      if (child.type === "object" && typeof item === "object" && item !== null) {
        later.push(() => this.table(child, item, name, `[${name}]`));
      } else if (child.type === "list" && Array.isArray(item) && item.length > 0) {
        const element = shapeOf(child.item);
        if (element.type === "object") {
          later.push(() => {
            for (const entry of item) this.table(element, entry as object, name, `[[${name}]]`);
          });
        } else lines.push(`${toTomlKey(key)} = ${tomlLiteral(item)}`);
      } else lines.push(`${toTomlKey(key)} = ${tomlLiteral(item)}`);
    }
    if (lines.length > 0 || header.startsWith("[[") || later.length === 0) {
      this.blocks.push({ header, lines });
    }
    for (const write of later) write();
  }
}

/**
 * Writes a configuration as TOML: `parseConfig(writeConfig(c)).config` equals `c`.
 *
 * @param options.withDefaults writes every key that has a value, not only those that differ from the
 * defaults.
 * @returns text without comments; "" for the default configuration.
 */
export function writeConfig(
  config: Config,
  options: { readonly withDefaults?: boolean } = {},
): string {
  const writer = new Writer(options.withDefaults === true);
  const top = shapeOf(configSchema);
  if (top.type === "object") writer.table(top, config, "", "");
  return writer.blocks
    .map(({ header, lines }) => [...(header === "" ? [] : [header]), ...lines].join("\n"))
    .filter((block) => block !== "")
    .map((block) => `${block}\n`)
    .join("\n");
}

/** The JSON Schema (draft 2020-12) of a configuration with camelCase keys, as the API takes it. */
export function configJsonSchema(): Record<string, unknown> {
  return configSchema.toJSONSchema({ io: "input", target: "draft-2020-12" }) as Record<
    string,
    unknown
  >;
}

/** The value at `path`, or `undefined`. */
export function valueAt(config: Config, path: readonly PathPart[]): unknown {
  if (schemaAt(path) === null) return undefined;
  let at: unknown = config;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<PathPart, unknown>)[part];
  }
  return at;
}
