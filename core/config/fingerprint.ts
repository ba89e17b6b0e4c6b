/**
 * 16 hexadecimal digits that change when `text` does: FNV-1a, 64 bit (draft-eastlake-fnv). Tells whether
 * a generated file or ruleset is the one in force; it protects against nothing.
 */
export function fingerprint(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const octet of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(octet)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}
