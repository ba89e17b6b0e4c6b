// Commands that show what the node knows: one API read, one table.
import type { Command } from "commander";
import type { Health, NodeIdentity } from "../../node/mod.ts";
import type {
  BlaBackbone,
  BlaClaim,
  DatEntry,
  GlobalClient,
  IpNeighbour,
  Link,
  LocalClient,
  MeshGateway,
  MeshNeighbour,
  MulticastFlags,
  Originator,
  Radio,
  Route,
  ServiceStatus,
  WirelessInterface,
} from "../../ports/mod.ts";
import { type CliContext, clientOf, print, printRows } from "../context.ts";
import { CliError, EXIT } from "../exit_codes.ts";
import { bytes, duration, orDash, rate } from "../format.ts";
import { type Column, renderTable } from "../table.ts";

/** GET /node as far as `status` reads it. */
interface NodeAnswer extends NodeIdentity {
  readonly uptimeS: number;
}

/** GET /mesh, the summary. */
interface MeshAnswer {
  readonly mesh: string;
  readonly algorithm: string;
  readonly originator: string | null;
}

interface Status {
  readonly node: NodeAnswer;
  readonly health: Health;
  readonly neighbours: number;
  readonly originators: number;
  readonly mesh: MeshAnswer | null;
}

function statusText({ node, health, neighbours, originators, mesh }: Status): string {
  const lines = [
    `${orDash(node.name)}  x0tta6bl4 ${node.version}, up ${duration(node.uptimeS * 1000)}`,
    `kernel  ${node.kernel.description}${node.kernel.kind === "simulated" ? " (SIMULATED)" : ""}`,
  ];
  if (node.simulatedBecause !== null) lines.push(`        because ${node.simulatedBecause}`);
  lines.push(
    mesh === null
      ? "mesh    none"
      : `mesh    ${mesh.mesh} ${mesh.algorithm}, originator ${orDash(mesh.originator)}, ` +
        `${neighbours} neighbours, ${originators} originators`,
    `health  ${health.status}${health.ready ? "" : ", not ready"}`,
    ...health.checks.filter((check) => check.state !== "ok").map((check) =>
      `        ${check.name}: ${check.state}: ${check.reason}`
    ),
  );
  return lines.join("\n");
}

function addStatus(program: Command, context: CliContext): void {
  program.command("status").description("node, mesh and health at a glance")
    .action(async (_options, command: Command) => {
      const client = clientOf(context, command);
      const { body } = await client.raw("/health/ready");
      const [node, mesh, neighbours, originators] = await Promise.all([
        client.get<NodeAnswer>("/node"),
        client.get<MeshAnswer>("/mesh").catch((error) => {
          if (error instanceof CliError && error.exitCode === EXIT.failed) return null;
          throw error;
        }),
        client.list<MeshNeighbour>("/mesh/neighbours"),
        client.list<Originator>("/mesh/originators"),
      ]);
      const status: Status = {
        node,
        health: JSON.parse(body),
        mesh,
        neighbours: new Set(neighbours.map((row) => row.neighbour)).size,
        originators: new Set(originators.map((row) => row.originator)).size,
      };
      print(context, command, status, statusText);
      if (!status.health.ready) throw new CliError(EXIT.failed, "The node is not ready");
    });
}

/** Adds a command that prints one list of the API as a table. */
function addList<Row>(
  parent: Command,
  context: CliContext,
  name: string,
  description: string,
  path: string,
  columns: readonly Column<Row>[],
  none: string,
): void {
  parent.command(name).description(description).action(async (_options, command: Command) => {
    const rows = await clientOf(context, command).list<Row>(path);
    printRows(context, command, rows, columns, none);
  });
}

const metric = (row: { readonly tq: number | null; readonly throughputKbps: number | null }) =>
  row.tq === null ? rate(row.throughputKbps) : `${row.tq}/255`;

const LINKS: readonly Column<Link>[] = [
  { title: "NAME", cell: (row) => orDash(row.name) },
  { title: "KIND", cell: (row) => row.kind },
  { title: "STATE", cell: (row) => row.up ? row.operState : "off" },
  { title: "CARRIER", cell: (row) => row.carrier ? "yes" : "no" },
  { title: "MASTER", cell: (row) => orDash(row.master) },
  { title: "MAC", cell: (row) => orDash(row.mac) },
  { title: "MTU", cell: (row) => String(row.mtu), right: true },
  { title: "RECEIVED", cell: (row) => bytes(row.counters.rxBytes), right: true },
  { title: "SENT", cell: (row) => bytes(row.counters.txBytes), right: true },
];

