// Tunnels and fabric: who is connected how, and how old the keys are.
import type { Command } from "commander";
import { type CliContext, clientOf, print } from "../context.ts";
import { bytes, duration, orDash, printable } from "../format.ts";
import { renderTable } from "../table.ts";

interface Place {
  readonly host: string;
  readonly port: number;
}

interface Peer {
  readonly nodeId: string;
  readonly address: string;
  readonly state: string;
  readonly underlay: Place | null;
  readonly psk: { readonly kind: string; readonly ageS: number | null };
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly failures: number;
  readonly lastError: { readonly code: string; readonly agoS: number } | null;
}

interface TunnelsAnswer {
  readonly tunnels: {
    readonly address: string;
    readonly network: string;
    readonly link: string;
    readonly mtu: number;
    readonly mode: string;
    readonly modeReason: string | null;
    readonly firewallError: string | null;
    readonly error: string | null;
    readonly peers: readonly Peer[];
    readonly totals: { readonly known: number; readonly up: number };
    readonly drops: Readonly<Record<string, number | null>> | null;
  } | null;
  readonly denied: { readonly arriving: number; readonly passing: number } | null;
  readonly simulated: boolean;
}

interface FabricAnswer {
  readonly fabric: {
    readonly peers: readonly {
      readonly nodeId: string;
      readonly address: Place;
      readonly direction: string;
      readonly roles: readonly string[];
      readonly connectedMs: number;
      readonly rttMs: number | null;
    }[];
    readonly statuses: readonly {
      readonly nodeId: string;
      readonly name: string;
      readonly version: string;
      readonly uptimeS: number;
      readonly ageMs: number;
    }[];
  } | null;
}

/** Counters of what is dropped, in words. */
const DROPS = {
  cameOutside: "overlay packets that came outside",
  leftOutside: "that were to leave outside",
  inTheClear: "other packets between nodes in the clear",
} as const;

const place = (at: Place | null) =>
  at === null ? "–" : at.host.includes(":") ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;

const pskText = ({ kind, ageS }: Peer["psk"]) =>
  ageS === null ? kind : `${kind}, ${duration(ageS * 1000)}`;

function tunnelsText({ tunnels, denied, simulated }: TunnelsAnswer): string {
  if (tunnels === null) return "No tunnels run: mesh show and status say why.";
  const { peers, drops } = tunnels;
  const dropped = Object.entries(DROPS).flatMap(([name, words]) => {
    const count = drops?.[name] ?? null;
    return count === null ? [] : [`${count} ${words}`];
  }).join(", ");
  return [
    ...(simulated ? ["SIMULATED: nothing is encrypted or sent through these tunnels."] : []),
    `${tunnels.address} on ${tunnels.link}, MTU ${tunnels.mtu}; ${tunnels.totals.up} up, ` +
    `${tunnels.totals.known} members known; tunnels are ${tunnels.mode}` +
    (tunnels.modeReason === null ? "" : ` (${printable(tunnels.modeReason)})`),
    ...(tunnels.firewallError === null
      ? [`dropped outside of tunnels: ${dropped === "" ? "not counted here" : dropped}`]
      : [`NOTHING outside of tunnels is dropped: ${printable(tunnels.firewallError)}`]),
    ...(denied === null
      ? []
      : [`denied by the policy: ${denied.arriving} arriving, ${denied.passing} passing`]),
    ...(tunnels.error === null ? [] : [`error: ${printable(tunnels.error)}`]),
    peers.length === 0 ? "No tunnel is in use." : renderTable([
      { title: "NODE", cell: (row) => row.nodeId },
      { title: "STATE", cell: (row) => row.state },
      { title: "PSK", cell: (row) => pskText(row.psk) },
      { title: "ADDRESS", cell: (row) => row.address },
      { title: "AT", cell: (row) => place(row.underlay) },
      { title: "RX", cell: (row) => bytes(row.rxBytes), right: true },
      { title: "TX", cell: (row) => bytes(row.txBytes), right: true },
      { title: "LAST ERROR", cell: (row) => orDash(row.lastError?.code) },
    ], peers),
  ].join("\n");
}

function fabricText({ fabric }: FabricAnswer): string {
  if (fabric === null) return "The fabric doesn't run: mesh show and status say why.";
  const { peers, statuses } = fabric;
  return [
    peers.length === 0 ? "No member is connected." : renderTable([
      { title: "NODE", cell: (row) => row.nodeId },
      { title: "AT", cell: (row) => place(row.address) },
      { title: "ROLES", cell: (row) => orDash(row.roles.join(" ")) },
      { title: "SINCE", cell: (row) => duration(row.connectedMs) },
      { title: "RTT", cell: (row) => row.rttMs === null ? "–" : duration(row.rttMs), right: true },
    ], peers),
    statuses.length === 0 ? "" : `\n${
      renderTable([
        { title: "NODE", cell: (row) => row.nodeId },
        { title: "NAME", cell: (row) => orDash(row.name) },
        { title: "VERSION", cell: (row) => orDash(row.version) },
        { title: "UP", cell: (row) => duration(row.uptimeS * 1000) },
        { title: "HEARD", cell: (row) => `${duration(row.ageMs)} ago` },
      ], statuses)
    }`,
  ].join("\n").trimEnd();
}

/** Registers `tunnels` and `fabric`. */
export function addTunnelCommands(program: Command, context: CliContext): void {
  program.command("tunnels").description("tunnels to other members, with the age of their keys")
    .action(async (_options, command: Command) => {
      const answer = await clientOf(context, command).get<TunnelsAnswer>("/tunnels");
      print(context, command, answer, tunnelsText);
    });
  program.command("fabric").description(
    "connections between members, and what they say of themselves",
  )
    .action(async (_options, command: Command) => {
      const answer = await clientOf(context, command).get<FabricAnswer>("/fabric");
      print(context, command, answer, fabricText);
    });
}
