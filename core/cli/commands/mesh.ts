// Belonging to a mesh: create, invite, join, approve, revoke, rotate, show, back up. Secrets come from files
// or standard input, never from the command line, where other users of the machine can read them.
import type { Command } from "commander";
import type { ApiClient } from "../client.ts";
import { type CliContext, clientOf, print, printRows } from "../context.ts";
import { CliError, EXIT } from "../exit_codes.ts";
import { duration, moment, orDash, printable } from "../format.ts";
import { integer } from "./diagnose.ts";

interface Member {
  readonly mesh: string;
  readonly suite: string;
  readonly nodeId: string;
  readonly spiffeId: string;
  readonly overlayAddress: string;
  readonly roles: readonly string[];
  readonly revoked: boolean;
  readonly credential: { readonly notAfterMs: number; readonly state: string | null };
  readonly authority: {
    readonly version: number;
    readonly keys: number;
    readonly threshold: number;
    readonly here: { readonly open: number; readonly sealed: number };
  };
  readonly revocations: { readonly version: number; readonly count: number };
  readonly missing: unknown;
  readonly pendingRequests: number;
}

interface Status {
  readonly member: Member | null;
  readonly join: {
    readonly mesh: string;
    readonly state: string;
    readonly requestId: string | null;
    readonly lastError: string | null;
  } | null;
  readonly problem: string | null;
}

interface Request {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly createdMs: number;
  readonly name: string;
  readonly nodeId: string;
  readonly signatures: number;
}

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

async function secretOf(context: CliContext, file: string | undefined): Promise<string | null> {
  if (file === undefined) return null;
  const text =
    await (file === "-" ? context.terminal.readInput() : context.terminal.readFile(file));
  return text.replace(/\r?\n$/, "");
}

const PASSPHRASE = [
  "--passphrase-file <file>",
  "passphrase of the authority keys; - for standard input",
] as const;

function credentialText({ credential, missing, revoked }: Member): string {
  if (revoked) return "REVOKED: other members refuse this node";
  if (missing !== null) return "NOT USABLE: older state than was seen before; see doctor";
  const until = moment(credential.notAfterMs);
  if (credential.state === "expired") return `EXPIRED on ${until}`;
  return credential.state === null ? "not judged: the clock is not set" : `valid until ${until}`;
}

