// What a certificate says, read once and checked for form. Judges no signature and no time.
// RFC 5280 §4.2, X509-SVID §2–5.
import { X509Certificate } from "node:crypto";
import { sha256 } from "@noble/hashes/sha2.js";
import { IdentityError, parseSpiffeId, type SpiffeId } from "../identity/mod.ts";
import { type Bytes, equalBytes } from "../pq/mod.ts";
import { elementsOf } from "./der.ts";
import { SpiffeError } from "./errors.ts";
import { MAX_CERTIFICATE_BYTES } from "./limits.ts";
import type { X509Library } from "./x509_library.ts";

/** A certificate's facts. */
export interface CertificateView {
  readonly der: Bytes;
  /** SHA-256 of the whole, hexadecimal. */
  readonly fingerprint: string;
  readonly spki: Bytes;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Basic constraints say that it may issue others. */
  readonly authority: boolean;
  /** Authorities that may follow below it; `null` for any number. */
  readonly pathLength: number | null;
  /** Key usage, `null` when it has none. */
  readonly usage: {
    readonly digitalSignature: boolean;
    readonly certSign: boolean;
    readonly crlSign: boolean;
    readonly critical: boolean;
  } | null;
  /** Extended key usage as object identifiers, `null` when it has none. */
  readonly extendedUsage: readonly string[] | null;
  /** Subject key identifier, hexadecimal; `null` when it has none. */
  readonly keyId: string | null;
  /** Authority key identifier, hexadecimal; `null` when it has none. */
  readonly issuerKeyId: string | null;
  /** All URIs among its names. */
  readonly uris: readonly string[];
  /** As node:crypto has it, for signatures. */
  readonly native: X509Certificate;
}

/** Extensions whose meaning is respected here; another that is critical makes a certificate unusable. */
const UNDERSTOOD = new Set([
  "2.5.29.14",
  "2.5.29.15",
  "2.5.29.17",
  "2.5.29.19",
  "2.5.29.35",
  "2.5.29.37",
]);

function refuse(why: string, cause?: unknown): never {
  throw new SpiffeError("malformed", `Cannot use a certificate: ${why}`, { cause });
}

/** Reads a certificate. @throws {SpiffeError} "malformed", also for an unknown critical extension. */
export function viewCertificate(x509: X509Library, der: Uint8Array): CertificateView {
  if (der.length > MAX_CERTIFICATE_BYTES) refuse(`it has ${der.length} octets`);
  try {
    return viewOf(x509, new Uint8Array(der));
  } catch (cause) {
    if (cause instanceof SpiffeError) throw cause;
    refuse("it cannot be read", cause);
  }
}

/** The algorithm is named twice, and only one of the two is signed (RFC 5280 §4.1.1.2). */
function requireOneAlgorithm(der: Bytes): void {
  const [content, algorithm, signature, ...more] = elementsOf(der);
  if (content === undefined || algorithm === undefined || signature === undefined) {
    return refuse("it has not three parts");
  }
  const inside = elementsOf(content);
  // The version comes first, with a tag of its own, in every version but the first.
  const signed = inside[inside[0]?.[0] === 0xa0 ? 2 : 1];
  if (more.length > 0 || signed === undefined || !equalBytes(signed, algorithm)) {
    refuse("it names two algorithms");
  }
}

function viewOf(x509: X509Library, der: Bytes): CertificateView {
  requireOneAlgorithm(der);
  const parsed = new x509.X509Certificate(der);
  const seen = new Set<string>();
  for (const { type, critical } of parsed.extensions) {
    if (seen.has(type)) refuse(`extension ${type} is there twice`);
    seen.add(type);
    if (critical && !UNDERSTOOD.has(type)) refuse(`critical extension ${type} is unknown`);
  }
  const constraints = parsed.getExtension(x509.BasicConstraintsExtension);
  const usage = parsed.getExtension(x509.KeyUsagesExtension);
  const extended = parsed.getExtension(x509.ExtendedKeyUsageExtension);
  const names = parsed.getExtension(x509.SubjectAlternativeNameExtension);
  const has = (flag: number) => usage !== null && (usage.usages & flag) !== 0;
  return {
    der,
    fingerprint: sha256(der).toHex(),
    spki: new Uint8Array(parsed.publicKey.rawData),
    notBeforeMs: parsed.notBefore.getTime(),
    notAfterMs: parsed.notAfter.getTime(),
    authority: constraints?.ca ?? false,
    pathLength: constraints?.pathLength ?? null,
    usage: usage === null ? null : {
      digitalSignature: has(x509.KeyUsageFlags.digitalSignature),
      certSign: has(x509.KeyUsageFlags.keyCertSign),
      crlSign: has(x509.KeyUsageFlags.cRLSign),
      critical: usage.critical,
    },
    extendedUsage: extended === null ? null : Array.from(extended.usages, String),
    keyId: parsed.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId ?? null,
    issuerKeyId: parsed.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId ?? null,
    uris: names === null
      ? []
      : names.names.items.filter(({ type }) => type === "url").map(({ value }) => value),
    native: new X509Certificate(der),
  };
}

/**
 * Whether `above` issued `below`: its name, its key's signature. A signature or key that cannot be read is
 * `false`, where node:crypto throws.
 */
export function isIssuedBy(below: CertificateView, above: CertificateView): boolean {
  try {
    return below.native.checkIssued(above.native) && below.native.verify(above.native.publicKey);
  } catch {
    return false;
  }
}

/** The one SPIFFE ID of a certificate (X509-SVID §2). @throws {SpiffeError} "malformed" */
export function spiffeIdOf({ uris }: CertificateView): SpiffeId {
  const [uri] = uris;
  if (uri === undefined || uris.length !== 1) {
    refuse(`it has ${uris.length} URIs among its names, not one`);
  }
  try {
    return parseSpiffeId(uri);
  } catch (cause) {
    if (cause instanceof IdentityError) refuse(cause.message, cause);
    throw cause;
  }
}

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** Checks the form of a leaf (X509-SVID §4, §5.2). @throws {SpiffeError} "malformed" */
export function requireLeaf(view: CertificateView, role: "server" | "client"): SpiffeId {
  const id = spiffeIdOf(view);
  const { usage, extendedUsage } = view;
  if (id.path === "") refuse("its SPIFFE ID names a whole trust domain, which no leaf may");
  if (view.authority) refuse("it is an authority, presented as a leaf");
  if (usage === null || !usage.digitalSignature) refuse("its key may not sign in TLS");
  if (usage.certSign || usage.crlSign) refuse("a leaf's key may not sign certificates");
  const needed = role === "server" ? SERVER_AUTH : CLIENT_AUTH;
  if (extendedUsage !== null && !extendedUsage.includes(needed)) {
    refuse(`it is not for a TLS ${role}`);
  }
  return id;
}

/** Checks the form of a signing certificate (X509-SVID §4.2). @throws {SpiffeError} "malformed" */
export function requireAuthority(view: CertificateView): void {
  if (!view.authority) refuse("it may not issue others");
  if (view.usage === null || !view.usage.certSign) refuse("its key may not sign certificates");
}

/** Judges the time alone. @throws {SpiffeError} "expired", "not-yet-valid" */
export function requireCurrent(view: CertificateView, nowMs: number): void {
  if (nowMs > view.notAfterMs) {
    throw new SpiffeError("expired", "Cannot use a certificate: it expired");
  }
  if (nowMs < view.notBeforeMs) {
    throw new SpiffeError(
      "not-yet-valid",
      "Cannot use a certificate: it begins later; compare the clocks",
    );
  }
}
