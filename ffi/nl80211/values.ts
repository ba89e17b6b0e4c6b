// Small conversions that several codecs of this family share.
import type { Indexed } from "../netlink/mod.ts";
import { MAX_SSID_BYTES } from "./limits.ts";
import { IFTYPES, type InterfaceModeName } from "./names.ts";

/** `T` without the keys' `undefined`: a key is then absent instead. */
export type Present<T> =
  & { readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] }
  & { readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** A copy of `values` without the keys whose value is `undefined`: what the kernel did not report. */
export function present<T extends object>(values: T): Present<T> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Present<T>;
}

/** A 64-bit counter as a number. Beyond 2^53−1, which no honest counter reaches, it stays there. */
export function counter(value: bigint | undefined): number | undefined {
  if (value === undefined) return undefined;
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

/** Modes in a nested list of flags, where each attribute's type is the mode. */
export function modesOf(flags: readonly Indexed<boolean>[] | undefined): InterfaceModeName[] {
  return (flags ?? []).map((flag) => IFTYPES.name(flag.index));
}

/** Whether bit `bit` is set in a little-endian bit field of octets. */
export function bitOf(bytes: Uint8Array, bit: number): boolean {
  return (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// deno-lint-ignore no-control-regex -- control characters are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

const BACKSLASH = 0x5c;

/** Whether octets read "xNN", so that a backslash before them would look like an escape. */
function looksEscaped(bytes: Uint8Array): boolean {
  return /^x[0-9a-f]{2}$/.test(String.fromCharCode(...bytes));
}

function escaped(octet: number): string {
  return `\\x${octet.toString(16).padStart(2, "0")}`;
}

/** Octets of the UTF-8 character that `lead` starts; 1 for what starts none. */
function characterLength(lead: number): number {
  if (lead >= 0xf0 && lead < 0xf8) return 4;
  if (lead >= 0xe0) return 3;
  if (lead >= 0xc0) return 2;
  return 1;
}

function decodeCharacter(bytes: Uint8Array): string | null {
  try {
    const text = utf8.decode(bytes);
    return UNPRINTABLE.test(text) ? null : text;
  } catch {
    return null;
  }
}

/**
 * An SSID or mesh id as text. Octets that are no UTF-8 or not printable appear as \xNN, and so does a
 * backslash that would read as such an escape, so that {@link ssidBytes} restores the octets exactly.
 */
export function ssidText(bytes: Uint8Array): string {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0;
    const length = characterLength(lead);
    const character = decodeCharacter(bytes.subarray(at, at + length));
    const ambiguous = lead === BACKSLASH && looksEscaped(bytes.subarray(at + 1, at + 4));
    if (character === null || ambiguous) {
      text += escaped(lead);
      at += 1;
    } else {
      text += character;
      at += length;
    }
  }
  return text;
}

/** Octets of an SSID or mesh id: UTF-8, with \xNN (lower-case) for single octets. */
export function ssidBytes(text: string): Uint8Array<ArrayBuffer> {
  const parts = text.split(/\\x([0-9a-f]{2})/);
  const encoder = new TextEncoder();
  const octets = parts.flatMap((part, i) =>
    i % 2 === 1 ? [Number.parseInt(part, 16)] : Array.from(encoder.encode(part))
  );
  if (octets.length > MAX_SSID_BYTES) {
    throw new TypeError(
      `Cannot use "${text}" as a network name: ${octets.length} octets, at most ${MAX_SSID_BYTES}`,
    );
  }
  return Uint8Array.from(octets);
}
