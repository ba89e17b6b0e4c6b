// RFC 4648 base32 without padding, lower case out, any case in: what people type and QR codes hold well.
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** Octets as text. */
export function toBase32(bytes: Uint8Array): string {
  let out = "";
  let value = 0;
  let bits = 0;
  for (const octet of bytes) {
    value = (value << 8) | octet;
    for (bits += 8; bits >= 5; bits -= 5) out += ALPHABET[(value >> (bits - 5)) & 31];
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? out + ALPHABET[(value << (5 - bits)) & 31] : out;
}

/** Text as octets; `null` when it is no base32, or not the one text of its octets. */
export function fromBase32(text: string): Uint8Array<ArrayBuffer> | null {
  const out: number[] = [];
  let value = 0;
  let bits = 0;
  for (const char of text.toLowerCase()) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return null;
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push(value >> bits);
      value &= (1 << bits) - 1;
    }
  }
  return bits < 5 && value === 0 ? Uint8Array.from(out) : null;
}
