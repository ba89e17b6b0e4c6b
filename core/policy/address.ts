// IPv6 addresses between text and octets, as the packet filter's sets hold them. RFC 4291 §2.2, without
// the form that ends in an IPv4 address.
import { PolicyError } from "./errors.ts";

const GROUP = /^[0-9a-f]{1,4}$/i;

/** Sixteen octets of an address. @throws {PolicyError} "malformed" */
export function ipv6Octets(text: string): Uint8Array<ArrayBuffer> {
  const halves = text.split("::");
  const groups = halves.map((half) => half === "" ? [] : half.split(":"));
  const [head = [], tail = []] = groups;
  const missing = 8 - head.length - tail.length;
  const sound = halves.length <= 2 && groups.flat().every((group) => GROUP.test(group)) &&
    (halves.length === 2 ? missing >= 1 : missing === 0);
  if (!sound) {
    throw new PolicyError("malformed", `Cannot use "${text.slice(0, 50)}" as IPv6 address`);
  }
  const values = [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill("0"), ...tail];
  const octets = new Uint8Array(16);
  for (const [i, group] of values.entries()) {
    const value = Number.parseInt(group, 16);
    octets[2 * i] = value >> 8;
    octets[2 * i + 1] = value & 255;
  }
  return octets;
}

/** Canonical text: eight groups without leading zeroes. */
export function ipv6Text(octets: Uint8Array): string {
  return Array.from(
    { length: 8 },
    (_, i) => (((octets[2 * i] ?? 0) << 8) | (octets[2 * i + 1] ?? 0)).toString(16),
  ).join(":");
}