const ORIGINATORS: readonly Column<Originator>[] = [
  { title: "", cell: (row) => row.best ? "*" : "" },
  { title: "ORIGINATOR", cell: (row) => row.originator },
  { title: "METRIC", cell: metric, right: true },
  { title: "NEXT HOP", cell: (row) => row.nextHop },
  { title: "INTERFACE", cell: (row) => orDash(row.hardInterface) },
  { title: "SEEN", cell: (row) => duration(row.lastSeenMs), right: true },
];

const NEIGHBOURS: readonly Column<MeshNeighbour>[] = [
  { title: "NEIGHBOUR", cell: (row) => row.neighbour },
  { title: "INTERFACE", cell: (row) => orDash(row.hardInterface) },
  { title: "THROUGHPUT", cell: (row) => rate(row.throughputKbps), right: true },
  { title: "SEEN", cell: (row) => duration(row.lastSeenMs), right: true },
];

const GATEWAYS: readonly Column<MeshGateway>[] = [
  { title: "", cell: (row) => row.best ? "*" : "" },
  { title: "GATEWAY", cell: (row) => row.originator },
  { title: "METRIC", cell: metric, right: true },
  { title: "ROUTER", cell: (row) => row.router },
  { title: "INTERFACE", cell: (row) => orDash(row.hardInterface) },
  { title: "DOWN", cell: (row) => rate(row.downKbps), right: true },
  { title: "UP", cell: (row) => rate(row.upKbps), right: true },
];

type Client = LocalClient & Partial<GlobalClient>;

const CLIENTS: readonly Column<Client>[] = [
  { title: "CLIENT", cell: (row) => row.mac },
  { title: "VLAN", cell: (row) => orDash(row.vlan) },
  { title: "AT", cell: (row) => row.originator ?? "this node" },
  { title: "FLAGS", cell: (row) => orDash(row.flags.join(" ")) },
];

function addClients(program: Command, context: CliContext): void {
  program.command("clients").description("clients of the mesh and the node that serves each")
    .option("--local", "only this node's own clients")
    .action(async (options: { local?: boolean }, command: Command) => {
      const api = clientOf(context, command);
      const local = await api.list<LocalClient>("/mesh/clients/local");
      const global = options.local ? [] : await api.list<GlobalClient>("/mesh/clients/global");
      const rows: Client[] = [...local, ...global.map((row) => ({ ...row, lastSeenMs: null }))];
      printRows(context, command, rows, CLIENTS, "No clients.");
    });
}

const radioRow = (radio: Radio, interfaces: readonly WirelessInterface[]) =>
  interfaces.filter((row) => row.radio === radio.name);

function addRadios(program: Command, context: CliContext): void {
  program.command("radios").description("radios, their interfaces and channels")
    .action(async (_options, command: Command) => {
      const client = clientOf(context, command);
      const [radios, interfaces] = await Promise.all([
        client.list<Radio>("/radios"),
        client.list<WirelessInterface>("/wireless-interfaces"),
      ]);
      const answer = { radios, interfaces };
      type Row = { readonly radio: Radio; readonly wireless: WirelessInterface | null };
      const rows = answer.radios.flatMap((radio): Row[] => {
        const own = radioRow(radio, answer.interfaces);
        return own.length === 0
          ? [{ radio, wireless: null }]
          : own.map((wireless) => ({ radio, wireless }));
      });
      const columns: readonly Column<Row>[] = [
        { title: "RADIO", cell: (row) => orDash(row.radio.name) },
        { title: "BANDS", cell: (row) => row.radio.bands.map((band) => band.band).join(" ") },
        { title: "INTERFACE", cell: (row) => orDash(row.wireless?.name) },
        { title: "MODE", cell: (row) => orDash(row.wireless?.mode) },
        { title: "NETWORK", cell: (row) => orDash(row.wireless?.ssid) },
        { title: "MHZ", cell: (row) => orDash(row.wireless?.frequencyMhz), right: true },
        { title: "WIDTH", cell: (row) => orDash(row.wireless?.widthMhz), right: true },
        { title: "DBM", cell: (row) => orDash(row.wireless?.txPowerDbm), right: true },
      ];
      print(
        context,
        command,
        answer,
        () => rows.length === 0 ? "No radios." : renderTable(columns, rows),
      );
    });
}

