// Identities of programs on this node: registration entries, the trust bundle, federation.
import type { Command } from "commander";
import { type CliContext, clientOf, print, printRows } from "../context.ts";
import { moment, orDash, printable } from "../format.ts";
import { integer } from "./diagnose.ts";

interface Entry {
  readonly id: string;
  readonly path: string;
  readonly selectors: readonly string[];
  readonly x509LifetimeS: number;
  readonly hint: string;
}

interface Federation {
  readonly trustDomain: string;
  readonly url: string;
  readonly profile: string;
  readonly refreshedMs: number | null;
  readonly problem: string | null;
}

interface Status {
  readonly spiffeId: string;
  readonly svid: { readonly notAfterMs: number } | null;
  readonly problem: string | null;
  readonly members: number;
  readonly entries: number;
  readonly workloads: number;
}

const entryColumns = [
  { title: "ENTRY", cell: (row: Entry) => row.id },
  { title: "IDENTITY", cell: (row: Entry) => orDash(row.path) },
  { title: "WHO", cell: (row: Entry) => orDash(row.selectors.join(" and ")) },
  { title: "LIFETIME", cell: (row: Entry) => `${row.x509LifetimeS} s`, right: true },
  { title: "HINT", cell: (row: Entry) => orDash(row.hint) },
];

const federationColumns = [
  { title: "TRUST DOMAIN", cell: (row: Federation) => orDash(row.trustDomain) },
  { title: "FROM", cell: (row: Federation) => orDash(row.url) },
  { title: "PROFILE", cell: (row: Federation) => row.profile },
  {
    title: "REFRESHED",
    cell: (row: Federation) => row.refreshedMs === null ? "never" : moment(row.refreshedMs),
  },
  { title: "PROBLEM", cell: (row: Federation) => orDash(row.problem) },
];

function statusText({ spiffeId, svid, problem, members, entries, workloads }: Status): string {
  return [
    `${printable(spiffeId)}: ${
      svid === null ? "no certificate" : `certificate until ${moment(svid.notAfterMs)}`
    }`,
    ...(problem === null ? [] : [printable(problem)]),
    `${members} members' certificates are known; ${entries} entries, ${workloads} programs connected`,
  ].join("\n");
}

function addEntries(workload: Command, context: CliContext): void {
  workload.command("status").description("this node's certificate, and how many programs have one")
    .action(async (_options, command: Command) => {
      print(context, command, await clientOf(context, command).get<Status>("/spiffe"), statusText);
    });
  workload.command("entries").description("which program gets which identity")
    .action(async (_options, command: Command) => {
      const rows = await clientOf(context, command).list<Entry>("/spiffe/entries");
      printRows(context, command, rows, entryColumns, "No program has an identity.");
    });
  workload.command("add").description("give programs that fit all selectors an identity")
    .argument("<path>", "path of the SPIFFE ID, e.g. /web")
    .argument("<selector...>", "unix:uid:1000, unix:gid:33, unix:path:/usr/bin/web")
    .option("--lifetime <s>", "of its certificates", integer(60, 3_600))
    .option("--hint <text>", "tells a program with several identities which is which")
    .option("--federates-with <domain...>", "trust domains whose bundles it gets")
    .action(async (
      path: string,
      selectors: string[],
      options: { lifetime?: number; hint?: string; federatesWith?: string[] },
      command: Command,
    ) => {
      const entry = await clientOf(context, command).call<Entry>("POST", "/spiffe/entries", {
        path,
        selectors,
        ...(options.lifetime === undefined ? {} : { x509LifetimeS: options.lifetime }),
        ...(options.hint === undefined ? {} : { hint: options.hint }),
        ...(options.federatesWith === undefined ? {} : { federatesWith: options.federatesWith }),
      });
      print(context, command, entry, ({ id }) => `Entry ${id} is registered.`);
    });
  workload.command("remove").description("take an identity away")
    .argument("<entry>", "its id, as in the list")
    .action(async (id: string, _options, command: Command) => {
      const path = `/spiffe/entries/${encodeURIComponent(id)}`;
      const { items } = await clientOf(context, command).call<{ items: readonly Entry[] }>(
        "DELETE",
        path,
      );
      printRows(context, command, items, entryColumns, "No program has an identity.");
    });
}

function addFederation(workload: Command, context: CliContext): void {
  workload.command("bundle").description("this mesh's trust bundle, for other trust domains")
    .action(async (_options, command: Command) => {
      const bundle = await clientOf(context, command).get<unknown>("/spiffe/bundle");
      context.terminal.out(`${JSON.stringify(bundle, null, 2)}\n`);
    });
  workload.command("federations").description("other trust domains whose bundles are fetched")
    .action(async (_options, command: Command) => {
      const rows = await clientOf(context, command).list<Federation>("/spiffe/federations");
      printRows(context, command, rows, federationColumns, "No other trust domain is known.");
    });
  workload.command("federate").description("fetch another trust domain's bundle")
    .argument("<domain>").argument("<url>", "its bundle endpoint")
    .option(
      "--endpoint-id <spiffe-id>",
      "whom the endpoint must be; without it the web's authorities count",
    )
    .option("--bundle <file>", "its first bundle, got by another way")
    .action(async (
      trustDomain: string,
      url: string,
      options: { endpointId?: string; bundle?: string },
      command: Command,
    ) => {
      const { endpointId, bundle } = options;
      const { items } = await clientOf(context, command).call<{ items: readonly Federation[] }>(
        "POST",
        "/spiffe/federations",
        {
          trustDomain,
          url,
          profile: endpointId === undefined ? "https_web" : "https_spiffe",
          ...(endpointId === undefined ? {} : { endpointSpiffeId: endpointId }),
          ...(bundle === undefined ? {} : { bundle: await context.terminal.readFile(bundle) }),
        },
      );
      printRows(context, command, items, federationColumns, "No other trust domain is known.");
    });
  workload.command("part").description("forget another trust domain")
    .argument("<domain>")
    .action(async (domain: string, _options, command: Command) => {
      const path = `/spiffe/federations/${encodeURIComponent(domain)}`;
      const { items } = await clientOf(context, command).call<{ items: readonly Federation[] }>(
        "DELETE",
        path,
      );
      printRows(context, command, items, federationColumns, "No other trust domain is known.");
    });
}

/** Registers `workload` with its sub-commands. */
export function addWorkloadCommands(program: Command, context: CliContext): void {
  const workload = program.command("workload").description("identities of programs on this node");
  addEntries(workload, context);
  addFederation(workload, context);
}
