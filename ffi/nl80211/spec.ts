// The nl80211 generic netlink family as data: commands and attribute tables. No behaviour.
// linux v6.12 include/uapi/linux/nl80211.h; value types are those that net/wireless/nl80211.c puts.
import { indexed, list, nest, table } from "../netlink/mod.ts";
import { meshConfigTable, meshSetupTable } from "./spec_mesh.ts";

/** Name of the generic netlink family. */
export const NL80211_FAMILY = "nl80211";

/** Multicast groups (NL80211_MULTICAST_GROUP_*). */
export const NL80211_GROUPS = {
  config: "config",
  scan: "scan",
  regulatory: "regulatory",
  mlme: "mlme",
} as const;

/** enum nl80211_commands: those that are sent or understood here. */
export const COMMAND = {
  getWiphy: 1,
  setWiphy: 2,
  newWiphy: 3,
  delWiphy: 4,
  getInterface: 5,
  setInterface: 6,
  newInterface: 7,
  delInterface: 8,
  startAp: 15,
  stopAp: 16,
  getStation: 17,
  setStation: 18,
  newStation: 19,
  delStation: 20,
  reqSetReg: 27,
  getMeshConfig: 28,
  setMeshConfig: 29,
  getReg: 31,
  getScan: 32,
  triggerScan: 33,
  newScanResults: 34,
  scanAborted: 35,
  regChange: 36,
  authenticate: 37,
  associate: 38,
  deauthenticate: 39,
  disassociate: 40,
  regBeaconHint: 42,
  joinIbss: 43,
  leaveIbss: 44,
  connect: 46,
  roam: 47,
  disconnect: 48,
  setWiphyNetns: 49,
  getSurvey: 50,
  newSurveyResults: 51,
  setPowerSave: 61,
  getPowerSave: 62,
  joinMesh: 68,
  leaveMesh: 69,
  newPeerCandidate: 72,
  channelSwitchNotify: 88,
  connectFailed: 91,
  radarDetect: 94,
  channelSwitch: 102,
  channelSwitchStarted: 110,
  wiphyRegChange: 113,
  abortScan: 114,
} as const;

/** enum nl80211_frequency_attr. */
export const frequencyTable = table({
  frequencyMhz: [1, "u32"],
  disabled: [2, "flag"],
  noIr: [3, "flag"],
  radar: [5, "flag"],
  maxPowerMbm: [6, "u32"],
  dfsState: [7, "u32"],
  dfsStateMs: [8, "u32"],
  noHt40Minus: [9, "flag"],
  noHt40Plus: [10, "flag"],
  no80Mhz: [11, "flag"],
  no160Mhz: [12, "flag"],
  dfsCacMs: [13, "u32"],
  indoorOnly: [14, "flag"],
  irConcurrent: [15, "flag"],
  no20Mhz: [16, "flag"],
  no10Mhz: [17, "flag"],
  noHe: [19, "flag"],
  offsetKhz: [20, "u32"],
  no320Mhz: [26, "flag"],
  noEht: [27, "flag"],
  psdDbm: [28, "s8"],
});

/** enum nl80211_bitrate_attr. */
export const bitrateTable = table({
  rate100Kbps: [1, "u32"],
  shortPreamble: [2, "flag"],
});

/** enum nl80211_band_iftype_attr. */
export const bandIftypeTable = table({
  iftypes: [1, indexed("flag")],
  heMac: [2, "bytes"],
  hePhy: [3, "bytes"],
  heMcsSet: [4, "bytes"],
  hePpe: [5, "bytes"],
  he6GhzCapabilities: [6, "u16"],
  ehtMac: [8, "bytes"],
  ehtPhy: [9, "bytes"],
  ehtMcsSet: [10, "bytes"],
  ehtPpe: [11, "bytes"],
});

/** enum nl80211_band_attr. */
export const bandTable = table({
  frequencies: [1, indexed(frequencyTable)],
  rates: [2, indexed(bitrateTable)],
  htMcsSet: [3, "bytes"],
  htCapabilities: [4, "u16"],
  htAmpduFactor: [5, "u8"],
  htAmpduDensity: [6, "u8"],
  vhtMcsSet: [7, "bytes"],
  vhtCapabilities: [8, "u32"],
  iftypeData: [9, indexed(bandIftypeTable)],
});

/** enum nl80211_iface_limit_attrs. */
export const interfaceLimitTable = table({
  max: [1, "u32"],
  iftypes: [2, indexed("flag")],
});

