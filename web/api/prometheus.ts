// Metrics in Prometheus' text format 0.0.4. Made once a snapshot. Counters keep the kernel's own start
// (link creation), which Prometheus takes for a reset.
import { createRoute, z } from "@hono/zod-openapi";
import { qualityOf } from "../../core/interop/mod.ts";
import type { NodeService, NodeSnapshot } from "../../core/node/mod.ts";
import type { CachedBodies, Rendering } from "../http/cached.ts";
import type { Api } from "./context.ts";

type Labels = Readonly<Record<string, string>>;
interface Family {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly samples: readonly { readonly labels: Labels; readonly value: number }[];
}

/** The rendering of /metrics. */
export function prometheusRendering(node: NodeService): Rendering {
  return {
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    render: (snapshot) =>
      [
        ...nodeFamilies(node, snapshot),
        ...linkFamilies(snapshot),
        ...meshFamilies(snapshot),
        ...radioFamilies(snapshot),
      ].map(render).join(""),
  };
}

/** Documents /metrics. The cached answers serve it; this serves HEAD and queries. */
export function addPrometheus(api: Api, cached: CachedBodies): void {
  const route = createRoute({
    method: "get",
    path: "/metrics",
    tags: ["metrics"],
    summary: "Metrics for Prometheus",
    responses: {
      200: {
        description: "Text format 0.0.4, as of the last reading.",
        content: { "text/plain": { schema: z.string() } },
      },
    },
  });
  api.openAPIRegistry.registerPath(route);
  api.get(
    route.path,
    (context) => cached.serve(route.path, context.req.raw.headers) ?? context.notFound(),
  );
}

function render({ name, type, help, samples }: Family): string {
  if (samples.length === 0) return "";
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escape(text)}"`);
    return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function family<Row>(
  name: string,
  type: Family["type"],
  help: string,
  rows: readonly Row[],
  labels: (row: Row) => Labels,
  value: (row: Row) => number | boolean | null,
): Family {
  const samples = rows.flatMap((row) => {
    const number = value(row);
    return number === null ? [] : [{ labels: labels(row), value: Number(number) }];
  });
  return { name: `x0tta6bl4_${name}`, type, help, samples };
}

const one = <Row>(row: Row): readonly Row[] => [row];
const none = (): Labels => ({});

function nodeFamilies(node: NodeService, snapshot: NodeSnapshot): Family[] {
  const { identity } = node;
  const health = node.health();
  const figures = node.process();
  const info = { name: identity.name, version: identity.version, kernel: identity.kernel.kind };
  const value = { ok: 1, degraded: 0.5, failed: 0 } as const;
  return [
    family("node_info", "gauge", "Always 1; who the node is.", one(info), (row) => row, () => 1),
    family(
      "start_time_seconds",
      "gauge",
      "When the daemon started, Unix time.",
      one(identity.startedAtMs / 1000),
      none,
      (seconds) => seconds,
    ),
    family(
      "snapshot_time_seconds",
      "gauge",
      "When the kernel was last read, Unix time.",
      one(snapshot.takenAtMs / 1000),
      none,
      (seconds) => seconds,
    ),
    family(
      "snapshot_problems",
      "gauge",
      "Parts that could not be read.",
      one(snapshot),
      none,
      (row) => row.problems.length,
    ),
    family(
      "health_check_state",
      "gauge",
      "1 ok, 0.5 degraded, 0 failed.",
      health.checks,
      (check) => ({ check: check.name }),
      (check) => value[check.state],
    ),
    family(
      "process_resident_memory_bytes",
      "gauge",
      "Resident memory of the daemon.",
      one(figures),
      none,
      (row) => row.rssBytes,
    ),
    family(
      "database_size_bytes",
      "gauge",
      "Size of the database.",
      one(figures),
      none,
      (row) => row.databaseBytes,
    ),
    family(
      "database_written_bytes_total",
      "counter",
      "Written to the database since start.",
      one(figures),
      none,
      (row) => row.databaseWrittenBytes,
    ),
  ];
}

