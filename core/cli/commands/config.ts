// The node's one configuration: show, change, apply with a deadline, confirm, roll back.
import type { Command } from "commander";
import type { ApiClient } from "../client.ts";
import { type CliContext, clientOf, print } from "../context.ts";
import { CliError, EXIT } from "../exit_codes.ts";
import { duration, moment, orDash, printable } from "../format.ts";
import { renderTable } from "../table.ts";
import { integer } from "./diagnose.ts";

interface Message {
  readonly message: string;
}

interface CurrentConfig {
  readonly revision: number;
  readonly config: Record<string, unknown>;
  readonly toml: string;
}

interface ConfigDiff {
  readonly changes: readonly {
    readonly key: string;
    readonly before: unknown;
    readonly after: unknown;
  }[];
  readonly steps: readonly { readonly sentence: string; readonly mayDisconnect: boolean }[];
  readonly warnings: readonly Message[];
}

interface ApplyReport {
  readonly changed: readonly { readonly sentence: string }[];
  readonly differing: readonly {
    readonly key: string;
    readonly wanted: string;
    readonly found: string;
    readonly reason: string;
  }[];
}

interface ApplyResult {
  readonly revision: number;
  readonly report: ApplyReport;
  readonly warnings: readonly Message[];
  /** Time left to confirm. */
  readonly remainingS: number;
}

interface HistoryEntry {
  readonly revision: number;
  readonly atMs: number;
  readonly author: string;
  readonly outcome: string;
}

interface ConfigStatus {
  readonly revision: number;
  readonly pending: { readonly revision: number; readonly remainingS: number } | null;
}

async function readDocument(context: CliContext, file: string): Promise<string> {
  return file === "-" ? await context.terminal.readInput() : await context.terminal.readFile(file);
}

const value = (given: unknown) => given === null ? "(unset)" : JSON.stringify(given);

function diffText({ changes, steps, warnings }: ConfigDiff): string {
  if (changes.length === 0) return "No differences.";
  return [
    ...changes.flatMap((
      { key, before, after },
    ) => [key, `  - ${value(before)}`, `  + ${value(after)}`]),
    ...steps.length === 0 ? [] : ["An apply would:"],
    ...steps.map((step) =>
      `  ${step.sentence}${step.mayDisconnect ? " (may disconnect you)" : ""}`
    ),
    ...warnings.map((warning) => `warning: ${warning.message}`),
  ].map(printable).join("\n");
}

function reportLines({ changed, differing }: ApplyReport): string[] {
  return [
    ...changed.map((step) => `  ${step.sentence}`),
    ...differing.map(({ key, wanted, found, reason }) =>
      `  NOT as wished: ${key} is ${found}, wanted ${wanted}: ${reason}`
    ),
  ];
}

function applyText({ revision, report, warnings, remainingS }: ApplyResult): string {
  const lines = [
    `Applied revision ${revision}.`,
    ...reportLines(report),
    ...warnings.map((warning) => `warning: ${warning.message}`),
  ];
  lines.push(
    remainingS === 0
      ? "Confirmed: nothing will undo it."
      : `It is undone in ${remainingS} s unless you run: x0tta6bl4 config confirm ${revision}`,
  );
  return lines.map(printable).join("\n");
}

/** "mesh.hop_penalty" or "mesh.hopPenalty" in the JSON form, whose keys are in camelCase. */
function lookUp(config: unknown, key: string): unknown {
  let at = config;
  for (const part of key.replaceAll(/\[(\d+)\]/g, ".$1").split(".")) {
    if (typeof at !== "object" || at === null) return undefined;
    const camel = part.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    at = (at as Record<string, unknown>)[camel];
  }
  return at;
}

function addReading(config: Command, context: CliContext): void {
  config.command("show").description("the configuration in force, secrets hidden")
    .argument("[key]", "only this key, e.g. mesh.id")
    .action(async (key: string | undefined, _options, command: Command) => {
      const client = clientOf(context, command);
      const current = await client.get<CurrentConfig>("/config");
      if (key === undefined) {
        // A comment, so that what is shown stays a document.
        const nothing = "# Nothing is set: every key has its default, as --json shows.";
        return print(context, command, current.config, () => current.toml.trimEnd() || nothing);
      }
      const found = lookUp(current.config, key);
      if (found === undefined) throw new CliError(EXIT.failed, `There is no key "${key}"`);
      print(
        context,
        command,
        found,
        (shown) => typeof shown === "string" ? printable(shown) : JSON.stringify(shown, null, 2),
      );
    });
  config.command("diff").description("what a document would change, without changing anything")
    .argument("<file>", "TOML file, or - for standard input")
    .action(async (file: string, _options, command: Command) => {
      const toml = await readDocument(context, file);
      const answer = await clientOf(context, command).call<ConfigDiff>("POST", "/config/diff", {
        toml,
      });
      print(context, command, answer, diffText);
    });
  config.command("history").description("earlier configurations and what became of them")
    .action(async (_options, command: Command) => {
      const rows = await clientOf(context, command).list<HistoryEntry>("/config/history");
      print(context, command, rows, () =>
        rows.length === 0 ? "No history." : renderTable([
          { title: "REVISION", cell: (row) => String(row.revision), right: true },
          { title: "WHEN", cell: (row) => moment(row.atMs) },
          { title: "WHO", cell: (row) => orDash(row.author) },
          { title: "OUTCOME", cell: (row) => orDash(row.outcome) },
        ], rows));
    });
  config.command("status").description("whether an apply waits to be confirmed")
    .action(async (_options, command: Command) => {
      const status = await clientOf(context, command).get<ConfigStatus>("/config/status");
      print(
        context,
        command,
        status,
        ({ revision, pending }) =>
          pending === null
            ? `Revision ${revision}, confirmed.`
            : `Revision ${pending.revision} waits to be confirmed; it is undone in ` +
              `${duration(pending.remainingS * 1000)}.`,
      );
    });
  config.command("export").description("the whole document, secrets included, for safe-keeping")
    .action(async (_options, command: Command) => {
      context.terminal.out(await clientOf(context, command).text("/config/export?secrets=true"));
    });
}

