// The text that hostapd and wpa_supplicant speak on their control sockets, to and from objects. Pure.
// hostap 2.10: src/common/wpa_ctrl.h (event names), hostapd/ctrl_iface.c, wpa_supplicant/ctrl_iface.c.
import { ControlError } from "./errors.ts";

/** "key=value" lines, in order; the first of a repeated key counts. */
export type Fields = ReadonlyMap<string, string>;

/** Reads "key=value" lines; other lines are skipped. */
export function parseFields(text: string): Fields {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    if (at <= 0) continue;
    const key = line.slice(0, at);
    if (!fields.has(key)) fields.set(key, line.slice(at + 1));
  }
  return fields;
}

/** A whole number, or `null` when the field is absent or no number. */
export function numberField(fields: Fields, key: string): number | null {
  const text = fields.get(key);
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** A station of an access point or a peer of a mesh point, as STA-FIRST and STA-NEXT tell. */
export interface ControlStation {
  readonly mac: string;
  /** Words such as "AUTH", "ASSOC", "AUTHORIZED", "MFP". */
  readonly flags: readonly string[];
  readonly connectedS: number | null;
  readonly inactiveMs: number | null;
  readonly signalDbm: number | null;
  /** Key management suite in use, e.g. "00-0f-ac-8" (SAE). */
  readonly akm: string | null;
  readonly fields: Fields;
}

/** Reads the answer to STA-FIRST, STA-NEXT or STA; `null` at the end of the list. @throws {ControlError} */
export function parseStation(text: string): ControlStation | null {
  if (text === "" || text === "FAIL\n" || text === "FAIL") return null;
  const end = text.indexOf("\n");
  const mac = (end < 0 ? text : text.slice(0, end)).toLowerCase();
  if (!MAC.test(mac)) {
    throw new ControlError("malformed", "STA", "its answer does not begin with an address");
  }
  const fields = parseFields(end < 0 ? "" : text.slice(end + 1));
  return {
    mac,
    flags: [...(fields.get("flags") ?? "").matchAll(/\[([A-Za-z0-9_+-]+)\]/g)].map(([, flag]) =>
      flag ?? ""
    ),
    connectedS: numberField(fields, "connected_time"),
    inactiveMs: numberField(fields, "inactive_msec"),
    signalDbm: numberField(fields, "signal"),
    akm: fields.get("AKMSuiteSelector") ?? null,
    fields,
  };
}

/** What a program reports unasked. */
export type ControlEvent =
  | { readonly type: "station-connected" | "station-disconnected"; readonly mac: string }
  | { readonly type: "mesh-peer-connected" | "mesh-peer-disconnected"; readonly mac: string }
  | { readonly type: "mesh-started" | "mesh-stopped" }
  | { readonly type: "enabled" | "disabled" | "terminating" }
  | { readonly type: "connected" | "disconnected" }
  | { readonly type: "authentication-failed"; readonly mac: string | null }
  | { readonly type: "radar-detected" | "channel-switched"; readonly frequencyMhz: number | null }
  | { readonly type: "other"; readonly name: string };

/** Whether a datagram is an event ("<3>NAME …") rather than an answer. */
export function isEvent(text: string): boolean {
  return /^<[0-9]>/.test(text);
}

const SIMPLE: Readonly<
  Record<
    string,
    Exclude<ControlEvent["type"], "other" | "authentication-failed" | `${string}channel-switched`>
  >
> = {
  "MESH-GROUP-STARTED": "mesh-started",
  "MESH-GROUP-REMOVED": "mesh-stopped",
  "AP-ENABLED": "enabled",
  "AP-DISABLED": "disabled",
  "CTRL-EVENT-TERMINATING": "terminating",
  "CTRL-EVENT-CONNECTED": "connected",
  "CTRL-EVENT-DISCONNECTED": "disconnected",
};

const WITH_MAC: Readonly<
  Record<
    string,
    | "station-connected"
    | "station-disconnected"
    | "mesh-peer-connected"
    | "mesh-peer-disconnected"
  >
> = {
  "AP-STA-CONNECTED": "station-connected",
  "AP-STA-DISCONNECTED": "station-disconnected",
  "MESH-PEER-CONNECTED": "mesh-peer-connected",
  "MESH-PEER-DISCONNECTED": "mesh-peer-disconnected",
};

const FAILURES: ReadonlySet<string> = new Set([
  "AP-STA-POSSIBLE-PSK-MISMATCH",
  "MESH-SAE-AUTH-FAILURE",
  "MESH-SAE-AUTH-BLOCKED",
  "CTRL-EVENT-AUTH-REJECT",
  "CTRL-EVENT-ASSOC-REJECT",
  "CTRL-EVENT-SSID-TEMP-DISABLED",
]);

const CHANNEL: Readonly<Record<string, "radar-detected" | "channel-switched">> = {
  "DFS-RADAR-DETECTED": "radar-detected",
  "AP-CSA-FINISHED": "channel-switched",
  "CTRL-EVENT-CHANNEL-SWITCH": "channel-switched",
};

/** Reads an event datagram; `null` when it is none. */
export function parseEvent(text: string): ControlEvent | null {
  const found = /^<[0-9]>([A-Z0-9-]+)(?: ([^]*))?$/.exec(text);
  if (found === null) return isEvent(text) ? { type: "other", name: "" } : null;
  const [, name = "", rest = ""] = found;
  const mac = /(?:^|addr=|[ ])([0-9a-f]{2}(?::[0-9a-f]{2}){5})\b/.exec(rest)?.[1] ?? null;
  const withMac = WITH_MAC[name];
  if (withMac !== undefined && mac !== null) return { type: withMac, mac };
  if (FAILURES.has(name)) return { type: "authentication-failed", mac };
  const channel = CHANNEL[name];
  if (channel !== undefined) {
    const frequency = /freq=(\d{4,5})\b/.exec(rest)?.[1];
    return { type: channel, frequencyMhz: frequency === undefined ? null : Number(frequency) };
  }
  const simple = SIMPLE[name];
  if (simple !== undefined) return { type: simple } as ControlEvent;
  return { type: "other", name };
}

/** State of a hostapd interface or of a wpa_supplicant, out of STATUS. */
export interface ControlStatus {
  /** hostapd: "ENABLED", "COUNTRY_UPDATE", "DFS" …; wpa_supplicant: "COMPLETED", "SCANNING" …; else "". */
  readonly state: string;
  readonly frequencyMhz: number | null;
  /** As the program escapes it: printf escapes for what is not printable. */
  readonly ssid: string | null;
  readonly bssid: string | null;
  readonly stations: number | null;
  /** wpa_supplicant: "mesh", "station", "AP" …; hostapd: `null`. */
  readonly mode: string | null;
  readonly keyManagement: string | null;
  readonly fields: Fields;
}

/** Reads the answer to STATUS of either program. */
export function parseStatus(text: string): ControlStatus {
  const fields = parseFields(text);
  return {
    state: fields.get("wpa_state") ?? fields.get("state") ?? "",
    frequencyMhz: numberField(fields, "freq"),
    ssid: fields.get("ssid") ?? fields.get("ssid[0]") ?? null,
    bssid: fields.get("bssid") ?? fields.get("bssid[0]") ?? null,
    stations: numberField(fields, "num_sta[0]"),
    mode: fields.get("mode") ?? null,
    keyManagement: fields.get("key_mgmt") ?? null,
    fields,
  };
}

/** Octets of a network name as the programs print it (printf escapes: \xNN, \", \\, \n, \r, \t, \e). */
export function unescapeSsid(text: string): Uint8Array<ArrayBuffer> {
  const octets: number[] = [];
  const encoder = new TextEncoder();
  const escapes: Readonly<Record<string, number>> = {
    '"': 0x22,
    "\\": 0x5c,
    n: 0x0a,
    r: 0x0d,
    t: 0x09,
    e: 0x1b,
  };
  for (const [found, hex, letter] of text.matchAll(/\\x([0-9a-f]{2})|\\(["\\nrte])|[^]/gu)) {
    if (hex !== undefined) octets.push(Number.parseInt(hex, 16));
    else if (letter !== undefined) octets.push(escapes[letter] ?? 0);
    else octets.push(...encoder.encode(found));
  }
  return Uint8Array.from(octets);
}
