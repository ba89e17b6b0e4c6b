// Notifications of the groups "config", "scan", "regulatory" and "mlme" as typed events.
// linux v6.12 net/wireless/nl80211.c nl80211_notify_wiphy(), nl80211_notify_iface(),
// cfg80211_new_sta(), nl80211_send_scan_msg(), nl80211_common_reg_change_event(), nl80211_radar_notify().
import { type Attributes, decodeAttributes, DecodeError } from "../netlink/mod.ts";
import { type ActiveChannel, channelOf } from "./channel.ts";
import { decodeInterface, type WirelessInterface } from "./codec_interface.ts";
import { decodeStation, type Station } from "./codec_station.ts";
import {
  RADAR_EVENTS,
  type RadarEventKind,
  REG_INITIATORS,
  REG_TYPES,
  type RegInitiator,
} from "./names.ts";
import { attributeTable, COMMAND } from "./spec.ts";

/** What the kernel reports unasked. `ifindex` is `null` where an event is the radio's alone. */
export type Nl80211Event =
  | { readonly type: "wiphy" | "wiphy-removed"; readonly wiphy: number; readonly name: string }
  | { readonly type: "interface"; readonly interface: WirelessInterface }
  | {
    readonly type: "interface-removed";
    readonly wiphy: number;
    readonly ifindex: number | null;
    readonly name: string | null;
  }
  | { readonly type: "station"; readonly ifindex: number; readonly station: Station }
  | { readonly type: "station-removed"; readonly ifindex: number; readonly mac: string }
  | {
    readonly type: "scan-started" | "scan-done" | "scan-aborted";
    readonly wiphy: number;
    readonly ifindex: number | null;
  }
  | {
    readonly type: "regulatory";
    /** Code, or `null` for the world and intersected domains. */
    readonly alpha2: string | null;
    readonly initiator: RegInitiator | `unknown-${number}`;
    readonly kind: "country" | "world" | "custom-world" | "intersection" | `unknown-${number}`;
    /** `null` for a change of the global domain. */
    readonly wiphy: number | null;
  }
  | {
    readonly type: "radar";
    readonly event: RadarEventKind | `unknown-${number}`;
    readonly wiphy: number | null;
    readonly ifindex: number | null;
    readonly channel: ActiveChannel | null;
  }
  | {
    readonly type: "channel-switch" | "channel-switch-started";
    readonly ifindex: number | null;
    readonly channel: ActiveChannel | null;
  }
  | { readonly type: "peer-candidate"; readonly ifindex: number; readonly mac: string }
  | { readonly type: "ibss-joined"; readonly ifindex: number | null; readonly bssid: string | null }
  | {
    readonly type: "connected" | "disconnected";
    readonly ifindex: number | null;
    readonly bssid: string | null;
    /** IEEE 802.11 status (connected) or reason (disconnected) code; `null` when not told. */
    readonly statusOrReason: number | null;
  };

type Raw = Attributes<typeof attributeTable>;

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new DecodeError(`nl80211.event.${what}`, 0, 1, 0);
  return value;
}

function configEvent(command: number, raw: Raw, payload: Uint8Array): Nl80211Event | null {
  switch (command) {
    case COMMAND.newWiphy:
    case COMMAND.delWiphy: {
      const wiphy = required(raw.wiphy, "wiphy");
      const type = command === COMMAND.newWiphy ? "wiphy" : "wiphy-removed";
      return { type, wiphy, name: raw.wiphyName ?? `phy${wiphy}` };
    }
    case COMMAND.newInterface:
    case COMMAND.setInterface:
      return { type: "interface", interface: decodeInterface(payload) };
    case COMMAND.delInterface:
      return {
        type: "interface-removed",
        wiphy: required(raw.wiphy, "wiphy"),
        ifindex: raw.ifindex ?? null,
        name: raw.ifname ?? null,
      };
    default:
      return null;
  }
}

function scanEvent(command: number, raw: Raw): Nl80211Event | null {
  const type = command === COMMAND.triggerScan
    ? "scan-started"
    : command === COMMAND.newScanResults
    ? "scan-done"
    : command === COMMAND.scanAborted
    ? "scan-aborted"
    : null;
  if (type === null) return null;
  return { type, wiphy: required(raw.wiphy, "wiphy"), ifindex: raw.ifindex ?? null };
}

function regulatoryEvent(command: number, raw: Raw): Nl80211Event | null {
  if (command !== COMMAND.regChange && command !== COMMAND.wiphyRegChange) return null;
  return {
    type: "regulatory",
    alpha2: raw.alpha2 ?? null,
    initiator: REG_INITIATORS.name(raw.regInitiator ?? 0),
    kind: REG_TYPES.name(raw.regType ?? 0),
    wiphy: raw.wiphy ?? null,
  };
}

function channelEvent(command: number, raw: Raw): Nl80211Event | null {
  const ifindex = raw.ifindex ?? null;
  switch (command) {
    case COMMAND.radarDetect:
      return {
        type: "radar",
        event: RADAR_EVENTS.name(raw.radarEvent ?? 0),
        wiphy: raw.wiphy ?? null,
        ifindex,
        channel: channelOf(raw),
      };
    case COMMAND.channelSwitchNotify:
      return { type: "channel-switch", ifindex, channel: channelOf(raw) };
    case COMMAND.channelSwitchStarted:
      return { type: "channel-switch-started", ifindex, channel: channelOf(raw) };
    default:
      return null;
  }
}

function peerEvent(command: number, raw: Raw, payload: Uint8Array): Nl80211Event | null {
  const ifindex = raw.ifindex ?? null;
  const bssid = raw.mac ?? null;
  switch (command) {
    case COMMAND.newStation: {
      const station = decodeStation(payload);
      return { type: "station", ifindex: station.ifindex, station };
    }
    case COMMAND.delStation:
      return {
        type: "station-removed",
        ifindex: required(raw.ifindex, "ifindex"),
        mac: required(raw.mac, "mac"),
      };
    case COMMAND.newPeerCandidate:
      return {
        type: "peer-candidate",
        ifindex: required(raw.ifindex, "ifindex"),
        mac: required(raw.mac, "mac"),
      };
    case COMMAND.joinIbss:
      return { type: "ibss-joined", ifindex, bssid };
    case COMMAND.connect:
    case COMMAND.roam:
      return { type: "connected", ifindex, bssid, statusOrReason: raw.statusCode ?? null };
    case COMMAND.disconnect:
      return { type: "disconnected", ifindex, bssid, statusOrReason: raw.reasonCode ?? null };
    default:
      return null;
  }
}

/** Reads one notification; `null` for a command that says nothing to us. @throws {DecodeError} */
export function decodeEvent(command: number, attributes: Uint8Array): Nl80211Event | null {
  const raw = decodeAttributes(attributeTable, attributes, "nl80211.event");
  return configEvent(command, raw, attributes) ?? scanEvent(command, raw) ??
    regulatoryEvent(command, raw) ?? channelEvent(command, raw) ??
    peerEvent(command, raw, attributes);
}
