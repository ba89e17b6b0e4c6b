// Makes certificates. The extensions are put together by the library; what is signed is taken from it
// octet by octet and signed by our own keys, so that no key has to enter a WebCrypto handle.
// RFC 5280 §4, X509-SVID §2–4.
import { sha256 } from "@noble/hashes/sha2.js";
import type { Bytes } from "../pq/mod.ts";
import { bitString, elementsOf, sequence } from "./der.ts";
import { SpiffeError } from "./errors.ts";
import type { CertificateSigner } from "./signer.ts";
import { loadX509 } from "./x509_library.ts";

/** What a certificate says. */
export interface CertificateContent {
  /** Positive, at most 20 octets. */
  readonly serial: Uint8Array;
  readonly subject: string;
  readonly issuer: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly spki: Bytes;
  /** The one URI among its names. */
  readonly spiffeId: string;
  /** A signing certificate: it may issue leaves, and nothing below them. */
  readonly authority: boolean;
  /** For TLS servers and clients. */
  readonly tls: boolean;
}

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const RAW_ECDSA_BYTES = 64;

/** Bits of a SubjectPublicKeyInfo's key: the contents of its BIT STRING. */
function keyBitsOf(spki: Uint8Array): Bytes {
  const bits = elementsOf(spki)[1];
  if (bits === undefined) {
    throw new SpiffeError("malformed", "Cannot read a public key: it has no bits");
  }
  // Tag, length (one octet or three), number of unused bits.
  const head = (bits[1] ?? 0) < 0x80 ? 3 : 3 + ((bits[1] ?? 0) & 0x7f);
  return bits.slice(head);
}

/** Subject key identifier: 160 bits of SHA-256 over the key's bits (RFC 7093 §2 method 1), hexadecimal. */
export function keyIdOf(spki: Uint8Array): string {
  return sha256(keyBitsOf(spki)).subarray(0, 20).toHex();
}

/** A serial number from octets that look random: 16 of them, positive. */
export function serialFrom(octets: Uint8Array): Bytes {
  const serial = new Uint8Array(octets.subarray(0, 16));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/** Issues a certificate. @param signer the issuer's; its own key for a self-signed one. */
export async function issueCertificate(
  signer: CertificateSigner,
  content: CertificateContent,
): Promise<Bytes> {
  const x509 = await loadX509();
  const usage = content.authority
    ? x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign
    : x509.KeyUsageFlags.digitalSignature;
  const extensions = [
    content.authority
      ? new x509.BasicConstraintsExtension(true, 0, true)
      : new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(usage, true),
    ...(content.tls
      ? [
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
      ]
      : []),
    new x509.SubjectKeyIdentifierExtension(keyIdOf(content.spki)),
    new x509.AuthorityKeyIdentifierExtension(keyIdOf(signer.spki)),
    new x509.SubjectAlternativeNameExtension([{ type: "url", value: content.spiffeId }]),
  ];
  const draft = await x509.X509CertificateGenerator.create({
    serialNumber: content.serial.toHex(),
    subject: content.subject,
    issuer: content.issuer,
    notBefore: new Date(content.notBeforeMs),
    notAfter: new Date(content.notAfterMs),
    publicKey: content.spki,
    signingAlgorithm: signer.algorithm === "P-256" ? ECDSA : { name: signer.algorithm },
    // Only what is signed is kept of the draft.
    signature: new Uint8Array(RAW_ECDSA_BYTES),
    extensions,
  });
  const [signed, algorithm] = elementsOf(new Uint8Array(draft.rawData));
  if (signed === undefined || algorithm === undefined) {
    throw new SpiffeError("malformed", "Cannot make a certificate: the draft is none");
  }
  return sequence(signed, algorithm, bitString(await signer.sign(signed)));
}
