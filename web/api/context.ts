// What the API's route files share: the application's type, answers, and the documented errors.
import type { OpenAPIHono, z } from "@hono/zod-openapi";
import type { NodeService } from "../../core/node/mod.ts";
import type { Clock } from "../../core/ports/mod.ts";
import type { Connection } from "../connection.ts";
import { problem } from "./schemas/node.ts";

/** Bindings every handler has. */
export interface Env {
  readonly Bindings: { readonly connection: Connection };
}

/** The application that route files add to. */
export type Api = OpenAPIHono<Env>;

/** What route files get. */
export interface ApiContext {
  readonly node: NodeService;
  readonly clock: Clock;
}

/** A JSON body of a documented answer. */
export function json<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
): { description: string; content: { "application/json": { schema: Schema } } } {
  return { description, content: { "application/json": { schema } } };
}

/** A JSON body that a request must have. */
export function jsonBody<Schema extends z.ZodType>(
  schema: Schema,
): { body: { required: true; content: { "application/json": { schema: Schema } } } } {
  return { body: { required: true, content: { "application/json": { schema } } } };
}

/** A documented error answer. */
export function problemOfStatus(
  description: string,
): { description: string; content: { "application/problem+json": { schema: typeof problem } } } {
  return { description, content: { "application/problem+json": { schema: problem } } };
}

export const BAD_REQUEST = { 400: problemOfStatus("The request is not understood.") } as const;
export const NOT_FOUND = { 404: problemOfStatus("There is no such thing.") } as const;

/** Errors of everything that changes the node or makes it act. */
export const WRITE_ERRORS = {
  ...BAD_REQUEST,
  403: problemOfStatus("Not from the node itself, or sent by another site's page."),
  413: problemOfStatus("The body is too large."),
  415: problemOfStatus("The body has a type that is not read."),
} as const;

/** Errors of asking the kernel or the mesh. */
export const KERNEL_ERRORS = {
  ...NOT_FOUND,
  409: problemOfStatus("Busy, or in the way of something that is there."),
  422: problemOfStatus("The kernel refuses the value."),
  501: problemOfStatus("This machine cannot."),
  502: problemOfStatus("No route in the mesh."),
  503: problemOfStatus("The node lacks the privilege, or the call was cancelled."),
  504: problemOfStatus("No answer in time."),
} as const;

type Mutable<Type> = Type extends readonly (infer Item)[] ? Mutable<Item>[]
  : Type extends object ? { -readonly [Key in keyof Type]: Mutable<Type[Key]> }
  : Type;

/** Hono's answer types know mutable arrays only. The value itself is not touched. */
export function mutable<Type>(value: Type): Mutable<Type> {
  return value as Mutable<Type>;
}
