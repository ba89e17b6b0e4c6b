// The kinds of value a configuration key can have. Each says in `expects` what it wants, in the words an
// error message uses. Everything that ends up in another program's configuration file is restricted here
// so that it cannot break out of its place there: no control characters, no quotes, no white space.
import { z } from "zod";
import { parseCidr, parseIp } from "./ip.ts";

/** Attaches the sentence that explains a key. */
export function key<T extends z.ZodType>(schema: T, description: string): T {
  return schema.meta({ ...schema.meta(), description });
}

/** Marks a key as secret: {@link redact} hides it, errors do not show it. */
export function secret<T extends z.ZodType>(schema: T): T {
  return schema.meta({ ...schema.meta(), secret: true });
}

const encoder = new TextEncoder();

function matching(pattern: RegExp, expects: string): z.ZodString {
  return z.string().regex(pattern, expects).meta({ expects });
}

function checked(check: (text: string) => boolean, expects: string): z.ZodString {
  return z.string().refine(check, expects).meta({ expects });
}

/** RFC 1123 label. */
export const hostName = matching(
  /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/,
  "a host name of 1 to 63 letters, digits and hyphens",
);

/** Linux IFNAMSIZ is 16 with the terminator; only names without shell, nft or config syntax are taken. */
export const interfaceName = matching(
  /^(?!\.\.?$)[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}$/,
  "an interface name of 1 to 15 letters, digits, '.', '_' and '-'",
);

/** Free text for people: no control characters. */
export const line = (max: number): z.ZodString =>
  checked(
    // deno-lint-ignore no-control-regex
    (text) => text.length <= max && !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text),
    `one line of text of at most ${max} characters`,
  );

/** IEEE 802.11: 1–32 octets. Text without control characters, so that it can be shown and compared. */
export const ssid = checked(
  (text) =>
    text !== "" && encoder.encode(text).length <= 32 && text.isWellFormed() &&
    // deno-lint-ignore no-control-regex
    !/[\u0000-\u001f\u007f-\u009f]/.test(text),
  "a network name of 1 to 32 octets without control characters",
);

/** WPA2 allows 8–63 printable ASCII characters; the same bound is kept for SAE. */
export const passphrase = secret(
  checked(
    (text) => /^[\x20-\x7e]{8,63}$/.test(text) && !text.startsWith(" ") && !text.endsWith(" "),
    "a passphrase of 8 to 63 printable ASCII characters, without a blank at either end",
  ),
);

/** ISO 3166-1 alpha-2. */
export const country = matching(
  /^[A-Z]{2}$/,
  'a country code of two capital letters, as in "DE"',
);

export const ipv4 = checked(
  (text) => parseIp(text)?.length === 4,
  'an IPv4 address, as in "10.0.0.1"',
);

export const ipAddress = checked(
  (text) => parseIp(text) !== null,
  'an IP address, as in "10.0.0.1" or "fd00::1"',
);

export const cidr = checked(
  (text) => parseCidr(text) !== null,
  'an address with its prefix length, as in "10.0.0.1/24" or "fd00::1/64"',
);

/** "any", a wiphy name, its device path, or a MAC address. */
export const radioMatch = checked(
  (text) =>
    text === "any" || /^[a-z0-9_-]{1,31}$/i.test(text) ||
    /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text) ||
    /^path:[\w.,:@/+-]{1,200}$/.test(text),
  '"any", a radio as in "phy0", a MAC address as in "02:ba:00:00:00:01" or "path:platform/…"',
);

/** Labels of host names with dots between (RFC 1123 §2.1). */
export const domainName = checked(
  (text) =>
    text.length <= 253 &&
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(text),
  'a name as in "node7.example.org"',
);

/** HOST:PORT; IPv6 in brackets. */
export const listen = checked((text) => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+|localhost)):(\d{1,5})$/.exec(text);
  if (match === null) return false;
  const host = match[1] ?? match[2] ?? "";
  const right = host === "localhost" ||
    parseIp(host)?.length === (match[1] === undefined ? 4 : 16);
  return right && Number(match[3]) <= 65_535;
}, 'an address and port, as in "127.0.0.1:8080" or "[::]:8080"');

/** One port or a range of ports. */
export const ports = checked((text) => {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return false;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from >= 1 && from <= to && to <= 65_535;
}, 'a port or a range of ports, as in "443" or "5000-5010"');

/** A whole number within bounds. */
export const whole = (min: number, max: number): z.ZodInt => z.int().min(min).max(max);
