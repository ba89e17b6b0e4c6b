/** Interfaces' SSID and mesh id, IEEE 802.11-2020 §9.4.2.2 and §9.4.2.98. */
export const MAX_SSID_BYTES = 32;

/** Elements read from one beacon; more is called malformed. */
export const MAX_ELEMENTS = 512;

/** Suites read from one list of an RSN element; more is called malformed. */
export const MAX_RSN_SUITES = 64;

/** Radios one machine can have before a dump is refused as nonsense. */
export const MAX_WIPHYS = 256;

/** Channels kept of one band. The 6 GHz band, the largest, has 59. */
export const MAX_CHANNELS = 512;
