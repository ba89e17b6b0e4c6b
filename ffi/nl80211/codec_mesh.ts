// 802.11s mesh points and IBSS: joining, and a mesh's parameters.
// linux v6.12 net/wireless/nl80211.c nl80211_join_mesh(), nl80211_get_mesh_config(), nl80211_join_ibss().
import {
  type Attributes,
  decodeAttributes,
  DecodeError,
  encodeAttributes,
} from "../netlink/mod.ts";
import { type Channel, channelAttributes } from "./channel.ts";
import { attributeTable } from "./spec.ts";
import { meshAnswerTable, type meshConfigTable } from "./spec_mesh.ts";
import { ssidBytes } from "./values.ts";

/** Parameters of a mesh point (enum nl80211_meshconf_params), each optional in a request. */
export type MeshConfig = Attributes<typeof meshConfigTable>;

/** What joining a mesh takes. SAE is wpa_supplicant's work: this joins open meshes. */
export interface MeshJoin {
  /** Mesh id as {@link ssidText} writes it; 1–32 octets. */
  readonly meshId: string;
  readonly channel: Channel;
  readonly beaconIntervalTu?: number;
  readonly dtimPeriod?: number;
  readonly multicastRateKbps?: number;
  readonly basicRatesKbps?: readonly number[];
  readonly config?: MeshConfig;
  /** User space watches for radar on the channel. */
  readonly handlesDfs?: boolean;
}

/** Rates as the standard's "supported rates" octets: multiples of 500 kbit/s. */
function rateOctets(ratesKbps: readonly number[]): Uint8Array {
  return Uint8Array.from(ratesKbps, (rate) => {
    const octet = rate / 500;
    if (!Number.isInteger(octet) || octet < 1 || octet > 127) {
      throw new TypeError(`Cannot use ${rate} kbit/s as a basic rate: not 500 to 63500 by 500`);
    }
    return octet;
  });
}

/** The kernel's unit of a multicast rate is 100 kbit/s. */
function multicastRate(rateKbps: number | undefined): { multicastRate100Kbps?: number } {
  return rateKbps === undefined ? {} : { multicastRate100Kbps: Math.round(rateKbps / 100) };
}

/** JOIN_MESH request. */
export function encodeJoinMesh(ifindex: number, join: MeshJoin): Uint8Array {
  const meshId = ssidBytes(join.meshId);
  if (meshId.length === 0) throw new TypeError("Cannot join a mesh: its id is empty");
  return encodeAttributes(attributeTable, {
    ifindex,
    meshId,
    ...channelAttributes(join.channel),
    ...(join.beaconIntervalTu === undefined ? {} : { beaconIntervalTu: join.beaconIntervalTu }),
    ...(join.dtimPeriod === undefined ? {} : { dtimPeriod: join.dtimPeriod }),
    ...multicastRate(join.multicastRateKbps),
    ...(join.basicRatesKbps === undefined ? {} : { basicRates: rateOctets(join.basicRatesKbps) }),
    ...(join.handlesDfs === true ? { handleDfs: true } : {}),
    ...(join.config === undefined ? {} : { meshConfig: join.config }),
  });
}

/** Reads the answer to GET_MESH_CONFIG. @throws {DecodeError} */
export function decodeMeshConfig(attributes: Uint8Array): MeshConfig {
  const raw = decodeAttributes(meshAnswerTable, attributes, "nl80211.mesh");
  if (raw.meshConfig === undefined) {
    throw new DecodeError("nl80211.mesh.meshConfig", 0, 4, attributes.length);
  }
  const { holdingTimeoutMs: holding, ...config } = raw.meshConfig;
  if (holding?.length !== 2) return config;
  return { ...config, holdingTimeoutMs: (holding[0] ?? 0) | (holding[1] ?? 0) << 8 };
}

/** SET_MESH_CONFIG request. */
export function encodeSetMeshConfig(ifindex: number, config: MeshConfig): Uint8Array {
  return encodeAttributes(attributeTable, { ifindex, meshConfig: config });
}

/** What joining an IBSS takes. */
export interface IbssJoin {
  /** SSID as {@link ssidText} writes it; 1–32 octets. */
  readonly ssid: string;
  readonly channel: Channel;
  /** Stay on the channel instead of following others. */
  readonly fixedFrequency?: boolean;
  readonly bssid?: string;
  readonly beaconIntervalTu?: number;
  readonly multicastRateKbps?: number;
  readonly basicRatesKbps?: readonly number[];
}

/** JOIN_IBSS request. */
export function encodeJoinIbss(ifindex: number, join: IbssJoin): Uint8Array {
  const ssid = ssidBytes(join.ssid);
  if (ssid.length === 0) throw new TypeError("Cannot join an IBSS: its SSID is empty");
  return encodeAttributes(attributeTable, {
    ifindex,
    ssid,
    ...channelAttributes(join.channel),
    ...(join.fixedFrequency === true ? { frequencyFixed: true } : {}),
    ...(join.bssid === undefined ? {} : { mac: join.bssid }),
    ...(join.beaconIntervalTu === undefined ? {} : { beaconIntervalTu: join.beaconIntervalTu }),
    ...multicastRate(join.multicastRateKbps),
    ...(join.basicRatesKbps === undefined ? {} : { basicRates: rateOctets(join.basicRatesKbps) }),
  });
}
