// The configuration's schema, looked into.
import type { z } from "zod";
import { type KeyInfo, keysOf, type PathPart, schemaAt as schemaBelow } from "../document/mod.ts";
import { configSchema } from "./schema.ts";

/** The schema at `path`, or `null` when there is no such key. */
export function schemaAt(path: readonly PathPart[]): z.ZodType | null {
  return schemaBelow(configSchema, path);
}

/** Every key, parents before children, in the schema's order. List items appear as "[]". */
export function allKeys(): readonly KeyInfo[] {
  return keysOf(configSchema);
}
