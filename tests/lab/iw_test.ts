// Runs in a lab guest. nl80211's tables against what `iw` says in the same guest, field by field.
import { assert, assertEquals, assertGreater } from "@std/assert";
import { openNl80211, type Rate, type Station } from "../../ffi/nl80211/mod.ts";
import { cipherName } from "../../ffi/nl80211/names.ts";
import { installRegulatoryDatabase } from "./radios/fixture.ts";
import {
  block,
  channels,
  find,
  findAll,
  MODES,
  numberIn,
  records,
  RULE_FLAGS,
  rules,
} from "./radios/iw.ts";
import { line, radioTopology, shell, type Topology } from "./topology.ts";

async function opened(): Promise<Topology> {
  await installRegulatoryDatabase();
  const topology = await radioTopology(3, line(3));
  await topology.exec(1, "iw", "reg", "set", "DE");
  for (let i = 0; i < 60; i++) {
    const dump = await topology.exec(2, "iw", "dev", "wlan0", "station", "dump");
    if (dump.split("\n").filter((text) => text.includes("ESTAB")).length === 2) return topology;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error("n2 did not find its two neighbours");
}

async function comparePhy(topology: Topology): Promise<void> {
  const { ns, phy } = topology.node(1);
  assert(phy !== undefined);
  using client = await openNl80211({ netns: ns });
  const info = await topology.exec(1, "iw", "phy", phy, "info");
  const lines = info.split("\n");
  const [radio, ...others] = await client.wiphys();
  assert(radio !== undefined && others.length === 0);
  assertEquals([radio.name, radio.index], [phy, Number(find(lines, /wiphy index: (\d+)/))]);
  const numbers = [
    [radio.maxScanSsids, /max # scan SSIDs: (\d+)/],
    [radio.maxScanElementsBytes, /max scan IEs length: (\d+)/],
    [radio.retryShort, /Retry short limit: (\d+)/],
    [radio.retryLong, /Retry long limit: (\d+)/],
    [radio.coverageClass, /Coverage class: (\d+)/],
  ] as const;
  for (const [value, pattern] of numbers) {
    assertEquals(value, Number(find(lines, pattern)), `${pattern}`);
  }
  assertEquals(
    radio.ciphers,
    findAll(block(info, /^\tSupported Ciphers:/), /\(00-0f-ac:(\d+)\)/).map((type) =>
      cipherName(0x000fac00 | Number(type))
    ),
  );
  const words = (head: RegExp) =>
    findAll(block(info, head), /^\t\t \* (.+)$/).map((word) => MODES[word] ?? word);
  assertEquals([...radio.modes], words(/^\tSupported interface modes:/));
  assertEquals([...radio.softwareModes], words(/^\tsoftware interface modes/));
  assertEquals(radio.features.sae, info.includes("Device supports SAE"));
  assertEquals(radio.features.ibssRsn, info.includes("Device supports RSN-IBSS"));
  assertEquals(radio.features.userspaceMpm, info.includes("supports a userspace MPM"));
  const combination = block(info, /^\tvalid interface combinations:/).join(" ");
  assertEquals(
    radio.combinations.map((item) => [item.maxInterfaces, item.channels]),
    [[numberIn(combination, /total <= (\d+)/), numberIn(combination, /#channels <= (\d+)/)]],
  );
  assertEquals(
    radio.combinations[0]?.limits.map((limit) => [limit.max, limit.modes.join()]),
    [...combination.matchAll(/#\{ ([^}]+) \} <= (\d+)/g)].map(([, names = "", max]) => [
      Number(max),
      names.split(", ").map((name) => MODES[name] ?? name).join(),
    ]),
  );
  compareBands(radio, info);
}

function compareBands(
  radio: Awaited<ReturnType<Awaited<ReturnType<typeof openNl80211>>["wiphys"]>>[number],
  info: string,
): void {
  const numbers = ["2.4GHz", "5GHz", "60GHz", "6GHz", "S1G"];
  assertEquals(
    radio.bands.map((band) => numbers.indexOf(band.band) + 1),
    findAll(info.split("\n"), /^\tBand (\d+):/).map(Number),
  );
  for (const band of radio.bands) {
    const lines = block(info, new RegExp(`^\\tBand ${numbers.indexOf(band.band) + 1}:`));
    const listed = channels(lines);
    assertGreater(listed.length, 0, band.band);
    assertEquals(
      band.channels.map((channel) => ({
        khz: channel.frequencyMhz * 1000 + channel.offsetKhz,
        number: channel.number,
        disabled: channel.disabled,
        noIr: !channel.disabled && channel.noIr,
        radar: !channel.disabled && channel.radar,
        powerDbm: channel.maxPowerMbm === null ? null : channel.maxPowerMbm / 100,
      })),
      // iw numbers S1G channels by a rule of its own, or not at all.
      listed.map((item) => band.band === "S1G" ? { ...item, number: null } : item),
      band.band,
    );
    assertEquals(
      band.bitratesKbps,
      findAll(lines, /^\t\t\t\* ([\d.]+) Mbps/).map((rate) => Math.round(Number(rate) * 1000)),
    );
    const ht = find(lines, /^\t\tCapabilities: 0x([0-9a-f]+)/);
    assertEquals(band.ht?.capabilities ?? null, ht === null ? null : Number.parseInt(ht, 16));
    assertEquals(band.ht?.width40 ?? false, lines.some((text) => text.trim() === "HT20/HT40"));
    const streams = find(lines, /HT TX\/RX MCS rate indexes supported: 0-(\d+)/);
    assertEquals(band.ht?.streams ?? null, streams === null ? null : (Number(streams) + 1) / 8);
    const vht = find(lines, /VHT Capabilities \(0x([0-9a-f]+)\)/);
    assertEquals(band.vht?.capabilities ?? null, vht === null ? null : Number.parseInt(vht, 16));
    assertEquals(
      band.modeCapabilities.map((item) => item.modes.join()),
      findAll(lines, /^\t\tHE Iftypes: (.+)$/).map((names) =>
        names.split(", ").map((name) => MODES[name] ?? name).join()
      ),
    );
  }
}

async function compareInterfaces(topology: Topology): Promise<void> {
  const { ns } = topology.node(1);
  using client = await openNl80211({ netns: ns });
  const found = records(await topology.exec(1, "iw", "dev"), /^\tInterface (\S+)$/);
  assertEquals(found.map((record) => record.head), ["wlan0"]);
  const ours = await client.interfaces();
  assertEquals(ours.length, found.length);
  for (const { head, lines } of found) {
    const own = ours.find((item) => item.name === head);
    assertEquals(
      [own?.ifindex, own?.mac, own?.mode, own?.channel?.frequencyMhz, own?.channel?.number].join(),
      [
        find(lines, /ifindex (\d+)/),
        find(lines, /addr (\S+)/),
        MODES[find(lines, /type (.+)/) ?? ""],
        find(lines, /\((\d+) MHz\)/),
        find(lines, /channel (\d+)/),
      ].join(),
    );
    assertEquals(
      [own?.channel?.width, own?.channel?.center1Mhz, (own?.txPowerMbm ?? 0) / 100].join(),
      [
        find(lines, /width: (\d+)/),
        find(lines, /center1: (\d+)/),
        Number(find(lines, /txpower ([\d.]+)/)),
      ].join(),
    );
  }
}

/** A rate as iw words it. */
function rateWords(rate: Rate | undefined): string | null {
  if (rate?.kbps === undefined || rate.kbps === null) return null;
  const parts = [`${(rate.kbps / 1000).toFixed(1)} MBit/s`];
  if (rate.standard === "n") parts.push(`MCS ${rate.mcs}`);
  if (rate.standard === "ac") parts.push(`VHT-MCS ${rate.mcs}`);
  if (rate.standard === "ax") parts.push(`HE-MCS ${rate.mcs}`);
  if (rate.standard === "be") parts.push(`EHT-MCS ${rate.mcs}`);
  if (rate.widthMhz !== 20) parts.push(`${rate.widthMhz}MHz`);
  if (rate.shortGuard) parts.push("short GI");
  if (rate.standard !== "legacy" && rate.standard !== "n") {
    parts.push(`${{ ac: "VHT", ax: "HE", be: "EHT" }[rate.standard]}-NSS ${rate.streams}`);
  }
  return parts.join(" ");
}

/** iw takes 1024 kbit for a Mbit, and does not pad the fraction. */
function throughputWords(kbps: number): string {
  const scaled = Math.trunc(kbps * 1000 / 1024);
  return `${Math.trunc(scaled / 1000)}.${scaled % 1000}Mbps`;
}

/** iw cuts frequencies to whole MHz. */
function wholeMhz(khz: number): number {
  return Math.trunc(khz / 1000) * 1000;
}

const yes = (value: boolean | null | undefined) => value ? "yes" : "no";

/** Every field of `iw station dump` that does not run on by itself, in iw's words. */
function stationWords(station: Station): Record<string, string | null> {
  const { flags } = station;
  return {
    signal: `${station.signalDbm} dBm`,
    "signal avg": `${station.signalAvgDbm} dBm`,
    Toffset: `${station.tsfOffset} us`,
    "tx bitrate": rateWords(station.txRate),
    "rx bitrate": rateWords(station.rxRate),
    // The kernel tells of none before rate control has seen traffic.
    "expected throughput": station.expectedThroughputKbps === undefined
      ? null
      : throughputWords(station.expectedThroughputKbps),
    "mesh llid": `${station.localLinkId}`,
    "mesh plid": `${station.peerLinkId}`,
    "mesh plink": station.plinkState === "established" ? "ESTAB" : `${station.plinkState}`,
    "mesh airtime link metric": `${station.airtimeLinkMetric}`,
    "mesh connected to gate": yes(station.connectedToGate),
    "mesh connected to auth server": yes(station.connectedToAuthServer),
    "mesh local PS mode": station.localPowerMode?.toUpperCase() ?? null,
    "mesh peer PS mode": station.peerPowerMode?.toUpperCase() ?? null,
    "mesh non-peer PS mode": station.nonPeerPowerMode?.toUpperCase() ?? null,
    authorized: yes(flags?.authorized),
    authenticated: yes(flags?.authenticated),
    associated: yes(flags?.associated),
    preamble: flags?.shortPreamble ? "short" : "long",
    "WMM/WME": yes(flags?.wme),
    MFP: yes(flags?.mfp),
    "TDLS peer": yes(flags?.tdls),
    "DTIM period": `${station.dtimPeriod}`,
    "beacon interval": `${station.beaconIntervalTu}`,
    "short slot time": yes(station.shortSlotTime),
  };
}

/** Fields that only grow, in iw's words. */
function stationCounters(station: Station): Record<string, number | undefined> {
  return {
    "rx bytes": station.rxBytes,
    "rx packets": station.rxPackets,
    "tx bytes": station.txBytes,
    "tx packets": station.txPackets,
    "tx retries": station.txRetries,
    "tx failed": station.txFailed,
    "rx drop misc": station.rxDropMisc,
    "tx duration": station.txDurationUs,
    "rx duration": station.rxDurationUs,
    "connected time": station.connectedS,
  };
}

/** Rates move under traffic: a field counts when it was the same before and after iw ran. */
async function compareStations(topology: Topology): Promise<void> {
  const { ns } = topology.node(2);
  using client = await openNl80211({ netns: ns });
  const index = (await client.interfaces())[0]?.ifindex ?? 0;
  await topology.tryExec(2, "ping", "-c3", "-i0.2", "-q", "ff02::1%wlan0");
  const before = await client.stations(index);
  const dump = await topology.exec(2, "iw", "dev", "wlan0", "station", "dump");
  const after = await client.stations(index);
  const found = records(dump, /^Station (\S+)/);
  assertEquals(before.map((station) => station.mac).sort(), found.map((item) => item.head).sort());
  assertEquals(found.length, 2);
  let compared = 0;
  for (const { head, lines } of found) {
    const first = before.find((station) => station.mac === head);
    const last = after.find((station) => station.mac === head);
    assert(first !== undefined && last !== undefined);
    const value = (key: string) =>
      find(lines, new RegExp(`^\\t${key.replace("/", "\\/")}:\\s*(.*)$`))?.trim() ?? null;
    const [wordsFirst, wordsLast] = [stationWords(first), stationWords(last)];
    for (const [key, word] of Object.entries(wordsFirst)) {
      if (word !== wordsLast[key]) continue;
      assertEquals(word, value(key), `${key} of ${head}`);
      compared++;
    }
    const lastCounters = stationCounters(last);
    for (const [key, low] of Object.entries(stationCounters(first))) {
      const said = Number.parseInt(value(key) ?? "", 10);
      assert(
        low !== undefined && said >= low && said <= (lastCounters[key] ?? 0),
        `${key}: ${said}`,
      );
      compared++;
    }
    assert(Number.isFinite(first.inactiveMs) && value("inactive time") !== null);
  }
  assertGreater(compared, 60, "fields compared");
}

async function compareRegulatory(topology: Topology): Promise<void> {
  using client = await openNl80211({ netns: topology.node(1).ns });
  const [global] = await client.regDomains();
  const text = await topology.exec(1, "iw", "reg", "get");
  const country = /^country (\S+): DFS-(\S+)$/m.exec(text);
  assertEquals([global?.alpha2, global?.dfsRegion], [country?.[1], country?.[2]?.toLowerCase()]);
  assertEquals(global?.alpha2, "DE", "the database of the guest was read");
  const first = text.split(/\n\n/)[0]?.split("\n") ?? [];
  assertEquals(
    global?.rules.map((rule) => ({
      startKhz: wholeMhz(rule.startKhz),
      endKhz: wholeMhz(rule.endKhz),
      maxBandwidthKhz: wholeMhz(rule.maxBandwidthKhz),
      gainDbi: rule.maxAntennaGainMbi / 100,
      eirpDbm: Math.trunc(rule.maxEirpMbm / 100),
      flags: [...rule.flags].sort(),
    })),
    rules(first).map((rule) => ({
      ...rule,
      flags: rule.flags.map((flag) => RULE_FLAGS[flag] ?? flag).sort(),
    })),
  );
}

async function compareMeshConfig(topology: Topology): Promise<void> {
  using client = await openNl80211({ netns: topology.node(1).ns });
  const index = (await client.interfaces())[0]?.ifindex ?? 0;
  const config = await client.meshConfig(index);
  const text = (await topology.exec(1, "iw", "dev", "wlan0", "mesh_param", "dump")).split("\n");
  const pairs = [
    ["mesh_retry_timeout", config.retryTimeoutMs],
    ["mesh_confirm_timeout", config.confirmTimeoutMs],
    ["mesh_holding_timeout", config.holdingTimeoutMs],
    ["mesh_max_peer_links", config.maxPeerLinks],
    ["mesh_max_retries", config.maxRetries],
    ["mesh_ttl", config.ttl],
    ["mesh_element_ttl", config.elementTtl],
    ["mesh_auto_open_plinks", config.autoOpenPlinks],
    ["mesh_hwmp_max_preq_retries", config.hwmpMaxPreqRetries],
    ["mesh_path_refresh_time", config.pathRefreshTimeMs],
    ["mesh_min_discovery_timeout", config.minDiscoveryTimeoutMs],
    ["mesh_hwmp_active_path_timeout", config.hwmpActivePathTimeoutMs],
    ["mesh_hwmp_preq_min_interval", config.hwmpPreqMinIntervalMs],
    ["mesh_hwmp_net_diameter_traversal_time", config.hwmpNetDiameterTraversalMs],
    ["mesh_hwmp_rootmode", config.hwmpRootMode],
    ["mesh_hwmp_rann_interval", config.hwmpRannIntervalMs],
    ["mesh_gate_announcements", config.gateAnnouncements],
    ["mesh_fwding", config.forwarding],
    ["mesh_sync_offset_max_neighor", config.syncOffsetMaxNeighborUs],
    ["mesh_rssi_threshold", config.rssiThresholdDbm],
    ["mesh_hwmp_active_path_to_root_timeout", config.hwmpPathToRootTimeoutMs],
    ["mesh_hwmp_root_interval", config.hwmpRootIntervalMs],
    ["mesh_hwmp_confirmation_interval", config.hwmpConfirmationIntervalMs],
    ["mesh_awake_window", config.awakeWindowTu],
    ["mesh_plink_timeout", config.plinkTimeoutS],
    ["mesh_connected_to_gate", config.connectedToGate],
    ["mesh_nolearn", config.noLearn],
    ["mesh_connected_to_as", config.connectedToAuthServer],
  ] as const;
  for (const [name, value] of pairs) {
    assertEquals(value, Number(find(text, new RegExp(`^${name} = (-?\\d+)`))), name);
  }
}

async function compareScan(topology: Topology): Promise<void> {
  const { ns } = topology.node(1);
  await shell([
    `ip -n ${ns} link set wlan0 down`,
    `ip netns exec ${ns} iw dev wlan0 set type managed`,
    `ip -n ${ns} link set wlan0 up`,
  ]);
  using client = await openNl80211({ netns: ns });
  const index = (await client.interfaces())[0]?.ifindex ?? 0;
  let text = "";
  // Mesh points beacon once in 1.024 s and do not answer wildcard probes: scan until one is heard.
  for (let i = 0; i < 30 && !text.includes("BSS "); i++) {
    text = await topology.exec(1, "iw", "dev", "wlan0", "scan", "freq", "2412", "passive");
  }
  text = await topology.exec(1, "iw", "dev", "wlan0", "scan", "dump");
  const found = records(text, /^BSS ([0-9a-f:]{17})/);
  assertGreater(found.length, 0, "networks in iw's scan");
  const ours = await client.scanResults(index);
  assertEquals(ours.map((bss) => bss.bssid).sort(), found.map((item) => item.head).sort());
  for (const { head, lines } of found) {
    const bss = ours.find((item) => item.bssid === head);
    assertEquals(
      [
        bss?.frequencyMhz,
        bss?.beaconIntervalTu,
        (bss?.signalMbm ?? 0) / 100,
        bss?.capabilities,
        bss?.meshId,
        bss?.network.mesh?.authentication,
      ],
      [
        Number(find(lines, /freq: ([\d.]+)/)),
        Number(find(lines, /beacon interval: (\d+)/)),
        Number(find(lines, /signal: (-?[\d.]+)/)),
        Number(find(lines, /capability:.*\((0x[0-9a-f]+)\)/)),
        find(lines, /MESH ID: (.+)/)?.trim(),
        0,
      ],
      head,
    );
  }
  await compareSurvey(topology, client, index);
}

/** hwsim reports only channels that were scanned. */
async function compareSurvey(
  topology: Topology,
  client: Awaited<ReturnType<typeof openNl80211>>,
  index: number,
): Promise<void> {
  const text = await topology.exec(1, "iw", "dev", "wlan0", "survey", "dump");
  const found = records(text, /^(Survey) data/).map(({ lines }) => ({
    frequencyMhz: Number(find(lines, /frequency:\s+(\d+)/)),
    inUse: lines.some((item) => item.includes("[in use]")),
    noiseDbm: Number(find(lines, /noise:\s+(-?\d+)/)),
    activeMs: Number(find(lines, /channel active time:\s+(\d+)/)),
    busyMs: Number(find(lines, /channel busy time:\s+(\d+)/)),
  }));
  assertGreater(found.length, 0, "channels in iw's survey");
  assertEquals(
    (await client.survey(index)).map((row) => ({
      frequencyMhz: row.frequencyMhz,
      inUse: row.inUse,
      noiseDbm: row.noiseDbm,
      activeMs: row.activeMs,
      busyMs: row.busyMs,
    })),
    found,
  );
}

Deno.test("nl80211's tables equal what iw prints", async (t) => {
  await using topology = await opened();
  await t.step("wiphys() is iw phy info", () => comparePhy(topology));
  await t.step("interfaces() is iw dev", () => compareInterfaces(topology));
  await t.step("stations() is iw station dump", () => compareStations(topology));
  await t.step("regDomains() is iw reg get", () => compareRegulatory(topology));
  await t.step("meshConfig() is iw mesh_param dump", () => compareMeshConfig(topology));
  await t.step("scanResults() and survey() are iw's", () => compareScan(topology));
});
