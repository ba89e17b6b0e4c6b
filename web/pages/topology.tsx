// deno-lint-ignore-file jsx-key -- rendered once, on the server: there is nothing to key
// The topology as a drawing, with the same facts as a table behind it.
import type { JSX } from "hono/jsx/jsx-runtime";
import type { Topology, TopologyNode } from "../../core/interop/mod.ts";
import { MAX_PAGE_ROWS } from "../limits.ts";
import { duration, grade, percent, rate, shortMac, UNKNOWN } from "./format.ts";
import { HALF_HEIGHT, HALF_WIDTH, layout, type Placed } from "./layout.ts";

/** Beyond so many nodes, only neighbours are labelled and alternatives are not drawn. */
const LABELLED = 40;

function radiusOf(node: TopologyNode, crowded: boolean): number {
  if (node.kind === "self") return 26;
  if (node.kind === "neighbour") return crowded ? 12 : 16;
  return crowded ? 6 : 10;
}

function describe(node: TopologyNode, name: string): string {
  const what = node.kind === "self"
    ? `this node, ${name}`
    : node.kind === "neighbour"
    ? "direct neighbour"
    : "behind a neighbour";
  const gateway = node.gateway ? ", Internet gateway" : "";
  const quality = node.kind === "self" ? "" : `, quality ${percent(node.quality)}`;
  return `${node.id}: ${what}${gateway}${quality}, ${node.clients} clients`;
}

function Edge(
  { edge, from, to }: { edge: Topology["edges"][number]; from: Placed; to: Placed },
) {
  const width = (edge.kind === "link" ? 1.5 : 1) + 3 * (edge.quality ?? 0) *
      (edge.kind === "link" ? 1 : 0.5);
  return (
    <path
      data-key={`${edge.from}-${edge.to}-${edge.hardInterface}`}
      class={`edge ${edge.kind} ${edge.best ? "best" : "spare"} q-${grade(edge.quality)}`}
      d={`M${from.x} ${from.y}L${to.x} ${to.y}`}
      stroke-width={width.toFixed(1)}
    />
  );
}

function Node({ placed, name, crowded }: { placed: Placed; name: string; crowded: boolean }) {
  const { node, x, y } = placed;
  const radius = radiusOf(node, crowded);
  const labelled = node.kind !== "remote" || !crowded;
  const label = node.kind === "self" ? name : shortMac(node.id);
  const shape = `node ${node.kind} q-${grade(node.quality)}`;
  return (
    <g data-key={node.id} class={shape} transform={`translate(${x} ${y})`}>
      <title>{describe(node, name)}</title>
      {node.gateway
        ? <rect x={-radius} y={-radius} width={2 * radius} height={2 * radius} rx="4" />
        : <circle r={radius} />}
      {labelled ? <text y={radius + 18}>{label}</text> : null}
    </g>
  );
}

function Graph({ topology, name }: { topology: Topology; name: string }) {
  const placed = layout(topology);
  const places = new Map(placed.map((one) => [one.node.id, one]));
  const crowded = topology.nodes.length > LABELLED;
  const shown = topology.edges.filter((edge) => edge.best || (edge.kind === "link" && !crowded));
  const counts = `${topology.nodes.length - 1} other nodes, ` +
    `${
      topology.nodes.filter((node) => node.kind === "neighbour").length
    } of them direct neighbours`;
  const box = `${-HALF_WIDTH} ${-HALF_HEIGHT} ${2 * HALF_WIDTH} ${2 * HALF_HEIGHT}`;
  return (
    <svg
      id="graph"
      class={crowded ? "graph crowded" : "graph"}
      viewBox={box}
      role="img"
      aria-label={`The mesh as seen by ${name}: ${counts}. The table below has the same facts.`}
    >
      <circle class="ring" r="0" />
      <g id="edges">
        {shown.map((edge) => {
          const [from, to] = [places.get(edge.from), places.get(edge.to)];
          return from === undefined || to === undefined
            ? null
            : <Edge edge={edge} from={from} to={to} />;
        })}
      </g>
      <g id="nodes">
        {placed.map((one) => <Node placed={one} name={name} crowded={crowded} />)}
      </g>
    </svg>
  );
}

