// nl80211: radios, wireless interfaces, mesh points, stations, surveys, scans, regulatory domains.
export {
  type ActiveChannel,
  blockCenterMhz,
  type Channel,
  channelFrequencyMhz,
  channelNumber,
} from "./channel.ts";
export { Nl80211Client, type Nl80211Events, openNl80211, type Target } from "./client.ts";
export type {
  BandModeCapabilities,
  HtCapabilities,
  VhtCapabilities,
  WiphyBand,
  WiphyChannel,
} from "./codec_band.ts";
export type { Nl80211Event } from "./codec_event.ts";
export type { TxPower, WirelessInterface } from "./codec_interface.ts";
export type { IbssJoin, MeshConfig, MeshJoin } from "./codec_mesh.ts";
export type { RegDomain, RegRule } from "./codec_regulatory.ts";
export type { Bss, ScanRequest, Security } from "./codec_scan.ts";
export type { Rate, Station, StationFlags } from "./codec_station.ts";
export type { Survey } from "./codec_survey.ts";
export type { InterfaceCombination, Wiphy } from "./codec_wiphy.ts";
export type { NetworkSummary, RsnSummary } from "./elements.ts";
export type {
  BandName,
  ChannelWidth,
  DfsRegion,
  DfsState,
  InterfaceMode,
  InterfaceModeName,
  MeshPowerMode,
  PlinkState,
  RadarEventKind,
  RegInitiator,
  TxPowerSetting,
} from "./names.ts";
export { ssidBytes, ssidText } from "./values.ts";
