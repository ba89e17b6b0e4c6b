/** A MAC address in canonical form: six lower-case hexadecimal octets joined by colons. */
export type Mac = string;

const CANONICAL = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** Whether `text` is a MAC address in canonical form. */
export function isMac(text: string): text is Mac {
  return CANONICAL.test(text);
}

/** Turns six octets into the canonical form; `null` when there are not exactly six. */
export function macFromBytes(bytes: Uint8Array): Mac | null {
  if (bytes.length !== 6) return null;
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join(":");
}

/** Turns a MAC address (any case, ":" or "-" between octets) into six octets; `null` if it is none. */
export function macToBytes(text: string): Uint8Array<ArrayBuffer> | null {
  const canonical = text.toLowerCase().replaceAll("-", ":");
  if (!isMac(canonical)) return null;
  return Uint8Array.from(canonical.split(":"), (octet) => Number.parseInt(octet, 16));
}
