// hostapd's configuration for a client access point, as text. Pure: writing it to a file that only its
// owner can read (0600) is the caller's part, for it holds the passphrase.
// hostap 2.10 hostapd/hostapd.conf; Wi-Fi Alliance WPA3 specification 3.1 §2 (WPA3-Personal), §8 (OWE).
import {
  ConfigValueError,
  country,
  directory,
  interfaceName,
  passphrase,
  ssidHex,
  whole,
} from "./config_values.ts";

/** How clients are let in. */
export type ApSecurity =
  /** SAE only; management frames protected. */
  | { readonly mode: "wpa3"; readonly passphrase: string }
  /** SAE and WPA2-PSK with one passphrase; frames protected for those that can. */
  | { readonly mode: "wpa2-wpa3"; readonly passphrase: string }
  /** Encrypted without a passphrase. */
  | { readonly mode: "owe" }
  | { readonly mode: "open" };

/** An access point. */
export interface ApConfig {
  readonly interface: string;
  /** Directory of the control socket; the socket has the interface's name. */
  readonly controlDirectory: string;
  readonly ssid: string | Uint8Array;
  readonly security: ApSecurity;
  /** Centre of the primary 20 MHz channel. */
  readonly frequencyMhz: number;
  readonly widthMhz: 20 | 40 | 80 | 160;
  /** Centre of the whole channel; required for widths above 20. */
  readonly centerFrequencyMhz?: number;
  readonly country: string;
  /** Standards to offer; the hardware must have them. */
  readonly standards: readonly ("n" | "ac" | "ax")[];
  /** Bridge that clients are put into. */
  readonly bridge?: string;
  /** Clients cannot reach each other. */
  readonly isolateClients?: boolean;
  readonly maxClients?: number;
  readonly hidden?: boolean;
  /** In 1.024 ms. Default 100. */
  readonly beaconIntervalTu?: number;
}

interface Placement {
  readonly mode: "g" | "a";
  readonly channel: number;
  readonly centerChannel: number;
  readonly sixGhz: boolean;
  /** Operating class of IEEE 802.11 annex E, which tells hostapd the 6 GHz band. */
  readonly operatingClass: number | null;
}

function placement(ap: ApConfig): Placement {
  const frequencyMhz = whole("frequency", ap.frequencyMhz, 2412, 7115);
  const center = ap.widthMhz === 20 ? frequencyMhz : ap.centerFrequencyMhz;
  if (center === undefined) {
    throw new ConfigValueError("channel", `${ap.widthMhz} MHz needs its centre frequency`);
  }
  const half = ap.widthMhz / 2;
  if (Math.abs(center - frequencyMhz) > half - 10) {
    throw new ConfigValueError("channel", `${frequencyMhz} MHz is not within ${half} of ${center}`);
  }
  const at = (base: number, mhz: number) => (mhz - base) / 5;
  if (frequencyMhz <= 2484) {
    const channel = frequencyMhz === 2484 ? 14 : at(2407, frequencyMhz);
    return checked({
      mode: "g",
      channel,
      centerChannel: at(2407, center),
      sixGhz: false,
      operatingClass: null,
    });
  }
  const sixGhz = frequencyMhz >= 5955;
  const base = sixGhz ? 5950 : 5000;
  const classes: Readonly<Record<number, number>> = { 20: 131, 40: 132, 80: 133, 160: 134 };
  return checked({
    mode: "a",
    channel: at(base, frequencyMhz),
    centerChannel: at(base, center),
    sixGhz,
    operatingClass: sixGhz ? classes[ap.widthMhz] ?? null : null,
  });
}

function checked(place: Placement): Placement {
  whole("channel", place.channel, 1, 233);
  whole("channel", place.centerChannel, 1, 233);
  return place;
}

/** The centre index counts: 0 for 20 and 40 MHz, 1 for 80, 2 for 160. */
const WIDTH_CODE: Readonly<Record<number, number>> = { 20: 0, 40: 0, 80: 1, 160: 2 };

