// ARP and neighbour-discovery entries between octets and plain objects. Pure.
// linux v6.12 uapi/linux/neighbour.h.
import {
  decodeHeader,
  decodeRt,
  encodeRt,
  familyNumber,
  familyOf,
  type IpFamily,
  ipFamily,
  NEIGHBOUR_HEADER,
  sameFamily,
} from "./header.ts";
import { DecodeError } from "../netlink/mod.ts";
import { formatLinkAddress, macBytes } from "./link.ts";
import { NEIGHBOUR, NUD } from "./spec.ts";

/** Name of a state; "none" when no bit is set. */
export type NeighbourState =
  | "none"
  | "incomplete"
  | "reachable"
  | "stale"
  | "delay"
  | "probe"
  | "failed"
  | "noarp"
  | "permanent";

const STATES: readonly (readonly [number, NeighbourState])[] = [
  [NUD.INCOMPLETE, "incomplete"],
  [NUD.REACHABLE, "reachable"],
  [NUD.STALE, "stale"],
  [NUD.DELAY, "delay"],
  [NUD.PROBE, "probe"],
  [NUD.FAILED, "failed"],
  [NUD.NOARP, "noarp"],
  [NUD.PERMANENT, "permanent"],
];

/** A neighbour as the kernel reports it. */
export interface NeighbourMessage {
  readonly family: IpFamily;
  readonly ifindex: number;
  readonly address: string;
  /** `null` while it is not known. */
  readonly linkAddress: string | null;
  /** The kernel sets one bit at a time. */
  readonly state: NeighbourState;
  /** NTF_*: 0x80 router, 0x8 proxy. */
  readonly flags: number;
  /** Requests sent without an answer; `null` where the kernel does not say. */
  readonly probes: number | null;
}

/** Reads a NEWNEIGH or DELNEIGH message; `null` for a family that is not IP. @throws {DecodeError} */
export function decodeNeighbour(payload: Uint8Array): NeighbourMessage | null {
  const family = ipFamily(decodeHeader(NEIGHBOUR_HEADER, payload, "neighbour").family);
  if (family === null) return null;
  const { header, attributes: a } = decodeRt(NEIGHBOUR_HEADER, NEIGHBOUR, payload, "neighbour");
  if (a.address === undefined) throw new DecodeError("neighbour.address", 0, 4, 0);
  return {
    family,
    ifindex: header.ifindex,
    address: sameFamily(a.address, family, "neighbour.address"),
    linkAddress: formatLinkAddress(a.linkAddress),
    state: STATES.find(([bit]) => (header.state & bit) !== 0)?.[1] ?? "none",
    flags: header.flags,
    probes: a.probes ?? null,
  };
}

/** A neighbour to set or remove. */
export interface NeighbourSpec {
  readonly ifindex: number;
  readonly address: string;
  /** Six octets; not needed to remove. */
  readonly linkAddress?: string;
  /** Default "permanent". */
  readonly state?: NeighbourState;
}

/** A NEWNEIGH or DELNEIGH request. @throws {TypeError} for text that is no address. */
export function encodeNeighbour(spec: NeighbourSpec): Uint8Array {
  const state = spec.state ?? "permanent";
  const linkAddress = spec.linkAddress === undefined
    ? {}
    : { linkAddress: macBytes(spec.linkAddress) };
  return encodeRt(NEIGHBOUR_HEADER, NEIGHBOUR, {
    header: {
      family: familyNumber(familyOf(spec.address)),
      ifindex: spec.ifindex,
      state: STATES.find(([, name]) => name === state)?.[0] ?? NUD.NONE,
      flags: 0,
      type: 0,
    },
    attributes: { address: spec.address, ...linkAddress },
  });
}

/** A request for all neighbours. */
export function encodeNeighbourDump(): Uint8Array {
  const header = { family: 0, ifindex: 0, state: 0, flags: 0, type: 0 };
  return encodeRt(NEIGHBOUR_HEADER, NEIGHBOUR, { header, attributes: {} });
}
