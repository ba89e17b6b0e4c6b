/** Longest answer read; hostapd's and wpa_supplicant's own buffer is 4096, scan lists are longer. */
export const MAX_REPLY_BYTES = 65_536;

/** How long an answer may take. The programs answer between two events of theirs. */
export const REPLY_TIMEOUT_MS = 5_000;

/** Stations read from one access point before iteration is given up as endless. */
export const MAX_STATIONS = 2_048;

/** Datagrams that are not the answer, skipped while waiting for it. */
export const MAX_STRAY_DATAGRAMS = 256;
