// What a mesh's authority decides: approve, refuse, revoke, rotate, back up. Secrets come from files or
// standard input, never from the command line, where other users of the machine can read them.
import type { Command } from "commander";
import { type CliContext, clientOf, print } from "../context.ts";
import { integer } from "./diagnose.ts";
import { type MeshRequest, type MeshStatus, secretOf, statusText } from "./mesh_status.ts";

const PASSPHRASE = [
  "--passphrase-file <file>",
  "passphrase of the authority keys; - for standard input",
] as const;

const requestText = ({ id, kind, state, nodeId, signatures }: MeshRequest) =>
  state === "pending"
    ? `Request ${id} (${kind} of ${nodeId}) has ${signatures} signatures and waits for more.`
    : `Request ${id} (${kind} of ${nodeId}) is ${state}.`;

/** Adds what decides about nodes. */
export function addDeciding(mesh: Command, context: CliContext): void {
  mesh.command("approve").description("approve a request and sign it with the keys that are here")
    .argument("<request>").option(...PASSPHRASE)
    .action(async (id: string, options: { passphraseFile?: string }, command: Command) => {
      const passphrase = await secretOf(context, options.passphraseFile);
      const path = `/membership/requests/${encodeURIComponent(id)}/approve`;
      const done = await clientOf(context, command).call<MeshRequest>("POST", path, { passphrase });
      print(context, command, done, requestText);
    });
  mesh.command("refuse").description("refuse a request")
    .argument("<request>")
    .action(async (id: string, _options, command: Command) => {
      const path = `/membership/requests/${encodeURIComponent(id)}/refuse`;
      print(
        context,
        command,
        await clientOf(context, command).call<MeshRequest>("POST", path),
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
      const done = await clientOf(context, command).call<MeshRequest>(
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
      const done = await clientOf(context, command).call<MeshRequest>(
        "POST",
        "/membership/revoke",
        {
          node,
          passphrase,
        },
      );
      print(
        context,
        command,
        done,
        (request) =>
          request.state === "granted" ? `${request.nodeId} is out.` : requestText(request),
      );
    });
}

/** Adds what replaces and saves keys. */
export function addRotating(mesh: Command, context: CliContext): void {
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
      const status = await clientOf(context, command).call<MeshStatus>(
        "POST",
        "/membership/restore",
        {
          text: await context.terminal.readFile(file),
          passphrase: await secretOf(context, options.passphraseFile),
        },
      );
      print(context, command, status, (now) => `Restored.\n${statusText(now)}`);
    });
}
