import { assertEquals, assertThrows } from "@std/assert";
import { decodeAttributes, DecodeError, encodeAttributes } from "../netlink/mod.ts";
import { decodeEvent, decodeTpCookie, decodeTpResult, encodeTpStart } from "./events_codec.ts";
import { readVid, writeFlags, writeVid } from "./fields.ts";
import {
  decodeHardInterface,
  decodeMesh,
  decodeRoutingAlgorithm,
  decodeVlan,
  encodeHardInterfaceChange,
  encodeMeshChange,
  encodeVlanChange,
  type MeshChange,
} from "./mesh_codec.ts";
import * as samples from "./testing.ts";
import { ANSWER, COMMANDS, REQUEST, TT_FLAGS } from "./spec.ts";
import {
  decodeBlaBackbone,
  decodeBlaClaim,
  decodeDatEntry,
  decodeGateway,
  decodeGlobalClient,
  decodeLocalClient,
  decodeMcastFlags,
  decodeNeighbor,
  decodeOriginator,
} from "./tables_codec.ts";

const { sample } = samples;

Deno.test("COMMANDS numbers the family's 18 commands without a gap", () => {
  const numbers = Object.values(COMMANDS).map((command) => command.number).sort((a, b) => a - b);
  assertEquals(numbers, Array.from({ length: 18 }, (_, i) => i + 1));
});

Deno.test("REQUEST has every attribute of the header but the unspecified and the padding one", () => {
  const numbers = Object.values(REQUEST).map(([type]) => type).sort((a, b) => a - b);
  const expected = Array.from({ length: 60 }, (_, i) => i + 1).filter((type) => type !== 14);
  assertEquals(numbers, expected);
});

Deno.test("decodeMesh() reads every field with its unit", () => {
  const mesh = decodeMesh(sample(samples.MESH));
  assertEquals(mesh.primary, { ifindex: 5, name: "mesh0", address: "02:ba:00:00:00:05" });
  assertEquals(mesh.mcast?.flags.wantAllUnsnoopables, true);
  assertEquals(mesh.mcast?.flags.wantAllIpv4, false);
  assertEquals(mesh.mcast?.flags.wantNoRouter4, true);
  assertEquals(mesh.mcast?.privateFlags.bridged, true);
  assertEquals([mesh.ifindex, mesh.name, mesh.address], [7, "bat0", "02:00:00:00:00:07"]);
  assertEquals([mesh.version, mesh.algorithm, mesh.ttvn], ["2024.2", "BATMAN_IV", 3]);
  assertEquals(mesh.blaGroup, 0x1234);
  assertEquals(mesh.settings, {
    aggregatedOgms: true,
    apIsolation: false,
    isolationMark: 0xdead,
    isolationMask: 0xffff,
    bonding: false,
    bridgeLoopAvoidance: true,
    distributedArpTable: true,
    fragmentation: true,
    gatewayDownKbps: 10_000,
    gatewayUpKbps: 2_000,
    gatewayMode: "server",
    gatewaySelectionClass: 20,
    hopPenalty: 30,
    logLevel: null,
    multicastForceflood: false,
    multicastFanout: 16,
    networkCoding: null,
    origIntervalMs: 1000,
  });
});

Deno.test("decodeMesh() tells an interface without active hard interfaces", () => {
  const { hardIfindex: _i, hardIfname: _n, hardAddress: _a, ...rest } = samples.MESH;
  assertEquals(decodeMesh(sample(rest)).primary, null);
});

Deno.test("decodeMesh() refuses an unknown gateway mode", () => {
  assertThrows(() => decodeMesh(sample({ ...samples.MESH, gwMode: 3 })), DecodeError, "gwMode");
});

Deno.test("decodeHardInterface() turns 100 kbit/s units into kbit/s", () => {
  assertEquals(decodeHardInterface(sample(samples.HARD_INTERFACE)), {
    meshIfindex: 7,
    meshName: "bat0",
    ifindex: 5,
    name: "mesh0",
    address: "02:ba:00:00:00:05",
    active: true,
    hopPenalty: 9,
    elpIntervalMs: 500,
    throughputOverrideKbps: 12_000,
  });
});

Deno.test("decodeVlan() reads the id as u32 and as u16", () => {
  const expected = { meshIfindex: 7, meshName: "bat0", vid: 42, apIsolation: true };
  assertEquals(decodeVlan(sample(samples.VLAN)), expected);
  assertEquals(decodeVlan(encodeAttributes(REQUEST, samples.VLAN)), expected);
  assertThrows(() => decodeVlan(sample({ ...samples.VLAN, vlanId: 0x1000 })), DecodeError);
});

Deno.test("decodeLocalClient() names the flags", () => {
  const client = decodeLocalClient(sample(samples.LOCAL_CLIENT));
  assertEquals(client, {
    address: "02:cc:00:00:00:01",
    vid: 42,
    flags: {
      deleted: false,
      roam: true,
      wireless: true,
      isolated: false,
      noPurge: false,
      new: true,
      pending: false,
      temporary: false,
    },
    lastSeenMs: 1234,
    crc32: 0xcafe_f00d,
  });
  assertEquals(writeFlags(TT_FLAGS, client.flags), samples.LOCAL_CLIENT.ttFlags);
});

