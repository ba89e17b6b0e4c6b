// What happened: the stored events, and new ones as they come.
import { type Command, Option } from "commander";
import type { NodeEvent, Severity } from "../../node/mod.ts";
import { type CliContext, clientOf, type GlobalOptions } from "../context.ts";
import { moment, orDash, printable } from "../format.ts";
import { integer } from "./diagnose.ts";

const SEVERITIES: readonly Severity[] = ["debug", "info", "notice", "warning", "error"];

interface Options {
  readonly follow?: boolean;
  readonly lines: number;
  readonly severity?: Severity;
  readonly type?: string;
  readonly search?: string;
}

function line(event: NodeEvent): string {
  return `${moment(event.atMs)}  ${event.severity.padEnd(7)}  ${event.type}  ` +
    `${orDash(event.subject)}  ${printable(event.message)}`;
}

function queryOf(options: Options): URLSearchParams {
  const query = new URLSearchParams({ limit: String(options.lines) });
  if (options.severity !== undefined) query.set("minSeverity", options.severity);
  if (options.type !== undefined) query.set("type", options.type);
  if (options.search !== undefined) query.set("search", options.search);
  return query;
}

/** Whether a streamed event passes the same filters the query applied to the stored ones. */
function wanted(event: NodeEvent, options: Options): boolean {
  const severe = options.severity === undefined ||
    SEVERITIES.indexOf(event.severity) >= SEVERITIES.indexOf(options.severity);
  return severe && (options.type === undefined || event.type.startsWith(options.type)) &&
    (options.search === undefined ||
      event.message.toLowerCase().includes(options.search.toLowerCase()));
}

/** Registers `events`. */
export function addEventCommands(program: Command, context: CliContext): void {
  program.command("events").description("what happened on this node")
    .option("-f, --follow", "go on and print new events as they come")
    .option("-n, --lines <n>", "how many of the latest events", integer(1, 1000), 50)
    .addOption(new Option("--severity <level>", "at least this severe").choices(SEVERITIES))
    .option("--type <prefix>", "only types that begin so, e.g. link")
    .option("--search <text>", "only messages that contain this")
    .action(async (options: Options, command: Command) => {
      const json = command.optsWithGlobals<GlobalOptions>().json === true;
      const client = clientOf(context, command);
      const show = (event: NodeEvent) =>
        context.terminal.out(`${json ? JSON.stringify(event) : line(event)}\n`);
      const stored = await client.list<NodeEvent>(`/events?${queryOf(options)}`);
      const oldestFirst = [...stored].reverse();
      if (!options.follow) {
        if (json) context.terminal.out(`${JSON.stringify(oldestFirst, null, 2)}\n`);
        else if (oldestFirst.length === 0) context.terminal.out("No events.\n");
        else oldestFirst.forEach(show);
        return;
      }
      oldestFirst.forEach(show);
      let last = stored[0]?.id ?? 0;
      const stream = client.lines(
        "GET",
        "/events/stream",
        undefined,
        context.terminal.interrupted,
      );
      for await (const text of stream) {
        if (!text.startsWith("data:")) continue;
        const data = JSON.parse(text.slice(5)) as Partial<NodeEvent>;
        if (data.id === undefined || data.severity === undefined || data.id <= last) continue;
        last = data.id;
        if (wanted(data as NodeEvent, options)) show(data as NodeEvent);
      }
    });
}
