// Runs in a lab guest. What `iw` prints, as objects: the reference that nl80211's client is compared with.
// iw 6.9 info.c, interface.c, station.c, survey.c, reg.c, scan.c.

/** Lines indented below `head`, with their own indentation kept. */
export function block(text: string, head: RegExp): string[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => head.test(line));
  if (start < 0) return [];
  const depth = indent(lines[start] ?? "");
  const out: string[] = [];
  for (const line of lines.slice(start + 1)) {
    if (line.trim() !== "" && indent(line) <= depth) break;
    out.push(line);
  }
  return out;
}

function indent(line: string): number {
  return /^\t*/.exec(line)?.[0].length ?? 0;
}

/** The first group of the first line that matches; `null` when none does. */
export function find(lines: readonly string[], pattern: RegExp): string | null {
  for (const line of lines) {
    const found = pattern.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  return null;
}

/** First groups of all lines that match. */
export function findAll(lines: readonly string[], pattern: RegExp): string[] {
  return lines.flatMap((line) => pattern.exec(line)?.[1] ?? []);
}

/** A channel as `iw phy` lists it. */
export interface IwChannel {
  readonly khz: number;
  readonly number: number | null;
  readonly disabled: boolean;
  readonly noIr: boolean;
  readonly radar: boolean;
  readonly powerDbm: number | null;
}

/** Channels of one band's lines. */
export function channels(lines: readonly string[]): IwChannel[] {
  return findAll(lines, /^\s+\* (\d+\.\d+ MHz.*)$/).map((text) => ({
    khz: Math.round(Number.parseFloat(text) * 1000),
    number: numberIn(text, /\[(\d+)\]/),
    disabled: text.includes("(disabled)"),
    noIr: text.includes("(no IR)"),
    radar: text.includes("(radar detection)"),
    powerDbm: numberIn(text, /\((-?[\d.]+) dBm\)/),
  }));
}

/** The number a pattern finds, or `null`. */
export function numberIn(text: string, pattern: RegExp): number | null {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** "Key: value" lines of each block that begins with a line matching `head`. */
export function records(text: string, head: RegExp): { head: string; lines: string[] }[] {
  const out: { head: string; lines: string[] }[] = [];
  for (const line of text.split("\n")) {
    const found = head.exec(line)?.[1];
    if (found !== undefined) out.push({ head: found, lines: [] });
    else out.at(-1)?.lines.push(line);
  }
  return out;
}

/** A regulatory rule as `iw reg get` prints it. */
export interface IwRule {
  readonly startKhz: number;
  readonly endKhz: number;
  readonly maxBandwidthKhz: number;
  readonly gainDbi: number;
  readonly eirpDbm: number;
  readonly flags: readonly string[];
}

/** Rules of one domain's lines. */
export function rules(lines: readonly string[]): IwRule[] {
  const pattern =
    /^\t\((\d+) - (\d+) @ (\d+)\), \((N\/A|\d+), (N\/A|\d+)\), \((?:N\/A|\d+ ms)\)(?:, (.*))?$/;
  return lines.flatMap((line) => {
    const found = pattern.exec(line);
    if (found === null) return [];
    const [, start, end, width, gain, eirp, flags = ""] = found;
    return [{
      startKhz: Number(start) * 1000,
      endKhz: Number(end) * 1000,
      maxBandwidthKhz: Number(width) * 1000,
      gainDbi: gain === "N/A" ? 0 : Number(gain),
      eirpDbm: eirp === "N/A" ? 0 : Number(eirp),
      flags: flags.split(", ").filter((flag) => flag !== ""),
    }];
  });
}

/** iw's words for modes, in ours. */
export const MODES: Readonly<Record<string, string>> = {
  IBSS: "ibss",
  managed: "station",
  AP: "ap",
  "AP/VLAN": "ap-vlan",
  monitor: "monitor",
  "mesh point": "mesh",
  "P2P-client": "p2p-client",
  "P2P-GO": "p2p-go",
  "P2P-device": "p2p-device",
  "outside context of a BSS": "ocb",
};

/** iw's words for rule flags, in ours. */
export const RULE_FLAGS: Readonly<Record<string, string>> = {
  "NO-OFDM": "no-ofdm",
  "NO-CCK": "no-cck",
  "NO-INDOOR": "no-indoor",
  "NO-OUTDOOR": "no-outdoor",
  DFS: "dfs",
  "PTP-ONLY": "ptp-only",
  "PTMP-ONLY": "ptmp-only",
  "AUTO-BW": "auto-bw",
  "IR-CONCURRENT": "ir-concurrent",
  "NO-HT40MINUS": "no-ht40-minus",
  "NO-HT40PLUS": "no-ht40-plus",
  "NO-80MHZ": "no-80mhz",
  "NO-160MHZ": "no-160mhz",
  "NO-HE": "no-he",
  "NO-320MHZ": "no-320mhz",
  "PASSIVE-SCAN": "no-ir",
};
