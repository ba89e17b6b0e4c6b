// hostapd's configuration for one client access point. hostapd.conf of hostap 2.10. The SSID is written
// in hexadecimal and the passphrase is checked by the schema, so neither can start a line of its own.
// The control socket is left to whoever runs the program (core/ports Services).
import { channelOf } from "./checks.ts";
import { centerChannel } from "./channel.ts";
import type { Config } from "./schema.ts";

/** What the access point's radio and interface are. */
export interface AccessPoint {
  readonly ap: Config["clientAp"][number];
  readonly radio: Config["radios"][number];
  readonly interface: string;
  readonly bridge: string | null;
  readonly country: string | null;
  /** Of what the radio can do at its band, newest first. */
  readonly standards: readonly ("n" | "ac" | "ax" | "be")[];
}

/** Octets of a text in hexadecimal. */
export function hex(text: string): string {
  return Array.from(
    new TextEncoder().encode(text),
    (octet) => octet.toString(16).padStart(2, "0"),
  ).join("");
}

function security({ security, passphrase }: AccessPoint["ap"]): string[] {
  // SAE takes wpa_passphrase too; sae_password would read "|mac=" and the like as options.
  const secret = passphrase ?? "";
  const rsn = ["wpa=2", "rsn_pairwise=CCMP", "sae_pwe=2"];
  switch (security) {
    case "open":
      return ["wpa=0"];
    case "owe":
      return ["wpa=2", "rsn_pairwise=CCMP", "wpa_key_mgmt=OWE", "ieee80211w=2"];
    case "wpa3":
      return [...rsn, "wpa_key_mgmt=SAE", "ieee80211w=2", `wpa_passphrase=${secret}`];
    case "wpa2-wpa3":
      return [
        ...rsn,
        "wpa_key_mgmt=SAE WPA-PSK WPA-PSK-SHA256",
        "ieee80211w=1",
        "sae_require_mfp=1",
        `wpa_passphrase=${secret}`,
      ];
  }
}

/** vht/he "oper_chwidth": 0 is 20 or 40 MHz, 1 is 80, 2 is 160. */
function widthCode(widthMhz: number): number {
  return widthMhz === 160 ? 2 : widthMhz === 80 ? 1 : 0;
}

function rates({ radio, standards }: AccessPoint): string[] {
  const channel = channelOf(radio);
  const center = centerChannel(radio.band, channel, radio.widthMhz);
  const out: string[] = [];
  if (radio.band !== "6GHz" && standards.includes("n")) {
    out.push("ieee80211n=1", "wmm_enabled=1");
    if (radio.widthMhz >= 40) {
      const pair = centerChannel(radio.band, channel, 40);
      out.push(`ht_capab=[HT40${pair > channel ? "+" : "-"}]`);
    }
  }
  if (radio.band === "5GHz" && standards.includes("ac")) {
    out.push("ieee80211ac=1", `vht_oper_chwidth=${widthCode(radio.widthMhz)}`);
    if (radio.widthMhz >= 80) out.push(`vht_oper_centr_freq_seg0_idx=${center}`);
  }
  if (standards.includes("ax")) {
    out.push("ieee80211ax=1");
    if (radio.band !== "2.4GHz") {
      out.push(`he_oper_chwidth=${widthCode(radio.widthMhz)}`);
      if (radio.widthMhz >= 80) out.push(`he_oper_centr_freq_seg0_idx=${center}`);
    }
  }
  if (radio.band === "6GHz") {
    const codes = { 20: 131, 40: 132, 80: 133, 160: 134 };
    out.push(`op_class=${codes[radio.widthMhz]}`);
  }
  return out;
}

/** The file's text. Holds the passphrase. */
export function hostapdConfig(point: AccessPoint): string {
  const { ap, radio } = point;
  const lines = [
    `interface=${point.interface}`,
    "driver=nl80211",
    ...(point.bridge === null ? [] : [`bridge=${point.bridge}`]),
    `ssid2=${hex(ap.ssid)}`,
    "utf8_ssid=1",
    `hw_mode=${radio.band === "2.4GHz" ? "g" : "a"}`,
    `channel=${channelOf(radio)}`,
    ...(point.country === null ? [] : [
      `country_code=${point.country}`,
      "ieee80211d=1",
      ...(radio.band === "5GHz" ? ["ieee80211h=1"] : []),
    ]),
    ...rates(point),
    "auth_algs=1",
    ...security(ap),
    `ap_isolate=${ap.isolateClients ? 1 : 0}`,
  ];
  return `${lines.join("\n")}\n`;
}
