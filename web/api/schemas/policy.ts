// The mesh's policy: document, questions, answers.
import { z } from "@hono/zod-openapi";
import type { PolicyAnswer, PolicyOutcome, PolicyView } from "../../../core/security/mod.ts";
import { count, maybe, named, wallMs } from "./common.ts";
import { configError } from "./config.ts";

export const policyView = named<PolicyView>()(
  "Policy",
  z.object({
    version: count,
    madeMs: wallMs,
    signed: z.boolean(),
    toml: z.string(),
    rules: z.array(z.string()),
    base: z.array(z.object({ rule: z.string(), fixed: z.boolean() })),
    problem: maybe(z.string()),
  }),
);

const who = z.string().min(1).max(2_048).openapi({
  description: "Node id, or SPIFFE ID of a node or workload.",
});
const roles = z.array(z.string().min(1).max(64)).max(16).optional().openapi({
  description: "Roles to assume; those of its credential when left out.",
});
export const policyQuestion = z.object({
  from: who,
  to: who,
  service: z.string().min(1).max(200).openapi({ example: "tcp/22" }),
  fromRoles: roles,
  toRoles: roles,
}).openapi("PolicyQuestion");
export const policyAnswer = named<PolicyAnswer>()(
  "PolicyAnswer",
  z.object({ asked: z.string(), allowed: z.boolean(), sentences: z.array(z.string()) }),
);

const changes = z.array(z.string());
export const policyReading = z.object({
  ok: z.boolean(),
  changes,
  warnings: z.array(configError),
  errors: z.array(configError),
}).openapi("PolicyReading");

export const policyOutcome = named<PolicyOutcome>()(
  "PolicyOutcome",
  z.discriminatedUnion("state", [
    z.object({ state: z.literal("invalid"), errors: z.array(configError) }),
    z.object({
      state: z.literal("in-force"),
      version: count,
      changes,
      warnings: z.array(configError),
    }),
    z.object({
      state: z.literal("incomplete"),
      version: count,
      changes,
      warnings: z.array(configError),
      signatures: count,
      threshold: count,
      file: z.string().openapi({ description: "To be carried to further keys of the authority." }),
    }),
  ]),
);
