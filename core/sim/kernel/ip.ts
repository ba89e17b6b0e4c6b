// IP addresses and prefixes as text and octets. Text form: RFC 5952 for IPv6.
import { KernelFault } from "../../ports/mod.ts";

function parseV4(text: string): number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  const octets = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  return octets.every((octet) => octet < 256) ? octets : null;
}

function parseGroups(text: string): number[] | null {
  if (text === "") return [];
  const octets: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (index === groups.length - 1 && group.includes(".")) {
      const tail = parseV4(group);
      if (tail === null) return null;
      octets.push(...tail);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
    const value = Number.parseInt(group, 16);
    octets.push(value >> 8, value & 0xff);
  }
  return octets;
}

/** Four or sixteen octets, or `null` when the text is no address. */
export function parseIp(text: string): Uint8Array<ArrayBuffer> | null {
  if (!text.includes(":")) {
    const octets = parseV4(text);
    return octets === null ? null : Uint8Array.from(octets);
  }
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] ?? "");
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "") : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

/** The canonical text of four or sixteen octets. */
export function formatIp(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) {
    groups.push((((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0)).toString(16));
  }
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
  }
  if (bestStart < 0) return groups.join(":");
  return `${groups.slice(0, bestStart).join(":")}::${
    groups.slice(bestStart + bestLength).join(":")
  }`;
}

/** Canonical text of an address. @throws {KernelFault} "invalid" */
export function canonicalIp(text: string): string {
  return formatIp(octetsOf(text));
}

/** @throws {KernelFault} "invalid" */
export function octetsOf(text: string): Uint8Array<ArrayBuffer> {
  const octets = parseIp(text);
  if (octets === null) {
    throw new KernelFault("invalid", `Cannot use the address "${text}": it is no IP address`);
  }
  return octets;
}

/** A prefix with the bits beyond its length cleared. @throws {KernelFault} "invalid" */
export function canonicalPrefix(text: string): string {
  const [address, length, ...rest] = text.split("/");
  const octets = parseIp(address ?? "");
  const bits = /^\d{1,3}$/.test(length ?? "") ? Number(length) : 999;
  if (octets === null || rest.length > 0 || bits > octets.length * 8) {
    throw new KernelFault("invalid", `Cannot use the prefix "${text}": it is no IP prefix`);
  }
  return `${formatIp(masked(octets, bits))}/${bits}`;
}

/** The octets with all bits beyond `bits` cleared. */
export function masked(octets: Uint8Array, bits: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(octets, (octet, index) => {
    const kept = Math.max(0, Math.min(8, bits - index * 8));
    return octet & (0xff00 >> kept) & 0xff;
  });
}

/** Whether an address lies in a prefix; false across families. */
export function contains(prefix: string, address: string): boolean {
  const [network = "", length = "0"] = prefix.split("/");
  const octets = parseIp(address);
  if (octets === null || octets.length !== parseIp(network)?.length) return false;
  return formatIp(masked(octets, Number(length))) === network;
}

/** The IPv6 link-local address of a MAC address (EUI-64, RFC 4291 appendix A). */
export function linkLocal(mac: Uint8Array): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac;
  return formatIp(
    Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]),
  );
}
