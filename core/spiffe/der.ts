// The little of DER that certificates are put together with. X.690 §8.1, §10.1.
import type { Bytes } from "../pq/mod.ts";
import { SpiffeError } from "./errors.ts";

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

/** One element: tag, length, contents. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [tag, ...lengthOctets(length)];
  const out = new Uint8Array(head.length + length);
  out.set(head);
  let at = head.length;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** SEQUENCE. */
export function sequence(...parts: readonly Uint8Array[]): Bytes {
  return element(0x30, ...parts);
}

/** BIT STRING of whole octets. */
export function bitString(octets: Uint8Array): Bytes {
  return element(0x03, Uint8Array.of(0), octets);
}

/** Length of the element that begins at `at`, head included. @throws {SpiffeError} "malformed" */
function spanAt(bytes: Uint8Array, at: number): { readonly head: number; readonly whole: number } {
  const fail = (): never => {
    throw new SpiffeError("malformed", "Cannot read DER: an element is cut off");
  };
  const first = bytes[at + 1] ?? fail();
  if (first < 0x80) {
    if (at + 2 + first > bytes.length) fail();
    return { head: 2, whole: 2 + first };
  }
  const count = first & 0x7f;
  if (count === 0 || count > 3) return fail();
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + 2 + i] ?? fail());
  const whole = 2 + count + length;
  if (at + whole > bytes.length) fail();
  return { head: 2 + count, whole };
}

/** The elements inside of one SEQUENCE, each with its head. @throws {SpiffeError} "malformed" */
export function elementsOf(der: Uint8Array): readonly Bytes[] {
  const { head, whole } = spanAt(der, 0);
  if (der[0] !== 0x30 || whole !== der.length) {
    throw new SpiffeError("malformed", "Cannot read DER: it is no single SEQUENCE");
  }
  return concatenated(der.subarray(head));
}

/** Elements that follow each other, as the Workload API writes certificates. @throws {SpiffeError} "malformed" */
export function concatenated(der: Uint8Array): readonly Bytes[] {
  const out: Bytes[] = [];
  for (let at = 0; at < der.length;) {
    const { whole } = spanAt(der, at);
    out.push(new Uint8Array(der.subarray(at, at + whole)));
    at += whole;
  }
  return out;
}

/** RFC 7468. */
export function pem(label: "CERTIFICATE" | "PRIVATE KEY" | "PUBLIC KEY", der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** Certificates of a PEM file, in its order. @throws {SpiffeError} "malformed" */
export function certificatesOfPem(text: string): readonly Bytes[] {
  const blocks = text.matchAll(
    /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g,
  );
  try {
    return [...blocks].map(([, body = ""]) => Uint8Array.fromBase64(body));
  } catch (cause) {
    throw new SpiffeError("malformed", "Cannot read PEM: a certificate is no base64", { cause });
  }
}
