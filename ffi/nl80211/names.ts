// Numbers of the kernel's enumerations and the names used for them here, both ways. An unknown number
// is kept as "unknown-N", never guessed. linux v6.12 include/uapi/linux/nl80211.h.

/** A closed list of names in the order of the kernel's numbers. */
interface Names<T extends string> {
  /** Name of number `value`; "unknown-N" when the list has none. */
  name(value: number): T | `unknown-${number}`;
  /** Number of `name`. @throws {TypeError} for a name the list does not have. */
  number(name: T): number;
}

function names<const T extends string>(what: string, list: readonly T[]): Names<T> {
  return {
    name: (value) => list[value] ?? `unknown-${value}`,
    number(name) {
      const value = list.indexOf(name);
      if (value < 0) throw new TypeError(`Cannot encode ${what} "${name}": not one of ${list}`);
      return value;
    },
  };
}

/** What an interface is for (enum nl80211_iftype). */
export type InterfaceMode =
  | "unspecified"
  | "ibss"
  | "station"
  | "ap"
  | "ap-vlan"
  | "wds"
  | "monitor"
  | "mesh"
  | "p2p-client"
  | "p2p-go"
  | "p2p-device"
  | "ocb"
  | "nan";

/** {@link InterfaceMode}, or a number this list does not know. */
export type InterfaceModeName = InterfaceMode | `unknown-${number}`;

/** enum nl80211_iftype. */
export const IFTYPES: Names<InterfaceMode> = names("interface mode", [
  "unspecified",
  "ibss",
  "station",
  "ap",
  "ap-vlan",
  "wds",
  "monitor",
  "mesh",
  "p2p-client",
  "p2p-go",
  "p2p-device",
  "ocb",
  "nan",
]);

/** Width of a channel in MHz, or "20-noht" for a 20 MHz channel without 802.11n. */
export type ChannelWidth =
  | "20-noht"
  | "20"
  | "40"
  | "80"
  | "80+80"
  | "160"
  | "5"
  | "10"
  | "1"
  | "2"
  | "4"
  | "8"
  | "16"
  | "320";

/** enum nl80211_chan_width. */
export const CHANNEL_WIDTHS: Names<ChannelWidth> = names("channel width", [
  "20-noht",
  "20",
  "40",
  "80",
  "80+80",
  "160",
  "5",
  "10",
  "1",
  "2",
  "4",
  "8",
  "16",
  "320",
]);

/** Frequency band. */
export type BandName = "2.4GHz" | "5GHz" | "60GHz" | "6GHz" | "S1G" | "LC";

/** enum nl80211_band. */
export const BANDS: Names<BandName> = names("band", [
  "2.4GHz",
  "5GHz",
  "60GHz",
  "6GHz",
  "S1G",
  "LC",
]);

/** State of a mesh peer link. */
export type PlinkState =
  | "listen"
  | "open-sent"
  | "open-received"
  | "confirm-received"
  | "established"
  | "holding"
  | "blocked";

/** enum nl80211_plink_state. */
export const PLINK_STATES: Names<PlinkState> = names("peer link state", [
  "listen",
  "open-sent",
  "open-received",
  "confirm-received",
  "established",
  "holding",
  "blocked",
]);

/** Mesh power mode of a peer. */
export type MeshPowerMode = "unknown" | "active" | "light-sleep" | "deep-sleep";

/** enum nl80211_mesh_power_mode. */
export const MESH_POWER_MODES: Names<MeshPowerMode> = names("mesh power mode", [
  "unknown",
  "active",
  "light-sleep",
  "deep-sleep",
]);

/** Radar (DFS) state of a channel. */
export type DfsState = "usable" | "unavailable" | "available";

/** enum nl80211_dfs_state. */
export const DFS_STATES: Names<DfsState> = names("DFS state", [
  "usable",
  "unavailable",
  "available",
]);

/** Whose radar rules a regulatory domain follows. */
export type DfsRegion = "unset" | "fcc" | "etsi" | "jp";

/** enum nl80211_dfs_regions. */
export const DFS_REGIONS: Names<DfsRegion> = names("DFS region", ["unset", "fcc", "etsi", "jp"]);

/** Who set a regulatory domain. */
export type RegInitiator = "core" | "user" | "driver" | "country-ie";