function addTables(program: Command, context: CliContext): void {
  const tables = program.command("tables").description(
    "batman-adv's and the kernel's other tables",
  );
  addList<BlaClaim>(
    tables,
    context,
    "bla-claims",
    "bridge loop avoidance: claimed clients",
    "/mesh/tables/bla-claims",
    [
      { title: "CLIENT", cell: (row) => row.client },
      { title: "VLAN", cell: (row) => orDash(row.vlan) },
      { title: "BACKBONE", cell: (row) => row.backbone },
      { title: "OWN", cell: (row) => row.own ? "yes" : "no" },
    ],
    "No claims.",
  );
  addList<BlaBackbone>(
    tables,
    context,
    "bla-backbones",
    "bridge loop avoidance: backbone gateways",
    "/mesh/tables/bla-backbones",
    [
      { title: "BACKBONE", cell: (row) => row.backbone },
      { title: "VLAN", cell: (row) => orDash(row.vlan) },
      { title: "OWN", cell: (row) => row.own ? "yes" : "no" },
      { title: "SEEN", cell: (row) => duration(row.lastSeenMs), right: true },
    ],
    "No backbones.",
  );
  addList<DatEntry>(tables, context, "dat", "distributed ARP table", "/mesh/tables/dat", [
    { title: "ADDRESS", cell: (row) => row.ip },
    { title: "MAC", cell: (row) => row.mac },
    { title: "VLAN", cell: (row) => orDash(row.vlan) },
    { title: "SEEN", cell: (row) => duration(row.lastSeenMs), right: true },
  ], "No entries.");
  addList<MulticastFlags>(
    tables,
    context,
    "multicast",
    "multicast wishes of each originator",
    "/mesh/tables/multicast",
    [
      { title: "ORIGINATOR", cell: (row) => row.originator },
      {
        title: "FLAGS",
        cell: (row) => row.flags === null ? "–" : `0x${row.flags.toString(16)}`,
      },
    ],
    "No entries.",
  );
  addList<Route>(tables, context, "routes", "IP routes", "/routes", [
    { title: "DESTINATION", cell: (row) => row.destination },
    { title: "GATEWAY", cell: (row) => orDash(row.gateway) },
    { title: "LINK", cell: (row) => orDash(row.link) },
    { title: "TABLE", cell: (row) => String(row.table), right: true },
    { title: "METRIC", cell: (row) => orDash(row.metric), right: true },
  ], "No routes.");
  addList<IpNeighbour>(
    tables,
    context,
    "ip-neighbours",
    "ARP and neighbour discovery",
    "/ip-neighbours",
    [
      { title: "ADDRESS", cell: (row) => row.address },
      { title: "MAC", cell: (row) => orDash(row.mac) },
      { title: "LINK", cell: (row) => orDash(row.link) },
      { title: "STATE", cell: (row) => row.state },
    ],
    "No entries.",
  );
  addList<ServiceStatus>(
    tables,
    context,
    "services",
    "hostapd, wpa_supplicant, dnsmasq",
    "/services",
    [
      { title: "SERVICE", cell: (row) => orDash(row.name) },
      { title: "STATE", cell: (row) => row.state },
      { title: "RESTARTS", cell: (row) => String(row.restarts), right: true },
      { title: "DETAIL", cell: (row) => orDash(row.detail) },
    ],
    "No services.",
  );
}

/** Registers status, links, radios, originators, neighbors, gateways, clients and tables. */
export function addShowCommands(program: Command, context: CliContext): void {
  addStatus(program, context);
  addList(
    program,
    context,
    "links",
    "network links with state and traffic",
    "/links",
    LINKS,
    "No links.",
  );
  addRadios(program, context);
  addList(
    program,
    context,
    "originators",
    "mesh nodes and the next hop towards each (* is used)",
    "/mesh/originators",
    ORIGINATORS,
    "No originators.",
  );
  addList(
    program,
    context,
    "neighbors",
    "direct mesh neighbours",
    "/mesh/neighbours",
    NEIGHBOURS,
    "No neighbours.",
  );
  addList(
    program,
    context,
    "gateways",
    "nodes that offer a gateway (* is used)",
    "/mesh/gateways",
    GATEWAYS,
    "No gateways.",
  );
  addClients(program, context);
  addTables(program, context);
}