function statusText({ member, join, problem }: Status): string {
  if (problem !== null) return printable(problem);
  if (join !== null) {
    const what = join.state === "waiting"
      ? `waits for approval (request ${join.requestId})`
      : "asks";
    const error = join.lastError === null ? "" : `\n${printable(join.lastError)}`;
    return `Joining ${printable(join.mesh)}: ${what}.${error}`;
  }
  if (member === null) {
    return "This node belongs to no mesh. Run: x0tta6bl4 mesh create NAME, or x0tta6bl4 mesh join INVITE";
  }
  const { authority, revocations } = member;
  const { open, sealed } = authority.here;
  return [
    ["mesh", member.mesh],
    ["node", member.nodeId],
    ["identity", member.spiffeId],
    ["address", member.overlayAddress],
    ["roles", member.roles.join(", ")],
    ["suite", member.suite],
    ["credential", credentialText(member)],
    [
      "authority",
      `version ${authority.version}, ${authority.threshold} of ${authority.keys} keys must sign; here: ` +
      `${open} open, ${sealed} sealed`,
    ],
    ["revoked", `${revocations.count} (version ${revocations.version})`],
    ["requests", `${member.pendingRequests} waiting`],
  ].map(([name = "", value = ""]) => `${name.padEnd(11)} ${printable(value)}`).join("\n");
}

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
      const status = await clientOf(context, command).get<Status>("/membership");
      print(context, command, status, statusText);
    });
  mesh.command("requests").description("what the authority is asked to sign")
    .action(async (_options, command: Command) => {
      const rows = await clientOf(context, command).list<Request>("/membership/requests");
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
      const answer = await clientOf(context, command).call<Status>("POST", "/membership/create", {
        mesh: name,
        suite,
        keys,
        threshold,
        passphrase,
      });
      print(context, command, answer, (status) => `Made.\n${statusText(status)}`);
    });
  mesh.command("join").description("ask to be let into a mesh")
    .argument("<invite>", "the invite, a file with it, or - for standard input")
    .option("--wait <s>", "wait so long for approval", integer(0, 86_400), 0)
    .action(async (given: string, options: { wait: number }, command: Command) => {
      const client = clientOf(context, command);
      const invite = given.toLowerCase().startsWith("x0t")
        ? given
        : await secretOf(context, given) ?? "";
      const outcome = await client.call<{ state: string; requestId?: string }>(
        "POST",
        "/membership/join",
        { invite },
      );
      if (outcome.state !== "joined" && options.wait > 0) {
        await waitForApproval(context, client, options.wait * 1000);
      }
      const status = await client.get<Status>("/membership");
      print(
        context,
        command,
        status,
        (now) => now.member === null ? statusText(now) : `Joined.\n${statusText(now)}`,
      );
    });
  mesh.command("cancel-join").description("give up a join that waits")
    .action(async (_options, command: Command) => {
      const status = await clientOf(context, command).call<Status>(
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
    const { member, join } = await client.get<Status>("/membership");
    if (member !== null) return;
    if (join === null || (join.lastError !== null && join.state !== "waiting")) break;
    await new Promise<void>((resolve) => {
      const pause = AbortSignal.any([AbortSignal.timeout(WAIT_MS), limit]);
      pause.addEventListener("abort", () => resolve(), { once: true });
    });
  }
  const { join } = await client.get<Status>("/membership");
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

const requestText = ({ id, kind, state, nodeId, signatures }: Request) =>
  state === "pending"
    ? `Request ${id} (${kind} of ${nodeId}) has ${signatures} signatures and waits for more.`
    : `Request ${id} (${kind} of ${nodeId}) is ${state}.`;

function addDeciding(mesh: Command, context: CliContext): void {
  mesh.command("approve").description("approve a request and sign it with the keys that are here")
    .argument("<request>").option(...PASSPHRASE)
    .action(async (id: string, options: { passphraseFile?: string }, command: Command) => {
      const passphrase = await secretOf(context, options.passphraseFile);
      const path = `/membership/requests/${encodeURIComponent(id)}/approve`;
      const done = await clientOf(context, command).call<Request>("POST", path, { passphrase });
      print(context, command, done, requestText);
    });
  mesh.command("refuse").description("refuse a request")
    .argument("<request>")
    .action(async (id: string, _options, command: Command) => {
      const path = `/membership/requests/${encodeURIComponent(id)}/refuse`;
      print(
        context,
        command,
        await clientOf(context, command).call<Request>("POST", path),
        requestText,
      );
    });
  mesh.command("export-request").description("a request as a file, for where a key is kept")
    .argument("<request>")
    .action(async (id: string, _options, command: Command) => {
      const path = `/membership/requests/${encodeURIComponent(id)}/export`;
      context.terminal.out((await clientOf(context, command).get<{ text: string }>(path)).text);
    });
  mesh.command("import-signatures").description("take the signatures that such a file brings back")
    .argument("<file>", "- for standard input")
    .action(async (file: string, _options, command: Command) => {
      const text = await secretOf(context, file) ?? "";
      const done = await clientOf(context, command).call<Request>(
        "POST",
        "/membership/signatures",
        {
          text: `${text}\n`,
        },
      );
      print(context, command, done, requestText);
    });
  mesh.command("revoke").description("put a node out for good")
    .argument("<node>", "its id or SPIFFE ID").option(...PASSPHRASE)
    .action(async (node: string, options: { passphraseFile?: string }, command: Command) => {
      const passphrase = await secretOf(context, options.passphraseFile);
      const done = await clientOf(context, command).call<Request>("POST", "/membership/revoke", {
        node,
        passphrase,
      });
      print(
        context,
        command,
        done,
        (request) =>
          request.state === "granted" ? `${request.nodeId} is out.` : requestText(request),
      );
    });
}

function addRotating(mesh: Command, context: CliContext): void {
  mesh.command("rotate").description("replace this node's keys, or the authority's")
    .option("--authority", "the authority's keys; all members follow by themselves")
    .option("--keys <n>", "keys of the new authority", integer(1, 16), 1)
    .option("--threshold <m>", "how many of them must sign", integer(1, 16), 1)
    .option(
      "--grace-hours <h>",
      "how long what the old keys signed is good",
      integer(0, 8760),
      2160,
    )
    .option(...PASSPHRASE)
    .option("--new-passphrase-file <file>", "seal the new keys with it; - for standard input")
    .action(async (
      options: {
        authority?: boolean;
        keys: number;
        threshold: number;
        graceHours: number;
        passphraseFile?: string;
        newPassphraseFile?: string;
      },
      command: Command,
    ) => {
      const client = clientOf(context, command);
      if (options.authority !== true) {
        const done = await client.call<{ state: string }>("POST", "/membership/rotate/keys");
        return print(
          context,
          command,
          done,
          ({ state }) =>
            state === "rotated"
              ? "This node's WireGuard and TLS keys are new; its id and address stay."
              : "The new keys wait for approval; run this again after it.",
        );
      }
      const done = await client.call<{ version: number }>("POST", "/membership/rotate/authority", {
        keys: options.keys,
        threshold: options.threshold,
        graceS: options.graceHours * 3600,
        passphrase: await secretOf(context, options.passphraseFile),
        newPassphrase: await secretOf(context, options.newPassphraseFile),
      });
      print(
        context,
        command,
        done,
        ({ version }) =>
          `The authority is version ${version}; members follow by themselves. Back it up: x0tta6bl4 mesh backup`,
      );
    });
  mesh.command("renew").description("renew this node's credential now")
    .action(async (_options, command: Command) => {
      const done = await clientOf(context, command).call<{ state: string }>(
        "POST",
        "/membership/renew",
      );
      print(
        context,
        command,
        done,
        ({ state }) => state === "renewed" ? "Renewed." : "The request waits for approval.",
      );
    });
  mesh.command("backup").description(
    "the authority and the mesh's state, sealed, to standard output",
  )
    .requiredOption("--to-passphrase-file <file>", "seals the back-up; - for standard input")
    .option(...PASSPHRASE)
    .action(async (
      options: { toPassphraseFile: string; passphraseFile?: string },
      command: Command,
    ) => {
      const { text } = await clientOf(context, command).call<{ text: string }>(
        "POST",
        "/membership/backup",
        {
          passphrase: await secretOf(context, options.toPassphraseFile),
          keysPassphrase: await secretOf(context, options.passphraseFile),
        },
      );
      context.terminal.out(text);
    });
  mesh.command("restore").description("bring an authority back from its back-up")
    .argument("<file>")
    .requiredOption("--passphrase-file <file>", "what the back-up was sealed with")
    .action(async (file: string, options: { passphraseFile: string }, command: Command) => {
      const status = await clientOf(context, command).call<Status>("POST", "/membership/restore", {
        text: await context.terminal.readFile(file),
        passphrase: await secretOf(context, options.passphraseFile),
      });
      print(context, command, status, (now) => `Restored.\n${statusText(now)}`);
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
