// The node's one configuration: show, change, apply with a deadline, confirm, roll back.
import type { Command } from "commander";
import { type CliContext, clientOf, print } from "../context.ts";
import { CliError, EXIT } from "../exit_codes.ts";
import { duration, moment, orDash, printable } from "../format.ts";
import { renderTable } from "../table.ts";
import { integer } from "./diagnose.ts";

interface DiffEntry {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

interface ApplyAnswer {
  readonly revision: number;
  readonly pending?: boolean;
  readonly confirmWithinS?: number;
  readonly report?: {
    readonly changed: readonly { readonly description?: string; readonly sentence?: string }[];
    readonly differing: readonly {
      readonly key: string;
      readonly wanted: unknown;
      readonly found: unknown;
      readonly reason: string;
    }[];
  };
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

const value = (given: unknown) => given === undefined ? "(unset)" : JSON.stringify(given);

function diffText(entries: readonly DiffEntry[]): string {
  if (entries.length === 0) return "No differences.";
  return entries.map((entry) =>
    `${printable(entry.path)}\n  - ${printable(value(entry.before))}\n  + ${
      printable(value(entry.after))
    }`
  ).join("\n");
}

function applyText(answer: ApplyAnswer): string {
  const lines = [`Applied revision ${answer.revision}.`];
  for (const step of answer.report?.changed ?? []) {
    lines.push(`  ${printable(step.description ?? step.sentence ?? "")}`);
  }
  for (const { key, wanted, found, reason } of answer.report?.differing ?? []) {
    lines.push(
      `  NOT as wished: ${printable(key)} is ${printable(value(found))}, wanted ` +
        `${printable(value(wanted))}: ${printable(reason)}`,
    );
  }
  if (answer.pending) {
    lines.push(
      `It is undone in ${answer.confirmWithinS ?? 60} s unless you run: ` +
        `x0tta6bl4 config confirm ${answer.revision}`,
    );
  }
  return lines.join("\n");
}

function addReading(config: Command, context: CliContext): void {
  config.command("show").description("the configuration in force, secrets hidden")
    .argument("[key]", "only this key, e.g. mesh.id")
    .action(async (key: string | undefined, _options, command: Command) => {
      const client = clientOf(context, command);
      const document = await client.get<Record<string, unknown>>("/config");
      if (key === undefined) {
        const toml = await client.text("/config/toml");
        return print(context, command, document, () => toml.trimEnd());
      }
      const found = key.split(".").reduce<unknown>(
        (at, part) =>
          typeof at === "object" && at !== null ? (at as Record<string, unknown>)[part] : undefined,
        document.config ?? document,
      );
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
      const entries = await clientOf(context, command).call<DiffEntry[]>(
        "POST",
        "/config/diff",
        { toml },
      );
      print(context, command, entries, diffText);
    });
  config.command("history").description("earlier configurations and what became of them")
    .action(async (_options, command: Command) => {
      const rows = await clientOf(context, command).get<HistoryEntry[]>("/config/history");
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
      context.terminal.out(await clientOf(context, command).text("/config/export"));
    });
}

function addApplying(config: Command, context: CliContext): void {
  const apply = async (command: Command, toml: string, confirmS: number, now: boolean) => {
    const client = clientOf(context, command);
    const answer = await client.call<ApplyAnswer>("POST", "/config/apply", {
      toml,
      confirmWithinS: confirmS,
    });
    if (now) await client.call("POST", "/config/confirm", { revision: answer.revision });
    const shown = now ? { ...answer, pending: false } : answer;
    print(context, command, shown, applyText);
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
      const { toml } = await clientOf(context, command).call<{ readonly toml: string }>(
        "POST",
        "/config/set",
        { key, value: given },
      );
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
  config.command("rollback").description("undo what waits to be confirmed, or the last change")
    .action(async (_options, command: Command) => {
      const answer = await clientOf(context, command).call<ApplyAnswer>("POST", "/config/rollback");
      print(context, command, answer, () => "Rolled back.");
    });
}

/** Registers `config` with its sub-commands. */
export function addConfigCommands(program: Command, context: CliContext): void {
  const config = program.command("config").description("the node's one configuration");
  addReading(config, context);
  addApplying(config, context);
}
