// The configuration: document, errors, plan, apply, history.
import { z } from "@hono/zod-openapi";
import type {
  ApplyReport,
  ApplyResult,
  ConfigChange,
  ConfigDiff,
  ConfigError,
  ConfigStatus,
  PlannedStep,
} from "../../../core/config/mod.ts";
import { MAX_BODY_BYTES, MAX_CONFIRM_S, MIN_CONFIRM_S } from "../../limits.ts";
import { count, maybe, named, wallMs } from "./common.ts";

export const configError = named<ConfigError>()(
  "ConfigError",
  z.object({
    line: count.openapi({ description: "1-based; 0 for a document that is not text." }),
    column: count,
    key: z.string().openapi({ example: "radios[0].channel" }),
    expected: z.string(),
    found: z.string(),
    suggestion: maybe(z.string()),
    message: z.string(),
  }),
);

const document = z.record(z.string(), z.unknown()).openapi({
  description: "The configuration as JSON, keys in camelCase; /api/v1/config/schema describes it.",
});

/** A document in either form. Exactly one of the two. */
const documentFields = {
  toml: z.string().max(MAX_BODY_BYTES).optional().openapi({ description: "The document as TOML." }),
  config: document.optional(),
};
const exactlyOne = (body: { toml?: unknown; config?: unknown }): boolean =>
  (body.toml === undefined) !== (body.config === undefined);
const EXACTLY_ONE = { message: 'exactly one of "toml" and "config" is needed' };

export const configDocument = z.object(documentFields).refine(exactlyOne, EXACTLY_ONE).openapi(
  "ConfigDocument",
);

const applyOptions = {
  confirmWithinS: z.int().min(MIN_CONFIRM_S).max(MAX_CONFIRM_S).optional().openapi({
    description: "Undone unless confirmed within this many seconds; 60 when left out.",
  }),
  ifRevision: count.optional().openapi({
    description: "Refused unless this is the revision in force.",
  }),
  author: z.string().min(1).max(64).default("api"),
};
export const configApply = z.object({ ...documentFields, ...applyOptions })
  .refine(exactlyOne, EXACTLY_ONE).openapi("ConfigApply");

export const configImport = z.object({
  confirmWithinS: z.coerce.number().int().min(MIN_CONFIRM_S).max(MAX_CONFIRM_S).optional(),
  ifRevision: z.coerce.number().int().min(0).optional(),
  author: applyOptions.author,
});

const value = z.unknown().openapi({ description: "null: the key is not there." });
const change = named<ConfigChange>()(
  "ConfigChange",
  z.object({ key: z.string(), before: value, after: value }),
);
const step = named<PlannedStep>()(
  "PlannedStep",
  z.object({ key: z.string(), sentence: z.string(), mayDisconnect: z.boolean() }),
);
export const configDiff = named<ConfigDiff>()(
  "ConfigDiff",
  z.object({
    changes: z.array(change),
    steps: z.array(step),
    warnings: z.array(configError),
  }),
);

export const applyReport = named<ApplyReport>()(
  "ApplyReport",
  z.object({
    changed: z.array(z.object({ key: z.string(), sentence: z.string() })),
    unchanged: count,
    differing: z.array(
      z.object({
        key: z.string(),
        wanted: z.string(),
        found: z.string(),
        reason: z.string(),
      }),
    ),
  }),
);

export const applyResult = named<ApplyResult>()(
  "ApplyResult",
  z.object({
    revision: count,
    report: applyReport,
    warnings: z.array(configError),
    remainingS: count,
  }),
);

export const configStatus = named<ConfigStatus>()(
  "ConfigStatus",
  z.object({
    state: z.enum([
      "stopped",
      "starting",
      "idle",
      "recording",
      "applying",
      "waiting",
      "confirming",
      "rolling-back",
    ]),
    revision: count,
    pending: maybe(z.object({
      revision: count,
      author: z.string(),
      remainingS: count,
      deadlineWallMs: wallMs,
    })),
    report: maybe(applyReport),
    fileErrors: z.array(configError),
  }),
);

export const currentConfig = z.object({
  revision: count,
  confirmed: z.boolean(),
  config: document,
  toml: z.string().openapi({ description: "Secrets are replaced by asterisks." }),
  warnings: z.array(configError),
}).openapi("CurrentConfig");

export const validation = z.object({
  valid: z.boolean(),
  errors: z.array(configError),
  warnings: z.array(configError),
}).openapi("ConfigValidation");

export const configRecord = z.object({
  revision: count,
  atMs: wallMs,
  author: z.string(),
  outcome: z.enum(["confirmed", "rolled-back", "expired", "interrupted", "edited"]),
  toml: z.string().openapi({ description: "Secrets are replaced by asterisks." }),
}).openapi("ConfigRecord");
