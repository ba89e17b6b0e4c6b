// A configuration document, as text or as plain JSON value, to a configuration or to everything that is
// wrong with it.
import {
  type DocumentForm,
  type DocumentResult,
  parseDocument,
  parseDocumentValue,
} from "../document/mod.ts";
import { findContradictions } from "./checks.ts";
import type { ConfigError } from "./errors.ts";
import { type Config, configSchema } from "./schema.ts";

/** Something that is allowed but probably not meant. */
export type ConfigWarning = ConfigError;

/** What {@link parseConfig} found. */
export type ParseResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly ConfigWarning[] }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

const FORM: DocumentForm<Config> = { schema: configSchema, contradictions: findContradictions };

function resultOf(read: DocumentResult<Config>): ParseResult {
  return read.ok ? { ok: true, config: read.value, warnings: read.warnings } : read;
}

/**
 * Reads a configuration document. An empty one is valid.
 *
 * @param text TOML.
 * @returns the configuration with every default, or all errors in the order of their places.
 */
export function parseConfig(text: string): ParseResult {
  return resultOf(parseDocument(FORM, text));
}

/** The same for a plain value with camelCase keys, as the API takes it. */
export function parseConfigValue(value: unknown): ParseResult {
  return resultOf(parseDocumentValue(FORM, value));
}

/** The configuration of an empty document. */
export function defaultConfig(): Config {
  return configSchema.parse({});
}