/** The document in force with one key changed; comments and order stay. */
async function withKey(client: ApiClient, key: string, typed: string): Promise<string> {
  const { readValue, setKey } = await import("../../config/mod.ts");
  const document = await client.text("/config/export?secrets=true");
  const read = readValue(key, typed);
  const edited = setKey(document, key, read.ok ? read.value : typed);
  if (edited.ok && read.ok) return edited.text;
  if (!read.ok && !edited.ok) {
    const messages = edited.errors.map((error) => printable(error.message));
    throw new CliError(EXIT.invalidConfig, messages.join("\n"));
  }
  const expected = read.ok ? "another value" : read.expected;
  throw new CliError(
    EXIT.invalidConfig,
    `Cannot set "${printable(key)}" to "${printable(typed)}": expected ${expected}`,
  );
}

function addApplying(config: Command, context: CliContext): void {
  const apply = async (command: Command, toml: string, confirmWithinS: number, now: boolean) => {
    const client = clientOf(context, command);
    const answer = await client.call<ApplyResult>("POST", "/config/apply", {
      toml,
      confirmWithinS,
      author: "cli",
    });
    if (now) await client.call("POST", "/config/confirm", { revision: answer.revision });
    print(context, command, now ? { ...answer, remainingS: 0 } : answer, applyText);
  };
  for (
    const [name, description] of [
      ["apply", "apply a document; it is undone unless confirmed in time"],
      ["import", "apply an exported document; it is undone unless confirmed in time"],
    ] as const
  ) {
    config.command(name).description(description)
      .argument("<file>", "TOML file, or - for standard input")
      .option("--confirm-within <s>", "time to confirm", integer(1, 3600), 60)
      .option("--yes", "confirm at once: nothing will undo it")
      .action(
        async (file: string, options: { confirmWithin: number; yes?: boolean }, command: Command) =>
          await apply(
            command,
            await readDocument(context, file),
            options.confirmWithin,
            options.yes === true,
          ),
      );
  }
  config.command("set").description("change one key and apply; it is undone unless confirmed")
    .argument("<key>", "e.g. mesh.hop_penalty")
    .argument("<value>", "a TOML value; a bare word is taken as a string")
    .option("--confirm-within <s>", "time to confirm", integer(1, 3600), 60)
    .option("--yes", "confirm at once: nothing will undo it")
    .action(async (
      key: string,
      given: string,
      options: { confirmWithin: number; yes?: boolean },
      command: Command,
    ) => {
      const toml = await withKey(clientOf(context, command), key, given);
      await apply(command, toml, options.confirmWithin, options.yes === true);
    });
  config.command("confirm").description("keep what was applied")
    .argument(
      "[revision]",
      "the revision you saw; the pending one if left out",
      integer(0, 2 ** 31),
    )
    .action(async (revision: number | undefined, _options, command: Command) => {
      const client = clientOf(context, command);
      const pending = revision ??
        (await client.get<ConfigStatus>("/config/status")).pending?.revision;
      if (pending === undefined) throw new CliError(EXIT.failed, "Nothing waits to be confirmed");
      const answer = await client.call<unknown>("POST", "/config/confirm", { revision: pending });
      print(
        context,
        command,
        answer ?? { revision: pending },
        () => `Revision ${pending} is confirmed.`,
      );
    });
  config.command("rollback").description("undo what waits to be confirmed, now")
    .action(async (_options, command: Command) => {
      const report = await clientOf(context, command).call<ApplyReport>("POST", "/config/rollback");
      print(context, command, report, (done) => ["Rolled back.", ...reportLines(done)].join("\n"));
    });
}

/** Registers `config` with its sub-commands. */
export function addConfigCommands(program: Command, context: CliContext): void {
  const config = program.command("config").description("the node's one configuration");
  addReading(config, context);
  addApplying(config, context);
}
