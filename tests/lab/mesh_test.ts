// Runs in a lab guest. Every table and setting of batman-adv as we read it, against batctl's output in
// the same guest, field by field, under both routing algorithms; ping, traceroute and throughput over two
// hops against batctl's.
import { assert, assertEquals, assertGreater } from "@std/assert";
import { hostClock } from "../../core/host/mod.ts";
import type { MeshAlgorithm } from "../../core/ports/mod.ts";
import {
  Batadv,
  type BatadvEvent,
  IcmpSession,
  type MeshChange,
  openIcmpFrames,
} from "../../ffi/batadv/mod.ts";
import { openRtnetlink } from "../../ffi/rtnetlink/mod.ts";
import * as view from "./batctl_json.ts";
import { MESH, startLine } from "./mesh_fixture.ts";
import { shell, type WireTopology } from "./topology.ts";

const NS = "n1";

interface Lab {
  readonly algorithm: MeshAlgorithm;
  readonly topology: WireTopology;
  readonly batadv: Batadv;
  /** Index of n1's mesh interface. */
  readonly index: number;
}

const sleep = (ms: number) => hostClock().sleep(ms);

async function batctlJson(lab: Lab, command: string, ...before: string[]): Promise<unknown> {
  const selector = before.length > 0 ? before : ["meshif", MESH];
  return JSON.parse(await lab.topology.exec(1, "batctl", ...selector, command));
}

/** Rows in one order, without their age: it differs between any two readings. */
function comparable(rows: readonly view.Json[]): unknown[] {
  return rows
    .map((row) => {
      const { last_seen_msecs: age, ...rest } = row;
      if (age === undefined) return rest;
      assert(typeof age === "number" && age >= 0, `last_seen_msecs ${age}`);
      return { ...rest, has_last_seen: true };
    })
    .map((row) => JSON.stringify(Object.fromEntries(Object.entries(row).sort())))
    .sort()
    .map((text) => JSON.parse(text));
}

interface Table {
  readonly name: string;
  readonly command: string;
  readonly read: (lab: Lab) => Promise<view.Json[]>;
  /** Rows there must at least be, so that two empty tables prove nothing. */
  readonly atLeast: number;
}

const table = <T>(
  name: string,
  command: string,
  atLeast: number,
  read: (batadv: Batadv, index: number) => Promise<readonly T[]>,
  render: (row: T) => view.Json,
): Table => ({
  name,
  command,
  atLeast,
  read: async ({ batadv, index }) => (await read(batadv, index)).map(render),
});

const TABLES: readonly Table[] = [
  table(
    "hardInterfaces",
    "hardifs_json",
    1,
    (b, i) => b.hardInterfaces(i),
    view.hardInterfaceJson,
  ),
  table("originators", "originators_json", 2, (b, i) => b.originators(i), view.originatorJson),
  table("neighbors", "neighbors_json", 1, (b, i) => b.neighbors(i), view.neighborJson),
  table("gateways", "gateways_json", 1, (b, i) => b.gateways(i), view.gatewayJson),
  table(
    "localClients",
    "transtable_local_json",
    2,
    (b, i) => b.localClients(i),
    view.localClientJson,
  ),
  table(
    "globalClients",
    "transtable_global_json",
    2,
    (b, i) => b.globalClients(i),
    view.globalClientJson,
  ),
  table("datCache", "dat_cache_json", 1, (b, i) => b.datCache(i), view.datJson),
  table("mcastFlags", "mcast_flags_json", 1, (b, i) => b.mcastFlags(i), view.mcastJson),
  table("blaClaims", "bla_claim_json", 1, (b, i) => b.blaClaims(i), view.claimJson),
  table("blaBackbones", "bla_backbone_json", 1, (b, i) => b.blaBackbones(i), view.backboneJson),
];

/** Traffic both ways between the ends of the line. Whether anything comes back is the table's to show. */
async function traffic({ topology }: Lab): Promise<void> {
  await topology.tryExec(3, "ping", "-c3", "-i0.3", "-W1", "-q", "10.9.0.1");
  await topology.tryExec(1, "ping", "-c1", "-W1", "-q", "10.9.0.3");
}

/** Metrics move between two readings, and rows that traffic makes come when it gets through: the
 * comparison is made again, a bounded number of times. */
async function sameRows(lab: Lab, { name, command, read, atLeast }: Table): Promise<void> {
  let ours: unknown[] = [];
  let theirs: unknown[] = [];
  for (let attempt = 0; attempt < 40; attempt++) {
    const rows = await read(lab);
    ours = comparable(rows);
    theirs = comparable(await batctlJson(lab, command) as view.Json[]);
    if (theirs.length < atLeast) await traffic(lab);
    else if (JSON.stringify(ours) === JSON.stringify(theirs)) return;
    await sleep(500);
  }
  assertEquals(ours, theirs, name);
  assertGreater(ours.length, atLeast - 1, `${name}: too few rows to prove anything`);
}

