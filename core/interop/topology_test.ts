import { assert, assertEquals } from "@std/assert";
import { fixtureSnapshot, macOf } from "../../tests/fixtures/node.ts";
import type { MeshSnapshot } from "../node/mod.ts";
import { qualityOf, topologyOf } from "./topology.ts";

function meshOf(change: Partial<MeshSnapshot> = {}): MeshSnapshot {
  const { mesh } = fixtureSnapshot({ originators: 6, neighbours: 2 });
  assert(mesh !== null);
  return { ...mesh, ...change };
}

Deno.test("qualityOf() brings both algorithms to one scale", () => {
  const cases: readonly (readonly [number | null, number | null, number | null])[] = [
    [255, null, 1],
    [0, null, 0],
    [51, null, 0.2],
    [null, 0, 0],
    [null, 1_000_000, 1],
    [null, 5_000_000, 1],
    [null, null, null],
  ];
  for (const [tq, throughputKbps, expected] of cases) {
    assertEquals(qualityOf({ tq, throughputKbps }), expected);
  }
  const steps = [1_000, 10_000, 100_000, 1_000_000].map((throughputKbps) =>
    qualityOf({ tq: null, throughputKbps }) ?? -1
  );
  assertEquals(steps, steps.toSorted((a, b) => a - b));
});

Deno.test("topologyOf() has the node, its neighbours, and who is behind them", () => {
  const topology = topologyOf(meshOf());
  assertEquals(topology.self, macOf(0));
  assertEquals(topology.nodes.map((node) => [node.id, node.kind]), [
    [macOf(0), "self"],
    [macOf(1), "neighbour"],
    [macOf(2), "neighbour"],
    ...[3, 4, 5, 6].map((index) => [macOf(index), "remote"]),
  ]);
  assertEquals(
    topology.edges.map((edge) => [edge.kind, edge.from, edge.to]),
    [
      ["link", macOf(0), macOf(1)],
      ["link", macOf(0), macOf(2)],
      ["path", macOf(2), macOf(3)],
      ["path", macOf(1), macOf(4)],
      ["path", macOf(2), macOf(5)],
      ["path", macOf(1), macOf(6)],
    ],
  );
  assertEquals(topology.nodes.filter((node) => node.gateway).map((node) => node.id), [macOf(6)]);
  assertEquals(topology.nodes.map((node) => node.clients), [1, 1, 1, 1, 1, 1, 1]);
});

Deno.test("topologyOf() gives a neighbour's second radio a node of its own", () => {
  const mesh = meshOf();
  const second = { ...mesh.originators[3], nextHop: macOf(77), hardInterface: "wlan1" };
  const neighbours = [...mesh.neighbours, {
    neighbour: macOf(77),
    hardInterface: "wlan1",
    lastSeenMs: 40,
    throughputKbps: null,
  }];
  const topology = topologyOf({
    ...mesh,
    originators: mesh.originators.map((row, index) => index === 3 ? { ...row, ...second } : row),
    neighbours,
  });
  const node = topology.nodes.find((one) => one.id === macOf(77));
  assertEquals(node?.kind, "neighbour");
  assertEquals(node?.lastSeenMs, 40);
  const edge = topology.edges.find((one) => one.to === macOf(77));
  assertEquals(edge?.tq, mesh.originators[3]?.tq);
});

Deno.test("topologyOf() names every node its edges name, whatever the tables say", () => {
  const mesh = meshOf({ neighbours: [], gateways: [] });
  for (
    const originators of [
      [],
      mesh.originators.slice(2),
      mesh.originators.map((row) => ({
        ...row,
        best: false,
      })),
    ]
  ) {
    const topology = topologyOf({ ...mesh, originators });
    const ids = new Set(topology.nodes.map((node) => node.id));
    assertEquals(topology.edges.filter((edge) => !ids.has(edge.from) || !ids.has(edge.to)), []);
    assertEquals(ids.size, topology.nodes.length);
  }
});

Deno.test("topologyOf() keeps the best path and two alternatives an originator", () => {
  const mesh = meshOf();
  const [first] = mesh.originators;
  assert(first !== undefined);
  const rows = Array.from({ length: 6 }, (_, index) => ({
    ...first,
    originator: macOf(50),
    nextHop: macOf(60 + index),
    best: index === 5,
    tq: 100 + index,
  }));
  const topology = topologyOf({ ...mesh, originators: rows });
  const paths = topology.edges.filter((edge) => edge.to === macOf(50));
  assertEquals(paths.map((edge) => [edge.best, edge.tq]), [[true, 105], [false, 104], [
    false,
    103,
  ]]);
});