/** enum nl80211_if_combination_attrs. */
export const interfaceCombinationTable = table({
  limits: [1, list(interfaceLimitTable)],
  maxInterfaces: [2, "u32"],
  sameBeaconInterval: [3, "flag"],
  channels: [4, "u32"],
  radarWidths: [5, "u32"],
  radarRegions: [6, "u32"],
  minBeaconIntervalGcd: [7, "u32"],
});

/** enum nl80211_rate_info. */
export const rateTable = table({
  bitrate16: [1, "u16"],
  mcs: [2, "u8"],
  width40: [3, "flag"],
  shortGi: [4, "flag"],
  bitrate32: [5, "u32"],
  vhtMcs: [6, "u8"],
  vhtNss: [7, "u8"],
  width80: [8, "flag"],
  width80p80: [9, "flag"],
  width160: [10, "flag"],
  width10: [11, "flag"],
  width5: [12, "flag"],
  heMcs: [13, "u8"],
  heNss: [14, "u8"],
  heGi: [15, "u8"],
  heDcm: [16, "u8"],
  heRuAlloc: [17, "u8"],
  width320: [18, "flag"],
  ehtMcs: [19, "u8"],
  ehtNss: [20, "u8"],
  ehtGi: [21, "u8"],
  ehtRuAlloc: [22, "u8"],
});

/** enum nl80211_sta_bss_param. */
export const stationBssTable = table({
  ctsProtection: [1, "flag"],
  shortPreamble: [2, "flag"],
  shortSlotTime: [3, "flag"],
  dtimPeriod: [4, "u8"],
  beaconInterval: [5, "u16"],
});

/** enum nl80211_sta_info. */
export const stationInfoTable = table({
  inactiveMs: [1, "u32"],
  rxBytes32: [2, "u32"],
  txBytes32: [3, "u32"],
  localLinkId: [4, "u16"],
  peerLinkId: [5, "u16"],
  plinkState: [6, "u8"],
  signalDbm: [7, "s8"],
  txRate: [8, nest(rateTable)],
  rxPackets: [9, "u32"],
  txPackets: [10, "u32"],
  txRetries: [11, "u32"],
  txFailed: [12, "u32"],
  signalAvgDbm: [13, "s8"],
  rxRate: [14, nest(rateTable)],
  bss: [15, nest(stationBssTable)],
  connectedS: [16, "u32"],
  flags: [17, "bytes"],
  beaconLoss: [18, "u32"],
  tsfOffset: [19, "s64"],
  localPowerMode: [20, "u32"],
  peerPowerMode: [21, "u32"],
  nonPeerPowerMode: [22, "u32"],
  rxBytes64: [23, "u64"],
  txBytes64: [24, "u64"],
  chainSignalDbm: [25, indexed("s8")],
  chainSignalAvgDbm: [26, indexed("s8")],
  expectedThroughputKbps: [27, "u32"],
  rxDropMisc: [28, "u64"],
  beaconsReceived: [29, "u64"],
  beaconSignalAvgDbm: [30, "s8"],
  rxDurationUs: [32, "u64"],
  ackSignalDbm: [34, "s8"],
  ackSignalAvgDbm: [35, "s8"],
  rxMpdus: [36, "u32"],
  fcsErrors: [37, "u32"],
  connectedToGate: [38, "u8"],
  txDurationUs: [39, "u64"],
  airtimeWeight: [40, "u16"],
  airtimeLinkMetric: [41, "u32"],
  associatedAtBootNs: [42, "u64"],
  connectedToAuthServer: [43, "u8"],
});

/** enum nl80211_survey_info. */
export const surveyTable = table({
  frequencyMhz: [1, "u32"],
  noiseDbm: [2, "s8"],
  inUse: [3, "flag"],
  activeMs: [4, "u64"],
  busyMs: [5, "u64"],
  extBusyMs: [6, "u64"],
  receiveMs: [7, "u64"],
  transmitMs: [8, "u64"],
  scanMs: [9, "u64"],
  bssReceiveMs: [11, "u64"],
  frequencyOffsetKhz: [12, "u32"],
});

/** enum nl80211_reg_rule_attr. */
export const regRuleTable = table({
  flags: [1, "u32"],
  startKhz: [2, "u32"],
  endKhz: [3, "u32"],
  maxBandwidthKhz: [4, "u32"],
  maxAntennaGainMbi: [5, "u32"],
  maxEirpMbm: [6, "u32"],
  dfsCacMs: [7, "u32"],
  psdDbm: [8, "s8"],
});

/** enum nl80211_bss. */
export const bssTable = table({
  bssid: [1, "mac"],
  frequencyMhz: [2, "u32"],
  tsfUs: [3, "u64"],
  beaconIntervalTu: [4, "u16"],
  capabilities: [5, "u16"],
  elements: [6, "bytes"],
  signalMbm: [7, "s32"],
  signalPercent: [8, "u8"],
  status: [9, "u32"],
  seenMsAgo: [10, "u32"],
  beaconElements: [11, "bytes"],
  lastSeenBootNs: [15, "u64"],
  frequencyOffsetKhz: [20, "u32"],
});

