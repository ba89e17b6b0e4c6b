// Every batman-adv decoder against damaged messages. A value that comes out keeps its own promises: units,
// ranges and canonical addresses.
import { assert } from "@std/assert";
import { decodeEvent, decodeTpCookie, decodeTpResult } from "../../ffi/batadv/events_codec.ts";
import {
  decodeIcmp,
  decodeIcmpFrame,
  encodeIcmp,
  encodeIcmpFrame,
} from "../../ffi/batadv/icmp_codec.ts";
import {
  decodeHardInterface,
  decodeMesh,
  decodeRoutingAlgorithm,
  decodeVlan,
} from "../../ffi/batadv/mesh_codec.ts";
import { COMMANDS, TT_FLAGS } from "../../ffi/batadv/spec.ts";
import { ANSWER } from "../../ffi/batadv/spec.ts";
import { writeFlags, writeThroughputUnits, writeVid } from "../../ffi/batadv/fields.ts";
import * as tables from "../../ffi/batadv/tables_codec.ts";
import * as samples from "../../ffi/batadv/testing.ts";
import { decodeAttributes, parseIp } from "../../ffi/netlink/mod.ts";
import { testDecoder } from "./decoder.ts";

const { sample } = samples;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

function isMac(...texts: readonly string[]): void {
  for (const text of texts) assert(MAC.test(text), text);
}

function isVid(vid: number | null): void {
  assert(vid === null || (vid >= 0 && vid <= 4095), `vid ${vid}`);
}

function isU32(...values: readonly (number | null)[]): void {
  for (const value of values) {
    assert(value === null || (Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff));
  }
}

const vidOf = (vid: number | null) => writeVid(vid);
const units = (kbps: number | null) =>
  kbps === null ? undefined : writeThroughputUnits(kbps, "fuzz");

/** Leaves out what is `undefined` or `null`. */
function raw(values: { readonly [name: string]: unknown }): Uint8Array {
  const present = Object.entries(values).filter(([, value]) =>
    value !== undefined && value !== null
  );
  return sample(Object.fromEntries(present));
}

testDecoder("decodeMesh()", {
  decode: decodeMesh,
  samples: [sample(samples.MESH)],
  check({ address, primary, settings, ttvn }) {
    isMac(address, ...(primary === null ? [] : [primary.address]));
    isU32(ttvn, settings.origIntervalMs, settings.hopPenalty, settings.isolationMark);
    assert(settings.gatewayDownKbps % 100 === 0 && settings.gatewayUpKbps % 100 === 0);
    assert(["off", "client", "server"].includes(settings.gatewayMode));
  },
});

testDecoder("decodeHardInterface()", {
  decode: decodeHardInterface,
  samples: [sample(samples.HARD_INTERFACE)],
  check: ({ address }) => isMac(address),
  encode: (hard) =>
    raw({
      meshIfindex: hard.meshIfindex,
      meshIfname: hard.meshName,
      hardIfindex: hard.ifindex,
      hardIfname: hard.name,
      hardAddress: hard.address,
      active: hard.active,
      hopPenalty: hard.hopPenalty,
      elpInterval: hard.elpIntervalMs,
      throughputOverride: units(hard.throughputOverrideKbps),
    }),
});

testDecoder("decodeVlan()", {
  decode: decodeVlan,
  samples: [sample(samples.VLAN)],
  check: ({ vid }) => isVid(vid),
  encode: (vlan) =>
    raw({
      meshIfindex: vlan.meshIfindex,
      meshIfname: vlan.meshName,
      vlanId: vlan.vid,
      apIsolationEnabled: vlan.apIsolation ? 1 : 0,
    }),
});

