// Scans: the request, and the networks found. linux v6.12 net/wireless/nl80211.c nl80211_send_bss(),
// nl80211_trigger_scan().
import { decodeAttributes, DecodeError, encodeAttributes } from "../netlink/mod.ts";
import { channelNumber } from "./channel.ts";
import { type NetworkSummary, summarizeElements } from "./elements.ts";
import { BSS_STATUSES } from "./names.ts";
import { attributeTable, SCAN_FLAG } from "./spec.ts";
import { ssidBytes, ssidText } from "./values.ts";

/** How a network is protected, in one word. */
export type Security = "open" | "wep" | "wpa" | "wpa2" | "wpa3" | "owe" | "unknown";

/** One network found. */
export interface Bss {
  readonly bssid: string;
  readonly ifindex: number | null;
  readonly frequencyMhz: number;
  readonly channel: number | null;
  /** Hundredths of a dBm; `null` when the driver gives a percentage only. */
  readonly signalMbm: number | null;
  readonly signalPercent: number | null;
  readonly beaconIntervalTu: number | null;
  /** IEEE 802.11-2020 §9.4.1.4: bit 0 ESS, bit 1 IBSS, bit 4 privacy. */
  readonly capabilities: number;
  readonly tsfUs: bigint | null;
  readonly seenMsAgo: number | null;
  /** Our own relation to it. */
  readonly status: "authenticated" | "associated" | "ibss-joined" | `unknown-${number}` | null;
  /** As {@link ssidText} writes it; `null` when hidden or absent. */
  readonly ssid: string | null;
  readonly meshId: string | null;
  readonly security: Security;
  readonly network: NetworkSummary;
}

const PRIVACY = 1 << 4;

function securityOf(network: NetworkSummary, capabilities: number): Security {
  const { rsn, wpa, mesh } = network;
  if (rsn !== null) {
    const any = (wanted: readonly string[]) => rsn.akms.some((akm) => wanted.includes(akm));
    // A network that offers both is as strong as the weaker one.
    if (any(["psk", "psk-sha256", "ft-psk", "802.1x", "802.1x-sha256", "ft-802.1x"])) {
      return wpa === null ? "wpa2" : "wpa";
    }
    if (any(["sae", "ft-sae", "sae-ext-key", "ft-sae-ext-key"])) return "wpa3";
    if (any(["802.1x-suite-b", "802.1x-suite-b-192"])) return "wpa3";
    return any(["owe"]) ? "owe" : "unknown";
  }
  if (wpa !== null) return "wpa";
  if (mesh !== null && mesh.authentication === 1) return "wpa3";
  if ((capabilities & PRIVACY) !== 0) return mesh === null ? "wep" : "unknown";
  return "open";
}

function named(octets: Uint8Array | null): string | null {
  return octets === null || octets.every((octet) => octet === 0) ? null : ssidText(octets);
}

/** Reads one NEW_SCAN_RESULTS message of a dump. @throws {DecodeError} */
export function decodeBss(attributes: Uint8Array): Bss {
  const raw = decodeAttributes(attributeTable, attributes, "nl80211.scan");
  const { bss } = raw;
  if (bss?.bssid === undefined || bss.frequencyMhz === undefined) {
    throw new DecodeError("nl80211.scan.bss", 0, 10, attributes.length);
  }
  const capabilities = bss.capabilities ?? 0;
  const network = summarizeElements(bss.elements ?? bss.beaconElements ?? new Uint8Array(0));
  return {
    bssid: bss.bssid,
    ifindex: raw.ifindex ?? null,
    frequencyMhz: bss.frequencyMhz,
    channel: channelNumber(bss.frequencyMhz),
    signalMbm: bss.signalMbm ?? null,
    signalPercent: bss.signalPercent ?? null,
    beaconIntervalTu: bss.beaconIntervalTu ?? null,
    capabilities,
    tsfUs: bss.tsfUs ?? null,
    seenMsAgo: bss.seenMsAgo ?? null,
    status: bss.status === undefined ? null : BSS_STATUSES.name(bss.status),
    ssid: named(network.ssid),
    meshId: named(network.meshId),
    security: securityOf(network, capabilities),
    network,
  };
}

/** What to scan for. */
export interface ScanRequest {
  /** Networks to ask for by name; none asks everybody ("wildcard"), an empty list scans passively. */
  readonly ssids?: readonly string[];
  /** Frequencies in MHz; all allowed ones when absent. */
  readonly frequenciesMhz?: readonly number[];
  /** Forget earlier results. */
  readonly flush?: boolean;
  /** Scan although the interface is an access point or mesh point. */
  readonly whileServing?: boolean;
}

/** TRIGGER_SCAN request. */
export function encodeTriggerScan(ifindex: number, request: ScanRequest): Uint8Array {
  const ssids = (request.ssids ?? [""]).map(ssidBytes);
  const flags = (request.flush === true ? SCAN_FLAG.flush : 0) |
    (request.whileServing === true ? SCAN_FLAG.ap : 0);
  return encodeAttributes(attributeTable, {
    ifindex,
    ...(ssids.length === 0 ? {} : { scanSsids: ssids }),
    ...(request.frequenciesMhz === undefined ? {} : { scanFrequencies: request.frequenciesMhz }),
    ...(flags === 0 ? {} : { scanFlags: flags }),
  });
}
