// Wireless interfaces between octets and objects, and the requests that make and change them.
// linux v6.12 net/wireless/nl80211.c nl80211_send_iface().
import { decodeAttributes, DecodeError, encodeAttributes } from "../netlink/mod.ts";
import { type ActiveChannel, type Channel, channelAttributes, channelOf } from "./channel.ts";
import { IFTYPES, type InterfaceMode, type InterfaceModeName, TX_POWER_SETTINGS } from "./names.ts";
import { attributeTable } from "./spec.ts";
import { ssidText } from "./values.ts";

/** One wireless interface. */
export interface WirelessInterface {
  readonly wiphy: number;
  /** `null` for a device without a network interface (P2P device). */
  readonly ifindex: number | null;
  readonly name: string | null;
  readonly mode: InterfaceModeName;
  readonly mac: string | null;
  /** `null` while the interface is on no channel. */
  readonly channel: ActiveChannel | null;
  /** Hundredths of a dBm; `null` while the driver does not say. */
  readonly txPowerMbm: number | null;
  /** SSID as {@link ssidText} writes it. The kernel does not report a mesh id here. */
  readonly ssid: string | null;
  readonly fourAddress: boolean;
}

/** Reads one NEW_INTERFACE message. @throws {DecodeError} */
export function decodeInterface(attributes: Uint8Array): WirelessInterface {
  const raw = decodeAttributes(attributeTable, attributes, "nl80211.interface");
  if (raw.wiphy === undefined || raw.iftype === undefined) {
    throw new DecodeError("nl80211.interface", 0, 8, attributes.length);
  }
  return {
    wiphy: raw.wiphy,
    ifindex: raw.ifindex ?? null,
    name: raw.ifname ?? null,
    mode: IFTYPES.name(raw.iftype),
    mac: raw.mac ?? null,
    channel: channelOf(raw),
    txPowerMbm: raw.txPowerMbm ?? null,
    ssid: raw.ssid === undefined || raw.ssid.length === 0 ? null : ssidText(raw.ssid),
    fourAddress: raw.fourAddress === 1,
  };
}

/** NEW_INTERFACE request. */
export function encodeNewInterface(
  wiphy: number,
  name: string,
  mode: InterfaceMode,
  options: { readonly fourAddress?: boolean; readonly mac?: string } = {},
): Uint8Array {
  return encodeAttributes(attributeTable, {
    wiphy,
    ifname: name,
    iftype: IFTYPES.number(mode),
    ...(options.fourAddress === undefined ? {} : { fourAddress: options.fourAddress ? 1 : 0 }),
    ...(options.mac === undefined ? {} : { mac: options.mac }),
  });
}

/** SET_INTERFACE request: changes the mode. */
export function encodeSetMode(ifindex: number, mode: InterfaceMode): Uint8Array {
  return encodeAttributes(attributeTable, { ifindex, iftype: IFTYPES.number(mode) });
}

/** SET_WIPHY request: the channel of an interface (or of a radio without one). */
export function encodeSetChannel(
  target: { readonly ifindex: number } | { readonly wiphy: number },
  channel: Channel,
): Uint8Array {
  return encodeAttributes(attributeTable, { ...target, ...channelAttributes(channel) });
}

/** Transmit power: what the regulatory domain allows, or a bound or fixed value in mBm. */
export type TxPower =
  | { readonly setting: "auto" }
  | { readonly setting: "limited" | "fixed"; readonly mbm: number };

/** SET_WIPHY request: transmit power of a radio, or of one interface where the driver can. */
export function encodeSetTxPower(
  target: { readonly ifindex: number } | { readonly wiphy: number },
  power: TxPower,
): Uint8Array {
  return encodeAttributes(attributeTable, {
    ...target,
    txPowerSetting: TX_POWER_SETTINGS.number(power.setting),
    ...(power.setting === "auto" ? {} : { txPowerMbm: power.mbm }),
  });
}

/** CHANNEL_SWITCH request for a mesh point or IBSS: announced `count` beacons ahead. */
export function encodeChannelSwitch(
  ifindex: number,
  channel: Channel,
  options: { readonly count: number; readonly blockTraffic?: boolean },
): Uint8Array {
  return encodeAttributes(attributeTable, {
    ifindex,
    channelSwitchCount: options.count,
    ...channelAttributes(channel),
    ...(options.blockTraffic === true ? { channelSwitchBlockTx: true } : {}),
  });
}