Deno.test("decodeGlobalClient() tells who announces an untagged client", () => {
  const client = decodeGlobalClient(sample(samples.GLOBAL_CLIENT));
  assertEquals(client.vid, null);
  assertEquals(client.flags.temporary, true);
  assertEquals([client.originator, client.best], ["02:ba:00:00:00:09", true]);
  assertEquals([client.ttvn, client.lastTtvn, client.crc32], [4, 5, 0x1234_5678]);
});

Deno.test("decodeOriginator() carries TQ for BATMAN_IV and kbit/s for BATMAN_V", () => {
  const common = {
    originator: "02:ba:00:00:00:09",
    neighbor: "02:ba:00:00:00:08",
    hardIfindex: 5,
    hardName: "mesh0",
    lastSeenMs: 320,
  };
  assertEquals(decodeOriginator(sample(samples.ORIGINATOR_IV)), {
    ...common,
    best: true,
    tq: 251,
    throughputKbps: null,
  });
  assertEquals(decodeOriginator(sample(samples.ORIGINATOR_V)), {
    ...common,
    best: false,
    tq: null,
    throughputKbps: 12_300,
  });
});

Deno.test("decodeNeighbor() takes THROUGHPUT as kbit/s, decodeGateway() as 100 kbit/s", () => {
  assertEquals(decodeNeighbor(sample(samples.NEIGHBOR)), {
    neighbor: "02:ba:00:00:00:08",
    hardIfindex: 5,
    hardName: "mesh0",
    lastSeenMs: 77,
    throughputKbps: 54_000,
  });
  assertEquals(decodeGateway(sample(samples.GATEWAY)), {
    originator: "02:ba:00:00:00:09",
    router: "02:ba:00:00:00:08",
    hardIfindex: 5,
    hardName: "mesh0",
    best: true,
    downKbps: 50_000,
    upKbps: 5_000,
    tq: null,
    throughputKbps: 12_000,
  });
});

Deno.test("decodeBlaClaim() and decodeBlaBackbone() read the bridge loop avoidance tables", () => {
  assertEquals(decodeBlaClaim(sample(samples.BLA_CLAIM)), {
    address: "02:cc:00:00:00:03",
    vid: 7,
    backbone: "02:00:00:00:00:0b",
    own: true,
    crc: 0xbeef,
  });
  assertEquals(decodeBlaBackbone(sample(samples.BLA_BACKBONE)), {
    backbone: "02:00:00:00:00:0b",
    vid: null,
    own: false,
    crc: 0xfeed,
    lastSeenMs: 4_321,
  });
});

Deno.test("decodeDatEntry() reads the address in network order", () => {
  const entry = decodeDatEntry(sample(samples.DAT_ENTRY));
  assertEquals(entry, { ip: "10.1.2.3", address: "02:cc:00:00:00:04", vid: 2, lastSeenMs: 99 });
});

Deno.test("decodeMcastFlags() tells an originator that says nothing", () => {
  const flags = decodeMcastFlags(sample(samples.MCAST));
  assertEquals([flags.rawFlags, flags.flags?.haveMulticastPacketType], [0b100001, true]);
  const silent = decodeMcastFlags(sample({ origAddress: "02:ba:00:00:00:09" }));
  assertEquals([silent.flags, silent.rawFlags], [null, null]);
});

Deno.test("decodeRoutingAlgorithm() reads the name", () => {
  assertEquals(decodeRoutingAlgorithm(sample(samples.ALGORITHM)), "BATMAN_V");
});

Deno.test("decodeTpResult() computes kbit/s and names failures", () => {
  const done = decodeTpResult(sample(samples.TP_RESULT));
  assertEquals([done.outcome, done.throughputKbps], ["complete", 12_000]);
  const rows = [
    { name: "unreachable", reason: 128, outcome: "destinationUnreachable" },
    { name: "resend limit", reason: 129, outcome: "resendLimit" },
    { name: "ongoing", reason: 130, outcome: "alreadyOngoing" },
    { name: "memory", reason: 131, outcome: "outOfMemory" },
    { name: "cannot send", reason: 132, outcome: "cannotSend" },
    { name: "too many", reason: 133, outcome: "tooManySessions" },
    { name: "from the future", reason: 200, outcome: "unknown" },
  ] as const;
  for (const row of rows) {
    const failed = decodeTpResult(sample({ ...samples.TP_RESULT, tpmeterResult: row.reason }));
    assertEquals([failed.outcome, failed.throughputKbps], [row.outcome, null], row.name);
  }
  assertEquals(decodeTpCookie(sample({ tpmeterCookie: 17 })), 17);
});

Deno.test("decodeEvent() tells the four kinds apart and skips unknown commands", () => {
  const { setMesh, setHardif, setVlan, tpMeter } = COMMANDS;
  assertEquals(decodeEvent(setMesh.number, sample(samples.MESH))?.kind, "mesh");
  assertEquals(
    decodeEvent(setHardif.number, sample(samples.HARD_INTERFACE))?.kind,
    "hardInterface",
  );
  assertEquals(decodeEvent(setVlan.number, sample(samples.VLAN))?.kind, "vlan");
  assertEquals(decodeEvent(tpMeter.number, sample(samples.TP_RESULT))?.kind, "tpResult");
  assertEquals(decodeEvent(99, sample(samples.MESH)), null);
});

