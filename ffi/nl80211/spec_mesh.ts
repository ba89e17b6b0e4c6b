// Attribute tables of 802.11s mesh points, as data.
// linux v6.12 include/uapi/linux/nl80211.h; value types are those that net/wireless/nl80211.c puts.
import { nest, table } from "../netlink/mod.ts";

/** enum nl80211_meshconf_params. */
export const meshConfigTable = table({
  retryTimeoutMs: [1, "u16"],
  confirmTimeoutMs: [2, "u16"],
  holdingTimeoutMs: [3, "u16"],
  maxPeerLinks: [4, "u16"],
  maxRetries: [5, "u8"],
  ttl: [6, "u8"],
  autoOpenPlinks: [7, "u8"],
  hwmpMaxPreqRetries: [8, "u8"],
  pathRefreshTimeMs: [9, "u32"],
  minDiscoveryTimeoutMs: [10, "u16"],
  hwmpActivePathTimeoutMs: [11, "u32"],
  hwmpPreqMinIntervalMs: [12, "u16"],
  hwmpNetDiameterTraversalMs: [13, "u16"],
  hwmpRootMode: [14, "u8"],
  elementTtl: [15, "u8"],
  hwmpRannIntervalMs: [16, "u16"],
  gateAnnouncements: [17, "u8"],
  hwmpPerrMinIntervalMs: [18, "u16"],
  forwarding: [19, "u8"],
  rssiThresholdDbm: [20, "s32"],
  syncOffsetMaxNeighborUs: [21, "u32"],
  htOperationMode: [22, "u16"],
  hwmpPathToRootTimeoutMs: [23, "u32"],
  hwmpRootIntervalMs: [24, "u16"],
  hwmpConfirmationIntervalMs: [25, "u16"],
  powerMode: [26, "u32"],
  awakeWindowTu: [27, "u16"],
  plinkTimeoutS: [28, "u32"],
  connectedToGate: [29, "u8"],
  noLearn: [30, "u8"],
  connectedToAuthServer: [31, "u8"],
});

/** enum nl80211_mesh_setup_params: what user space (wpa_supplicant's part) would take over. */
export const meshSetupTable = table({
  vendorPathSelection: [1, "u8"],
  vendorMetric: [2, "u8"],
  elements: [3, "bytes"],
  userspaceAuth: [4, "flag"],
  userspaceAmpe: [5, "flag"],
  vendorSync: [6, "u8"],
  userspaceMpm: [7, "flag"],
  authProtocol: [8, "u8"],
});

/**
 * The answer to GET_MESH_CONFIG. The kernel puts NL80211_ATTR_IFINDEX (3, a u32) inside the nest, where
 * 3 is the holding timeout (a u16): which one it is shows in the length alone. It also answers the HT
 * operation mode as u32, though it takes a u16.
 * linux v6.12 net/wireless/nl80211.c nl80211_get_mesh_config().
 */
export const meshAnswerTable = table({
  ifindex: [3, "u32"],
  meshConfig: [
    35,
    nest(
      {
        ...meshConfigTable,
        holdingTimeoutMs: [3, "bytes"],
        htOperationMode: [22, "u32"],
      } as const,
    ),
  ],
});
