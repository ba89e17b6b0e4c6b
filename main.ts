// The program: daemon and command line in one. Reads the arguments, wires what they ask for, sets the
// exit status. Modules are loaded when a command needs them, so that each command starts quickly.
import { createProgram, runCli } from "./core/cli/mod.ts";
import { dataPaths, defaultDataDirectory } from "./core/daemon/paths.ts";
import type { RawDemoOptions, RawRunOptions } from "./core/daemon/run_options.ts";
import type { SignOptions } from "./core/daemon/sign_command.ts";
import { processTerminal } from "./core/daemon/terminal.ts";
import { unixTransport } from "./core/daemon/transport.ts";
import { VERSION } from "./core/daemon/version.ts";

/** Status of a process ended by ctrl-C, as shells report it. */
const INTERRUPTED = 130;

if (import.meta.main) {
  const interrupted = new AbortController();
  const terminal = processTerminal(interrupted.signal);
  const program = createProgram({
    terminal,
    local: {
      version: VERSION,
      async capabilities() {
        const { openHostKernel } = await import("./core/host/mod.ts");
        const kernel = await openHostKernel();
        try {
          return await kernel.capabilities();
        } finally {
          await kernel.close();
        }
      },
    },
    connect: (data) => unixTransport(dataPaths(data ?? defaultDataDirectory()).socket),
  });
  const collect = (value: string, before: readonly string[] = []) => [...before, value];

  program.command("run").description("run the node with its API and web page")
    .option("--listen <host:port>", "where to serve, several times for several places", collect)
    .option(
      "--config <file>",
      "configuration document (default: config.toml in the data directory)",
    )
    .option("--sim <nodes>", "simulate a mesh of so many nodes")
    .option("--seed <number>", "seed of the simulated mesh (default 1)")
    .option(
      "--attach <socket>",
      "join a simulated medium that several daemons share, as demo serves it",
    )
    .option("--node <number>", "which node of that medium this one is (default 0)")
    .option("--kernel", "drive this machine's kernel, or fail")
    .option("--netns <name>", "drive the network namespace of that name")
    .option("--log <format>", "text, logfmt or json (default: text on a terminal, else logfmt)")
    .action(async (_options, command) => {
      const { runCommand } = await import("./core/daemon/run_command.ts");
      await runCommand(command.optsWithGlobals() as RawRunOptions, terminal);
    });

  program.command("demo").description("several daemons that share one simulated radio medium")
    .option("--nodes <number>", "how many (default 5)")
    .option("--port <number>", "port of the first; the others follow (default 8081, 0: any)")
    .option("--seed <number>", "seed of the simulated mesh (default 1)")
    .action(async (_options, command) => {
      const { demoCommand } = await import("./core/daemon/demo.ts");
      await demoCommand(command.optsWithGlobals() as RawDemoOptions, terminal);
    });

  program.commands.find((command) => command.name() === "mesh")?.command("sign")
    .description("sign a carried request with an authority key; needs no daemon")
    .argument("<file>", "what export-request wrote; - for standard input")
    .requiredOption("--key <file>", "the authority's key file")
    .option("--passphrase-file <file>", "opens the key")
    .option("--yes", "sign; without it the request is only shown")
    .action(async (file: string, options: SignOptions) => {
      const { signCommand } = await import("./core/daemon/sign_command.ts");
      await signCommand(file, options, terminal);
    });

  let signals = 0;
  const serving = Deno.args.some((word) => word === "run" || word === "demo");
  if (!serving) {
    Deno.addSignalListener("SIGINT", () => {
      interrupted.abort();
      if (++signals > 1) Deno.exit(INTERRUPTED);
    });
  }
  Deno.exit(await runCli(program, Deno.args, terminal));
}
