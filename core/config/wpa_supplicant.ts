// wpa_supplicant's configuration for an 802.11s mesh interface with SAE. wpa_supplicant.conf of hostap
// 2.10. Mesh id and passphrase are written in hexadecimal, so that neither can end its line or quotes.
// The control socket is left to whoever runs the program (core/ports Services).
import { channelSpec } from "./channel.ts";
import { hex } from "./hostapd.ts";
import type { Config } from "./schema.ts";

function width(widthMhz: number): string[] {
  switch (widthMhz) {
    case 20:
      return ["ht40=0", "disable_ht40=1", "disable_vht=1"];
    case 40:
      return ["ht40=1", "disable_vht=1"];
    default:
      return ["ht40=1", "vht=1", `max_oper_chwidth=${widthMhz === 160 ? 2 : 1}`];
  }
}

/** The file's text. Holds the passphrase. */
export function wpaSupplicantConfig(
  radio: Config["radios"][number],
  meshId: string,
  country: string | null,
): string {
  const { frequencyMhz } = channelSpec(radio);
  const lines = [
    ...(country === null ? [] : [`country=${country}`]),
    "update_config=0",
    "p2p_disabled=1",
    "user_mpm=1",
    "max_peer_links=99",
    "sae_pwe=2",
    "network={",
    `  ssid=${hex(meshId)}`,
    "  mode=5",
    "  key_mgmt=SAE",
    "  proto=RSN",
    "  group=CCMP",
    `  sae_password=${hex(radio.passphrase ?? "")}`,
    "  ieee80211w=2",
    "  pairwise=CCMP",
    `  frequency=${frequencyMhz}`,
    // It scans before it joins: one channel instead of all saves seconds.
    `  scan_freq=${frequencyMhz}`,
    "  beacon_int=100",
    ...width(radio.widthMhz).map((line) => `  ${line}`),
    "  mesh_fwding=0",
    "  mesh_rssi_threshold=0",
    "}",
  ];
  return `${lines.join("\n")}\n`;
}
