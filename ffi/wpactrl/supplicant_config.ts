// wpa_supplicant's configuration for a mesh point and for a client, as text. Pure: writing it to a file
// that only its owner can read (0600) is the caller's part, for it holds the password.
// hostap 2.10 wpa_supplicant/wpa_supplicant.conf, wpa_supplicant/config.c; IEEE 802.11-2020 §12.4 (SAE).
import {
  ConfigValueError,
  country,
  directory,
  passphrase,
  saePasswordHex,
  ssidHex,
  whole,
} from "./config_values.ts";

/** What every configuration has. */
export interface SupplicantCommon {
  /** Directory of the control socket; the socket has the interface's name. */
  readonly controlDirectory: string;
  /** `null` leaves the regulatory domain as it is. */
  readonly country: string | null;
}

/** A mesh point protected by SAE (or open). */
export interface MeshPointConfig extends SupplicantCommon {
  readonly meshId: string | Uint8Array;
  /** `null` for a mesh without protection. */
  readonly password: string | null;
  readonly frequencyMhz: number;
  readonly widthMhz: 20 | 40 | 80 | 160;
  /** 802.11s forwarding; false under batman-adv, which routes itself. */
  readonly forwarding: boolean;
  /** Default 100. */
  readonly beaconIntervalTu?: number;
  /** Weaker neighbours are not peered with; 0 peers with all. */
  readonly rssiThresholdDbm?: number;
  readonly maxPeers?: number;
  /** Default true; false keeps to 20 MHz without 802.11n. */
  readonly highThroughput?: boolean;
}

/** What a client connects to. */
export type ClientSecurity =
  | { readonly mode: "wpa3"; readonly passphrase: string }
  | { readonly mode: "wpa2"; readonly passphrase: string }
  | { readonly mode: "owe" }
  | { readonly mode: "open" };

/** A client of somebody's access point (an uplink over the air). */
export interface ClientConfig extends SupplicantCommon {
  readonly ssid: string | Uint8Array;
  readonly security: ClientSecurity;
  /** Only on these frequencies. */
  readonly frequenciesMhz?: readonly number[];
}

function global(config: SupplicantCommon): string[] {
  return [
    `ctrl_interface=${directory("control directory", config.controlDirectory)}`,
    ...(config.country === null ? [] : [`country=${country(config.country)}`]),
    "update_config=0",
    "p2p_disabled=1",
    "sae_pwe=2",
  ];
}

function network(lines: readonly string[]): string[] {
  return ["network={", ...lines.map((line) => `\t${line}`), "}"];
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function widthLines(mesh: MeshPointConfig): string[] {
  if (mesh.highThroughput === false) {
    if (mesh.widthMhz !== 20) {
      throw new ConfigValueError("channel", `${mesh.widthMhz} MHz needs 802.11n`);
    }
    return ["disable_ht=1", "disable_vht=1", "disable_he=1"];
  }
  switch (mesh.widthMhz) {
    case 20:
      return ["ht40=0", "disable_ht40=1", "disable_vht=1"];
    case 40:
      return ["ht40=1", "disable_vht=1"];
    case 80:
      return ["ht40=1", "vht=1", "max_oper_chwidth=1"];
    case 160:
      return ["ht40=1", "vht=1", "max_oper_chwidth=2"];
  }
}

/**
 * The content of a wpa_supplicant configuration file for a mesh point. Holds the password: keep it 0600
 * and out of logs.
 *
 * @throws {ConfigValueError} a value that cannot be written safely or makes no sense.
 */
export function meshPointConfig(mesh: MeshPointConfig): string {
  const protection = mesh.password === null ? ["key_mgmt=NONE"] : [
    "key_mgmt=SAE",
    "proto=RSN",
    "pairwise=CCMP",
    "group=CCMP",
    "ieee80211w=2",
    `sae_password=${saePasswordHex(mesh.password)}`,
  ];
  return text([
    ...global(mesh),
    "user_mpm=1",
    `max_peer_links=${whole("peer limit", mesh.maxPeers ?? 99, 1, 255)}`,
    ...network([
      `ssid=${ssidHex("mesh id", mesh.meshId)}`,
      "mode=5",
      `frequency=${whole("frequency", mesh.frequencyMhz, 2412, 7115)}`,
      ...widthLines(mesh),
      ...protection,
      `mesh_fwding=${mesh.forwarding ? 1 : 0}`,
      `mesh_rssi_threshold=${whole("signal threshold", mesh.rssiThresholdDbm ?? 0, -255, 0)}`,
      `beacon_int=${whole("beacon interval", mesh.beaconIntervalTu ?? 100, 15, 65_535)}`,
    ]),
  ]);
}

function clientLines(security: ClientSecurity): string[] {
  switch (security.mode) {
    case "open":
      return ["key_mgmt=NONE"];
    case "owe":
      return ["key_mgmt=OWE", "ieee80211w=2"];
    case "wpa3":
      return [
        "key_mgmt=SAE",
        "ieee80211w=2",
        `sae_password=${saePasswordHex(passphrase(security.passphrase))}`,
      ];
    case "wpa2":
      // Between quotation marks the program takes everything up to the last one as it is.
      return [
        "key_mgmt=WPA-PSK WPA-PSK-SHA256",
        "ieee80211w=1",
        `psk="${passphrase(security.passphrase)}"`,
      ];
  }
}

/**
 * The content of a wpa_supplicant configuration file for a client. Holds the passphrase: keep it 0600
 * and out of logs.
 *
 * @throws {ConfigValueError} a value that cannot be written safely or makes no sense.
 */
export function clientConfig(client: ClientConfig): string {
  const frequencies = client.frequenciesMhz?.map((mhz) => whole("frequency", mhz, 2412, 7115));
  return text([
    ...global(client),
    ...network([
      `ssid=${ssidHex("SSID", client.ssid)}`,
      "scan_ssid=1",
      ...clientLines(client.security),
      ...(frequencies === undefined ? [] : [
        `scan_freq=${frequencies.join(" ")}`,
        `freq_list=${frequencies.join(" ")}`,
      ]),
    ]),
  ]);
}
