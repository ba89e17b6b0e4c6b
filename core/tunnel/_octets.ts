// An IPv6 address as this folder writes it, eight groups, to octets. For tests.

/** Sixteen octets of an address of eight groups. */
export function parseOctets(address: string): Uint8Array {
  return Uint8Array.from(
    address.split(":").flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 255];
    }),
  );
}
