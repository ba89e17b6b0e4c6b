// The configuration as part of the daemon: its start, its events in the log and the database, its health.
import { CliError, EXIT } from "../cli/mod.ts";
import {
  type Config,
  type ConfigEvent,
  type ConfigManager,
  type ConfigManagerOptions,
  defaultConfig,
  parseConfig,
} from "../config/mod.ts";
import type { EventDraft, HealthCheck } from "../node/mod.ts";
import type { Files } from "../ports/mod.ts";

/**
 * The document as it will be at start, for what must be known before: whether it can be used at all.
 *
 * @throws {CliError} when it has errors and there is no earlier good one.
 */
export async function readConfig(
  files: Files,
  paths: ConfigManagerOptions["paths"],
  explicit: boolean,
): Promise<Config> {
  const text = await files.readText(paths.document);
  if (text === null) {
    if (!explicit) return defaultConfig();
    throw new CliError(
      EXIT.invalidConfig,
      `Cannot read the configuration "${paths.document}": there is no such file`,
    );
  }
  const parsed = parseConfig(text);
  if (parsed.ok) return parsed.config;
  // With a good document to fall back on the node starts: a typo must not take it off the mesh.
  const records = await files.list(paths.directory);
  if (records.some((name) => name.startsWith("config.") && name.endsWith(".json"))) {
    return defaultConfig();
  }
  const listed = parsed.errors.map(({ message }) => `  ${message}`).join("\n");
  throw new CliError(
    EXIT.invalidConfig,
    `Cannot use the configuration "${paths.document}":\n${listed}`,
    "Nothing was changed. Mend the file and start again.",
  );
}

/** What a person should know of a configuration event. */
export function eventOfConfig(event: ConfigEvent): EventDraft {
  const draft = (
    severity: EventDraft["severity"],
    type: string,
    message: string,
    data: Readonly<Record<string, unknown>> = {},
  ): EventDraft => ({ severity, type, subject: "config", message, data });
  switch (event.type) {
    case "applied": {
      const { changed, differing } = event.report;
      const differs = differing.length === 0
        ? ""
        : `; ${differing.length} settings are not as wanted, first ${differing[0]?.key}: ` +
          `${differing[0]?.reason}`;
      return draft(
        differing.length === 0 ? "info" : "warning",
        "config.applied",
        `Configuration ${event.revision} was applied: ${changed.length} changes${differs}`,
        { revision: event.revision, changed, differing },
      );
    }
    case "pending":
      return draft(
        "notice",
        "config.pending",
        `Configuration ${event.revision} is undone in ${event.remainingS} s unless it is confirmed`,
        { revision: event.revision, author: event.author },
      );
    case "confirmed":
      return draft("notice", "config.confirmed", `Configuration ${event.revision} was confirmed`, {
        revision: event.revision,
        author: event.author,
      });
    case "rolled-back": {
      const why = {
        "rolled-back": "as asked",
        expired: "because nobody confirmed it in time",
        interrupted: "because the node stopped before it was confirmed",
      }[event.outcome];
      return draft(
        "warning",
        "config.rolled-back",
        `Configuration ${event.revision} was undone, ${why}`,
        { revision: event.revision, outcome: event.outcome, differing: event.report.differing },
      );
    }
    case "invalid-file":
      return draft(
        "error",
        "config.invalid-file",
        `The configuration file has errors and is not used, the last good one is: ` +
          `${event.errors[0]?.message ?? ""}`,
        { errors: event.errors.map(({ message }) => message) },
      );
    case "trouble":
      return draft("warning", "config.trouble", event.detail);
  }
}

/** Whether the configuration is in force as written. */
export function configChecks(manager: ConfigManager): readonly HealthCheck[] {
  const name = "config";
  const { state, pending, report, fileErrors, revision } = manager.status();
  if (state === "stopped") return [{ name, state: "degraded", reason: "Not applied yet" }];
  if (fileErrors.length > 0) {
    const reason = `The file has errors, the last good one is in force: ${fileErrors[0]?.message}`;
    return [{ name, state: "degraded", reason }];
  }
  if (report !== null && report.differing.length > 0) {
    const listed = report.differing.slice(0, 5).map(({ key, reason }) => `${key}: ${reason}`);
    const more = report.differing.length > 5 ? `; and ${report.differing.length - 5} more` : "";
    return [{ name, state: "degraded", reason: `Not as wanted: ${listed.join("; ")}${more}` }];
  }
  if (pending !== null) {
    const reason = `Revision ${pending.revision} waits ${pending.remainingS} s to be confirmed`;
    return [{ name, state: "ok", reason }];
  }
  return [{ name, state: "ok", reason: `Revision ${revision} is in force` }];
}