Deno.test("decoders refuse a message that lacks a required attribute", () => {
  const rows = [
    { name: "mesh", decode: decodeMesh, raw: samples.MESH, drop: "origInterval" },
    {
      name: "hardif",
      decode: decodeHardInterface,
      raw: samples.HARD_INTERFACE,
      drop: "hardIfname",
    },
    { name: "vlan", decode: decodeVlan, raw: samples.VLAN, drop: "vlanId" },
    { name: "local", decode: decodeLocalClient, raw: samples.LOCAL_CLIENT, drop: "ttFlags" },
    { name: "global", decode: decodeGlobalClient, raw: samples.GLOBAL_CLIENT, drop: "origAddress" },
    {
      name: "originator",
      decode: decodeOriginator,
      raw: samples.ORIGINATOR_IV,
      drop: "neighAddress",
    },
    { name: "neighbor", decode: decodeNeighbor, raw: samples.NEIGHBOR, drop: "lastSeenMsecs" },
    { name: "gateway", decode: decodeGateway, raw: samples.GATEWAY, drop: "bandwidthUp" },
    { name: "claim", decode: decodeBlaClaim, raw: samples.BLA_CLAIM, drop: "blaCrc" },
    { name: "backbone", decode: decodeBlaBackbone, raw: samples.BLA_BACKBONE, drop: "blaVid" },
    { name: "dat", decode: decodeDatEntry, raw: samples.DAT_ENTRY, drop: "datCacheVid" },
    { name: "mcast", decode: decodeMcastFlags, raw: samples.MCAST, drop: "origAddress" },
    { name: "tp", decode: decodeTpResult, raw: samples.TP_RESULT, drop: "tpmeterBytes" },
  ] as const;
  for (const { name, decode, raw, drop } of rows) {
    const without = Object.fromEntries(Object.entries(raw).filter(([key]) => key !== drop));
    assertThrows(() => decode(sample(without)), DecodeError, drop, name);
  }
});

Deno.test("encodeMeshChange() writes every setting so that decodeMesh() reads it back", () => {
  const change: Required<MeshChange> = {
    aggregatedOgms: false,
    apIsolation: true,
    isolationMark: 1,
    isolationMask: 0xffff_ffff,
    bonding: true,
    bridgeLoopAvoidance: false,
    distributedArpTable: false,
    fragmentation: false,
    gatewayDownKbps: 55_500,
    gatewayUpKbps: 100,
    gatewayMode: "client",
    gatewaySelectionClass: 1,
    hopPenalty: 255,
    logLevel: 3,
    multicastForceflood: true,
    multicastFanout: 0,
    networkCoding: true,
    origIntervalMs: 250,
  };
  const written = decodeAttributes(ANSWER, encodeMeshChange(9, change), "t");
  assertEquals(written.meshIfindex, 9);
  assertEquals(decodeMesh(sample({ ...samples.MESH, ...written })).settings, change);
});

Deno.test("encodeMeshChange() refuses what an attribute cannot hold", () => {
  const rows = [
    { name: "odd bandwidth", change: { gatewayDownKbps: 50 } },
    { name: "negative bandwidth", change: { gatewayUpKbps: -100 } },
    { name: "penalty above a byte", change: { hopPenalty: 256 } },
    { name: "fraction", change: { origIntervalMs: 0.5 } },
    { name: "selection class 0", change: { gatewaySelectionClass: 0 } },
  ];
  for (const { name, change } of rows) {
    assertThrows(() => encodeMeshChange(1, change), RangeError, "Cannot set", name);
  }
  const unknown = { toString: 1 } as unknown as MeshChange;
  assertThrows(() => encodeMeshChange(1, unknown), TypeError, "no such mesh setting");
});

Deno.test("encodeHardInterfaceChange() and encodeVlanChange() write what the kernel's policy takes", () => {
  const change = { hopPenalty: 1, elpIntervalMs: 200, throughputOverrideKbps: 54_000 };
  assertEquals(decodeAttributes(REQUEST, encodeHardInterfaceChange(7, 5, change), "t"), {
    meshIfindex: 7,
    hardIfindex: 5,
    hopPenalty: 1,
    elpInterval: 200,
    throughputOverride: 540,
  });
  assertEquals(decodeAttributes(REQUEST, encodeVlanChange(7, 42, true), "t"), {
    meshIfindex: 7,
    vlanId: 42,
    apIsolationEnabled: 1,
  });
  assertThrows(() => encodeVlanChange(7, 4096, true), RangeError);
  assertThrows(() => encodeTpStart(7, "02:ba:00:00:00:09", -1), RangeError);
});

Deno.test("readVid() and writeVid() agree", () => {
  for (const vid of [null, 0, 1, 4095]) assertEquals(readVid(writeVid(vid)), vid);
});