function linkFamilies({ links }: NodeSnapshot): Family[] {
  const label = (link: NodeSnapshot["links"][number]): Labels => ({
    link: link.name,
    kind: link.kind,
  });
  const counter = (name: string, help: string, field: keyof typeof links[number]["counters"]) =>
    family(`link_${name}_total`, "counter", help, links, label, (link) => link.counters[field]);
  return [
    family(
      "link_up",
      "gauge",
      "1: administratively up with carrier.",
      links,
      label,
      (link) => link.up && link.carrier,
    ),
    counter("receive_bytes", "Octets received.", "rxBytes"),
    counter("transmit_bytes", "Octets sent.", "txBytes"),
    counter("receive_packets", "Packets received.", "rxPackets"),
    counter("transmit_packets", "Packets sent.", "txPackets"),
    counter("receive_errors", "Receive errors.", "rxErrors"),
    counter("transmit_errors", "Send errors.", "txErrors"),
    counter("receive_dropped", "Packets dropped on receiving.", "rxDropped"),
    counter("transmit_dropped", "Packets dropped on sending.", "txDropped"),
  ];
}

function meshFamilies({ mesh }: NodeSnapshot): Family[] {
  if (mesh === null) return [];
  const best = mesh.originators.filter((row) => row.best);
  const path = (row: typeof best[number]): Labels => ({
    originator: row.originator,
    next_hop: row.nextHop,
    hard_interface: row.hardInterface,
  });
  const label = (): Labels => ({ mesh: mesh.info.mesh });
  return [
    family(
      "mesh_originators",
      "gauge",
      "Originators with a route.",
      one(best),
      label,
      (rows) => new Set(rows.map((row) => row.originator)).size,
    ),
    family(
      "mesh_neighbours",
      "gauge",
      "Direct neighbours.",
      one(mesh.neighbours),
      label,
      (rows) => new Set(rows.map((row) => row.neighbour)).size,
    ),
    family("mesh_gateways", "gauge", "Gateways.", one(mesh.gateways), label, (rows) => rows.length),
    family("mesh_local_clients", "gauge", "Clients of this node.", one(mesh.localClients), label, (
      rows,
    ) => rows.length),
    family("mesh_global_clients", "gauge", "Clients of the mesh.", one(mesh.globalClients), label, (
      rows,
    ) => rows.filter((row) => row.best).length),
    family(
      "mesh_path_quality_ratio",
      "gauge",
      "Best path to an originator: TQ/255, or its throughput on a logarithmic scale.",
      best,
      path,
      qualityOf,
    ),
    family("mesh_path_tq", "gauge", "BATMAN_IV, 0 to 255.", best, path, (row) => row.tq),
    family(
      "mesh_path_throughput_bits_per_second",
      "gauge",
      "BATMAN_V.",
      best,
      path,
      (row) => row.throughputKbps === null ? null : row.throughputKbps * 1000,
    ),
    family("mesh_originator_last_seen_seconds", "gauge", "Since it was last heard.", best, path, (
      row,
    ) => row.lastSeenMs / 1000),
  ];
}

function radioFamilies({ stations, surveys }: NodeSnapshot): Family[] {
  const station = (row: typeof stations[number]): Labels => ({
    interface: row.interface,
    station: row.mac,
  });
  const survey = (row: typeof surveys[number]): Labels => ({
    interface: row.interface,
    frequency_mhz: String(row.frequencyMhz),
  });
  const bits = (kbps: number | null): number | null => kbps === null ? null : kbps * 1000;
  const seconds = (ms: number | null): number | null => ms === null ? null : ms / 1000;
  return [
    family(
      "station_signal_dbm",
      "gauge",
      "Signal of a station.",
      stations,
      station,
      (row) => row.signalDbm,
    ),
    family(
      "station_transmit_bits_per_second",
      "gauge",
      "Rate to it.",
      stations,
      station,
      (row) => bits(row.txBitrateKbps),
    ),
    family(
      "station_receive_bits_per_second",
      "gauge",
      "Rate from it.",
      stations,
      station,
      (row) => bits(row.rxBitrateKbps),
    ),
    family("station_transmit_failed_total", "counter", "Frames never acked.", stations, station, (
      row,
    ) => row.txFailed),
    family("station_transmit_retries_total", "counter", "Frames sent again.", stations, station, (
      row,
    ) => row.txRetries),
    family(
      "survey_noise_dbm",
      "gauge",
      "Noise on a channel.",
      surveys,
      survey,
      (row) => row.noiseDbm,
    ),
    family(
      "survey_active_seconds_total",
      "counter",
      "Time on a channel.",
      surveys,
      survey,
      (row) => seconds(row.activeMs),
    ),
    family(
      "survey_busy_seconds_total",
      "counter",
      "Time it was busy.",
      surveys,
      survey,
      (row) => seconds(row.busyMs),
    ),
  ];
}