/** enum nl80211_reg_initiator. */
export const REG_INITIATORS: Names<RegInitiator> = names("regulatory initiator", [
  "core",
  "user",
  "driver",
  "country-ie",
]);

/** enum nl80211_reg_type. */
export const REG_TYPES: Names<"country" | "world" | "custom-world" | "intersection"> = names(
  "regulatory type",
  ["country", "world", "custom-world", "intersection"],
);

/** What radar detection reports. */
export type RadarEventKind =
  | "detected"
  | "cac-finished"
  | "cac-aborted"
  | "nop-finished"
  | "pre-cac-expired"
  | "cac-started";

/** enum nl80211_radar_event. */
export const RADAR_EVENTS: Names<RadarEventKind> = names("radar event", [
  "detected",
  "cac-finished",
  "cac-aborted",
  "nop-finished",
  "pre-cac-expired",
  "cac-started",
]);

/** enum nl80211_bss_status. */
export const BSS_STATUSES: Names<"authenticated" | "associated" | "ibss-joined"> = names(
  "BSS status",
  ["authenticated", "associated", "ibss-joined"],
);

/** How transmit power is set. */
export type TxPowerSetting = "auto" | "limited" | "fixed";

/** enum nl80211_tx_power_setting. */
export const TX_POWER_SETTINGS: Names<TxPowerSetting> = names("transmit power setting", [
  "auto",
  "limited",
  "fixed",
]);

/** Names of NL80211_RRF_* bits; what iw prints in parentheses, in lower case. */
export const REG_RULE_FLAGS: readonly (readonly [bit: number, name: string])[] = [
  [0, "no-ofdm"],
  [1, "no-cck"],
  [2, "no-indoor"],
  [3, "no-outdoor"],
  [4, "dfs"],
  [5, "ptp-only"],
  [6, "ptmp-only"],
  [7, "no-ir"],
  [11, "auto-bw"],
  [12, "ir-concurrent"],
  [13, "no-ht40-minus"],
  [14, "no-ht40-plus"],
  [15, "no-80mhz"],
  [16, "no-160mhz"],
  [17, "no-he"],
  [18, "no-320mhz"],
  [19, "no-eht"],
  [20, "psd"],
  [21, "dfs-concurrent"],
  [22, "no-6ghz-vlp-client"],
  [23, "no-6ghz-afc-client"],
  [24, "allow-6ghz-vlp-ap"],
];

/** Cipher suite selectors, IEEE 802.11-2020 table 9-149, as iw names them. */
const CIPHERS: Readonly<Record<number, string>> = {
  0x000fac01: "wep40",
  0x000fac02: "tkip",
  0x000fac04: "ccmp-128",
  0x000fac05: "wep104",
  0x000fac06: "bip-cmac-128",
  0x000fac08: "gcmp-128",
  0x000fac09: "gcmp-256",
  0x000fac0a: "ccmp-256",
  0x000fac0b: "bip-gmac-128",
  0x000fac0c: "bip-gmac-256",
  0x000fac0d: "bip-cmac-256",
  0x00147201: "wpi-sms4",
};

/** Key management suite selectors, IEEE 802.11-2020 table 9-151. */
const AKMS: Readonly<Record<number, string>> = {
  0x000fac01: "802.1x",
  0x000fac02: "psk",
  0x000fac03: "ft-802.1x",
  0x000fac04: "ft-psk",
  0x000fac05: "802.1x-sha256",
  0x000fac06: "psk-sha256",
  0x000fac08: "sae",
  0x000fac09: "ft-sae",
  0x000fac0b: "802.1x-suite-b",
  0x000fac0c: "802.1x-suite-b-192",
  0x000fac12: "owe",
  0x000fac18: "sae-ext-key",
  0x000fac19: "ft-sae-ext-key",
  0x0050f201: "wpa-802.1x",
  0x0050f202: "wpa-psk",
};

const selector = (suite: number): string => suite.toString(16).padStart(8, "0");

/** Name of a cipher suite selector (OUI and type in one u32); "cipher-XXXXXXXX" when unknown. */
export function cipherName(suite: number): string {
  return CIPHERS[suite] ?? `cipher-${selector(suite)}`;
}

/** Name of a key management suite selector; "akm-XXXXXXXX" when unknown. */
export function akmName(suite: number): string {
  return AKMS[suite] ?? `akm-${selector(suite)}`;
}