function radioLines(ap: ApConfig): string[] {
  const place = placement(ap);
  const { standards, widthMhz } = ap;
  const code = WIDTH_CODE[widthMhz] ?? 0;
  const center = widthMhz >= 80 ? place.centerChannel : 0;
  const lines = [
    `hw_mode=${place.mode}`,
    ...(place.operatingClass === null ? [] : [`op_class=${place.operatingClass}`]),
    `channel=${place.channel}`,
    `beacon_int=${whole("beacon interval", ap.beaconIntervalTu ?? 100, 15, 65_535)}`,
  ];
  if (standards.includes("n") && !place.sixGhz) {
    const side = place.centerChannel > place.channel ? "[HT40+]" : "[HT40-]";
    lines.push("ieee80211n=1", `ht_capab=${widthMhz >= 40 ? side : ""}[SHORT-GI-20][SHORT-GI-40]`);
  } else lines.push("ieee80211n=0");
  if (standards.includes("ac") && place.mode === "a" && !place.sixGhz) {
    lines.push(
      "ieee80211ac=1",
      `vht_oper_chwidth=${code}`,
      `vht_oper_centr_freq_seg0_idx=${center}`,
    );
  }
  if (standards.includes("ax")) {
    lines.push("ieee80211ax=1", `he_oper_chwidth=${code}`, `he_oper_centr_freq_seg0_idx=${center}`);
  }
  if (widthMhz > 20 && !standards.includes("n") && !place.sixGhz) {
    throw new ConfigValueError("channel", `${widthMhz} MHz needs 802.11n`);
  }
  if (widthMhz >= 80 && !standards.includes("ac") && !standards.includes("ax")) {
    throw new ConfigValueError("channel", `${widthMhz} MHz needs 802.11ac or 802.11ax`);
  }
  return lines;
}

function securityLines(security: ApSecurity): string[] {
  const rsn = ["wpa=2", "rsn_pairwise=CCMP", "group_mgmt_cipher=AES-128-CMAC"];
  switch (security.mode) {
    case "open":
      return ["wpa=0"];
    case "owe":
      return [...rsn, "wpa_key_mgmt=OWE", "ieee80211w=2"];
    case "wpa3":
      return [
        ...rsn,
        "wpa_key_mgmt=SAE",
        "ieee80211w=2",
        "sae_pwe=2",
        `wpa_passphrase=${passphrase(security.passphrase)}`,
      ];
    case "wpa2-wpa3":
      return [
        ...rsn,
        "wpa_key_mgmt=SAE WPA-PSK WPA-PSK-SHA256",
        "ieee80211w=1",
        "sae_require_mfp=1",
        "sae_pwe=2",
        `wpa_passphrase=${passphrase(security.passphrase)}`,
      ];
  }
}

/**
 * The content of a hostapd configuration file. Holds the passphrase: keep it 0600 and out of logs.
 *
 * @throws {ConfigValueError} a value that cannot be written safely or makes no sense.
 */
export function hostapdConfig(ap: ApConfig): string {
  const { security } = ap;
  const lines = [
    `interface=${interfaceName("interface", ap.interface)}`,
    ...(ap.bridge === undefined ? [] : [`bridge=${interfaceName("bridge", ap.bridge)}`]),
    "driver=nl80211",
    `ctrl_interface=${directory("control directory", ap.controlDirectory)}`,
    `ssid2=${ssidHex("SSID", ap.ssid)}`,
    "utf8_ssid=1",
    `ignore_broadcast_ssid=${ap.hidden === true ? 1 : 0}`,
    `country_code=${country(ap.country)}`,
    "ieee80211d=1",
    ...(ap.frequencyMhz > 5000 && ap.frequencyMhz < 5955 ? ["ieee80211h=1"] : []),
    ...radioLines(ap),
    "wmm_enabled=1",
    "auth_algs=1",
    `ap_isolate=${ap.isolateClients === true ? 1 : 0}`,
    `max_num_sta=${whole("client limit", ap.maxClients ?? 256, 1, 2007)}`,
    ...securityLines(security),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
