// Belonging to a mesh: show, create, join, invite. What its authority decides is in mesh_authority.ts.
import type { Command } from "commander";
import type { ApiClient } from "../client.ts";
import { type CliContext, clientOf, print, printRows } from "../context.ts";
import { CliError, EXIT } from "../exit_codes.ts";
import { duration, moment, orDash, printable } from "../format.ts";
import { integer } from "./diagnose.ts";
import { addDeciding, addRotating } from "./mesh_authority.ts";
import { type MeshRequest, type MeshStatus, secretOf, statusText } from "./mesh_status.ts";

interface Invite {
  readonly id: string;
  readonly expiresMs: number;
  readonly roles: readonly string[];
  readonly autoApprove: boolean;
  readonly nodeId: string | null;
  readonly usedMs: number | null;
  readonly cancelledMs: number | null;
}

interface MadeInvite {
  readonly text: string;
  readonly addresses: readonly string[];
  readonly record: Invite;
}

/** How often `join --wait` asks whether it was approved. */
const WAIT_MS = 1_000;

function inviteState({ nodeId, usedMs, cancelledMs, expiresMs }: Invite): string {
  if (cancelledMs !== null) return "withdrawn";
  if (usedMs !== null) return `used by ${nodeId}`;
  if (nodeId !== null) return `taken by ${nodeId}`;
  return `until ${moment(expiresMs)}`;
}

async function inviteText({ text, addresses, record }: MadeInvite): Promise<string> {
  const { default: encodeQR } = await import("qr");
  return [
    // Upper case makes a smaller code; invites are read in any case.
    encodeQR(text.toUpperCase(), "ascii"),
    text,
    "",
    `Good for one node until ${moment(record.expiresMs)}, at ${
      addresses.map(printable).join(", ")
    }.`,
    "Whoever has it can use it: hand it over like a key. On the other node:",
    "  x0tta6bl4 mesh join INVITE",
  ].join("\n");
}

function addShowing(mesh: Command, context: CliContext): void {
  mesh.command("show").description("this node's mesh, identity and authority")
    .action(async (_options, command: Command) => {
      const status = await clientOf(context, command).get<MeshStatus>("/membership");
      print(context, command, status, statusText);
    });
  mesh.command("requests").description("what the authority is asked to sign")
    .action(async (_options, command: Command) => {
      const rows = await clientOf(context, command).list<MeshRequest>("/membership/requests");
      printRows(context, command, rows, [
        { title: "REQUEST", cell: (row) => row.id },
        { title: "WHAT", cell: (row) => row.kind },
        { title: "STATE", cell: (row) => row.state },
        { title: "NODE", cell: (row) => row.nodeId },
        { title: "CALLS ITSELF", cell: (row) => orDash(row.name) },
        { title: "SINCE", cell: (row) => moment(row.createdMs) },
        { title: "SIGNATURES", cell: (row) => String(row.signatures), right: true },
      ], "Nothing waits.");
    });
  mesh.command("revoked").description("nodes that are out")
    .action(async (_options, command: Command) => {
      const rows = await clientOf(context, command).list<
        { readonly spiffeId: string; readonly atMs: number }
      >("/membership/revocations");
      printRows(context, command, rows, [
        { title: "IDENTITY", cell: (row) => orDash(row.spiffeId) },
        { title: "SINCE", cell: (row) => moment(row.atMs) },
      ], "Nobody is revoked.");
    });
}

/** An invite out of a file. @throws {CliError} for what is neither. */
async function inviteFrom(context: CliContext, file: string): Promise<string> {
  try {
    return await secretOf(context, file) ?? "";
  } catch (cause) {
    throw new CliError(
      EXIT.failed,
      `"${printable(file)}" is no invite and no file with one: an invite begins with "x0t1:"`,
      null,
      cause,
    );
  }
}

