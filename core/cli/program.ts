// The command line: every command that talks to a daemon, as a client of its API. `run` and `demo` are
// added by main.ts, which owns the daemon. Not here: sockets, files, the process; they come as context.
import { Argument, Command, CommanderError } from "commander";
import { messageOf } from "../base/mod.ts";
import { addAuditCommands } from "./commands/audit.ts";
import { addConfigCommands } from "./commands/config.ts";
import { addDiagnoseCommands } from "./commands/diagnose.ts";
import { addEventCommands } from "./commands/events.ts";
import { addMachineCommands } from "./commands/machine.ts";
import { addMeshCommands } from "./commands/mesh.ts";
import { addPolicyCommands } from "./commands/policy.ts";
import { addShowCommands } from "./commands/show.ts";
import { addTunnelCommands } from "./commands/tunnels.ts";
import { addWorkloadCommands } from "./commands/workload.ts";
import { completionScript, type Shell, SHELLS } from "./completion.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT, type ExitCode } from "./exit_codes.ts";
import type { Terminal } from "./terminal.ts";

/** The program with all commands of a client. Errors are thrown, nothing exits. */
export function createProgram(context: CliContext): Command {
  const program = new Command("x0tta6bl4")
    .description("A mesh node: batman-adv, radios and their state, from one program.")
    .version(context.local.version, "-V, --version")
    .option("--json", "print JSON")
    .option("--data <dir>", "data directory of the daemon to talk to")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.terminal.out(text),
      writeErr: (text) => context.terminal.err(text),
    });
  addShowCommands(program, context);
  addDiagnoseCommands(program, context);
  addEventCommands(program, context);
  addConfigCommands(program, context);
  addMeshCommands(program, context);
  addPolicyCommands(program, context);
  addTunnelCommands(program, context);
  addWorkloadCommands(program, context);
  addAuditCommands(program, context);
  addMachineCommands(program, context);
  program.command("completion").description("completion script for a shell")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .action((shell: Shell) => context.terminal.out(completionScript(program, shell)));
  return inheritSettings(program);
}

/** Sub-commands made with `command()` copy the parent's settings only at creation; this covers the rest. */
function inheritSettings(program: Command): Command {
  const visit = (command: Command) => {
    for (const child of command.commands) {
      child.copyInheritedSettings(command);
      visit(child);
    }
  };
  visit(program);
  return program;
}

/** The exit status for anything a command threw, after telling the user. Never prints a stack. */
export function report(thrown: unknown, terminal: Terminal): ExitCode {
  if (thrown instanceof CommanderError) {
    return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (thrown instanceof CliError) {
    terminal.err(`${thrown.message}\n`);
    if (thrown.hint !== null) terminal.err(`${thrown.hint}\n`);
    return thrown.exitCode;
  }
  terminal.err(`${messageOf(thrown)}\n`);
  return EXIT.failed;
}

/** Runs one command line (without the program's name) and gives its exit status. */
export async function runCli(
  program: Command,
  args: readonly string[],
  terminal: Terminal,
): Promise<ExitCode> {
  try {
    await program.parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (thrown) {
    return report(thrown, terminal);
  }
}
