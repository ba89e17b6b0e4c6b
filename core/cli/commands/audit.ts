// The audit log: who enrolled, was approved, revoked, changed the policy.
import type { Command } from "commander";
import { type CliContext, clientOf, print, printRows } from "../context.ts";
import { CliError, EXIT } from "../exit_codes.ts";
import { moment, orDash, printable } from "../format.ts";
import { integer } from "./diagnose.ts";

interface Entry {
  readonly index: number;
  readonly atMs: number;
  readonly kind: string;
  readonly actor: string;
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

interface Head {
  readonly nodeId: string;
  readonly count: number;
  readonly hash: string;
  readonly atMs: number;
  readonly conflict: boolean;
}

interface Verdict {
  readonly sound: boolean;
  readonly sentence: string;
}

const detailText = (detail: Entry["detail"]) =>
  orDash(Object.entries(detail).map(([key, value]) => `${key}=${value}`).join(" "));

/** Registers `audit` with its sub-commands. */
export function addAuditCommands(program: Command, context: CliContext): void {
  const audit = program.command("audit").description("who changed what in matters of trust");
  audit.command("list").description("entries, newest first")
    .option("--limit <n>", "how many", integer(1, 500), 50)
    .action(async (options: { limit: number }, command: Command) => {
      const rows = await clientOf(context, command).list<Entry>(`/audit?limit=${options.limit}`);
      printRows(context, command, rows, [
        { title: "ENTRY", cell: (row) => String(row.index), right: true },
        { title: "WHEN", cell: (row) => moment(row.atMs) },
        { title: "WHAT", cell: (row) => orDash(row.kind) },
        { title: "BY", cell: (row) => orDash(row.actor) },
        { title: "TO", cell: (row) => orDash(row.subject) },
        { title: "DETAIL", cell: (row) => detailText(row.detail) },
      ], "The audit log is empty.");
    });
  audit.command("verify").description(
    "check every link of the log; exit status 1 when one does not hold",
  )
    .action(async (_options, command: Command) => {
      const verdict = await clientOf(context, command).get<Verdict>("/audit/verify");
      print(context, command, verdict, ({ sentence }) => printable(sentence));
      if (!verdict.sound) throw new CliError(EXIT.failed, "The audit log was changed.");
    });
  audit.command("heads").description("what other nodes signed about their logs")
    .action(async (_options, command: Command) => {
      const rows = await clientOf(context, command).list<Head>("/audit/heads");
      printRows(context, command, rows, [
        { title: "NODE", cell: (row) => row.nodeId },
        { title: "ENTRIES", cell: (row) => String(row.count), right: true },
        { title: "HASH", cell: (row) => row.hash.slice(0, 16) },
        { title: "SIGNED", cell: (row) => moment(row.atMs) },
        { title: "STATE", cell: (row) => row.conflict ? "REWRITTEN" : "consistent" },
      ], "No other node's log is known.");
    });
  audit.command("export").description("the whole log as JSON lines")
    .action(async (_options, command: Command) => {
      context.terminal.out(await clientOf(context, command).text("/audit/export"));
    });
}
