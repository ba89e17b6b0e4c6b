// IP addresses of links between octets and plain objects. Pure.
// linux v6.12 uapi/linux/if_addr.h. IFA_ADDRESS is the prefix' address; on point-to-point links it is
// the peer's and IFA_LOCAL the own.
import { DecodeError } from "../netlink/mod.ts";
import {
  ADDRESS_HEADER,
  decodeHeader,
  decodeRt,
  encodeRt,
  familyNumber,
  familyOf,
  type IpFamily,
  ipFamily,
  sameFamily,
} from "./header.ts";
import { ADDRESS, IFA_F } from "./spec.ts";

/** An address as the kernel reports it. */
export interface AddressMessage {
  readonly family: IpFamily;
  readonly ifindex: number;
  readonly address: string;
  /** The other end of a point-to-point link; `null` elsewhere. */
  readonly peer: string | null;
  readonly prefixLength: number;
  /** RT_SCOPE_*: 0 global, 200 site, 253 link, 254 host, 255 nowhere. */
  readonly scope: number;
  /** IFA_F_*. */
  readonly flags: number;
  readonly label: string | null;
  readonly broadcast: string | null;
  /** Seconds left; `null` for ever. */
  readonly validS: number | null;
  readonly preferredS: number | null;
}

/** INFINITY_LIFE_TIME */
const FOR_EVER = 0xffffffff;

function lifetimes(
  bytes: Uint8Array | undefined,
): { validS: number | null; preferredS: number | null } {
  if (bytes === undefined) return { validS: null, preferredS: null };
  if (bytes.length < 8) throw new DecodeError("address.cacheInfo", 0, 8, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = (offset: number) => {
    const seconds = view.getUint32(offset, true);
    return seconds === FOR_EVER ? null : seconds;
  };
  return { preferredS: at(0), validS: at(4) };
}

/** Reads a NEWADDR or DELADDR message; `null` for a family that is not IP. @throws {DecodeError} */
export function decodeAddress(payload: Uint8Array): AddressMessage | null {
  const family = ipFamily(decodeHeader(ADDRESS_HEADER, payload, "address").family);
  if (family === null) return null;
  const { header, attributes: a } = decodeRt(ADDRESS_HEADER, ADDRESS, payload, "address");
  const own = a.local ?? a.address;
  if (own === undefined) throw new DecodeError("address.address", 0, 4, 0);
  const max = family === "ipv4" ? 32 : 128;
  if (header.prefixLength > max) {
    throw new DecodeError("address.prefixLength", 1, max, header.prefixLength);
  }
  for (const address of [a.local, a.address, a.broadcast]) {
    if (address !== undefined) sameFamily(address, family, "address");
  }
  return {
    family,
    ifindex: header.ifindex,
    address: own,
    peer: a.address === undefined || a.address === own ? null : a.address,
    prefixLength: header.prefixLength,
    scope: header.scope,
    flags: a.flags ?? header.flags,
    label: a.label ?? null,
    broadcast: a.broadcast ?? null,
    ...lifetimes(a.cacheInfo),
  };
}

/** An address to add or remove. */
export interface AddressSpec {
  readonly ifindex: number;
  readonly address: string;
  readonly prefixLength: number;
  readonly peer?: string;
  readonly broadcast?: string;
  readonly scope?: number;
  /** IPv6: usable at once, without duplicate address detection. */
  readonly noDad?: boolean;
  /** Without the route to its prefix that the kernel adds by itself. */
  readonly noPrefixRoute?: boolean;
}

/** A NEWADDR or DELADDR request. @throws {TypeError} for text that is no address. */
export function encodeAddress(spec: AddressSpec): Uint8Array {
  const flags = (spec.noDad === true ? IFA_F.NODAD : 0) |
    (spec.noPrefixRoute === true ? IFA_F.NOPREFIXROUTE : 0);
  return encodeRt(ADDRESS_HEADER, ADDRESS, {
    header: {
      family: familyNumber(familyOf(spec.address)),
      prefixLength: spec.prefixLength,
      flags: 0,
      scope: spec.scope ?? 0,
      ifindex: spec.ifindex,
    },
    attributes: {
      local: spec.address,
      address: spec.peer ?? spec.address,
      ...(spec.broadcast === undefined ? {} : { broadcast: spec.broadcast }),
      ...(flags === 0 ? {} : { flags }),
    },
  });
}

/** A request for all addresses. */
export function encodeAddressDump(): Uint8Array {
  return encodeRt(ADDRESS_HEADER, ADDRESS, {
    header: { family: 0, prefixLength: 0, flags: 0, scope: 0, ifindex: 0 },
    attributes: {},
  });
}
