// IP addresses as text and octets, as far as the configuration needs them. Pure. ffi/netlink has its own,
// since core may not import it.

function parseIpv4(text: string): number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return null;
  const octets = parts.map(Number);
  return octets.every((octet) => octet <= 255) ? octets : null;
}

function parseGroups(text: string, allowV4: boolean): number[] | null {
  if (text === "") return [];
  const out: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      const group = Number.parseInt(part, 16);
      out.push(group >> 8, group & 255);
      continue;
    }
    const v4 = allowV4 && i === parts.length - 1 ? parseIpv4(part) : null;
    if (v4 === null) return null;
    out.push(...v4);
  }
  return out;
}

/** Octets of an IPv4 (4) or IPv6 (16) address, or `null`. RFC 4291 §2.2; no zone identifier. */
export function parseIp(text: string): readonly number[] | null {
  if (text.length > 45) return null;
  if (!text.includes(":")) return parseIpv4(text);
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}

/** An address with a prefix length. */
export interface Cidr {
  /** Canonical text of the address: RFC 5952 for IPv6. */
  readonly address: string;
  readonly prefixLength: number;
  readonly octets: readonly number[];
}

/** "10.0.0.1/24" or "fd00::1/64", or `null`. */
export function parseCidr(text: string): Cidr | null {
  const match = /^([0-9a-f:.]+)\/(\d{1,3})$/i.exec(text);
  const octets = match === null ? null : parseIp(match[1] ?? "");
  if (match === null || octets === null) return null;
  const prefixLength = Number(match[2]);
  if (prefixLength > octets.length * 8) return null;
  return { address: formatIp(octets), prefixLength, octets };
}

/** Text of 4 or 16 octets; IPv6 after RFC 5952. */
export function formatIp(octets: readonly number[]): string {
  if (octets.length === 4) return octets.join(".");
  const groups = Array.from(
    { length: 8 },
    (_, i) => (octets[i * 2] ?? 0) * 256 + (octets[i * 2 + 1] ?? 0),
  );
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}

/** Whether `address` lies in the network that `network` is in. */
export function inNetwork(address: readonly number[], network: Cidr): boolean {
  if (address.length !== network.octets.length) return false;
  return address.every((octet, i) => {
    const bits = Math.min(8, Math.max(0, network.prefixLength - i * 8));
    const mask = (0xff00 >> bits) & 0xff;
    return (octet & mask) === ((network.octets[i] ?? 0) & mask);
  });
}

/** Negative, zero or positive, as `a` lies before, at or after `b`. Of equal length. */
export function compareIp(a: readonly number[], b: readonly number[]): number {
  for (const [i, octet] of a.entries()) {
    const difference = octet - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