testDecoder("decodeLocalClient()", {
  decode: tables.decodeLocalClient,
  samples: [sample(samples.LOCAL_CLIENT), sample({ ...samples.LOCAL_CLIENT, ttFlags: 0x100 })],
  check: ({ address, vid }) => (isMac(address), isVid(vid)),
  encode: (row) =>
    raw({
      ttAddress: row.address,
      ttVid: vidOf(row.vid),
      ttFlags: writeFlags(TT_FLAGS, row.flags),
      lastSeenMsecs: row.lastSeenMs,
      ttCrc32: row.crc32,
    }),
});

testDecoder("decodeGlobalClient()", {
  decode: tables.decodeGlobalClient,
  samples: [sample(samples.GLOBAL_CLIENT)],
  check: ({ address, originator, vid }) => (isMac(address, originator), isVid(vid)),
  encode: (row) =>
    raw({
      ttAddress: row.address,
      origAddress: row.originator,
      ttVid: vidOf(row.vid),
      ttFlags: writeFlags(TT_FLAGS, row.flags),
      flagBest: row.best,
      ttTtvn: row.ttvn,
      ttLastTtvn: row.lastTtvn,
      ttCrc32: row.crc32,
    }),
});

testDecoder("decodeOriginator()", {
  decode: tables.decodeOriginator,
  samples: [sample(samples.ORIGINATOR_IV), sample(samples.ORIGINATOR_V)],
  check(row) {
    isMac(row.originator, row.neighbor);
    assert(row.tq === null || (row.tq >= 0 && row.tq <= 255));
    isU32(row.throughputKbps, row.lastSeenMs);
  },
  encode: (row) =>
    raw({
      origAddress: row.originator,
      neighAddress: row.neighbor,
      hardIfindex: row.hardIfindex,
      hardIfname: row.hardName,
      flagBest: row.best,
      lastSeenMsecs: row.lastSeenMs,
      tq: row.tq,
      throughput: row.throughputKbps,
    }),
});

testDecoder("decodeNeighbor()", {
  decode: tables.decodeNeighbor,
  samples: [sample(samples.NEIGHBOR)],
  check: ({ neighbor }) => isMac(neighbor),
  encode: (row) =>
    raw({
      neighAddress: row.neighbor,
      hardIfindex: row.hardIfindex,
      hardIfname: row.hardName,
      lastSeenMsecs: row.lastSeenMs,
      throughput: row.throughputKbps,
    }),
});

testDecoder("decodeGateway()", {
  decode: tables.decodeGateway,
  samples: [sample(samples.GATEWAY)],
  check: ({ originator, router }) => isMac(originator, router),
  encode: (row) =>
    raw({
      origAddress: row.originator,
      router: row.router,
      hardIfindex: row.hardIfindex,
      hardIfname: row.hardName,
      flagBest: row.best,
      bandwidthDown: units(row.downKbps),
      bandwidthUp: units(row.upKbps),
      tq: row.tq,
      throughput: units(row.throughputKbps),
    }),
});

testDecoder("decodeBlaClaim()", {
  decode: tables.decodeBlaClaim,
  samples: [sample(samples.BLA_CLAIM)],
  check: ({ address, backbone, vid }) => (isMac(address, backbone), isVid(vid)),
  encode: (row) =>
    raw({
      blaAddress: row.address,
      blaBackbone: row.backbone,
      blaVid: vidOf(row.vid),
      blaOwn: row.own,
      blaCrc: row.crc,
    }),
});

testDecoder("decodeBlaBackbone()", {
  decode: tables.decodeBlaBackbone,
  samples: [sample(samples.BLA_BACKBONE)],
  check: ({ backbone, vid }) => (isMac(backbone), isVid(vid)),
  encode: (row) =>
    raw({
      blaBackbone: row.backbone,
      blaVid: vidOf(row.vid),
      blaOwn: row.own,
      blaCrc: row.crc,
      lastSeenMsecs: row.lastSeenMs,
    }),
});

