// The configuration over HTTP: read, check, apply, confirm, undo. What is read has no secrets in it; the
// one way to get them is the export over the unix socket, which the file system keeps for the owner.
import { createRoute, z } from "@hono/zod-openapi";
import {
  configJsonSchema,
  type ConfigManager,
  parseConfigValue,
  type ParseResult,
  redact,
  REDACTED,
  redactText,
  writeConfig,
} from "../../core/config/mod.ts";
import { type Api, json, jsonBody, mutable, problemOfStatus, WRITE_ERRORS } from "./context.ts";
import { ApiError } from "./errors.ts";
import { withoutUndefined } from "./node.ts";
import { listOf } from "./schemas/common.ts";
import * as schemas from "./schemas/config.ts";

/** What of the manager the API uses. */
export type ConfigService = Pick<
  ConfigManager,
  "current" | "validate" | "diff" | "apply" | "confirm" | "rollback" | "history" | "status"
>;

const tags = ["config"];
const TOML = "application/toml";
const NOT_LOADED = {
  503: problemOfStatus("The configuration has not been loaded yet."),
} as const;
const APPLY_ERRORS = {
  ...WRITE_ERRORS,
  409: problemOfStatus("Another apply is under way or pending, or the revision is another."),
  422: problemOfStatus("The document has errors; each is listed with line, key and expectation."),
  ...NOT_LOADED,
  507: problemOfStatus("The rollback record could not be stored: nothing was changed."),
} as const;

const current = createRoute({
  method: "get",
  path: "/api/v1/config",
  tags,
  summary: "The configuration in force, without its secrets",
  responses: { 200: json(schemas.currentConfig, "The document in both forms."), ...NOT_LOADED },
});
const status = createRoute({
  method: "get",
  path: "/api/v1/config/status",
  tags,
  summary: "Whether an apply waits to be confirmed, and what the last one did",
  responses: { 200: json(schemas.configStatus, "Status.") },
});
const schema = createRoute({
  method: "get",
  path: "/api/v1/config/schema",
  tags,
  summary: "JSON Schema of the document",
  responses: { 200: json(z.looseObject({ type: z.literal("object") }), "JSON Schema 2020-12.") },
});
const validate = createRoute({
  method: "post",
  path: "/api/v1/config/validate",
  tags,
  summary: "Checks a document; changes nothing",
  request: jsonBody(schemas.configDocument),
  responses: { 200: json(schemas.validation, "Valid or not, with every error."), ...WRITE_ERRORS },
});
const diff = createRoute({
  method: "post",
  path: "/api/v1/config/diff",
  tags,
  summary: "What a document would change, and the steps an apply would take",
  request: jsonBody(schemas.configDocument),
  responses: {
    200: json(schemas.configDiff, "Changes and steps."),
    ...WRITE_ERRORS,
    422: APPLY_ERRORS[422],
    ...NOT_LOADED,
  },
});
const apply = createRoute({
  method: "post",
  path: "/api/v1/config/apply",
  tags,
  summary: "Applies a document; it is undone unless confirmed in time",
  request: jsonBody(schemas.configApply),
  responses: { 200: json(schemas.applyResult, "Applied, waits to be confirmed."), ...APPLY_ERRORS },
});
const importToml = createRoute({
  method: "post",
  path: "/api/v1/config/import",
  tags,
  summary: "Applies a TOML file as it is; it is undone unless confirmed in time",
  request: {
    query: schemas.configImport,
    body: { required: true, content: { [TOML]: { schema: z.string() } } },
  },
  responses: { 200: json(schemas.applyResult, "Applied, waits to be confirmed."), ...APPLY_ERRORS },
});
const confirm = createRoute({
  method: "post",
  path: "/api/v1/config/confirm",
  tags,
  summary: "Makes the pending document the node's own",
  request: jsonBody(z.object({ revision: z.int().min(1) })),
  responses: {
    200: json(schemas.configStatus, "Confirmed."),
    ...WRITE_ERRORS,
    409: problemOfStatus("Nothing is pending, or another revision is."),
    410: problemOfStatus("Its time is up."),
    ...NOT_LOADED,
    507: problemOfStatus("The document could not be stored: it still waits."),
  },
});
const rollback = createRoute({
  method: "post",
  path: "/api/v1/config/rollback",
  tags,
  summary: "Undoes the pending document now",
  responses: {
    200: json(schemas.applyReport, "Undone; what was done, and what still differs."),
    403: WRITE_ERRORS[403],
    409: problemOfStatus("Nothing is pending."),
    ...NOT_LOADED,
  },
});
const history = createRoute({
  method: "get",
  path: "/api/v1/config/history",
  tags,
  summary: "Documents of the past, newest first, without their secrets",
  request: { query: z.object({ limit: z.coerce.number().int().min(1).max(200).default(50) }) },
  responses: {
    200: json(listOf("ConfigRecordList", schemas.configRecord), "Records."),
    400: WRITE_ERRORS[400],
  },
});
const exportToml = createRoute({
  method: "get",
  path: "/api/v1/config/export",
  tags,
  summary: "The document as a TOML file",
  request: {
    query: z.object({
      secrets: z.enum(["true", "false"]).default("false").openapi({
        description: "With its secrets; answered over the unix socket only.",
      }),
    }),
  },
  responses: {
    200: { description: "TOML.", content: { [TOML]: { schema: z.string() } } },
    400: WRITE_ERRORS[400],
    403: problemOfStatus("Secrets are given out over the unix socket only."),
    ...NOT_LOADED,
  },
});

