// The mesh's policy: show, test, diff, set, accept. Signing a carried file needs no daemon and is main.ts's.
import type { Command } from "commander";
import { type CliContext, clientOf, print } from "../context.ts";
import { CliError, EXIT } from "../exit_codes.ts";
import { moment, printable } from "../format.ts";
import { secretOf } from "./mesh_status.ts";

interface Message {
  readonly message: string;
}

interface View {
  readonly version: number;
  readonly madeMs: number;
  readonly signed: boolean;
  readonly toml: string;
  readonly rules: readonly string[];
  readonly base: readonly { readonly rule: string; readonly fixed: boolean }[];
  readonly problem: string | null;
}

interface Answer {
  readonly allowed: boolean;
  readonly sentences: readonly string[];
}

interface Reading {
  readonly ok: boolean;
  readonly changes: readonly string[];
  readonly warnings: readonly Message[];
  readonly errors: readonly Message[];
}

type Outcome =
  | { readonly state: "invalid"; readonly errors: readonly Message[] }
  | (
    & { readonly version: number; readonly changes: readonly string[] }
    & { readonly warnings: readonly Message[] }
    & (
      | { readonly state: "in-force" }
      | {
        readonly state: "incomplete";
        readonly signatures: number;
        readonly threshold: number;
        readonly file: string;
      }
    )
  );

const lines = (texts: readonly string[]) => texts.map((text) => `  ${printable(text)}`);

function viewText({ version, madeMs, signed, rules, base, problem }: View): string {
  const head = signed
    ? `Policy ${version}, signed by the authority, made ${moment(madeMs)}.`
    : "The authority has signed no policy yet; the program's own holds.";
  return [
    ...(problem === null ? [] : [printable(problem)]),
    head,
    "Rules:",
    ...(rules.length === 0 ? ["  none: nothing is allowed but what follows"] : lines(rules)),
    "What every mesh has:",
    ...lines(base.map(({ rule, fixed }) => fixed ? `${rule} (can't be denied)` : rule)),
  ].join("\n");
}

function invalid(errors: readonly Message[]): CliError {
  const all = ["The policy has errors:", ...lines(errors.map(({ message }) => message))];
  return new CliError(EXIT.invalidConfig, all.join("\n"));
}

const changeLines = (changes: readonly string[], warnings: readonly Message[]) => [
  ...(changes.length === 0 ? ["No differences."] : lines(changes)),
  ...warnings.map(({ message }) => `warning: ${printable(message)}`),
];

function addReading(policy: Command, context: CliContext): void {
  policy.command("show").description("the policy in force, and what holds beside it")
    .option("--toml", "as text to edit")
    .action(async (options: { toml?: boolean }, command: Command) => {
      const view = await clientOf(context, command).get<View>("/policy");
      print(
        context,
        command,
        view,
        (it) => options.toml === true ? it.toml.trimEnd() : viewText(it),
      );
    });
  policy.command("test").description("whether a flow is allowed, and why; exit status 1 when not")
    .argument("<from>", "node id or SPIFFE ID").argument("<to>", "node id or SPIFFE ID")
    .argument("<service>", "a service of the policy, tcp/22, udp/1-1024, icmp, api:read …")
    .option("--from-role <role...>", "roles to assume for the sender")
    .option("--to-role <role...>", "roles to assume for the receiver")
    .action(async (
      from: string,
      to: string,
      service: string,
      options: { fromRole?: string[]; toRole?: string[] },
      command: Command,
    ) => {
      const { items } = await clientOf(context, command).call<{ items: readonly Answer[] }>(
        "POST",
        "/policy/test",
        {
          from,
          to,
          service,
          ...(options.fromRole === undefined ? {} : { fromRoles: options.fromRole }),
          ...(options.toRole === undefined ? {} : { toRoles: options.toRole }),
        },
      );
      print(
        context,
        command,
        items,
        (answers) =>
          answers.flatMap((
            { sentences: [first = "", ...rest] },
          ) => [printable(first), ...lines(rest)])
            .join("\n"),
      );
      if (items.some(({ allowed }) => !allowed)) throw new CliError(EXIT.failed, "Not allowed.");
    });
  policy.command("diff").description("what a text would change, without changing anything")
    .argument("<file>", "TOML file, or - for standard input")
    .action(async (file: string, _options, command: Command) => {
      const toml = await secretOf(context, file) ?? "";
      const reading = await clientOf(context, command).call<Reading>("POST", "/policy/diff", {
        toml: `${toml}\n`,
      });
      if (!reading.ok) throw invalid(reading.errors);
      print(
        context,
        command,
        reading,
        ({ changes, warnings }) => changeLines(changes, warnings).join("\n"),
      );
    });
}

function outcomeText(outcome: Exclude<Outcome, { state: "invalid" }>): string {
  const changes = changeLines(outcome.changes, outcome.warnings);
  if (outcome.state === "in-force") {
    return [...changes, `Policy ${outcome.version} is in force and spreads by itself.`].join("\n");
  }
  const { version, signatures, threshold } = outcome;
  return [
    ...changes,
    `Policy ${version} has ${signatures} of ${threshold} signatures. It was written to standard output: ` +
    "carry it to the other keys (policy sign), then: x0tta6bl4 policy accept FILE",
  ].join("\n");
}

function addChanging(policy: Command, context: CliContext): void {
  policy.command("set").description("sign a new policy and put it in force")
    .argument("<file>", "TOML file, or - for standard input")
    .option("--passphrase-file <file>", "passphrase of the authority keys")
    .action(async (file: string, options: { passphraseFile?: string }, command: Command) => {
      const outcome = await clientOf(context, command).call<Outcome>("POST", "/policy/set", {
        toml: `${await secretOf(context, file) ?? ""}\n`,
        passphrase: await secretOf(context, options.passphraseFile),
      });
      if (outcome.state === "invalid") throw invalid(outcome.errors);
      if (outcome.state === "incomplete" && command.optsWithGlobals().json !== true) {
        context.terminal.err(`${outcomeText(outcome)}\n`);
        return context.terminal.out(outcome.file);
      }
      print(context, command, outcome, outcomeText);
    });
  policy.command("accept").description("put a policy in force that was signed elsewhere")
    .argument("<file>", "- for standard input")
    .action(async (file: string, _options, command: Command) => {
      const text = `${await secretOf(context, file) ?? ""}\n`;
      const done = await clientOf(context, command).call<{ version: number }>(
        "POST",
        "/policy/accept",
        { text },
      );
      print(context, command, done, ({ version }) => `Policy ${version} is in force.`);
    });
}

/** Registers `policy` with its sub-commands. */
export function addPolicyCommands(program: Command, context: CliContext): void {
  const policy = program.command("policy").description("who may do what in the mesh");
  addReading(policy, context);
  addChanging(policy, context);
}
