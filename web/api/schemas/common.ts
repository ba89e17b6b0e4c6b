// Building blocks of the API's schemas. The schemas are the one source of the OpenAPI document, and
// the tests parse every answer with them.
import { z } from "@hono/zod-openapi";

/**
 * Ties a schema to the type the node hands out: it compiles only when what the schema accepts is that
 * type. `named<Link>()("Link", z.object({…}))`.
 */
export function named<Type>(): <Schema extends z.ZodType<Type>>(
  name: string,
  schema: Schema,
) => Schema {
  return (name, schema) => schema.openapi(name);
}

/** A MAC address in canonical form. */
export const mac = z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/).openapi({
  example: "02:00:00:00:00:01",
});
export const count = z.int().min(0);
export const maybe = <Schema extends z.ZodType>(schema: Schema): z.ZodNullable<Schema> =>
  schema.nullable();
/** Wall-clock milliseconds since 1970. */
export const wallMs = z.number().openapi({ description: "Milliseconds since 1970." });

/** A table out of one snapshot: `{ revision, takenAtMs, items }`. */
export function tableOf<Schema extends z.ZodType>(
  name: string,
  item: Schema,
): z.ZodObject<{ revision: z.ZodInt; takenAtMs: z.ZodNumber; items: z.ZodArray<Schema> }> {
  return z.object({ revision: z.int(), takenAtMs: wallMs, items: z.array(item) }).openapi(name);
}

/** A list that is no part of a snapshot: `{ items }`. */
export function listOf<Schema extends z.ZodType>(
  name: string,
  item: Schema,
): z.ZodObject<{ items: z.ZodArray<Schema> }> {
  return z.object({ items: z.array(item) }).openapi(name);
}