/** enum nl80211_attrs: one table for every message of the family. */
export const attributeTable = table({
  wiphy: [1, "u32"],
  wiphyName: [2, "string"],
  ifindex: [3, "u32"],
  ifname: [4, "string"],
  iftype: [5, "u32"],
  mac: [6, "mac"],
  beaconIntervalTu: [12, "u32"],
  dtimPeriod: [13, "u32"],
  stationInfo: [21, nest(stationInfoTable)],
  bands: [22, indexed(bandTable)],
  meshId: [24, "bytes"],
  plinkAction: [25, "u8"],
  supportedIftypes: [32, indexed("flag")],
  alpha2: [33, "string"],
  regRules: [34, list(regRuleTable)],
  meshConfig: [35, nest(meshConfigTable)],
  basicRates: [36, "bytes"],
  frequencyMhz: [38, "u32"],
  channelType: [39, "u32"],
  elements: [42, "bytes"],
  maxScanSsids: [43, "u8"],
  scanFrequencies: [44, list("u32")],
  scanSsids: [45, list("bytes")],
  generation: [46, "u32"],
  bss: [47, nest(bssTable)],
  regInitiator: [48, "u8"],
  regType: [49, "u8"],
  supportedCommands: [50, list("u32")],
  frame: [51, "bytes"],
  ssid: [52, "bytes"],
  reasonCode: [54, "u16"],
  maxScanElementsBytes: [56, "u16"],
  cipherSuites: [57, "u32s"],
  frequencyFixed: [60, "flag"],
  retryShort: [61, "u8"],
  retryLong: [62, "u8"],
  fragmentationThreshold: [63, "u32"],
  rtsThreshold: [64, "u32"],
  statusCode: [72, "u16"],
  disconnectedByAp: [71, "flag"],
  fourAddress: [83, "u8"],
  survey: [84, nest(surveyTable)],
  coverageClass: [89, "u8"],
  powerSave: [93, "u32"],
  txPowerSetting: [97, "u32"],
  txPowerMbm: [98, "s32"],
  ibssRsn: [104, "flag"],
  antennaTx: [105, "u32"],
  antennaRx: [106, "u32"],
  multicastRate100Kbps: [107, "u32"],
  meshSetup: [112, nest(meshSetupTable)],
  antennaAvailableTx: [113, "u32"],
  antennaAvailableRx: [114, "u32"],
  meshAuth: [115, "flag"],
  interfaceCombinations: [120, list(interfaceCombinationTable)],
  softwareIftypes: [121, indexed("flag")],
  featureFlags: [143, "u32"],
  dfsRegion: [146, "u8"],
  wdev: [153, "u64"],
  userRegHintType: [154, "u32"],
  scanFlags: [158, "u32"],
  channelWidth: [159, "u32"],
  centerFrequency1Mhz: [160, "u32"],
  centerFrequency2Mhz: [161, "u32"],
  radarEvent: [168, "u32"],
  splitWiphyDump: [174, "flag"],
  channelSwitchCount: [183, "u32"],
  channelSwitchBlockTx: [184, "flag"],
  handleDfs: [191, "flag"],
  maxApStations: [202, "u16"],
  selfManagedReg: [216, "flag"],
  extFeatures: [217, "bytes"],
  netnsFd: [219, "u32"],
  frequencyOffsetKhz: [290, "u32"],
});

/** NL80211_FEATURE_* bits of `featureFlags` that decide what a node may do. */
export const FEATURE_FLAG = {
  htIbss: 1 << 1,
  sae: 1 << 5,
  scanFlush: 1 << 7,
  apScan: 1 << 8,
  vifTxPower: 1 << 9,
  userspaceMpm: 1 << 16,
} as const;

/** enum nl80211_ext_feature_index: bit numbers in `extFeatures`. */
export const EXT_FEATURE = {
  vhtIbss: 0,
  dfsOffload: 25,
  txqs: 28,
  airtimeFairness: 33,
  aql: 40,
  saeOffload: 38,
  beaconProtection: 41,
  saeOffloadAp: 51,
  radarBackground: 60,
} as const;

/** enum nl80211_scan_flags. */
export const SCAN_FLAG = { lowPriority: 1, flush: 2, ap: 4 } as const;

/** What names a radio, of {@link attributeTable}. */
export const wiphyNameTable = table({
  wiphy: [1, "u32"],
  wiphyName: [2, "string"],
});
