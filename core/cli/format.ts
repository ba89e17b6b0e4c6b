// Numbers as a person reads them. All pure; the zero-width and control characters that a hostile node
// name or SSID may hold are made visible before they reach a terminal.

/** Makes control characters visible, so that names cannot drive the terminal. */
export function printable(text: string): string {
  return text.replace(
    // deno-lint-ignore no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`,
  );
}

/** 1536 → "1.5 KiB". */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${unit === 0 ? rest : rest.toFixed(1)} ${units[unit]}`;
}

/** 54000 → "54 Mbit/s"; `null` → "–". */
export function rate(kbps: number | null): string {
  if (kbps === null) return "–";
  if (kbps >= 1_000_000) return `${(kbps / 1_000_000).toFixed(2)} Gbit/s`;
  if (kbps >= 1000) return `${Number((kbps / 1000).toFixed(1))} Mbit/s`;
  return `${kbps} kbit/s`;
}

/** 1234 → "1.2 s"; 90000 → "1 min 30 s". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(1)} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(s % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** "–" for what is not known. */
export function orDash(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === "" ? "–" : printable(String(value));
}

/** Wall-clock milliseconds as local "2026-01-31 12:00:00". */
export function moment(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
