/** Longest answer read; hostapd's and wpa_supplicant's own buffer is 4096, scan lists are longer. */
export const MAX_REPLY_BYTES = 65_536;

/** How long an answer may take. The programs answer between two events of theirs. */
export const REPLY_TIMEOUT_MS = 5_000;

/** Stations read from one access point before iteration is given up as endless. */
export const MAX_STATIONS = 2_048;

/** Datagrams that are not the answer, skipped while waiting for it. */
export const MAX_STRAY_DATAGRAMS = 256;

/** Octets of an SSID or mesh id, IEEE 802.11-2020 §9.4.2.2. */
export const MAX_SSID_BYTES = 32;

/** Octets of a passphrase typed on a client, IEEE 802.11-2020 annex J.4.1. */
export const MIN_PASSPHRASE_CHARS = 8;
/** See {@link MIN_PASSPHRASE_CHARS}. */
export const MAX_PASSPHRASE_CHARS = 63;

/** Octets of a SAE password here; the standard sets no bound. */
export const MAX_SAE_PASSWORD_BYTES = 128;
