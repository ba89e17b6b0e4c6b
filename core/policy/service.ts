// What a rule is about: packets on the overlay (a transport with ports, echo requests, every packet) and
// what the program itself offers (the API, documents on the fabric), which it decides once it knows who
// asks.
import { MAX_NAME } from "./limits.ts";

/** Transports with ports. */
export type Transport = "tcp" | "udp";

/** Ports of one transport, both ends included. */
export interface PortRange {
  readonly transport: Transport;
  readonly first: number;
  readonly last: number;
}

/** What somebody wants to do. */
export type Asked =
  | { readonly application: string }
  | { readonly transport: Transport; readonly port: number }
  /** An ICMPv6 echo request. */
  | { readonly transport: "icmp" }
  /** A packet of any other protocol. */
  | { readonly transport: "other" };

/** What the program offers by name, and what it means. */
export const APPLICATION_SERVICES: Readonly<Record<string, string>> = Object.freeze({
  "mesh:handshake": "to prove who one is and to set up a tunnel",
  "fabric:documents": "to exchange what the authority signs: revocations, policy, its own rotation",
  "fabric:status": "to exchange how nodes are and the heads of their audit logs",
  "api:read": "to read through the API over the overlay",
  "api:write": "to change something through the API over the overlay",
});

/**
 * What every member may always do: neither given nor taken by rules, so that no policy can keep the next
 * policy, or a revocation, from arriving. Who shall not do even this is revoked.
 */
export const FIXED_SERVICES: readonly string[] = ["mesh:handshake", "fabric:documents"];

/** Every packet on the overlay, but nothing that the program offers by name. */
export const NETWORK = "network";

/** Everything that is not fixed. */
export const ANY = "any";

/** Echo requests (ping). */
export const ICMP = "icmp";

const RESERVED: ReadonlySet<string> = new Set([NETWORK, ANY, ICMP, "tcp", "udp", "other"]);

/** Whether a policy may give a service this name. */
export function isServiceName(text: string): boolean {
  return text.length <= MAX_NAME && /^[a-z][a-z0-9-]*$/.test(text) && !RESERVED.has(text);
}

/** Whether this is the form of what the program offers; a later release may offer more. */
export function isApplicationService(text: string): boolean {
  return text.length <= MAX_NAME && /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$/.test(text);
}

/** Reads "tcp/22" or "udp/6000-6010"; `null` when `text` is neither. */
export function parsePorts(text: string): PortRange | null {
  const match = /^(tcp|udp)\/([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(text);
  if (match === null) return null;
  const first = Number(match[2]);
  const last = Number(match[3] ?? match[2]);
  // "tcp/5-5" says the same as "tcp/5": one meaning has one form.
  if (last > 65_535 || last < first || (match[3] !== undefined && last === first)) return null;
  return { transport: match[1] as Transport, first, last };
}

/** In the words of an error. */
export const PORTS_EXPECTS = '"tcp/<port>", "udp/<port>", either with "<first>-<last>", or "icmp"';

/** Text of what is asked. */
export function formatAsked(asked: Asked): string {
  if ("application" in asked) return asked.application;
  if ("port" in asked) return `${asked.transport}/${asked.port}`;
  return asked.transport === "icmp" ? ICMP : "another protocol";
}

/** What a list of services covers. */
export interface Coverage {
  /** Every packet. */
  readonly network: boolean;
  readonly icmp: boolean;
  /** Sorted, disjoint and not touching within a transport. */
  readonly ranges: readonly PortRange[];
}

/** Sorts ranges and joins those that overlap or touch. */
export function joinRanges(ranges: readonly PortRange[]): readonly PortRange[] {
  const out: PortRange[] = [];
  const sorted = ranges.toSorted((a, b) =>
    a.transport === b.transport ? a.first - b.first : a.transport < b.transport ? -1 : 1
  );
  for (const range of sorted) {
    const before = out.at(-1);
    if (before?.transport === range.transport && range.first <= before.last + 1) {
      out[out.length - 1] = { ...before, last: Math.max(before.last, range.last) };
    } else out.push(range);
  }
  return out;
}
