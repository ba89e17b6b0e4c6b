// Keys are camelCase in TypeScript and JSON, snake_case in TOML. The two are one to one for every key of
// the configuration (core/config's tests check each), so that neither is written down twice.

/** "originatorIntervalMs" → "originator_interval_ms". */
export function toTomlKey(key: string): string {
  return key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

/** "originator_interval_ms" → "originatorIntervalMs". */
export function fromTomlKey(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** One step into the document: a camelCase key or a position in a list. */
export type PathPart = string | number;

/** `["radios", 0, "txPowerDbm"]` → `radios[0].tx_power_dbm`. */
export function formatPath(path: readonly PathPart[]): string {
  let out = "";
  for (const part of path) {
    if (typeof part === "number") out += `[${part}]`;
    else out += (out === "" ? "" : ".") + toTomlKey(part);
  }
  return out;
}

/**
 * `radios[0].tx_power_dbm`, `radios.0.txPowerDbm` → `["radios", 0, "txPowerDbm"]`; `null` when `text` is
 * no path. Whether the schema has such a key is not asked here.
 */
export function parsePath(text: string): readonly PathPart[] | null {
  if (text.length > 200 || !/^[A-Za-z]\w*(?:\[\d{1,4}\]|\.\w+)*$/.test(text)) return null;
  return text.replaceAll("[", ".").replaceAll("]", "").split(".")
    .map((part) => /^\d+$/.test(part) ? Number(part) : fromTomlKey(part));
}