function NodeTable({ topology }: { topology: Topology }) {
  const via = new Map(
    topology.edges.flatMap((edge) => edge.best && edge.kind === "path" ? [[edge.to, edge]] : []),
  );
  const link = new Map(
    topology.edges.flatMap((edge) => edge.kind === "link" ? [[edge.to, edge]] : []),
  );
  const others = topology.nodes.filter((node) => node.kind !== "self")
    .toSorted((a, b) => (b.quality ?? 0) - (a.quality ?? 0));
  return (
    <div class="scroll" tabindex={0} role="group" aria-label="Nodes of the mesh">
      <table>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Reached through</th>
            <th scope="col">Quality</th>
            <th scope="col" class="number">
              {topology.algorithm === "BATMAN_IV" ? "TQ" : "Throughput"}
            </th>
            <th scope="col" class="number">Last heard</th>
            <th scope="col" class="number">Clients</th>
          </tr>
        </thead>
        <tbody id="node-rows">
          {others.slice(0, MAX_PAGE_ROWS).map((node) => {
            const edge = via.get(node.id) ?? link.get(node.id);
            const metric = edge === undefined
              ? UNKNOWN
              : edge.tq === null
              ? rate(edge.throughputKbps)
              : String(edge.tq);
            return (
              <tr data-key={node.id}>
                <th scope="row" class="mono">
                  {node.id}
                  {node.gateway ? <span class="tag">gateway</span> : null}
                </th>
                <td class="mono">
                  {edge === undefined
                    ? UNKNOWN
                    : edge.kind === "path"
                    ? edge.from
                    : edge.hardInterface}
                </td>
                <td>
                  <Quality value={node.quality} />
                </td>
                <td class="number">{metric}</td>
                <td class="number">
                  {node.lastSeenMs === null ? UNKNOWN : duration(node.lastSeenMs)}
                </td>
                <td class="number">{node.clients}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {others.length > MAX_PAGE_ROWS
        ? <p class="note">{others.length - MAX_PAGE_ROWS} more are in the API.</p>
        : null}
    </div>
  );
}

/** A quality as a bar with its figure: colour is never the only sign. */
export function Quality({ value }: { value: number | null }): JSX.Element {
  const quality = value ?? 0;
  return (
    <span class={`quality q-${grade(value)}`}>
      <svg viewBox="0 0 60 8" aria-hidden="true">
        <rect class="track" width="60" height="8" rx="4" />
        <rect class="fill" width={(60 * quality).toFixed(1)} height="8" rx="4" />
      </svg>
      {percent(value)}
    </span>
  );
}

/** The section. */
export function TopologySection(
  { topology, name, missing }: {
    topology: Topology | null;
    name: string;
    missing: string;
  },
): JSX.Element {
  return (
    <section id="topology" class="card" aria-labelledby="topology-title">
      <h2 id="topology-title">Mesh</h2>
      {topology === null ? <p class="empty">There is no mesh to show: {missing}.</p> : (
        <>
          <Graph topology={topology} name={name} />
          <ul class="legend" aria-label="Colours">
            {(["good", "fair", "weak", "poor"] as const).map((one) => (
              <li class={`q-${one}`}>
                <i aria-hidden="true"></i>
                {one}
              </li>
            ))}
            <li class="shape">
              <i class="square" aria-hidden="true"></i>gateway
            </li>
            <li class="shape">
              <i class="dash" aria-hidden="true"></i>path through a neighbour
            </li>
          </ul>
          <details id="topology-table">
            <summary>As a table ({topology.nodes.length - 1} nodes)</summary>
            <NodeTable topology={topology} />
          </details>
        </>
      )}
    </section>
  );
}
