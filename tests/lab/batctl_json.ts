// Runs in a lab guest. Our rows in the words of `batctl … _json` (batctl 2025.0, genl_json.c), so that
// both can be compared field by field: batctl prints every attribute the kernel sent, in its own units.
import type {
  BlaBackbone,
  BlaClaim,
  ClientFlags,
  DatEntry,
  Gateway,
  GlobalClient,
  HardInterface,
  LocalClient,
  McastFlags,
  MeshInfo,
  Neighbor,
  Originator,
} from "../../ffi/batadv/mod.ts";

/** One object of batctl's output. */
export type Json = { readonly [name: string]: unknown };

/** Leaves out what the kernel did not send. */
function present(values: Json): Json {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) =>
      value !== null && value !== undefined && value !== false
    ),
  );
}

const vid = (value: number | null) => value ?? -1;
const units = (kbps: number | null) => kbps === null ? null : kbps / 100;

function ttFlags(flags: ClientFlags): Json {
  const bits: readonly (readonly [keyof ClientFlags, string, number])[] = [
    ["deleted", "del", 0],
    ["roam", "roam", 1],
    ["wireless", "wifi", 4],
    ["isolated", "isolated", 5],
    ["noPurge", "nopurge", 8],
    ["new", "new", 9],
    ["pending", "pending", 10],
    ["temporary", "temp", 11],
  ];
  const named = Object.fromEntries(bits.map(([ours, theirs]) => [theirs, flags[ours]]));
  const raw = bits.reduce((sum, [ours, , bit]) => sum | (flags[ours] ? 1 << bit : 0), 0);
  return { ...named, raw };
}

function mcastFlags(flags: NonNullable<McastFlags["flags"]>): Json {
  return {
    all_unsnoopables: flags.wantAllUnsnoopables,
    want_all_ipv4: flags.wantAllIpv4,
    want_all_ipv6: flags.wantAllIpv6,
    want_no_rtr_ipv4: flags.wantNoRouter4,
    want_no_rtr_ipv6: flags.wantNoRouter6,
    have_mc_ptype_capa: flags.haveMulticastPacketType,
  };
}

export function meshJson(mesh: MeshInfo): Json {
  const { settings, primary, mcast } = mesh;
  // Features that are off print as false, those not built in are left out: only null is dropped.
  const always = {
    aggregated_ogms_enabled: settings.aggregatedOgms,
    bonding_enabled: settings.bonding,
    fragmentation_enabled: settings.fragmentation,
  };
  const optional = {
    ap_isolation_enabled: settings.apIsolation,
    bridge_loop_avoidance_enabled: settings.bridgeLoopAvoidance,
    distributed_arp_table_enabled: settings.distributedArpTable,
    multicast_forceflood_enabled: settings.multicastForceflood,
    network_coding_enabled: settings.networkCoding,
    gw_sel_class: settings.gatewaySelectionClass,
    multicast_fanout: settings.multicastFanout,
    bla_crc: mesh.blaGroup,
    hard_ifindex: primary?.ifindex ?? null,
    hard_ifname: primary?.name ?? null,
    hard_address: primary?.address ?? null,
    mcast_flags: mcast === null ? null : mcastFlags(mcast.flags),
    mcast_flags_priv: mcast === null ? null : {
      bridged: mcast.privateFlags.bridged,
      querier_ipv4_exists: mcast.privateFlags.querierIpv4Exists,
      querier_ipv6_exists: mcast.privateFlags.querierIpv6Exists,
      querier_ipv4_shadowing: mcast.privateFlags.querierIpv4Shadowing,
      querier_ipv6_shadowing: mcast.privateFlags.querierIpv6Shadowing,
    },
  };
  return {
    version: mesh.version,
    algo_name: mesh.algorithm,
    mesh_ifindex: mesh.ifindex,
    mesh_ifname: mesh.name,
    mesh_address: mesh.address,
    tt_ttvn: mesh.ttvn,
    isolation_mark: settings.isolationMark,
    isolation_mask: settings.isolationMask,
    gw_bandwidth_down: units(settings.gatewayDownKbps),
    gw_bandwidth_up: units(settings.gatewayUpKbps),
    gw_mode: settings.gatewayMode,
    hop_penalty: settings.hopPenalty,
    orig_interval: settings.origIntervalMs,
    ...always,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  };
}

export function hardInterfaceJson(hard: HardInterface): Json {
  return present({
    mesh_ifindex: hard.meshIfindex,
    mesh_ifname: hard.meshName,
    hard_ifindex: hard.ifindex,
    hard_ifname: hard.name,
    hard_address: hard.address,
    active: hard.active,
    hop_penalty: hard.hopPenalty,
    elp_interval: hard.elpIntervalMs,
    throughput_override: units(hard.throughputOverrideKbps),
  });
}

export function originatorJson(row: Originator): Json {
  return present({
    hard_ifindex: row.hardIfindex,
    hard_ifname: row.hardName,
    orig_address: row.originator,
    best: row.best,
    last_seen_msecs: row.lastSeenMs,
    neigh_address: row.neighbor,
    tq: row.tq,
    throughput: row.throughputKbps,
  });
}

export function neighborJson(row: Neighbor): Json {
  return present({
    hard_ifindex: row.hardIfindex,
    hard_ifname: row.hardName,
    last_seen_msecs: row.lastSeenMs,
    neigh_address: row.neighbor,
    throughput: row.throughputKbps,
  });
}

export function gatewayJson(row: Gateway): Json {
  return present({
    hard_ifindex: row.hardIfindex,
    hard_ifname: row.hardName,
    orig_address: row.originator,
    best: row.best,
    tq: row.tq,
    throughput: units(row.throughputKbps),
    bandwidth_up: units(row.upKbps),
    bandwidth_down: units(row.downKbps),
    router: row.router,
  });
}

export function localClientJson(row: LocalClient): Json {
  return present({
    tt_address: row.address,
    tt_crc32: row.crc32,
    tt_vid: vid(row.vid),
    tt_flags: ttFlags(row.flags),
    last_seen_msecs: row.lastSeenMs,
  });
}

export function globalClientJson(row: GlobalClient): Json {
  return present({
    orig_address: row.originator,
    tt_address: row.address,
    tt_ttvn: row.ttvn,
    tt_last_ttvn: row.lastTtvn,
    tt_crc32: row.crc32,
    tt_vid: vid(row.vid),
    tt_flags: ttFlags(row.flags),
    best: row.best,
  });
}

export function claimJson(row: BlaClaim): Json {
  return present({
    bla_own: row.own,
    bla_address: row.address,
    bla_vid: vid(row.vid),
    bla_backbone: row.backbone,
    bla_crc: row.crc,
  });
}

export function backboneJson(row: BlaBackbone): Json {
  return present({
    last_seen_msecs: row.lastSeenMs,
    bla_own: row.own,
    bla_vid: vid(row.vid),
    bla_backbone: row.backbone,
    bla_crc: row.crc,
  });
}

export function datJson(row: DatEntry): Json {
  return present({
    last_seen_msecs: row.lastSeenMs,
    dat_cache_ip4address: row.ip,
    dat_cache_hwaddress: row.address,
    dat_cache_vid: vid(row.vid),
  });
}

export function mcastJson(row: McastFlags): Json {
  return present({
    orig_address: row.originator,
    mcast_flags: row.flags === null ? null : { ...mcastFlags(row.flags), raw: row.rawFlags },
  });
}