/** Adds reading. */
function addReading(api: Api, config: ConfigService): void {
  api.openAPIRegistry.registerPath(current);
  api.get(current.path, (context) => {
    const { revision, confirmed, text, config: values, warnings } = config.current();
    return context.json({
      revision,
      confirmed,
      config: redact(values),
      toml: redactText(text),
      warnings,
    });
  });
  api.openapi(status, (context) => context.json(mutable(config.status()), 200));
  // Made when first asked for: it is a tenth of what a start computes.
  let jsonSchema: ReturnType<typeof configJsonSchema> | null = null;
  api.openAPIRegistry.registerPath(schema);
  api.get(schema.path, (context) => context.json(jsonSchema ??= configJsonSchema()));
  api.openapi(history, async (context) => {
    const records = await config.history(context.req.valid("query").limit);
    const items = records.map(({ revision, at, author, outcome, text }) => ({
      revision,
      atMs: at,
      author,
      outcome,
      toml: redactText(text),
    }));
    return context.json({ items }, 200);
  });
  api.openapi(exportToml, (context) => {
    const withSecrets = context.req.valid("query").secrets === "true";
    if (withSecrets && context.env.connection.remote.transport !== "unix") {
      throw new ApiError(
        "unix-only",
        "Cannot give out secrets over the network: ask over the node's unix socket, as its command " +
          "line does",
      );
    }
    const { text } = config.current();
    return context.body(withSecrets ? text : redactText(text), 200, {
      "content-type": "application/toml",
      "content-disposition": 'attachment; filename="config.toml"',
      "cache-control": "no-store",
    });
  });
}

/** Adds the routes. */
export function addConfig(api: Api, config: ConfigService): void {
  addReading(api, config);
  api.openapi(validate, (context) => {
    const document = context.req.valid("json");
    const result = document.toml === undefined
      ? parseConfigValue(document.config)
      : config.validate(document.toml);
    return context.json({
      valid: result.ok,
      errors: result.ok ? [] : [...result.errors],
      warnings: result.ok ? [...result.warnings] : [],
    }, 200);
  });
  api.openapi(diff, async (context) => {
    const text = textOf(context.req.valid("json"), config);
    const { changes, steps, warnings } = mutable(await config.diff(text));
    // JSON has no `undefined`; TOML has no null, so null can stand for a key that is not there.
    const explicit = changes.map(({ key, before = null, after = null }) => ({
      key,
      before,
      after,
    }));
    return context.json({ changes: explicit, steps, warnings }, 200);
  });
  api.openapi(apply, async (context) => {
    const { toml, config: values, ...options } = context.req.valid("json");
    const text = textOf({ toml, config: values }, config);
    return context.json(mutable(await config.apply(text, withoutUndefined(options))), 200);
  });
  api.openAPIRegistry.registerPath(importToml);
  api.post(importToml.path, async (context) => {
    const options = schemas.configImport.parse(context.req.query());
    const text = textOf({ toml: await context.req.text() }, config);
    return context.json(await config.apply(text, withoutUndefined(options)));
  });
  api.openapi(confirm, async (context) => {
    await config.confirm(context.req.valid("json").revision);
    return context.json(mutable(config.status()), 200);
  });
  api.openapi(
    rollback,
    async (context) => context.json(mutable(await config.rollback()), 200),
  );
}

/**
 * The document as TOML. A document that was read from this API and sent back has asterisks where its
 * secrets were; taking them for secrets would lock people out.
 *
 * @throws {ApiError} "invalid"
 */
function textOf(
  document: { readonly toml?: string | undefined; readonly config?: unknown },
  config: ConfigService,
): string {
  const result: ParseResult = document.toml === undefined
    ? parseConfigValue(document.config)
    : config.validate(document.toml);
  if (!result.ok) {
    const { errors } = result;
    const first = errors[0]?.message ?? "it has errors";
    throw new ApiError("invalid", `Cannot use the configuration: ${first}`, { errors });
  }
  if (JSON.stringify(result.config).includes(`"${REDACTED}"`)) {
    throw new ApiError(
      "invalid",
      `Cannot use the configuration: it has "${REDACTED}" where a secret belongs; write the secret`,
    );
  }
  return document.toml ?? writeConfig(result.config);
}