/** Traffic, a VLAN, a gateway and bridge loop avoidance, so that every table has rows. */
async function populate(lab: Lab): Promise<void> {
  const { topology } = lab;
  await shell([
    `ip -n n1 link add link ${MESH} name ${MESH}.42 type vlan id 42`,
    `ip -n n1 link set ${MESH}.42 up`,
    "ip netns exec n3 batctl meshif bat0 gw_mode server 50mbit/10mbit",
    "ip netns exec n1 batctl meshif bat0 gw_mode client",
  ]);
  assert(await topology.pings(1, 3), "no traffic from n1 to n3");
  // Loop avoidance delays broadcasts at first, so it comes after ARP, and claims the senders that
  // are heard from then on.
  await shell([`ip netns exec n1 batctl meshif ${MESH} bridge_loop_avoidance 1`]);
  await traffic(lab);
}

async function comparesMesh(lab: Lab): Promise<void> {
  const theirs = await batctlJson(lab, "mesh_json") as Record<string, unknown>;
  const ours = view.meshJson(await lab.batadv.mesh(lab.index)) as Record<string, unknown>;
  const strip = (json: Record<string, unknown>) => {
    const { mcast_flags: flags, mcast_flags_priv: priv, ...rest } = json;
    const { raw: _flags, ...named } = (flags ?? {}) as Record<string, unknown>;
    const { raw: _priv, ...namedPriv } = (priv ?? {}) as Record<string, unknown>;
    return { ...rest, named, namedPriv };
  };
  assertEquals(strip(ours), strip(theirs));
  const algos = await lab.batadv.routingAlgorithms();
  const listed = await lab.topology.exec(1, "batctl", "routing_algo");
  for (const name of algos) assert(listed.includes(name), name);
  assertEquals([...algos].sort(), ["BATMAN_IV", "BATMAN_V"]);
}

async function comparesVlanAndHardInterface(lab: Lab): Promise<void> {
  const vlan = await lab.batadv.vlan(lab.index, 42);
  const theirs = await batctlJson(lab, "vlan_json", "vlan", `${MESH}.42`);
  assertEquals({
    mesh_ifindex: vlan.meshIfindex,
    mesh_ifname: vlan.meshName,
    vlanid: vlan.vid,
    ap_isolation_enabled: vlan.apIsolation,
  }, theirs);
  const [hard] = await lab.batadv.hardInterfaces(lab.index);
  assert(hard !== undefined);
  const one = await lab.batadv.hardInterface(lab.index, hard.ifindex);
  assertEquals(one, hard);
  assertEquals(
    view.hardInterfaceJson(one),
    await batctlJson(lab, "hardif_json", "hardif", hard.name),
  );
}

/** Settings set by us, read by batctl; and an event for each. */
async function setsAndTells(lab: Lab): Promise<void> {
  const { batadv, index } = lab;
  const [hard] = await batadv.hardInterfaces(index);
  assert(hard !== undefined);
  using events = batadv.events();
  const change: MeshChange = {
    aggregatedOgms: false,
    apIsolation: true,
    isolationMark: 0x12,
    isolationMask: 0xff,
    bonding: true,
    distributedArpTable: false,
    fragmentation: false,
    gatewayMode: "server",
    gatewayDownKbps: 30_000,
    gatewayUpKbps: 5_000,
    gatewaySelectionClass: 40,
    hopPenalty: 17,
    multicastForceflood: true,
    multicastFanout: 3,
    origIntervalMs: 1_500,
  };
  await batadv.setMesh(index, change);
  await batadv.setHardInterface(index, hard.ifindex, {
    hopPenalty: 3,
    elpIntervalMs: 650,
    throughputOverrideKbps: 10_000,
  });
  await batadv.setVlan(index, 42, true);
  const seen: BatadvEvent[] = [];
  for await (const event of events.notifications()) {
    assert(!("lost" in event));
    seen.push(event);
    if (seen.length === 3) break;
  }
  assertEquals(seen.map((event) => event.kind), ["mesh", "hardInterface", "vlan"]);
  const mesh = await batctlJson(lab, "mesh_json") as Record<string, unknown>;
  assertEquals({
    aggregated_ogms_enabled: mesh.aggregated_ogms_enabled,
    ap_isolation_enabled: mesh.ap_isolation_enabled,
    isolation_mark: mesh.isolation_mark,
    isolation_mask: mesh.isolation_mask,
    bonding_enabled: mesh.bonding_enabled,
    distributed_arp_table_enabled: mesh.distributed_arp_table_enabled,
    fragmentation_enabled: mesh.fragmentation_enabled,
    gw_mode: mesh.gw_mode,
    gw_bandwidth_down: mesh.gw_bandwidth_down,
    gw_bandwidth_up: mesh.gw_bandwidth_up,
    gw_sel_class: mesh.gw_sel_class,
    hop_penalty: mesh.hop_penalty,
    multicast_forceflood_enabled: mesh.multicast_forceflood_enabled,
    multicast_fanout: mesh.multicast_fanout,
    orig_interval: mesh.orig_interval,
  }, {
    aggregated_ogms_enabled: false,
    ap_isolation_enabled: true,
    isolation_mark: 0x12,
    isolation_mask: 0xff,
    bonding_enabled: true,
    distributed_arp_table_enabled: false,
    fragmentation_enabled: false,
    gw_mode: "server",
    gw_bandwidth_down: 300,
    gw_bandwidth_up: 50,
    gw_sel_class: 40,
    hop_penalty: 17,
    multicast_forceflood_enabled: true,
    multicast_fanout: 3,
    orig_interval: 1_500,
  });
  const read = await batctlJson(lab, "hardif_json", "hardif", hard.name) as Record<string, unknown>;
  assertEquals([read.hop_penalty, read.elp_interval, read.throughput_override], [3, 650, 100]);
  const vlan = await batctlJson(lab, "vlan_json", "vlan", `${MESH}.42`) as Record<string, unknown>;
  assertEquals(vlan.ap_isolation_enabled, true);
}

