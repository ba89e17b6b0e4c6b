// ping, traceroute and speedtest: batman-adv's own, from this node.
import { type Command, InvalidArgumentError } from "commander";
import type { MeshHop, MeshPingReply, ThroughputResult } from "../../ports/mod.ts";
import { type CliContext, clientOf, type GlobalOptions, print } from "../context.ts";
import { CliError, EXIT } from "../exit_codes.ts";
import { bytes, duration, rate } from "../format.ts";

/** A whole number between bounds, as an option's value. */
export function integer(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < low || value > high) {
      throw new InvalidArgumentError(`Expected a whole number from ${low} to ${high}.`);
    }
    return value;
  };
}

interface PingOptions {
  readonly count: number;
  readonly timeout: number;
}

/** What `ping` prints in the end. */
interface PingSummary {
  readonly target: string;
  readonly sent: number;
  readonly received: number;
  readonly replies: readonly MeshPingReply[];
}

function pingText({ target, sent, received, replies }: PingSummary): string {
  const lost = Math.round(100 * (sent - received) / sent);
  const head = `${target}: ${sent} sent, ${received} received, ${lost} % lost`;
  if (replies.length === 0) return head;
  const rtts = replies.map((reply) => reply.rttMs);
  const mean = rtts.reduce((sum, rtt) => sum + rtt, 0) / rtts.length;
  const [low, high] = [Math.min(...rtts), Math.max(...rtts)];
  return `${head}, rtt min/avg/max ${low.toFixed(2)}/${mean.toFixed(2)}/${high.toFixed(2)} ms`;
}

function addPing(program: Command, context: CliContext): void {
  program.command("ping").description("batman-adv echo requests to a node of the mesh")
    .argument("<node>", "originator, client MAC or IP address")
    .option("-c, --count <n>", "echo requests to send", integer(1, 1000), 4)
    .option("-t, --timeout <ms>", "time to wait for each answer", integer(10, 60_000), 2000)
    .action(async (target: string, options: PingOptions, command: Command) => {
      const json = command.optsWithGlobals<GlobalOptions>().json === true;
      const client = clientOf(context, command);
      const replies: MeshPingReply[] = [];
      let sent = 0;
      while (sent < options.count && !context.terminal.interrupted.aborted) {
        sent++;
        try {
          const reply = await client.call<MeshPingReply>("POST", "/diagnostics/ping", {
            target,
            timeoutMs: options.timeout,
          });
          replies.push(reply);
          if (!json) {
            context.terminal.out(
              `${reply.originator}: seq ${sent} ttl ${reply.ttl} ${reply.rttMs.toFixed(2)} ms\n`,
            );
          }
        } catch (error) {
          if (!(error instanceof CliError) || error.exitCode !== EXIT.failed) throw error;
          if (!json) context.terminal.err(`seq ${sent}: ${error.message}\n`);
        }
      }
      const summary: PingSummary = { target, sent, received: replies.length, replies };
      print(context, command, summary, pingText);
      if (replies.length === 0) throw new CliError(EXIT.failed, `No answer from "${target}"`);
    });
}

function hopText(hop: MeshHop): string {
  const times = hop.rttsMs.map((rtt) => `${rtt.toFixed(2)} ms`).join("  ");
  return `${String(hop.hop).padStart(2)}  ${hop.originator ?? "*"}  ${times}`.trimEnd();
}

function addTraceroute(program: Command, context: CliContext): void {
  program.command("traceroute").description("the nodes on the way to a node of the mesh")
    .argument("<node>", "originator, client MAC or IP address")
    .option("-t, --timeout <ms>", "time to wait for each hop", integer(10, 60_000), 2000)
    .action(async (target: string, options: { timeout: number }, command: Command) => {
      const json = command.optsWithGlobals<GlobalOptions>().json === true;
      const hops: MeshHop[] = [];
      const lines = clientOf(context, command).lines("POST", "/diagnostics/traceroute", {
        target,
        timeoutMs: options.timeout,
      }, context.terminal.interrupted);
      for await (const line of lines) {
        if (line.trim() === "") continue;
        const hop = JSON.parse(line) as MeshHop & { readonly detail?: string };
        if (hop.detail !== undefined) throw new CliError(EXIT.failed, hop.detail);
        hops.push(hop);
        if (!json) context.terminal.out(`${hopText(hop)}\n`);
      }
      if (json) context.terminal.out(`${JSON.stringify(hops, null, 2)}\n`);
      if (!hops.some((hop) => hop.reached)) {
        throw new CliError(EXIT.failed, `"${target}" was not reached`);
      }
    });
}

function addSpeedtest(program: Command, context: CliContext): void {
  program.command("speedtest").description("throughput to a node, by the kernel's throughput meter")
    .argument("<node>", "originator, client MAC or IP address")
    .option("-d, --duration <ms>", "how long to send", integer(100, 120_000), 10_000)
    .action(async (target: string, options: { duration: number }, command: Command) => {
      const result = await clientOf(context, command).call<ThroughputResult>(
        "POST",
        "/diagnostics/speedtest",
        { target, durationMs: options.duration },
      );
      print(
        context,
        command,
        result,
        (value) =>
          `${value.originator}: ${rate(value.kbps)} (${bytes(value.bytes)} in ` +
          `${duration(value.durationMs)})`,
      );
    });
}

/** Registers ping, traceroute and speedtest. */
export function addDiagnoseCommands(program: Command, context: CliContext): void {
  addPing(program, context);
  addTraceroute(program, context);
  addSpeedtest(program, context);
}