function addEntering(mesh: Command, context: CliContext): void {
  mesh.command("create").description("make a mesh whose first member is this node")
    .argument("<name>", 'name of the mesh, as in "berlin.mesh"')
    .option("--suite <suite>", "category3 (ML-KEM-768, ML-DSA-65) or category5", "category3")
    .option("--keys <n>", "keys of the authority", integer(1, 16), 1)
    .option("--threshold <m>", "how many of them must sign", integer(1, 16), 1)
    .option("--passphrase-file <file>", "seal the authority's keys with it; - for standard input")
    .action(async (
      name: string,
      options: { suite: string; keys: number; threshold: number; passphraseFile?: string },
      command: Command,
    ) => {
      const { suite, keys, threshold, passphraseFile } = options;
      const passphrase = await secretOf(context, passphraseFile);
      const answer = await clientOf(context, command).call<MeshStatus>(
        "POST",
        "/membership/create",
        {
          mesh: name,
          suite,
          keys,
          threshold,
          passphrase,
        },
      );
      print(context, command, answer, (status) => `Made.\n${statusText(status)}`);
    });
  mesh.command("join").description("ask to be let into a mesh")
    .argument("<invite>", "the invite, a file with it, or - for standard input")
    .option("--wait <s>", "wait so long for approval", integer(0, 86_400), 0)
    .action(async (given: string, options: { wait: number }, command: Command) => {
      const client = clientOf(context, command);
      const invite = given.toLowerCase().startsWith("x0t")
        ? given
        : await inviteFrom(context, given);
      const outcome = await client.call<{ state: string; requestId?: string }>(
        "POST",
        "/membership/join",
        { invite },
      );
      if (outcome.state !== "joined" && options.wait > 0) {
        await waitForApproval(context, client, options.wait * 1000);
      }
      const status = await client.get<MeshStatus>("/membership");
      print(
        context,
        command,
        status,
        (now) => now.member === null ? statusText(now) : `Joined.\n${statusText(now)}`,
      );
    });
  mesh.command("cancel-join").description("give up a join that waits")
    .action(async (_options, command: Command) => {
      const status = await clientOf(context, command).call<MeshStatus>(
        "POST",
        "/membership/join/cancel",
      );
      print(context, command, status, statusText);
    });
}

async function waitForApproval(
  context: CliContext,
  client: ApiClient,
  limitMs: number,
): Promise<void> {
  const { interrupted } = context.terminal;
  const limit = AbortSignal.any([AbortSignal.timeout(limitMs), interrupted]);
  while (!limit.aborted) {
    const { member, join } = await client.get<MeshStatus>("/membership");
    if (member !== null) return;
    if (join === null || (join.lastError !== null && join.state !== "waiting")) break;
    await new Promise<void>((resolve) => {
      const pause = AbortSignal.any([AbortSignal.timeout(WAIT_MS), limit]);
      pause.addEventListener("abort", () => resolve(), { once: true });
    });
  }
  const { join } = await client.get<MeshStatus>("/membership");
  throw new CliError(
    EXIT.failed,
    join?.lastError ?? `Nobody approved within ${duration(limitMs)}; the node goes on asking`,
  );
}

function addInviting(mesh: Command, context: CliContext): void {
  mesh.command("invite").description("make an invite for one node, as text and QR code")
    .option("--role <role...>", "roles the node gets (node)")
    .option("--hours <h>", "how long it is good", integer(1, 720), 24)
    .option("--tries <n>", "how often it may be tried", integer(1, 100), 10)
    .option("--auto-approve", "nobody needs to approve (needs open authority keys on this node)")
    .option("--address <host:port...>", "where this node is reached; found by itself when left out")
    .action(async (
      options: {
        role?: string[];
        hours: number;
        tries: number;
        autoApprove?: boolean;
        address?: string[];
      },
      command: Command,
    ) => {
      const made = await clientOf(context, command).call<MadeInvite>(
        "POST",
        "/membership/invites",
        {
          roles: options.role ?? [],
          lifetimeS: options.hours * 3600,
          maxTries: options.tries,
          autoApprove: options.autoApprove === true,
          ...(options.address === undefined ? {} : { addresses: options.address }),
        },
      );
      const text = await inviteText(made);
      print(context, command, made, () => text);
    });
  mesh.command("invites").description("invites this node made, without their secrets")
    .action(async (_options, command: Command) => {
      const rows = await clientOf(context, command).list<Invite>("/membership/invites");
      printRows(context, command, rows, [
        { title: "INVITE", cell: (row) => row.id },
        { title: "STATE", cell: inviteState },
        { title: "ROLES", cell: (row) => orDash(row.roles.join(" ")) },
        { title: "APPROVAL", cell: (row) => row.autoApprove ? "by itself" : "by a person" },
      ], "No invites.");
    });
  mesh.command("cancel-invite").description("withdraw an invite that nobody used")
    .argument("<invite>", "its id, as in the list")
    .action(async (id: string, _options, command: Command) => {
      const record = await clientOf(context, command).call<Invite>(
        "POST",
        `/membership/invites/${encodeURIComponent(id)}/cancel`,
      );
      print(context, command, record, ({ id }) => `Invite ${id} is withdrawn.`);
    });
}

/** Registers `mesh` with its sub-commands. */
export function addMeshCommands(program: Command, context: CliContext): void {
  const mesh = program.command("mesh").description("belonging to a mesh: identity and trust");
  addShowing(mesh, context);
  addEntering(mesh, context);
  addInviting(mesh, context);
  addDeciding(mesh, context);
  addRotating(mesh, context);
}
