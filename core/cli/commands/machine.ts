// doctor and version: what this machine and this program are. Both work without a daemon.
import type { Command } from "commander";
import type { Capability } from "../../ports/mod.ts";
import { type CliContext, clientOf, print } from "../context.ts";
import { CliError, EXIT } from "../exit_codes.ts";
import { printable } from "../format.ts";

interface Diagnosis {
  /** Who answered: the daemon for its own kernel, or this program for this machine. */
  readonly source: "daemon" | "this machine";
  readonly capabilities: readonly Capability[];
}

const MARKS = { ok: "ok      ", degraded: "degraded", missing: "MISSING " } as const;

function diagnosisText({ source, capabilities }: Diagnosis): string {
  const lines = [source === "daemon" ? "As the running daemon sees it:" : "No daemon runs. Here:"];
  for (const { id, state, detail, needed, remedy } of capabilities) {
    lines.push(`${MARKS[state]}  ${id}: ${printable(detail)}`);
    if (state === "ok") continue;
    lines.push(`          without it: ${printable(needed)}`);
    if (remedy !== null) lines.push(`          to mend it: ${printable(remedy)}`);
  }
  return lines.join("\n");
}

async function diagnose(context: CliContext, command: Command): Promise<Diagnosis> {
  try {
    const capabilities = await clientOf(context, command).list<Capability>("/doctor");
    return { source: "daemon", capabilities };
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== EXIT.noDaemon) throw error;
    return { source: "this machine", capabilities: await context.local.capabilities() };
  }
}

/** Registers doctor and version. */
export function addMachineCommands(program: Command, context: CliContext): void {
  program.command("doctor").description("what this machine can and cannot do, and what mends it")
    .action(async (_options, command: Command) => {
      const diagnosis = await diagnose(context, command);
      print(context, command, diagnosis, diagnosisText);
      const missing = diagnosis.capabilities.filter((item) => item.state === "missing");
      if (missing.length > 0) {
        throw new CliError(EXIT.failed, `Missing: ${missing.map((item) => item.id).join(", ")}`);
      }
    });
  program.command("version").description("version of this program")
    .action((_options, command: Command) => {
      print(context, command, { version: context.local.version }, ({ version }) => version);
    });
}
