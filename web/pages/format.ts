// How figures are written for people. English, SI prefixes, never more digits than mean something.

/** "—" for what is not known. */
export const UNKNOWN = "—";

/** "12.3 MB". */
export function bytes(value: number): string {
  return scaled(value, "B");
}

/** "144 Mbit/s". */
export function rate(kbps: number | null): string {
  return kbps === null ? UNKNOWN : scaled(kbps * 1000, "bit/s");
}

function scaled(value: number, unit: string): string {
  const prefixes = ["", "k", "M", "G", "T", "P"];
  let scale = 0;
  let rest = value;
  while (rest >= 999.5 && scale < prefixes.length - 1) {
    rest /= 1000;
    scale++;
  }
  const digits = scale === 0 || rest >= 99.5 ? 0 : 1;
  return `${rest.toFixed(digits)} ${prefixes[scale] ?? ""}${unit}`;
}

/** "2 d 3 h", "4 min 5 s", "0.3 s". */
export function duration(ms: number): string {
  if (ms < 0) return UNKNOWN;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor(s % 3_600 / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor(s % 86_400 / 3_600)} h`;
}

/** "87 %". */
export function percent(ratio: number | null): string {
  return ratio === null ? UNKNOWN : `${Math.round(100 * ratio)} %`;
}

/** "−62 dBm", with a true minus. */
export function dbm(value: number | null): string {
  return value === null ? UNKNOWN : `${String(Math.round(value)).replace("-", "−")} dBm`;
}

/** "2026-11-22 10:55:17 UTC"; `null` where the clock is beyond what a date can hold. */
export function utc(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return UNKNOWN;
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Five steps from "none" to "good", for colours and words. */
export function grade(quality: number | null): "unknown" | "poor" | "weak" | "fair" | "good" {
  if (quality === null) return "unknown";
  if (quality >= 0.75) return "good";
  if (quality >= 0.5) return "fair";
  return quality >= 0.25 ? "weak" : "poor";
}

/** The end of a MAC address, enough to tell nodes apart in a drawing. */
export function shortMac(mac: string): string {
  return mac.slice(-8);
}