testDecoder("decodeDatEntry()", {
  decode: tables.decodeDatEntry,
  samples: [sample(samples.DAT_ENTRY)],
  check({ address, ip, vid }) {
    isMac(address);
    isVid(vid);
    assert(parseIp(ip)?.length === 4, ip);
  },
  encode(row) {
    const octets = parseIp(row.ip) ?? new Uint8Array(4);
    return raw({
      datCacheIp4Address: new DataView(octets.buffer).getUint32(0),
      datCacheHwAddress: row.address,
      datCacheVid: vidOf(row.vid),
      lastSeenMsecs: row.lastSeenMs,
    });
  },
});

testDecoder("decodeMcastFlags()", {
  decode: tables.decodeMcastFlags,
  samples: [sample(samples.MCAST)],
  check: ({ originator, flags, rawFlags }) => {
    isMac(originator);
    assert((flags === null) === (rawFlags === null));
  },
  encode: (row) => raw({ origAddress: row.originator, mcastFlags: row.rawFlags }),
});

testDecoder("decodeRoutingAlgorithm()", {
  decode: decodeRoutingAlgorithm,
  samples: [sample(samples.ALGORITHM)],
  encode: (algoName) => raw({ algoName }),
});

testDecoder("decodeTpResult()", {
  decode: decodeTpResult,
  samples: [sample(samples.TP_RESULT), sample({ ...samples.TP_RESULT, tpmeterResult: 128 })],
  check(result) {
    isMac(result.destination);
    assert(result.throughputKbps === null || Number.isFinite(result.throughputKbps));
    assert(result.reason < 128 || result.throughputKbps === null);
  },
  encode: (result) =>
    raw({
      tpmeterCookie: result.cookie,
      origAddress: result.destination,
      tpmeterResult: result.reason,
      tpmeterTestTime: result.testTimeMs,
      tpmeterBytes: result.bytes,
    }),
});

testDecoder("decodeTpCookie()", {
  decode: decodeTpCookie,
  samples: [sample({ tpmeterCookie: 5 })],
  encode: (tpmeterCookie) => raw({ tpmeterCookie }),
});

// The command travels in front of the attributes, as in the generic netlink header.
const event = (command: number, given: samples.Sample) => Uint8Array.of(command, ...sample(given));

testDecoder("decodeEvent()", {
  decode: (bytes) => decodeEvent(bytes[0] ?? 0, bytes.subarray(1)),
  samples: [
    event(COMMANDS.setMesh.number, samples.MESH),
    event(COMMANDS.setHardif.number, samples.HARD_INTERFACE),
    event(COMMANDS.setVlan.number, samples.VLAN),
    event(COMMANDS.tpMeter.number, samples.TP_RESULT),
  ],
});

testDecoder("decodeAttributes() with every batadv attribute", {
  decode: (bytes) => decodeAttributes(ANSWER, bytes, "batadv"),
  samples: [
    samples.MESH,
    samples.HARD_INTERFACE,
    samples.GLOBAL_CLIENT,
    samples.GATEWAY,
    samples.BLA_CLAIM,
    samples.DAT_ENTRY,
    samples.TP_RESULT,
  ].map(sample),
});

const icmp = {
  type: "echoReply",
  ttl: 49,
  destination: "02:ba:00:00:00:05",
  originator: "02:ba:00:00:00:09",
  uid: 1,
  seq: 2,
} as const;

testDecoder("decodeIcmp()", {
  decode: decodeIcmp,
  samples: [encodeIcmp(icmp), encodeIcmp({ ...icmp, route: ["02:ba:00:00:00:07"] })],
  check: ({ destination, originator, route }) => isMac(destination, originator, ...(route ?? [])),
  encode: encodeIcmp,
});

testDecoder("decodeIcmpFrame()", {
  decode: decodeIcmpFrame,
  samples: [encodeIcmpFrame({ to: icmp.destination, from: icmp.originator, packet: icmp })],
  check: ({ to, from }) => isMac(to, from),
  encode: encodeIcmpFrame,
});
