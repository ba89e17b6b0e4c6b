// The mesh's policy over HTTP: read, ask why, change.
import { createRoute, z } from "@hono/zod-openapi";
import { IdentityError } from "../../core/identity/mod.ts";
import type { PolicyDesk } from "../../core/security/mod.ts";
import { MAX_BODY_BYTES } from "../limits.ts";
import { type Api, json, jsonBody, mutable, problemOfStatus, WRITE_ERRORS } from "./context.ts";
import * as schemas from "./schemas/policy.ts";

const tags = ["policy"];
const BASE = "/api/v1/policy";
const NOT_NOW = { 409: problemOfStatus("This node is in no mesh, or the policy is older.") };
const ERRORS = { ...WRITE_ERRORS, ...NOT_NOW } as const;
const text = z.string().max(MAX_BODY_BYTES);

const show = createRoute({
  method: "get",
  path: BASE,
  tags,
  summary: "The policy in force, and what holds beside it",
  responses: { 200: json(schemas.policyView, "The policy."), ...NOT_NOW },
});
const test = createRoute({
  method: "post",
  path: `${BASE}/test`,
  tags,
  summary: "Whether a flow is allowed, and why; changes nothing",
  request: jsonBody(schemas.policyQuestion),
  responses: {
    200: json(z.object({ items: z.array(schemas.policyAnswer) }), "Answers."),
    ...ERRORS,
    404: problemOfStatus("The node's roles are not known here; name them."),
  },
});
const diff = createRoute({
  method: "post",
  path: `${BASE}/diff`,
  tags,
  summary: "What a text would change; changes nothing",
  request: jsonBody(z.object({ toml: text })),
  responses: { 200: json(schemas.policyReading, "Changes, or every error."), ...ERRORS },
});
const set = createRoute({
  method: "post",
  path: `${BASE}/set`,
  tags,
  summary:
    "Signs a new policy with the keys that are here, and puts it in force if they are enough",
  request: jsonBody(z.object({
    toml: text,
    passphrase: z.string().max(1_000).nullable().default(null),
  })),
  responses: { 200: json(schemas.policyOutcome, "What came of it."), ...ERRORS },
});
const accept = createRoute({
  method: "post",
  path: `${BASE}/accept`,
  tags,
  summary: "Puts a policy in force that was signed elsewhere",
  request: jsonBody(z.object({ text })),
  responses: { 200: json(z.object({ version: z.int() }), "In force."), ...ERRORS },
});

/** Adds the routes. @param desk `null` while the node is in no mesh. */
export function addPolicy(api: Api, desk: () => PolicyDesk | null): void {
  const require = (): PolicyDesk => {
    const present = desk();
    if (present !== null) return present;
    throw new IdentityError("not-enrolled", "Cannot use a policy: this node is in no mesh");
  };
  api.openapi(show, (context) => context.json(mutable(require().show()), 200));
  api.openapi(test, (context) => {
    const { fromRoles, toRoles, ...rest } = context.req.valid("json");
    const question = {
      ...rest,
      ...(fromRoles === undefined ? {} : { fromRoles }),
      ...(toRoles === undefined ? {} : { toRoles }),
    };
    return context.json({ items: mutable(require().test(question)) }, 200);
  });
  api.openapi(diff, (context) => {
    const reading = require().check(context.req.valid("json").toml);
    return context.json(
      reading.ok
        ? {
          ok: true,
          changes: [...reading.changes],
          warnings: mutable(reading.warnings),
          errors: [],
        }
        : { ok: false, changes: [], warnings: [], errors: mutable(reading.errors) },
      200,
    );
  });
  api.openapi(set, async (context) => {
    const { toml, passphrase } = context.req.valid("json");
    return context.json(mutable(await require().set(toml, passphrase)), 200);
  });
  api.openapi(accept, async (context) => {
    const { text } = context.req.valid("json");
    return context.json(await require().accept(text, "the file"), 200);
  });
}