async function comparesProbes(lab: Lab): Promise<void> {
  const { topology, batadv, index } = lab;
  const far = await topology.mac(3, "to2");
  const session = await IcmpSession.open({
    routes: batadv,
    openFrames: (ifindex, uid) => openIcmpFrames(ifindex, uid, { netns: NS }),
    monotonicMs: () => performance.now(),
    uid: 77,
    firstSeq: 0,
  }, index);
  assert(session !== null);
  using icmp = session;
  const ping = await topology.exec(1, "batctl", "meshif", MESH, "ping", "-c3", "-i1", far);
  const theirTtl = Number(/ttl=(\d+)/.exec(ping)?.[1]);
  assert(Number.isInteger(theirTtl), ping);
  const replies = await Array.fromAsync(
    icmp.ping(far, { count: 3, intervalMs: 200, timeoutMs: 2000 }),
  );
  for (const reply of replies) {
    assertEquals(reply.outcome, "reply");
    if (reply.outcome === "reply") assertEquals([reply.originator, reply.ttl], [far, theirTtl]);
  }
  const recorded = await icmp.echo(far, { timeoutMs: 2000, recordRoute: true });
  assert(recorded.outcome === "reply" && recorded.route !== null);
  const names = await Promise.all([
    topology.mac(1, "to2"),
    topology.mac(2, "to1"),
    topology.mac(3, "to2"),
    topology.mac(2, "to3"),
  ]);
  assertEquals(recorded.route, names, "where it left, and every device it came in by");
  const trace = await topology.exec(1, "batctl", "meshif", MESH, "traceroute", far);
  const theirs = [...trace.matchAll(/^\s*\d+: (?:\S+ \()?([0-9a-f:]{17})/gm)].map((hop) =>
    hop[1] ?? ""
  );
  const ours = await Array.fromAsync(icmp.traceroute(far, { timeoutMs: 2000 }));
  assertEquals(ours.map((hop) => hop.originator), theirs);
  assertEquals(ours.map((hop) => hop.reached), [false, true]);
}

async function comparesThroughput(lab: Lab): Promise<void> {
  const { topology, batadv, index } = lab;
  const far = await topology.mac(3, "to2");
  const result = await batadv.throughput(index, far, { testTimeMs: 1000 });
  assertEquals([result.outcome, result.destination], ["complete", far]);
  const ours = result.throughputKbps ?? 0;
  const said = await topology.exec(1, "batctl", "meshif", MESH, "tp", "-t", "1000", far);
  const rate = /Throughput: ([\d.]+) (MB\/s|KB\/s|Bytes\/s|GB\/s)[^\n]*/.exec(said);
  assert(rate !== null, said);
  const scale = { "Bytes/s": 1, "KB/s": 1024, "MB/s": 1024 ** 2, "GB/s": 1024 ** 3 };
  const bytes = Number(rate[1]) * scale[rate[2] as keyof typeof scale];
  const theirs = bytes * 8 / 1000;
  // Emulated processors vary; a wrong unit would be off by a factor of eight at least.
  assert(ours > theirs / 6 && ours < theirs * 6, `ours ${ours} kbit/s, batctl's ${theirs} kbit/s`);
  const nobody = await batadv.throughput(index, "02:de:ad:00:00:01", { testTimeMs: 500 });
  assertEquals(nobody.outcome, "destinationUnreachable");
}

for (const algorithm of ["BATMAN_IV", "BATMAN_V"] as const) {
  Deno.test(`ffi/batadv equals batctl under ${algorithm}`, async (t) => {
    await using topology = await startLine(algorithm);
    using rtnetlink = openRtnetlink({ netns: NS });
    using batadv = await Batadv.open({ netns: NS });
    const lab: Lab = { algorithm, topology, batadv, index: await rtnetlink.index(MESH) };
    await populate(lab);
    for (const item of TABLES) {
      await t.step(`${item.name}() equals batctl ${item.command}`, () => sameRows(lab, item));
    }
    await t.step("mesh() and routingAlgorithms() equal batctl's", () => comparesMesh(lab));
    await t.step(
      "vlan() and hardInterface() equal batctl's",
      () => comparesVlanAndHardInterface(lab),
    );
    await t.step("ping and traceroute see batctl's path", () => comparesProbes(lab));
    await t.step("throughput() measures what batctl measures", () => comparesThroughput(lab));
    await t.step("settings we make are those batctl reads, and are told", () => setsAndTells(lab));
  });
}
